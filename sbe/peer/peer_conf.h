/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_conf - reading and checking what the configuration says about peers (the fields: peer.h).
 *
 * Owner: nothing. Thread: any.
 */
#ifndef SBE_PEER_PEER_CONF_H
#define SBE_PEER_PEER_CONF_H

#include "common/conf.h"
#include "sbe/peer/peer.h"

/**
 * Read "sip:IP[:port][;transport=udp|tcp|tls]": numeric only, for a name would have to be looked up.
 * @param ret_why static text for an operator. @return 0, -EINVAL.
 */
int peer_hop_parse(const char *text, struct peer_hop *ret_hop, const char **ret_why);

/**
 * Rules between peers: one source prefix and one domain belong to one peer (of a realm).
 * @param path where the map stands in the document ("peers"). @return 0, -EINVAL with err set, -ENOMEM.
 */
int peer_conf_check(const struct conf_doc *doc, const char *path, const struct conf_list *confs,
		    struct conf_error *err);

#endif
