/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_in - from bytes to a message: source's rate, guard, parser, and the answers of those two.
 *
 * Everything here may be hostile. What is answered is answered without state to where it came from:
 * the port in Via is not believed before somebody has parsed it.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/sip/guard_head.h"
#include "sbe/sip/transport_private.h"

bool transport_admit(struct transport *t, struct transport_target *from)
{
	from->peer = t->h.known ? t->h.known(t->arg, from) : 0;
	from->known = !t->h.known || from->peer;
	if (from->known || guard_limiter_take(t->limiter, &from->to, clock_now_us()))
		return true;
	metric_add(&transport_guard_metrics, GUARD_RATE, 1);
	return false;
}

static void answer(struct transport *t, const struct transport_input *in,
		   const struct guard_reply *r)
{
	enum wire_method method = guard_method(in->data, in->len_bytes);
	struct guard_reply plain = *r;
	int n;

	/* An ACK is never answered (RFC 3261 17.1.1.3). */
	if (method == WIRE_ACK)
		return;
	n = in->head ? guard_answer_head(in->head, in->len_bytes, r, t->answer, sizeof(t->answer))
		     : -ENOENT;
	if (n == -ENOENT)
		n = guard_answer(in->data, in->len_bytes, r, t->answer, sizeof(t->answer));
	/* Answers are no larger than requests; a short one is answered without a phrase. */
	plain.phrase = "";
	if (n == -EMSGSIZE)
		n = guard_answer(in->data, in->len_bytes, &plain, t->answer, sizeof(t->answer));
	if (n <= 0)
		return;
	if (method == WIRE_INVITE)
		t->invite_answered_ms = clock_now_ms();
	metric_add(&transport_metrics, TRANSPORT_ANSWERED, 1);
	(void)transport_send(t, &in->from, t->answer, (size_t)n);
}

static void learn_alias(const struct transport *t, const struct transport_input *in,
			const struct wire_msg *m)
{
	struct transport_connection *c = in->from.proto == TRANSPORT_TLS
						 ? transport_connection_find(t, in->from.connection)
						 : NULL;

	if (c)
		transport_alias_learn(c, m);
}

static bool parse(struct transport *t, const struct transport_input *in, bool is_request)
{
	struct wire_msg *m = NULL;
	const char *why = NULL;
	int err = wire_parse(in->data, in->len_bytes, &m, &why);
	struct guard_reply reply = {.status = 400};

	if (!err)
		learn_alias(t, in, m);
	if (err)
		metric_add(&transport_metrics, TRANSPORT_BAD, 1);
	else
		t->h.message(t->arg, m, &in->from);
	/* The guard has seen a Via, From, To, Call-ID and CSeq, so it can be told what is wrong with it, however
	 * little of them was understood. */
	reply.phrase = why;
	if (err == -ENOMEM)
		reply = (struct guard_reply){.status = 503, .phrase = ""};
	if (err && is_request)
		answer(t, in, &reply);
	mem_unref(m);
	return err == 0;
}

/* Nothing is kept of a stateless answer, so its ACK has nothing to meet behind the parser either. */
static bool is_stateless_ack(struct transport *t, const struct transport_input *in)
{
	if (!t->invite_answered_ms || !guard_is_our_ack(in->data, in->len_bytes))
		return false;
	if (clock_now_ms() - t->invite_answered_ms <= TRANSPORT_ACK_MS)
		return true;
	t->invite_answered_ms = 0;
	return false;
}

/* @return true if it is to be parsed. */
static bool pass_gate(struct transport *t, const struct transport_input *in, bool is_request)
{
	struct transport_offer offer = {in->data, in->len_bytes, &in->from, in->waited_us,
					is_request ? in->head : NULL};
	struct guard_reply reply = {.status = 503, .phrase = "Service Unavailable"};
	struct transport_input to = *in;
	enum guard_verdict v;
	uint16_t port = 0;

	v = t->h.gate ? t->h.gate(t->arg, &offer, &reply, &port) : GUARD_PASS;
	if (v != GUARD_ANSWER)
		return v == GUARD_PASS;
	if (port && in->from.proto == TRANSPORT_UDP)
		to.from.to.port = port;
	answer(t, &to, &reply);
	return false;
}

/* "METHOD sips:..." */
static bool asks_for_sips(const struct transport_input *in)
{
	const uint8_t *uri = memchr(in->data, ' ', in->len_bytes < 64 ? in->len_bytes : 64);

	return uri && in->len_bytes - (size_t)(uri - in->data) > 6 &&
	       !strncasecmp((const char *)uri + 1, "sips:", 5);
}

bool transport_take(struct transport *t, const struct transport_input *in)
{
	struct transport_input inner = *in;
	struct guard_result r;

	if (is_stateless_ack(t, in)) {
		metric_add(&transport_metrics, TRANSPORT_IN_UDP + in->from.proto, 1);
		metric_add(&transport_metrics, TRANSPORT_ACKS, 1);
		return true;
	}
	guard_check(in->data, in->len_bytes, in->stream, &r);
	metric_add(&transport_guard_metrics, r.reason, 1);
	if (r.verdict == GUARD_DROP)
		return false;
	metric_add(&transport_metrics, TRANSPORT_IN_UDP + in->from.proto, 1);
	inner.data += r.skip_bytes;
	inner.len_bytes = r.verdict == GUARD_PASS ? r.len_bytes : in->len_bytes - r.skip_bytes;
	inner.head = r.verdict == GUARD_PASS ? &r.head : NULL;
	inner.from.sips = in->from.proto == TRANSPORT_TLS && r.is_request && asks_for_sips(&inner);
	if (r.verdict == GUARD_PASS)
		return !pass_gate(t, &inner, r.is_request) || parse(t, &inner, r.is_request);
	answer(t, &inner, &(struct guard_reply){.status = r.status, .phrase = r.phrase});
	return false;
}
