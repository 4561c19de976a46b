/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_overload - calls in times of overload: which come before others, and which next hop may have this one.
 *
 * A hop may ask for fewer calls (RFC 7339) or for none for a while (503 with Retry-After): then the next candidate
 * is tried, and if there is none the caller gets 503 without Retry-After, since it is not us who are overloaded.
 */
#include <errno.h>

#include "common/clock.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_overload.h"
#include "sbe/peer/peer_gate.h"
#include "sbe/sip/wire_line.h"
#include "sbe/sip/wire_out.h"

#define RETRY_AFTER_MAX_S 86400U /* larger values are as good */

bool call_is_urgent(const struct call_core *core, const struct wire_msg *m, const struct peer *p)
{
	struct wire_header h;
	struct wire_uri uri;

	wire_request_uri(m, &uri);
	return peer_gate_is_urgent(&core->c.emergency, p, uri.text,
				   wire_header_find(m, "resource-priority", &h));
}

enum peer_limit call_take(struct peer *p, enum peer_direction d, bool urgent)
{
	return urgent ? peer_take_urgent(p, d) : peer_take(p, d, clock_now_us());
}

static uint32_t random_percent(void)
{
	char hex[9];
	uint32_t v = 0;

	wire_random_token(hex, sizeof(hex), 32);
	for (const char *s = hex; *s; s++)
		v = v << 4 | (uint32_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
	return v % 100;
}

const char *call_hop_declines(const struct call *call, struct peer *p, size_t hop)
{
	const uint64_t now_ms = clock_now_ms();

	if (call->urgent || hop >= p->nhops)
		return NULL;
	if (peer_hop_resting(p, hop, now_ms))
		return "retry_after";
	if (p->conf->overload.consent &&
	    peer_control_leave_out(&p->state->controls, &p->hops[hop].addr, random_percent(),
				   now_ms))
		return "peer_overload";
	return NULL;
}

/* Retry-After = delta-seconds [ comment ] *( ";" param ) */
static bool retry_after(const struct wire_msg *m, uint32_t *ret_s)
{
	struct wire_header h;
	struct wire_text t;

	if (!wire_header_find(m, "retry-after", &h))
		return false;
	t = (struct wire_text){h.value.s, 0};
	while (t.n < h.value.n && t.s[t.n] >= '0' && t.s[t.n] <= '9')
		t.n++;
	if (wire_number(t, RETRY_AFTER_MAX_S, ret_s) == -ERANGE)
		*ret_s = RETRY_AFTER_MAX_S;
	return t.n > 0;
}

void call_hop_failed(struct call *call, const struct call_failure *f)
{
	struct leg *b = &call->legs[1];
	uint32_t s;

	if (!b->peer || b->hop >= b->peer->nhops)
		return;
	if (f->response && wire_status(f->response) == 503) {
		if (retry_after(f->response, &s))
			peer_hop_rest(b->peer, b->hop, s, clock_now_ms());
		/* One that takes part has refused this call, not the next: oc tells how many. */
		else if (b->peer->conf->overload.consent)
			return;
	}
	peer_hop_failed(b->peer, b->hop, clock_now_ms());
}
