/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_reliable.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/call/call_answer.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_prack.h"
#include "sbe/call/call_screen.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/wire_line.h"

#define RSEQ_FIRST_BITS 31

static void item_clear(struct call_reliable_item *item)
{
	mem_unref(item->msg);
	mem_unref(item->sdp);
	*item = (struct call_reliable_item){NULL, NULL};
}

static void forget_queue(struct call_reliable *r)
{
	while (r->n)
		item_clear(&r->queue[--r->n]);
}

static void reliable_destroy(void *obj)
{
	struct call_reliable *r = obj;

	timer_stop(&r->timer);
	forget_queue(r);
	mem_unref(r->owed);
}

/* RFC 3262 3: chosen at random, with room for all that follow. */
static uint32_t first_rseq(void)
{
	char hex[9];
	uint32_t v = 0;

	wire_random_token(hex, sizeof(hex), 32);
	for (const char *c = hex; *c; c++)
		v = v << 4 | (uint32_t)(*c <= '9' ? *c - '0' : *c - 'a' + 10);
	return (v >> 2) + 1;
}

int call_reliable_start(struct leg *leg, const struct wire_msg *invite)
{
	struct call_reliable *r;

	if (leg->peer->conf->prack == PEER_PRACK_OFF ||
	    (!wire_has_token(invite, "supported", "100rel") &&
	     !wire_has_token(invite, "require", "100rel")))
		return 0;
	r = mem_zalloc(sizeof(*r), reliable_destroy);
	if (!r)
		return -ENOMEM;
	r->leg = leg;
	r->cseq = wire_cseq(invite);
	r->rseq = first_rseq();
	leg->reliable = r;
	return 0;
}

/* ---- out ---- */

static void again(void *arg)
{
	struct call_reliable *r = arg;
	struct call_core *core = r->leg->call->core;
	uint32_t t1_ms = txn_t1_ms(core->o.txns);

	LEG_CHECK(r->leg);
	r->age_ms += r->interval_ms;
	if (r->age_ms >= 64 * t1_ms) {
		call_release_us(r->leg->call, 504, "no_prack", "SIP;cause=504;text=\"no PRACK\"");
		return;
	}
	txn_server_send_again(r->leg->server);
	r->interval_ms *= 2;
	if (r->age_ms + r->interval_ms > 64 * t1_ms)
		r->interval_ms = 64 * t1_ms - r->age_ms;
	timer_start(core->o.wheel, &r->timer, r->interval_ms, again, r);
}

/* What could not be sent is sent again; what could not be written is left out. */
static bool unwritten(int err)
{
	return err == -EMSGSIZE || err == -ENOMEM || err == -ENOTSUP || err == -EINVAL ||
	       err == -EALREADY || err == -E2BIG;
}

static void send_one(struct call_reliable *r, struct call_reliable_item *item)
{
	struct call *call = r->leg->call;
	struct call_reply reply = {.msg = item->msg, .server = r->leg->server, .rseq = r->rseq + 1};

	if (!r->given && item->sdp) {
		reply.sdp = item->sdp;
		reply.offer = call->ex.late && !call->ex.answered;
	}
	if (unwritten(call_reply(call, r->leg->side, &reply)))
		return;
	r->rseq++;
	r->waiting = true;
	r->waiting_sdp = reply.sdp != NULL;
	r->given = r->given || reply.sdp;
	r->age_ms = 0;
	r->interval_ms = txn_t1_ms(call->core->o.txns);
	timer_start(call->core->o.wheel, &r->timer, r->interval_ms, again, r);
}

void call_reliable_send(struct leg *leg, struct wire_msg *m, struct body_sdp *sdp)
{
	struct call_reliable *r = leg->reliable;
	struct call_reliable_item item = {m, sdp};

	if (!leg->server || txn_server_done(leg->server))
		return;
	if (!r->waiting) {
		send_one(r, &item);
		return;
	}
	if (r->n == CALL_RELIABLE_QUEUE)
		return;
	r->queue[r->n].msg = mem_ref(m);
	r->queue[r->n++].sdp = mem_ref(sdp);
}

bool call_reliable_given(const struct leg *leg)
{
	return leg->reliable && leg->reliable->given;
}

bool call_reliable_settled(const struct leg *leg)
{
	const struct call_reliable *r = leg->reliable;

	return r && r->given && !(r->waiting && r->waiting_sdp);
}

bool call_reliable_holds(struct leg *leg)
{
	struct call_reliable *r = leg->reliable;

	if (!r)
		return false;
	forget_queue(r); /* the 2xx says more */
	r->final = r->waiting && r->waiting_sdp;
	return r->final;
}

void call_reliable_stop(struct leg *leg)
{
	struct call_reliable *r = leg->reliable;

	if (!r)
		return;
	timer_stop(&r->timer);
	forget_queue(r);
	r->final = false;
}

/* ---- PRACK ---- */

/* RAck: "RSeq CSeq INVITE" */
static bool rack_fits(const struct call_reliable *r, const struct wire_msg *m)
{
	struct wire_text word[3] = {{NULL, 0}};
	struct wire_header h;
	uint32_t rseq, cseq;
	size_t n = 0;

	if (!wire_header_find(m, "rack", &h))
		return false;
	for (size_t i = 0; i < h.value.n; i++) {
		char c = h.value.s[i];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			n += n < 3 && word[n].n;
			continue;
		}
		if (n == 3)
			return false;
		if (!word[n].n)
			word[n].s = h.value.s + i;
		word[n].n++;
	}
	return !wire_number(word[0], UINT32_MAX, &rseq) &&
	       !wire_number(word[1], UINT32_MAX, &cseq) && rseq == r->rseq && cseq == r->cseq &&
	       wire_text_is(word[2], "INVITE");
}

static void next_one(struct call_reliable *r)
{
	struct call *call = r->leg->call;
	struct call_reliable_item item;

	if (r->final) {
		r->final = false;
		call_answer_done(call);
	} else if (r->n && r->leg->server && !txn_server_done(r->leg->server)) {
		item = r->queue[0];
		r->n--;
		memmove(&r->queue[0], &r->queue[1], r->n * sizeof(item));
		send_one(r, &item);
		item_clear(&item);
	}
}

void call_reliable_prack(struct leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct call_reliable *r = leg->reliable;
	struct call *call = leg->call;
	struct body_sdp *sdp = NULL;
	bool carried;
	int err;

	if (!r || !r->waiting || !rack_fits(r, m) || call->fsm.state == CALL_ENDING ||
	    call->fsm.state == CALL_DEAD) {
		call_refuse(s, 481, NULL, NULL);
		return;
	}
	err = call_media_parse(m, &sdp, NULL);
	carried = r->waiting_sdp;
	timer_stop(&r->timer);
	r->waiting = r->waiting_sdp = false;
	if (err)
		call_refuse(s, err == -ENOTSUP ? 415 : 400, NULL,
			    err == -ENOTSUP ? call_screen_taken(m) : NULL);
	else if (carried && call->ex.late && !call->ex.answered)
		call_prack_answer(call, s, m, sdp);
	else if (sdp)
		call_update_offer(leg, s, m, mem_ref(sdp));
	else
		call_refuse(s, 200, NULL, NULL);
	mem_unref(sdp);
	if (call->fsm.state != CALL_ENDING && call->fsm.state != CALL_DEAD)
		next_one(r);
}
