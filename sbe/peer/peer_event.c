/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_event.h"

#include <stddef.h>

#define IM(member) .key = #member, .offset = offsetof(struct peer_im_conf, member)
#define PRESENCE(member) .key = #member, .offset = offsetof(struct peer_presence_conf, member)

const struct conf_field peer_im_fields[] = {
	{IM(page), .type = CONF_BOOL, .def = "false",
	 .text = "Single messages (MESSAGE outside a call) from and to the peer."},
	{IM(types), .type = CONF_STRINGS, .max = 32,
	 .def = "[\"text/plain\",\"application/im-iscomposing+xml\"]",
	 .text = "Content types of messages that pass."},
	{IM(max_bytes), .type = CONF_UINT, .min = 1, .max = 32768, .def = "1300",
	 .text = "Largest body of a message."},
	{IM(per_s), .type = CONF_UINT, .min = 1, .max = 100000, .def = "10",
	 .text = "Messages a second from the peer; more are answered 503."},
	CONF_END,
};

const struct conf_field peer_presence_fields[] = {
	{PRESENCE(events), .type = CONF_STRINGS, .max = 32,
	 .text = "Event packages that may be subscribed to, in both directions, e.g. presence; absent = none."},
	{PRESENCE(publish), .type = CONF_BOOL, .def = "false",
	 .text = "PUBLISH from and to the peer: for a presence server on its side or ours."},
	{PRESENCE(subscriptions), .type = CONF_UINT, .min = 1, .max = 1000000, .def = "1000",
	 .text = "Subscriptions of the peer at the same time."},
	{PRESENCE(min_expires_s), .type = CONF_UINT, .min = 1, .max = 86400, .def = "60",
	 .text = "A subscription for less is answered 423."},
	{PRESENCE(max_expires_s), .type = CONF_UINT, .min = 1, .max = 86400, .def = "3600",
	 .text = "A subscription for more gets this."},
	{PRESENCE(notify_per_s), .type = CONF_UINT, .min = 1, .max = 1000, .def = "10",
	 .text = "NOTIFY requests a second in one subscription; more are answered 500."},
	{PRESENCE(max_bytes), .type = CONF_UINT, .min = 1, .max = 60000, .def = "32768",
	 .text = "Largest body of a PUBLISH or NOTIFY."},
	CONF_END,
};
