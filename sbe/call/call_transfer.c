/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_transfer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_admit.h"
#include "sbe/call/call_answer.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_gate.h"
#include "sbe/call/call_invite.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_own.h"
#include "sbe/call/call_progress.h"
#include "sbe/call/call_replace.h"
#include "sbe/call/call_replaces.h"
#include "sbe/call/call_route.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_sdp.h"

#define BUSY_MS 200U
#define BUSY_TRIES 25U
#define URI_BYTES 512
#define HEAD_BYTES 4096 /* what stands before the body of the INVITE we imagine */

/* ---- the INVITE that the referring side would have sent ---- */

static void random_token(char *buf, size_t size)
{
	wire_random_token(buf, size, 64);
}

static void target_text(const struct call_refer_to *r, char *buf, size_t size)
{
	struct wire_text t = r->uri.text;
	const char *headers = t.n ? memchr(t.s, '?', t.n) : NULL;

	if (headers)
		t.n = (size_t)(headers - t.s);
	wire_text_copy(t, buf, size);
}

/* From who stays, with what the referring side has seen of his session, to the target: routed like any other. */
static int imagine(const struct leg *leg, const struct wire_msg *refer, const char *uri,
		   struct wire_msg **ret_msg)
{
	const struct leg *stays = LEG_OTHER(leg);
	const char *sdp = leg->session.agreed, *why;
	size_t sdp_bytes = sdp ? strlen(sdp) : 0, size = HEAD_BYTES + 2 * URI_BYTES + sdp_bytes;
	int hops = wire_max_forwards(refer), err = -EMSGSIZE;
	char *text = sdp ? mem_buffer(size) : NULL, token[17];
	struct text_out t;

	if (!text)
		return sdp ? -ENOMEM : -ENODATA;
	text_start(&t, text, size);
	text_add(&t, "INVITE ");
	text_add(&t, uri);
	text_add(&t, " SIP/2.0\r\nVia: SIP/2.0/UDP transfer.invalid;branch=z9hG4bK");
	random_token(token, sizeof(token));
	text_add(&t, token);
	text_add(&t, "\r\nMax-Forwards: ");
	text_add_number(&t, hops < 0 ? 70 : (unsigned)hops);
	text_add(&t, "\r\nFrom: ");
	text_add(&t, stays->dialog.remote_party);
	text_add(&t, ";tag=");
	text_add(&t, token);
	text_add(&t, "\r\nTo: <");
	text_add(&t, uri);
	text_add(&t, ">\r\nCall-ID: ");
	text_add(&t, token);
	text_add(&t, "\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: ");
	text_add_number(&t, sdp_bytes);
	text_add(&t, "\r\n\r\n");
	if (t.len_bytes + sdp_bytes + 1 < size) {
		text_add_bytes(&t, sdp, sdp_bytes);
		err = wire_parse((const uint8_t *)text, t.len_bytes, ret_msg, &why);
		if (err && *ret_msg)
			*ret_msg = mem_unref(*ret_msg);
	}
	mem_free(text);
	return err;
}

/* ---- the new call ---- */

static int fill(struct call *call, struct leg *leg, struct wire_msg *invite, const char *uri)
{
	struct leg *stays = LEG_OTHER(leg), *a = &call->legs[0];
	struct body_sdp *offer = NULL;
	uint64_t random;
	int err;

	a->peer = mem_ref(stays->peer);
	a->hop = stays->hop;
	a->dialog.target = stays->dialog.target;
	call->sip_addr[0] = stays->call->sip_addr[stays->side];
	text_copy(call->a_call_id, sizeof(call->a_call_id), stays->dialog.call_id);
	call->max_forwards = wire_max_forwards(invite);
	wire_random_token(call->legs[1].dialog.key_, 17, 64);
	random = body_origin_hash(call->legs[1].dialog.key_, 16);
	call->legs[1].origin = body_origin_new(random);
	err = mem_strdup(stays->dialog.remote_party, DIALOG_TEXT_MAX_BYTES, &call->caller);
	if (!err)
		err = mem_strdup(uri, URI_BYTES, &call->callee);
	if (!err)
		err = call_media_parse(invite, &offer, NULL);
	if (!err && !offer)
		err = -ENODATA;
	if (err)
		return err;
	call->ex =
		(struct call_exchange){.running = true, .initial = true, .from = 0, .offer = offer};
	call->ex.held = mem_ref(invite);
	return 0;
}

/* A dialog we do not know but its own network may: the target gets it as it was given. */
static int pass_replaces(struct call *call, const struct leg *leg, const struct call_replaces *r)
{
	char value[CALL_REPLACES_BYTES];
	struct text_out t;

	for (size_t i = 0; !call->plan || i < call->plan->n; i++) {
		if (!call->plan ||
		    strcmp(call->plan->candidates[i].peer->name, leg->peer->name) != 0)
			return -EACCES;
	}
	text_start(&t, value, sizeof(value));
	text_add(&t, r->call_id);
	text_add(&t, ";to-tag=");
	text_add(&t, r->to_tag);
	text_add(&t, ";from-tag=");
	text_add(&t, r->from_tag);
	return mem_strdup(value, sizeof(value), &call->replaces);
}

