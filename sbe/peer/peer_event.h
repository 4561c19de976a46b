/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_event - messages and presence with a peer: groups "im" and "presence". Nothing passes unless it is agreed.
 *
 * Owner: embedded in struct peer_conf. Thread: any (plain values).
 */
#ifndef SBE_PEER_PEER_EVENT_H
#define SBE_PEER_PEER_EVENT_H

#include <stdbool.h>

#include "common/conf.h"

struct peer_im_conf {
	bool page;              /* MESSAGE outside a dialog (RFC 3428) */
	struct conf_list types; /* const char *: Content-Types that pass */
	uint32_t max_bytes;     /* of a body */
	uint32_t per_s;         /* MESSAGE requests a second from the peer */
};
struct peer_presence_conf {
	struct conf_list
		events; /* const char *: packages (RFC 6665) that may be subscribed to; none = none */
	bool publish;   /* PUBLISH (RFC 3903) */
	uint32_t subscriptions; /* at the same time, asked for by the peer */
	uint32_t min_expires_s, max_expires_s;
	uint32_t notify_per_s; /* for one subscription */
	uint32_t max_bytes;    /* of a body */
};
extern const struct conf_field peer_im_fields[], peer_presence_fields[];

#endif
