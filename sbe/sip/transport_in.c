/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_in - from bytes to a message: source's rate, guard, parser, and the answers of those two.
 *
 * Everything here may be hostile. What is answered is answered without state to where it came from:
 * the port in Via is not believed before somebody has parsed it.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/sip/transport_private.h"

bool transport_admit(struct transport *t, const struct transport_listener *l,
		     const struct addr *from, bool *ret_known)
{
	*ret_known = !t->h.known || t->h.known(t->arg, l->realm, from);
	if (*ret_known || guard_limiter_take(t->limiter, from, clock_now_us()))
		return true;
	metric_add(&transport_guard_metrics, GUARD_RATE, 1);
	return false;
}

static bool is_ack(const uint8_t *data, size_t n)
{
	return n > 4 && !memcmp(data, "ACK ", 4);
}

static void answer(struct transport *t, const struct transport_input *in, int status,
		   const char *phrase)
{
	int n;

	/* An ACK is never answered (RFC 3261 17.1.1.3). */
	if (is_ack(in->data, in->len_bytes))
		return;
	n = guard_answer(in->data, in->len_bytes, status, phrase, t->answer, sizeof(t->answer));
	/* Answers are no larger than requests; a short one is answered without a phrase. */
	if (n == -EMSGSIZE)
		n = guard_answer(in->data, in->len_bytes, status, "", t->answer, sizeof(t->answer));
	if (n <= 0)
		return;
	metric_add(&transport_metrics, TRANSPORT_ANSWERED, 1);
	(void)transport_send(t, &in->from, t->answer, (size_t)n);
}

static bool parse(struct transport *t, const struct transport_input *in)
{
	struct wire_msg *m = NULL;
	const char *why = NULL;
	int err = wire_parse(in->data, in->len_bytes, &m, &why);

	if (err)
		metric_add(&transport_metrics, TRANSPORT_BAD, 1);
	else
		t->h.message(t->arg, m, &in->from);
	/* A message in spite of the error: a request that can be told what is wrong with it. */
	if (err && m && wire_is_request(m))
		answer(t, in, 400, why);
	mem_unref(m);
	return err == 0;
}

bool transport_take(struct transport *t, const struct transport_input *in)
{
	struct transport_input inner = *in;
	struct guard_result r;

	guard_check(in->data, in->len_bytes, in->stream, &r);
	metric_add(&transport_guard_metrics, r.reason, 1);
	if (r.verdict == GUARD_DROP)
		return false;
	metric_add(&transport_metrics, TRANSPORT_IN_UDP + in->from.proto, 1);
	inner.data += r.skip_bytes;
	inner.len_bytes = r.verdict == GUARD_PASS ? r.len_bytes : in->len_bytes - r.skip_bytes;
	if (r.verdict == GUARD_PASS)
		return parse(t, &inner);
	answer(t, &inner, r.status, r.phrase);
	return false;
}
