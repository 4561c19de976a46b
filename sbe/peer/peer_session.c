/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_session.h"

#include <stddef.h>

static const char *const mode_words[] = {"off", "accept", "require", NULL};
static const char *const refresher_words[] = {"auto", "us", "them", NULL};

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_session_conf, member)

const struct conf_field peer_session_fields[] = {
	{FIELD(mode, "mode"), .type = CONF_ENUM, .words = mode_words, .def = "accept",
	 .text = "Session timers (RFC 4028): off = neither asked for nor granted; accept = with a peer that knows "
		 "them; require = no call without."},
	{FIELD(se_s, "se_s"), .type = CONF_UINT, .min = PEER_MIN_SE_S, .max = 86400, .def = "1800",
	 .text = "Seconds between refreshes that we ask for, and the most we grant."},
	{FIELD(min_se_s, "min_se_s"), .type = CONF_UINT, .min = PEER_MIN_SE_S, .max = 86400,
	 .def = "90",
	 .text = "Fewest seconds we take; who asks for fewer is answered 422 with this."},
	{FIELD(refresher, "refresher"), .type = CONF_ENUM, .words = refresher_words, .def = "auto",
	 .text = "Who refreshes when the peer leaves it to us; auto = a "
		 "peer that calls us does it, a peer we call says who."},
	CONF_END,
};

int peer_session_check(struct conf_reader *r, void *object)
{
	const struct peer_session_conf *c = object;

	if (c->se_s < c->min_se_s)
		return conf_fail(r, "se_s", "%u is less than min_se_s, %u", c->se_s, c->min_se_s);
	return 0;
}
