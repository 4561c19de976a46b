/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_net - what we tell a peer of our side: which of the realm's listeners are its way in (B4).
 *
 * The group "net" of a peer's configuration. Owner: the configuration. Thread: any.
 */
#ifndef SBE_PEER_PEER_NET_H
#define SBE_PEER_PEER_NET_H

#include "common/conf.h"

struct peer_net_conf {
	struct conf_list
		ingress; /* const char *, as in realms.X.listen; empty = all of the realm */
};
extern const struct conf_field peer_net_fields[];

#endif
