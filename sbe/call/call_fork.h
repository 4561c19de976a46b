/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_fork - the early dialogs of a callee leg: behind one INVITE of ours several phones may ring.
 *
 * Each To tag in a 18x is an early dialog of its own (RFC 3261 12.1, S3): its own route set, target and session
 * description. The caller leg has one dialog all the time; the gates follow the fork whose early media is current,
 * and the one that answers. The CSeq of our requests is counted in the leg's dialog, over all forks: each of
 * them sees numbers that rise, and whoever ends a fork later knows one that is high enough.
 * Owner: the leg; all forks go when one has answered or the INVITE has failed. Thread: loop.
 */
#ifndef SBE_CALL_CALL_FORK_H
#define SBE_CALL_CALL_FORK_H

#include <sys/queue.h>

#include "sbe/call/call_prack.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/dialog.h"

#define CALL_FORKS_MAX 8 /* more are not followed, and counted */

struct leg;

struct call_fork {
	TAILQ_ENTRY(call_fork) next; /* the one that spoke last is last */
	struct dialog dialog;
	struct body_sdp *sdp; /* what it said last, NULL = nothing yet */
	uint32_t rseq;        /* of its last reliable response; 0 = none */
	struct call_prack_sent prack;
	bool settled; /* offer and answer of the INVITE are complete in this dialog */
	bool allows_update;
};

struct call_forks {
	TAILQ_HEAD(call_fork_list, call_fork) all;
	unsigned n;
	struct call_fork *media;  /* the gates follow this one */
	struct wire_msg *waiting; /* a 18x that waits for the gates, with its description */
	struct body_sdp *waiting_sdp;
};

void call_fork_init(struct leg *leg);
/** NULL = no such early dialog. */
struct call_fork *call_fork_find(const struct leg *leg, struct wire_text tag);
/** The fork a 18x with a To tag came from, made if it is new. @return 0, -ENOSPC (CALL_FORKS_MAX), -errno of dialog.h. */
int call_fork_take(struct leg *leg, const struct wire_msg *m, struct call_fork **ret_fork);
/** It described itself; takes over the reference. */
void call_fork_says(struct call_fork *fork, struct body_sdp *sdp);
void call_fork_end(struct leg *leg, struct call_fork *fork);
void call_fork_clear(struct leg *leg);

/** The dialog a request from this leg's peer belongs to; NULL = an early one we do not know. */
struct dialog *call_fork_dialog(struct leg *leg, const struct wire_msg *request);

#endif
