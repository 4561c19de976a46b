/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_lookup.h"

#include "common/log.h"
#include "sbe/peer/peer.h"

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_lookup_conf, member)

const struct conf_field peer_lookup_fields[] = {
	{FIELD(per_s, "per_s"), .type = CONF_UINT, .max = 100000, .def = "50",
	 .text = "Questions a second that its requests may make us ask name and lookup servers; 0 = no limit."},
	{FIELD(burst, "burst"), .type = CONF_UINT, .min = 1, .max = 1000000, .def = "500",
	 .text = "Such questions at once; when they are used up all its requests that need a lookup get 503."},
	{FIELD(pending, "pending"), .type = CONF_UINT, .max = 100000, .def = "500",
	 .text = "Requests of it that may wait for an answer at the same time; 0 = no limit."},
	CONF_END,
};

bool peer_lookup_admit(struct peer *p, uint64_t now_us)
{
	const struct peer_lookup_conf *c = &p->conf->lookups;
	struct peer_lookups *l = &p->state->lookups;
	bool rate = rate_has(&p->lookups, 1, now_us), room = !c->pending || l->pending < c->pending;

	if (rate && room) {
		if (l->tripped && rate_has(&p->lookups, (c->burst + 1) / 2, now_us))
			l->tripped = false;
		return true;
	}
	l->refused++;
	if (!l->tripped)
		LOG_WARN(
			"peer",
			"peer %s makes us look up too much (%s): its requests that need a lookup are refused",
			p->name,
			rate ? "too many wait for an answer" : "too many questions a second");
	l->tripped = true;
	return false;
}

void peer_lookup_spend(struct peer *p, uint64_t now_us)
{
	(void)rate_take(&p->lookups, 1, now_us);
}

void peer_lookup_begin(struct peer *p)
{
	p->state->lookups.pending++;
}

void peer_lookup_end(struct peer *p)
{
	if (p->state->lookups.pending)
		p->state->lookups.pending--;
}