/* The target is the far end of another call of the referring side; ret_home NULL: it is not. @return a status */
static int find_home(struct leg *leg, const struct call_refer_to *r, struct leg **ret_home)
{
	struct leg *named, *home;
	bool theirs;

	*ret_home = NULL;
	if (!r->has_replaces)
		return 0;
	named = call_replaces_find(leg->call->core, &r->replaces, &theirs);
	if (!named)
		return 0;
	home = theirs ? named : LEG_OTHER(named);
	if (strcmp(named->peer->name, leg->peer->name) != 0 || named->call == leg->call ||
	    named->call->fsm.state != CALL_UP || !named->up || !home->up || home->lent)
		return 481;
	*ret_home = home;
	return 0;
}

static int status_of(int err)
{
	return err == -EACCES ? 403 : err == -EBUSY ? 491 : 500;
}

/* @return 0 or the status to refuse the REFER with */
static int make(struct leg *leg, const struct wire_msg *refer, const struct call_refer_to *r,
		struct call **ret_call, struct route_asking **ret_asking)
{
	struct call_core *core = leg->call->core;
	struct wire_msg *invite = NULL;
	struct call_planning planning = {.done = false};
	struct call *call = NULL;
	struct leg *home;
	char uri[URI_BYTES];
	int status = find_home(leg, r, &home), err;

	if (status)
		return status;
	target_text(r, uri, sizeof(uri));
	if (imagine(leg, refer, uri, &invite))
		return 500;
	if (!home)
		status = call_admit_plan(core, invite, leg->peer, &planning, ret_asking);
	if (status)
		goto out;
	err = call_new(core, &call);
	if (err && !home)
		peer_give(leg->peer, PEER_IN);
	if (!err && !home)
		call->transfer.peer = mem_ref(leg->peer);
	if (!err)
		err = fill(call, leg, invite, uri);
	if (!err)
		err = home            ? call_transfer_borrow(call, home)
		      : planning.done ? call_route_keep(call, &planning.plan)
				      : 0;
	if (!err && r->has_replaces && !home)
		err = pass_replaces(call, leg, &r->replaces);
	if (err) {
		mem_unref(call);
		route_cancel(*ret_asking);
		status = status_of(err);
		goto out;
	}
	metric_add(&call_metrics, CALL_ATTEMPTS, 1); /* from now on there will be a record (U5) */
	*ret_call = call;
out:
	if (planning.done)
		mem_unref(planning.plan.found);
	mem_unref(invite);
	return status;
}

void call_transfer_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
			   const struct call_refer_to *r)
{
	struct leg *stays = LEG_OTHER(leg);
	struct route_asking *asking = NULL;
	struct call *call = NULL;
	struct wire_header h;
	bool silent = wire_header_find(m, "refer-sub", &h) && wire_text_is_nocase(h.value, "false");
	int status;

	if (!leg->up || !stays->up || stays->lent || stays->refer.made) {
		call_refuse(s, 491, NULL, NULL);
		return;
	}
	status = make(leg, m, r, &call, &asking);
	if (status) {
		call_refuse(s, status, NULL, NULL);
		return;
	}
	call->transfer.made = true;
	call->transfer.from = leg;
	call_refer_forget(leg);
	leg->refer = (struct call_refer){.cseq = wire_cseq(m), .silent = silent, .made = call};
	call_refuse(s, 202, NULL, silent ? "Refer-Sub: false\r\n" : NULL);
	call_refer_notify(leg, 100);
	if (asking)
		call_route_wait(call, asking);
	else
		call_invite_open(call);
}

/* ---- its life ---- */

void call_transfer_media(struct call *call)
{
	const struct call_transfer *t = &call->transfer;
	const struct leg *stays = t->from ? LEG_OTHER(t->from) : NULL;

	for (size_t i = 0; stays && i < call->nstreams && i < stays->call->nstreams; i++) {
		const struct call_stream *s = &stays->call->streams[i];

		call->streams[i].remote_rtp[0] = s->remote_rtp[stays->side];
		call->streams[i].remote_rtcp[0] = s->remote_rtcp[stays->side];
	}
}

bool call_transfer_progress(struct call *call, const struct wire_msg *m)
{
	struct call_transfer *t = &call->transfer;
	int status = wire_status(m);

	if (!t->made && !t->home)
		return false;
	call_note_ringing(call);
	if (t->from && status >= 180 && status < 199 && t->told != status) {
		if (t->told < 180) /* once is enough */
			call_refer_notify(t->from, status);
		t->told = (uint8_t)status;
	}
	return true;
}

static void success(struct call *call)
{
	struct call_transfer *t = &call->transfer;
	struct leg *from = t->from;

	t->made = false;
	t->from = NULL;
	if (t->peer)
		peer_give(t->peer, PEER_IN);
	t->peer = mem_unref(t->peer);
	if (from) {
		LEG_OTHER(from)->lent = NULL;
		from->refer.made = NULL;
		call_refer_notify(from, 200);
		call_release_us(from->call, 200, "transferred", NULL);
	}
	call_transfer_settled(call);
}

