/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_fork.h"

#include <errno.h>

#include "common/mem.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_option.h"
#include "sbe/sdp/body_sdp.h"

void call_fork_init(struct leg *leg)
{
	TAILQ_INIT(&leg->forks.all);
}

struct call_fork *call_fork_find(const struct leg *leg, struct wire_text tag)
{
	struct call_fork *f;

	TAILQ_FOREACH(f, &leg->forks.all, next) {
		if (wire_text_is(tag, f->dialog.remote_tag))
			return f;
	}
	return NULL;
}

static void fork_destroy(void *obj)
{
	struct call_fork *f = obj;

	call_prack_forget(f);
	dialog_clear(&f->dialog);
	mem_unref(f->sdp);
}

int call_fork_take(struct leg *leg, const struct wire_msg *m, struct call_fork **ret_fork)
{
	struct call_forks *forks = &leg->forks;
	struct wire_party to;
	struct call_fork *f;
	int err;

	wire_to(m, &to);
	f = call_fork_find(leg, to.tag);
	if (f) {
		TAILQ_REMOVE(&forks->all, f, next);
		TAILQ_INSERT_TAIL(&forks->all, f, next);
		*ret_fork = f;
		return 0;
	}
	if (forks->n == CALL_FORKS_MAX) {
		metric_add(&call_metrics, CALL_FORKS_DROPPED, 1);
		return -ENOSPC;
	}
	f = mem_zalloc(sizeof(*f), fork_destroy);
	if (!f)
		return -ENOMEM;
	err = dialog_restore(&f->dialog, &leg->dialog);
	if (!err)
		err = dialog_establish_uac(&f->dialog, m);
	if (err) {
		mem_unref(f);
		return err;
	}
	f->allows_update = call_option_peer_allows(m, "UPDATE");
	TAILQ_INSERT_TAIL(&forks->all, f, next);
	forks->n++;
	*ret_fork = f;
	return 0;
}

void call_fork_says(struct call_fork *fork, struct body_sdp *sdp)
{
	mem_unref(fork->sdp);
	fork->sdp = sdp;
}

static void drop_waiting(struct call_forks *forks)
{
	forks->waiting = mem_unref(forks->waiting);
	forks->waiting_sdp = mem_unref(forks->waiting_sdp);
}

void call_fork_end(struct leg *leg, struct call_fork *fork)
{
	struct call_forks *forks = &leg->forks;

	call_update_forget(leg->call, fork);
	if (forks->media == fork) {
		forks->media = NULL;
		drop_waiting(forks);
	}
	TAILQ_REMOVE(&forks->all, fork, next);
	forks->n--;
	mem_unref(fork);
}

void call_fork_clear(struct leg *leg)
{
	while (!TAILQ_EMPTY(&leg->forks.all))
		call_fork_end(leg, TAILQ_FIRST(&leg->forks.all));
	drop_waiting(&leg->forks);
}

struct dialog *call_fork_dialog(struct leg *leg, const struct wire_msg *request)
{
	struct wire_party from;
	struct call_fork *f;

	if (leg->side == 0 || leg->dialog.remote_tag[0])
		return &leg->dialog;
	wire_from(request, &from);
	f = call_fork_find(leg, from.tag);
	return f ? &f->dialog : NULL;
}
