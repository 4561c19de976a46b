/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_net.h"

#include <stddef.h>

const struct conf_field peer_net_fields[] = {
	{.key = "ingress",
	 .offset = offsetof(struct peer_net_conf, ingress),
	 .type = CONF_STRINGS,
	 .max = 64,
	 .text = "Listeners of its realm that are exported to it as its way in, as written there; absent = all."},
	CONF_END,
};
