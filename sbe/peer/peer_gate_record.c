/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_gate_record - CDRs of calls that were refused unparsed. In a flood one each would cost more than the
 * refusals, and fill the disk: above a rate they are counted, and one record tells how many.
 */
#include "common/clock.h"
#include "sbe/peer/peer_gate.h"

#define RECORD_BYTES 2048

static void put(struct cdr_text *t, const struct peer *p, enum peer_limit why)
{
	char text[32];

	cdr_text_string(t, "type", "refused");
	cdr_text_string(t, "ingress_peer", p->name);
	cdr_text_string(t, "ingress_realm", p->conf->realm);
	clock_print(clock_wall_ms(), text, sizeof(text));
	cdr_text_string(t, "invite_time", text);
	cdr_text_string(t, "end_time", text);
	cdr_text_number(t, "duration_ms", 0);
	cdr_text_number(t, "status", 503);
	cdr_text_string(t, "cause", peer_limit_name(why));
	cdr_text_string(t, "released_by", "sbe");
}

void peer_gate_record(struct peer_gate *g, struct peer *p, const struct guard_head *h,
		      enum peer_limit why)
{
	struct peer_state *state = p->state;
	char text[256], buf[RECORD_BYTES];
	struct wire_party from;
	struct cdr_text t;

	if (!g->o.cdr)
		return;
	if (!state->records.per_s)
		rate_init(&state->records, PEER_RECORDS_PER_S, PEER_RECORDS_PER_S, clock_now_us());
	if (!rate_take(&state->records, 1, clock_now_us())) {
		state->unrecorded[why]++;
		return;
	}
	cdr_text_init(&t, buf, sizeof(buf));
	put(&t, p, why);
	cdr_text_string(&t, "a_call_id", wire_text_copy(h->call_id.value, text, sizeof(text)));
	if (!wire_party_parse(h->from.value, &from))
		cdr_text_string(&t, "calling", wire_text_copy(from.uri.text, text, sizeof(text)));
	cdr_text_string(&t, "called", wire_text_copy(h->uri, text, sizeof(text)));
	(void)cdr_write(g->o.cdr, &t);
}

static int record_rest(struct peer *p, void *arg)
{
	struct peer_gate *g = arg;
	char buf[RECORD_BYTES];
	struct cdr_text t;

	for (int why = 0; why < PEER_LIMIT_COUNT; why++) {
		if (!p->state->unrecorded[why])
			continue;
		cdr_text_init(&t, buf, sizeof(buf));
		put(&t, p, (enum peer_limit)why);
		cdr_text_number(&t, "count", p->state->unrecorded[why]);
		p->state->unrecorded[why] = 0;
		(void)cdr_write(g->o.cdr, &t);
	}
	return 0;
}

void peer_gate_record_rest(struct peer_gate *g, struct peer_set *s)
{
	if (g->o.cdr)
		peer_each(s, record_rest, g);
}
