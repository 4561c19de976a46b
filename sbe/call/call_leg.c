/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_leg - a leg moves from one call to another: its dialog, peer, timer and what was said in it.
 */
#include "common/mem.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_leg.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_terms.h"

bool call_leg_movable(const struct leg *leg)
{
	const struct call *call = leg->call;

	return call->fsm.state == CALL_UP && leg->up && !leg->server && !leg->bye &&
	       !leg->bye_due && !leg->cancelled && !leg->ack_due && !leg->lent &&
	       !call->ex.running && !call->upd.running &&
	       !leg->refer.made; /* it will be told here what becomes of its own */
}

/* What the record of the call says of it, and who reads a target, find it there for as long as the call lives. */
static void leave_shadow(struct leg *from, const struct dialog *d)
{
	if (dialog_restore(&from->dialog, d))
		from->dialog = (struct dialog){.target = d->target};
}

void call_leg_move(struct leg *from, struct leg *to)
{
	struct call_core *core = from->call->core;

	if (from->invite)
		txn_client_detach(from->invite);
	from->invite = NULL;
	call_relay_end(from);
	call_refer_forget(from);
	dialog_unregister(&from->dialog);
	dialog_clear(&to->dialog);
	to->dialog = from->dialog;
	from->dialog = (struct dialog){.block = NULL};
	leave_shadow(from, &to->dialog);
	dialog_register(core->dialogs, &to->dialog,
			to); /* room for it is there: it has just been in */
	(void)call_terms_take(to, 0);
	to->kbps = from->kbps;
	from->kbps = 0;
	mem_ref(from->peer); /* the place keeps its name */
	mem_unref(to->peer);
	to->peer = from->peer;
	to->hop = from->hop;
	to->counted = from->counted;
	to->counted_as = from->counted_as;
	from->counted = false;
	to->up = true;
	from->up = false;
	to->origin = from->origin;
	to->invite_cseq = from->invite_cseq;
	to->their_cseq = from->their_cseq;
	to->allows_update = from->allows_update;
	call_auth_clear(to);
	to->auth = from->auth;
	from->auth = NULL;
	call_session_move(from, to);
	call_quality_move(from, to);
	to->call->sip_addr[to->side] = from->call->sip_addr[from->side];
}
