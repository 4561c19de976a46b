/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefix - longest-prefix match from an IP address to an object (peers, ACLs).
 *
 * Owner: the set owns its nodes, not the objects. Thread: one, read-only after it is built.
 */
#ifndef COMMON_PREFIX_H
#define COMMON_PREFIX_H

#include "common/addr.h"

struct prefix_set;

int prefix_set_new(struct prefix_set **ret_set);
void prefix_set_free(struct prefix_set *s);

/** @return 0, -EEXIST (this very prefix is in, with another object), -ENOMEM. */
int prefix_set_add(struct prefix_set *s, const struct addr_prefix *p, void *obj);

/** @return the object of the longest prefix that holds a, or NULL. */
void *prefix_set_find(const struct prefix_set *s, const struct addr *a);

#endif