/* He that stays does not want the new session: he goes back to the old one. */
static void back_out(struct call *call, int status)
{
	struct leg *from = call->transfer.from, *stays;

	if (from) {
		stays = LEG_OTHER(from);
		call_leg_move(&call->legs[0], stays);
		stays->lent = NULL;
	}
	call_release_us(call, status < 300 ? 488 : status, "transfer_failed",
			"SIP;cause=488;text=\"transfer failed\"");
}

static void nothing(void *arg, int err, const struct gate_action *answer)
{
	(void)arg;
	(void)err;
	(void)answer;
}

static void joined(struct leg *leg, int status, const struct wire_msg *m)
{
	struct call *call = leg->call;
	struct body_sdp *sdp = NULL;

	if (status >= 300) {
		back_out(call, status);
		return;
	}
	if (call_media_parse(m, &sdp, NULL) || !sdp || call_media_check(call, sdp, NULL) ||
	    call_media_take(call, 0, sdp, false) ||
	    call_media_follow(call, CALL_CUT_THROUGH, nothing))
		call_release_us(call, 488, "bad_answer",
				"SIP;cause=488;text=\"answer does not fit the offer\"");
	else
		success(call);
	mem_unref(sdp);
}

/* The callee's answer is the offer to him that stays. */
static void join(struct call *call)
{
	struct leg *a = &call->legs[0];
	struct body_sdp *sdp = mem_ref(call->ex.sdp);
	struct body_written w = {0};
	int err = sdp ? 0 : -ENODATA;

	call_exchange_end(call);
	call_answer_up(call);
	if (!err)
		err = call_media_write(call, 0, sdp, false, &w);
	if (!err)
		err = call_own_invite(a, &w, joined);
	mem_free(w.text);
	mem_unref(sdp);
	if (err)
		back_out(call, 500);
}

static void try_join(void *arg)
{
	struct call *call = arg;
	struct call_transfer *t = &call->transfer;
	struct leg *stays = t->from ? LEG_OTHER(t->from) : NULL;

	CALL_CHECK(call);
	if (call->fsm.state != CALL_ANSWERING)
		return;
	if (stays && !call_leg_movable(stays)) {
		if (t->tries++ < BUSY_TRIES)
			timer_start(call->core->o.wheel, &t->timer, BUSY_MS, try_join, call);
		else
			call_release_us(call, 491, "transfer_busy",
					"SIP;cause=491;text=\"transfer failed\"");
		return;
	}
	if (stays) {
		call_leg_move(stays, &call->legs[0]);
		stays->lent = call;
	}
	join(call);
}

bool call_transfer_answered(struct call *call)
{
	struct call_transfer *t = &call->transfer;

	if (!t->made)
		return false;
	t->tries = 0;
	call_ack_leg(&call->legs[1], NULL);
	try_join(call);
	return true;
}

/* ---- the end of either call ---- */

/* The call of the referring side ends before the transfer is settled. Who has hung up after REFER wants it to go on. */
static void left(struct leg *from, const struct call_release *r)
{
	struct call *call = from->refer.made;
	struct leg *stays = LEG_OTHER(from);
	bool hung_up = r->by == (from->side == 0 ? CALL_BY_CALLER : CALL_BY_CALLEE);

	from->refer.made = NULL;
	call->transfer.from = NULL;
	if (stays->lent == call) {
		stays->lent = NULL;
		return;
	}
	if (hung_up && call_leg_movable(stays)) {
		call_leg_move(stays, &call->legs[0]);
		call->transfer.parked = true;
		return;
	}
	call_release_us(call, 487, "transfer_failed", "SIP;cause=487;text=\"transfer given up\"");
}

static void ended(struct call *call, const struct call_release *r)
{
	struct call_transfer *t = &call->transfer;
	struct leg *from = t->from, *stays;

	timer_stop(&t->timer);
	if (t->peer)
		peer_give(t->peer, PEER_IN);
	t->peer = mem_unref(t->peer);
	t->from = NULL;
	if (from) {
		stays = LEG_OTHER(from);
		from->refer.made = NULL;
		if (stays->lent == call) { /* he goes with the new call */
			stays->lent = NULL;
			call_release_us(from->call, 480, "transfer_failed", NULL);
		} else {
			call_refer_notify(from, r->status >= 300 ? r->status : 503);
		}
	}
	if (t->home)
		call_replace_return(call, r);
}

/* A call that was to get this leg gets nobody. */
static void refuse_wanted(struct leg *leg)
{
	struct call *call = leg->wanted;

	leg->wanted = NULL;
	call->transfer.home = NULL;
	call_release_us(call, 480, "transfer_failed", "SIP;cause=480;text=\"transfer failed\"");
}

void call_transfer_ending(struct call *call, const struct call_release *r)
{
	for (int side = 0; side < 2; side++) {
		struct leg *leg = &call->legs[side];

		if (leg->refer.made)
			left(leg, r);
		if (leg->wanted)
			refuse_wanted(leg);
		if (leg->lent)
			leg->lent->transfer.home = NULL;
		leg->lent = NULL;
	}
	ended(call, r);
}
