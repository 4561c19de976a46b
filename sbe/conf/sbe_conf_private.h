/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf_private - what the files of conf/ share; nobody else includes it.
 *
 * sbe_conf_table.c is the table, sbe_conf_check.c the rules between objects, sbe_conf.c the snapshot.
 */
#ifndef SBE_CONF_SBE_CONF_PRIVATE_H
#define SBE_CONF_SBE_CONF_PRIVATE_H

#include "sbe/conf/sbe_conf.h"

/** All rules between objects. @return 0, -EINVAL with err set, -ENOMEM. */
int sbe_conf_check(const struct conf_doc *doc, const struct sbe_conf *c, struct conf_error *err);

#endif
