/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_replace - a call whose callee is taken from another one: by INVITE with Replaces, or as the target of an attended
 * transfer. The callee hears an INVITE in its own dialog and sees nothing but another session.
 */
#include <assert.h>
#include <errno.h>

#include "common/mem.h"
#include "sbe/call/call_answer.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_invite.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_refresh.h"
#include "sbe/call/call_replace.h"
#include "sbe/call/call_timer.h"

#define BUSY_MS 200U
#define BUSY_TRIES 25U /* 5 s: an exchange that takes longer is no moment to move */

int call_transfer_borrow(struct call *call, struct leg *home)
{
	struct leg *b = &call->legs[1];

	if (home->wanted)
		return -EBUSY;
	home->wanted = call;
	call->transfer.home = home;
	b->peer = mem_ref(home->peer);
	b->hop = home->hop;
	call->sip_addr[1] = home->call->sip_addr[home->side];
	b->dialog.target = home->dialog.target;
	return 0;
}

void call_transfer_unwant(struct call *call)
{
	struct leg *home = call->transfer.home;

	if (home && home->wanted == call)
		home->wanted = NULL;
}

static int send_invite(struct call *call)
{
	int err = call_invite_again(call);

	if (err)
		return err;
	fsm_go(&call->fsm, CALL_TRYING);
	call_timer_ring(call);
	return 0;
}

static void try_invite(void *arg)
{
	struct call *call = arg;
	struct call_transfer *t = &call->transfer;
	struct call_failure f = {.status = 491, .cause = "transfer_busy"};

	CALL_CHECK(call);
	if (t->home && !call_leg_movable(t->home) && t->tries++ < BUSY_TRIES) {
		timer_start(call->core->o.wheel, &t->timer, BUSY_MS, try_invite, call);
		return;
	}
	if (!t->home || !call_leg_movable(t->home)) {
		call_reject(call, &f);
		return;
	}
	call_transfer_unwant(call);
	mem_unref(t->told_home);
	t->told_home = mem_ref(t->home->session.agreed);
	call_leg_move(t->home, &call->legs[1]);
	t->home->lent = call;
	if (!send_invite(call))
		return;
	f = (struct call_failure){.status = 500, .cause = "internal"};
	call_reject(call, &f);
}

int call_transfer_invite(struct call *call)
{
	call->transfer.tries = 0;
	try_invite(call);
	return 0;
}

void call_transfer_settled(struct call *call)
{
	struct leg *home = call->transfer.home;

	call->transfer.home = NULL;
	if (!home)
		return;
	home->lent = NULL;
	call_release_us(home->call, 200, "replaced", NULL);
}

/* It goes back, unless it is the one that hung up. */
void call_replace_return(struct call *call, const struct call_release *r)
{
	struct leg *b = &call->legs[1], *home = call->transfer.home;
	bool gone = r->by == CALL_BY_CALLEE && r->request && wire_is_request(r->request);
	bool pending = b->invite && call->fsm.state != CALL_ANSWERING && call->fsm.state != CALL_UP;
	bool heard = pending && !(r->request && !wire_is_request(r->request));

	call_transfer_unwant(call);
	call->transfer.home = NULL;
	if (!home || home->lent != call)
		return;
	home->lent = NULL;
	if (gone) {
		call_release_us(home->call, 480, "replaced", NULL);
		return;
	}
	if (heard)
		txn_client_cancel(b->invite, r->reason);
	if (b->ack_due)
		call_ack_leg(b, NULL);
	call_leg_move(b, home);
	call_session_as_before(home, call->transfer.told_home);
	call->transfer.told_home = NULL;
	/* What it refused has changed nothing. What it has taken, or still may take, is taken back. */
	if (heard || !pending)
		call_refresh_restore(home);
}
