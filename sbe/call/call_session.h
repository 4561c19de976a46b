/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_session - the session timer of a leg (RFC 4028, S6, A31): who refreshes, how often, and the end of a
 * call nobody refreshes any more.
 *
 * Each leg has a timer of its own; nothing of one leg's Session-Expires goes to the other. A re-INVITE that
 * passes refreshes both legs. Owner: embedded in struct leg. Thread: loop.
 */
#ifndef SBE_CALL_CALL_SESSION_H
#define SBE_CALL_CALL_SESSION_H

#include "common/timer.h"
#include "sbe/peer/peer_session.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/txn.h"
#include "sbe/sip/wire_out.h"

#define CALL_SESSION_LINE_BYTES 64 /* for call_session_check */
#define CALL_SESSION_TRIES 3       /* 422 in a row that are followed */

struct leg;
struct peer_conf;

enum call_refresher { CALL_REFRESHER_NONE, CALL_REFRESHER_UAC, CALL_REFRESHER_UAS };

/* What a side said last about its media, short: enough to know the same again. */
struct call_said {
	uint64_t hash, sess_id, version; /* hash 0 = nothing, or what is no number */
};

struct call_session {
	struct timer timer;        /* the next thing to do */
	struct timer restore;      /* bring back what was in force */
	uint8_t restores;          /* tries left */
	struct txn_client *update; /* a refresh of ours by UPDATE */
	char *agreed, *written;    /* SDP we sent: what is in force, and what is not answered yet */
	struct call_said said;
	uint64_t refresh_ms, give_up_ms; /* monotonic; give_up 0 = no timer runs */
	uint32_t interval_s;             /* 0 = the session has no timer */
	uint32_t min_s;                  /* the highest Min-SE that a 422 told us */
	uint32_t asked_s, asked_min_s;   /* of the request that is to be answered; 0 = not named */
	uint8_t asked_refresher;         /* enum call_refresher */
	uint8_t tries;
	bool knows_timer, we_refresh, by_invite;
};

/**
 * May this INVITE or UPDATE be taken? @param line gets "Min-SE: ...\r\n" or "Require: ...\r\n".
 * @return 0, 422 (interval too small) or 421 (no session without timer).
 */
int call_session_check(const struct wire_msg *m, const struct peer_conf *c, char *line,
		       size_t size_bytes);
/** A request of theirs that will be answered 2xx: what it asks for is remembered. */
void call_session_heard(struct leg *leg, const struct wire_msg *m);
/** Into our 2xx to it: Session-Expires and Require, or nothing. Starts the timer. */
void call_session_grant(struct leg *leg, struct wire_out *o);
/** The same, if it is a request that can refresh. */
void call_session_reply(struct leg *leg, const struct txn_server *t, struct wire_out *o);
/** Into our INVITE or UPDATE: Session-Expires and Min-SE, or nothing. */
void call_session_ask(const struct leg *leg, struct wire_out *o);
/** The 2xx to it. Starts the timer. */
void call_session_granted(struct leg *leg, const struct wire_msg *m);
/** Is this response a 422 after which the same request may be sent once more, with what it asks for? */
bool call_session_again(struct leg *leg, const struct wire_msg *m);
/** The leg ends. */
void call_session_stop(struct leg *leg);
void call_session_clear(struct leg *leg);
/** Send a refresh after so long. */
void call_session_refresh_in(struct leg *leg, uint64_t delay_ms);
/** The leg moves to another call. */
void call_session_move(struct leg *from, struct leg *to);

/** The leg is back from another call: this is in force again (ours from now on), whatever was said there. */
void call_session_as_before(struct leg *leg, char *agreed);

/** We wrote an SDP for this leg (copied). It is in force at once when it is an answer. */
void call_session_wrote(struct leg *leg, const char *sdp, bool offer);
/** This leg's peer described itself, and it counts. Its answer puts our offer in force. */
void call_session_said(struct leg *leg, const struct body_sdp *sdp, bool offer);
/** A re-INVITE that refreshes and changes nothing: answered here, the other leg does not hear of it. @return true: done. */
bool call_session_refreshed(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
			    const struct body_sdp *offer);

#endif
