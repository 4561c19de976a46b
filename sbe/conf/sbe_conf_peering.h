/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf_peering - what the configuration tells one peer of us (B4).
 *
 * Owner: the view points into the snapshot. Thread: loop.
 */
#ifndef SBE_CONF_SBE_CONF_PEERING_H
#define SBE_CONF_SBE_CONF_PEERING_H

#include "sbe/conf/sbe_conf.h"
#include "sbe/peering/peering_view.h"

/** All but media and tls_names, which are not in the configuration. */
void sbe_conf_peering_view(const struct sbe_snapshot *s, const struct peer_conf *p,
			   struct peering_view *ret_view);
/** Ways in that are none; addresses of a document that belong to others. @return 0, -EINVAL with err set. */
int sbe_conf_peering_check(const struct conf_doc *doc, const struct sbe_conf *c,
			   struct conf_error *err);
/** "udp:192.0.2.1:5060" (realms.X.listen). @return 0, -EINVAL. */
int sbe_conf_listen_parse(const char *text, struct sbe_listen_conf *ret_listen);

#endif
