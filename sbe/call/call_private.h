/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_private - what the files of call/ share: the call object, its legs, its media. Included only here.
 *
 * One file per verb works on these structs: admit, invite, answer, cancel, bye, reinvite, media, timer,
 * record. State changes go through call_fsm.c's table.
 */
#ifndef SBE_CALL_CALL_PRIVATE_H
#define SBE_CALL_CALL_PRIVATE_H

#include <sys/queue.h>

#include "common/fsm.h"
#include "common/table.h"
#include "sbe/call/call.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_direct.h"
#include "sbe/call/call_loop.h"
#include "sbe/call/call_screen.h"
#include "sbe/call/call_sed.h"
#include "sbe/call/call_fork.h"
#include "sbe/call/call_option.h"
#include "sbe/call/call_quality.h"
#include "sbe/call/call_refer.h"
#include "sbe/call/call_relay.h"
#include "sbe/call/call_reliable.h"
#include "sbe/call/call_update.h"
#include "sbe/call/call_session.h"
#include "sbe/call/call_source.h"
#include "sbe/call/call_stray.h"
#include "sbe/call/call_terms.h"
#include "sbe/call/call_trace.h"
#include "sbe/call/call_transfer.h"
#include "sbe/policy/policy.h"
#include "sbe/sdp/body_codec.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_negotiate.h"
#include "sbe/sdp/body_origin.h"
#include "sbe/sdp/body_sdp.h"
#include "sbe/sip/dialog.h"

#define CALL_MAGIC 0xca110001U
#define LEG_MAGIC 0x1e900001U
#define CALL_TOKEN_BYTES 17      /* 64 random bits in hex, with the 0 */
#define CALL_HEADERS_BYTES 16384 /* header block we build; a message is at most 64 KiB */
#define CALL_ATTEMPTS_FEW 4      /* as many as a call mostly has */
#define CALL_ATTEMPTS_MAX 40

enum call_state {
	CALL_OPENING,   /* gate_open is asked */
	CALL_TRYING,    /* INVITE is out, nothing but 100 back */
	CALL_RINGING,   /* a 18x went back */
	CALL_ANSWERING, /* 2xx is in, waiting for gates */
	CALL_UP,        /* 2xx is out */
	CALL_ENDING,    /* both legs are being released */
	CALL_DEAD,      /* waiting for the reaper */
	CALL_STATES
};
enum call_event {
	CALL_EV_GATE,     /* gates are open; data NULL */
	CALL_EV_PROGRESS, /* 18x; data: struct wire_msg */
	CALL_EV_ANSWER,   /* 2xx; data: struct wire_msg */
	CALL_EV_FAILURE,  /* this attempt failed; data: struct call_failure */
	CALL_EV_RELEASE,  /* end it; data: struct call_release */
	CALL_EV_ANSWERED, /* gates follow the answer; data NULL */
	CALL_EVENTS
};
extern const struct fsm_table call_fsm_table;

/* Why an attempt failed. */
struct call_failure {
	int status;         /* SIP status to give upstream if it was the last attempt */
	const char *phrase; /* NULL = standard */
	const char *cause;  /* CDR word, static */
	const char *text;   /* for a Reason header; NULL = the cause */
	bool next_hop;      /* another hop may be tried */
	bool other_target;  /* it is somebody else's: this hop is well, and it may have rung */
	const struct wire_msg *response; /* headers to pass, or NULL */
};
/* Why a call ends. */
enum call_by { CALL_BY_CALLER, CALL_BY_CALLEE, CALL_BY_US };
struct call_release {
	enum call_by by;
	int status; /* answer to a caller that has none yet */
	const char *phrase;
	const char *cause;  /* CDR word, static */
	const char *reason; /* value of a Reason header towards legs we release, or NULL */
	const struct wire_msg
		*request; /* the BYE or CANCEL that did it (its Reason passes), or NULL */
};

struct leg {
	uint32_t magic;
	uint8_t side;       /* 0 caller, 1 callee */
	uint8_t counted_as; /* enum peer_direction */
	bool counted;       /* peer_take was done */
	bool up;            /* 2xx passed: a BYE ends it */
	bool cancelled;     /* our INVITE is being cancelled */
	bool ack_due;       /* a 2xx of it has not been ACKed by us */
	bool bye_due;       /* BYE as soon as our 2xx is ACKed or given up (RFC 3261 15) */
	struct call *call;
	struct peer *peer;
	size_t hop;
	struct dialog dialog;
	struct txn_server *server; /* INVITE from this leg that is not answered or not ACKed */
	struct txn_client *invite; /* our INVITE to this leg */
	struct txn_client *bye;
	uint32_t invite_cseq; /* of our last INVITE on this leg: the ACK carries it */
	uint32_t their_cseq;  /* of their last INVITE: their ACK carries it */
	struct body_origin origin;
	struct call_forks forks;        /* early dialogs of our INVITE */
	struct call_reliable *reliable; /* our 18x to it are; NULL = they are not */
	bool allows_update;
	uint32_t kbps;          /* of its peer's bandwidth (call_terms.h) */
	struct call_auth *auth; /* challenges it gave us; NULL = none */
	struct call_session session;
	struct call_quality quality;
	struct call *lent;       /* the leg is in that call for now: this place is empty */
	struct call *wanted;     /* that call waits until the leg may be moved to it */
	struct call_refer refer; /* a transfer that this side has asked for */
	struct call_relay relay; /* requests from here that go to the other leg */
};

/* One m-line. index by side: local = our address towards that side, remote = theirs. */
struct call_stream {
	struct addr local_rtp[2], local_rtcp[2];
	struct addr remote_rtp[2], remote_rtcp[2];
	uint64_t payloads[2][2];
	uint32_t kbps[2];     /* that side asks for (b=); 0 = it does not say */
	uint8_t kind;         /* enum peer_media_kind */
	uint8_t direction[2]; /* enum body_direction as that side wrote it */
	uint8_t silent;       /* bit per side: the dbe has reported silence */
	bool active, rtp, mux;
	uint8_t policed;      /* bit per side: the dbe has been told a rate */
	uint64_t opened_ms;   /* when its gates were there, monotonic; 0 = never */
	struct addr stray[2]; /* last unexpected source of that side, as the dbe told */
	struct addr latched[2];
};

/* An offer/answer exchange in progress, by an INVITE from one side to the other. */
struct leg;
/* status of the final response, or of what stands for it (m NULL: there was none) */
typedef void(call_own_h)(struct leg *leg, int status, const struct wire_msg *m);
struct call_exchange {
	bool running, initial;
	bool late;       /* the INVITE had no SDP: the offer is in the 2xx, the answer in the ACK */
	bool answered;   /* the answer has been taken */
	uint8_t from;    /* side that sent the INVITE */
	call_own_h *own; /* nobody sent it: an INVITE of our own to the other side */
	struct body_sdp *offer;
	struct wire_msg *held; /* a 2xx that waits for gates, or the INVITE that waits for a gate */
	struct body_sdp *sdp;  /* what goes with a held 2xx; NULL = nothing */
	bool by_update;        /* it serves an UPDATE: no INVITE of that side, so no ACK to come */
	struct txn_server *update; /* that UPDATE; NULL once it is answered */
};

struct call_attempt {
	char hop[64];
	const char *result;
	int status;
};

struct call_asking; /* an operator's question to the dbe that is under way */
LIST_HEAD(call_asking_list, call_asking);

struct call {
	uint32_t magic;
	struct call_core *core;
	char token[CALL_TOKEN_BYTES];
	struct fsm fsm;
	struct leg legs[2];
	struct gate_context *gate;
	bool gate_open, gate_closing, recorded;
	struct call_direct direct;
	bool urgent;    /* an emergency or priority call */
	uint8_t silent; /* bit per side: nothing comes from there of all it should send */
	struct call_stream *streams;
	size_t nstreams;
	unsigned nlines; /* m= lines the session has: a later offer has no fewer */
	struct call_exchange ex;
	struct timer ex_timer; /* of an UPDATE served by an INVITE */
	struct call_update upd;
	struct call_transfer transfer;     /* how it came about, if not by a plain INVITE */
	struct route_plan *plan;           /* freed when the call is up */
	struct route_asking *asking_route; /* somebody is asked where it goes */
	size_t candidate;
	struct call_sed sed;
	struct timer ring, reaper, guard;
	/* for the CDR */
	char *caller, *callee, *called_sent; /* URIs */
	struct call_attempt few_attempts[CALL_ATTEMPTS_FEW], *attempts;
	size_t nattempts;
	unsigned invites; /* sent to callees, those that were sent again with more among them */
	uint64_t invite_wall_ms, invite_ms, ring_ms, answer_ms, end_ms;
	uint64_t answer_wall_ms, ring_wall_ms, end_wall_ms;
	int status;
	char *replaces;    /* of the INVITE to the callee; NULL = none */
	int max_forwards;  /* of the INVITEs that go out */
	uint64_t loop_key; /* call_loop.h */
	enum call_by released_by;
	const char *cause;
	char dbe[GATE_NAME_BYTES];
	uint32_t context_id;
	char route[64];
	char a_call_id[128];
	struct addr sip_addr[2];
	struct call_asking_list asking;
	struct call_trace trace;
	struct table_entry by_token;
};

struct call_core {
	struct call_options o;
	struct call_config c;
	struct table *calls;          /* by token */
	struct table *dialogs;        /* see dialog_register */
	unsigned asking;              /* questions of all calls */
	struct digest_nonces *nonces; /* of our challenges */
	uint64_t loop_secret[2];      /* call_loop.h */
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
	struct call_strays strays;
	struct call_past *past;           /* CALL_PAST_MAX */
	size_t npast;                     /* ever */
	char headers[CALL_HEADERS_BYTES]; /* scratch for the message being written */
};

/* call.c */
int call_new(struct call_core *core, struct call **ret_call);
void call_end_check(struct call *call); /* reap when nothing is left to wait for */
struct call *call_find(struct call_core *core, const char *token, int *ret_err);
const char *call_media_realm(const struct call_core *core, const char *realm);
const struct transport_listener *call_listener(const struct call_core *core, const struct peer *p,
					       const struct peer_hop *hop);
bool call_domain_is_ours(const struct call_core *core, struct wire_text host);

/* call_route.c: where it goes */
struct call_planning {
	bool done; /* else the answer comes with call_route_planned's way: the call is refused or goes on */
	struct route_plan plan;
	struct txn_server *s; /* gets its 100 before anybody is asked; NULL = none waits for it */
};
/** Ask the routes. Not done: call_route_wait when there is a call. */
void call_route_ask(struct call_core *core, const struct wire_msg *m, struct peer *p,
		    struct call_planning *ret_planning, struct route_asking **ret_asking);
/** The call waits for the plan. */
void call_route_wait(struct call *call, struct route_asking *asking);
/** Give up the plan, and the question for one. */
void call_plan_free(struct call *call);
/** Keep a plan, with references on what it names. @return 0, -ENOMEM. */
int call_route_keep(struct call *call, const struct route_plan *plan);
/** Is there a dbe for the first candidate? @return the CDR word of what is wrong, NULL = there is. */
const char *call_route_no_gate(struct call_core *core, const struct peer *from,
			       const struct route_plan *plan, const char **ret_text);
/** What a lookup has found must prove, over TLS, that it is the domain that was looked up (RFC 5922 4). @return false: no room. */
bool call_route_prove(const struct call *call, struct transport_target *to);
/** The present candidate's next hop; NULL when the plan is gone. */
const struct peer_hop *call_route_hop(const struct call *call);

/* call_admit.c */
void call_admit(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		struct peer *p);

struct call_planning;
/** Limits and route of a call that peer p makes by other means than an INVITE.
 *  @return 0 with the peer's session taken (PEER_IN), or a status. */
int call_admit_plan(struct call_core *core, const struct wire_msg *invite, struct peer *p,
		    struct call_planning *ret_planning, struct route_asking **ret_asking);

/* call_replace.c */
void call_replace_return(struct call *call, const struct call_release *r);

/* call_none.c: requests outside any call, and refusals */
/** Does a message of this peer come from the far end of the leg? (RFC 6404, C13) */
bool call_from_leg(const struct leg *leg, const struct peer *p,
		   const struct transport_target *from);
void call_refuse(struct txn_server *s, int status, const char *phrase, const char *headers);
void call_answer_options(struct call_core *core, struct txn_server *s, const struct peer *p);

/* call_invite.c */
int call_invite_open(struct call *call);  /* ask for gates of the present candidate */
int call_invite_send(struct call *call);  /* the INVITE to the present candidate */
int call_invite_again(struct call *call); /* the same once more, in the same dialog: RFC 4028 7.3 */
void call_invite_next(struct call *call,
		      const struct call_failure *f); /* next candidate, or give up */
void call_reject(struct call *call,
		 const struct call_failure *f); /* final answer to the caller, end */

/* call_redirect.c */
bool call_redirect(struct call *call, const struct wire_msg *m); /* true: it goes on elsewhere */
bool call_redirect_goes_on(const struct call *call,
			   int status);            /* another Contact is to be tried */
bool call_redirect_spent(const struct call *call); /* no more INVITEs for it */
void call_attempt_note(struct call *call, int status, const char *result);
void call_attempts_free(struct call *call);

/* call_progress.c: early dialogs and early media */
int call_progress(struct call *call, const struct wire_msg *m);
void call_note_ringing(struct call *call);
/* An early dialog has ended: early media of another one is heard, if there is one. */
int call_fork_gone(struct call *call, struct call_fork *fork);

struct call_media_in;
/* call_prack.c: the callee's reliable provisional responses */
enum call_prack { CALL_PRACK_NONE, CALL_PRACK_DUE, CALL_PRACK_IGNORE };
bool call_prack_offered(const struct call *call); /* do we tell the callee that we take them? */
enum call_prack call_prack_take(struct call *call, struct call_fork *fork,
				const struct wire_msg *m);
int call_prack_send(struct call *call, struct call_fork *fork, const struct call_media_in *answer);
int call_prack_offer(struct call *call, struct call_fork *fork, struct wire_msg *m,
		     struct body_sdp *offer);
void call_prack_answer(struct call *call, struct txn_server *s, const struct wire_msg *m,
		       struct body_sdp *answer);

/* call_overload.c */
/** An emergency, or a call with a priority we believe: it comes before others (E7). */
bool call_is_urgent(const struct call_core *core, const struct wire_msg *m, const struct peer *p);
enum peer_limit call_take(struct peer *p, enum peer_direction d, bool urgent);
/** Does this hop want no call now? @return CDR word, or NULL = it may have it. */
const char *call_hop_declines(const struct call *call, struct peer *p, size_t hop);
/** The present attempt failed in a way that says something of its hop. */
void call_hop_failed(struct call *call, const struct call_failure *f);

/* call_answer.c: responses to our INVITE */
extern const struct txn_client_handlers call_invite_handlers;
struct call_reply {
	struct txn_server *server;
	const struct wire_msg *msg; /* its status and headers */
	const struct body_sdp *sdp; /* parsed from it, or what goes in its place; NULL = none */
	bool offer;                 /* it is one: codecs are filtered */
	uint32_t rseq;              /* 0 = not reliable */
};
/* Give leg `side` a response like msg. @return as txn_server_reply, -ENOTSUP. */
int call_reply(struct call *call, int side, const struct call_reply *r);
int call_answer(struct call *call, const struct wire_msg *m);
int call_answer_done(struct call *call);
void call_answer_up(struct call *call);  /* from now on it is up */
void call_reply_held(struct call *call); /* pass the 2xx that waited for gates */
int call_ack_leg(struct leg *leg, const struct wire_msg *ack);

/* call_cancel.c */
extern const struct txn_server_handlers call_server_handlers;

/* call_stray.c */
/* ACK, and BYE unless this 2xx has come before; cseq: the highest one used in that dialog. */
void call_hang_up_2xx(struct call_core *core, const struct wire_msg *m,
		      const struct transport_target *to, uint32_t cseq);
void call_ack_2xx(struct call_core *core, const struct wire_msg *m,
		  const struct transport_target *to); /* only the ACK, from the response alone */

/* call_bye.c */
void call_bye_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
void call_leg_bye(struct leg *leg, const struct wire_msg *request, const char *reason);
int call_release(struct call *call, const struct call_release *r);
void call_release_us(struct call *call, int status, const char *cause, const char *reason);

/* call_reinvite.c */
/* Serve an UPDATE's offer with an INVITE to the other side; takes over the offer. */
void call_reinvite_for(struct leg *leg, struct txn_server *s, const struct wire_msg *m,
		       struct body_sdp *offer);
void call_reinvite_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
void call_reinvite_response(struct leg *leg, const struct wire_msg *m);
void call_reinvite_failed(struct leg *leg, int err);
void call_exchange_end(struct call *call);
void call_exchange_hold(struct call *call, const struct wire_msg *m, struct body_sdp *sdp);

/* call_own.c */
/** An INVITE of our own with this body, which stays the caller's. The 2xx is ACKed and taken as a refresh before fn.
 *  @return 0, -EBUSY (another exchange is going on), -errno of txn_client_new. */
int call_own_invite(struct leg *leg, struct body_written *w, call_own_h *fn);
/** @return true: it was a response to that. m NULL: there was none, err says why. */
bool call_own_response(struct leg *leg, const struct wire_msg *m, int err);

/* How long to wait after a 491 to such a request (RFC 3261 14.1). */
uint64_t call_own_glare_ms(const struct leg *leg);

/* call_sync.c: the initial INVITE is acknowledged; is the caller owed another description? */
void call_sync(struct call *call);

/* call_refresh.c */
void call_refresh_send(struct leg *leg);
/** The leg has taken a session that does not come about: bring back what was in force. */
void call_refresh_restore(struct leg *leg);
void call_session_refresh_in(struct leg *leg, uint64_t delay_ms);

/* call_media.c */
int call_media_parse(const struct wire_msg *m, struct body_sdp **ret_sdp,
		     const char **ret_why); /* 0 with NULL = no SDP */
int call_media_check(const struct call *call, const struct body_sdp *sdp, const char **ret_why);
int call_media_fits(const struct call *call, const struct body_sdp *offer,
		    const struct body_sdp *answer, const char **ret_why); /* checked too */
/* May this offer follow on what the session has? S2 */
int call_media_may_change(const struct call *call, const struct body_sdp *offer,
			  const char **ret_why);
int call_media_take(struct call *call, int side, const struct body_sdp *sdp,
		    bool offer); /* remember what that side said */
/* Another answer to the same offer is to be taken: undo what the last one refused. */
void call_media_again(struct call *call, const struct body_sdp *offer);
void call_media_opened(struct call *call); /* the gates are there: note where */
int call_media_open(struct call *call,
		    gate_reply_h *fn); /* gates for the offer of ex.from, closed */
int call_media_locals(struct call *call, const struct gate_action *reply);
/* side = who offers */
bool call_media_new_streams(const struct call *call, int side, const struct body_sdp *offer);
int call_media_extend(struct call *call, int side, const struct body_sdp *offer, gate_reply_h *fn);
enum call_cut { CALL_CUT_CLOSED, CALL_CUT_EARLY, CALL_CUT_THROUGH };
int call_media_follow(struct call *call, enum call_cut cut,
		      gate_reply_h *fn); /* gates follow both sides' SDP */
int call_media_write(struct call *call, int to, const struct body_sdp *in, bool offer,
		     struct body_written *ret_out);
void call_media_trouble(void *arg, enum gate_trouble what, int side,
			const struct gate_event *event);
/* The body for side `to`: the received one with its SDP replaced; Content-Type line goes to o. */
struct call_media_in {
	const struct wire_msg *msg; /* what the body came in */
	const struct body_sdp *sdp; /* parsed from it; NULL = there is none to send */
	bool offer;                 /* codecs of an offer are filtered */
};
int call_media_body(struct call *call, int to, const struct call_media_in *in, struct wire_out *o,
		    char **ret_body, size_t *ret_bytes);
int call_media_grow(struct call *call, const struct body_sdp *offer);
bool call_media_relayed(const struct body_media *m); /* we carry it: RTP or T.38 */

/* call_headers.c: what crosses to a leg, by the policies of both peers. via = the listener it goes out by. */
bool call_text_names_host(struct wire_text t); /* is a numeric address in it? */
void call_headers_contact(const struct transport_target *t, struct wire_out *o);
void call_headers_way(const struct call_core *core, const struct peer *from, const struct peer *to,
		      const struct transport_listener *via, struct policy_way *ret_way);
void call_headers_pass(const struct leg *to, const struct transport_listener *via,
		       const struct wire_msg *m, struct wire_out *o);
/** Phrase of a response for that leg; NULL = the standard one. */
const char *call_headers_phrase(const struct leg *to, const struct wire_msg *m, char *buf,
				size_t size_bytes);
/** Value of a Reason header for that leg: of m (may be NULL) if it may be shown, else ours; NULL = none. */
const char *call_headers_reason(const struct leg *to, const struct wire_msg *m, const char *ours,
				char *buf, size_t size_bytes);
/** Status for that leg of a response (m NULL: a failure of ours); phrase is set if a rule says one. */
int call_headers_status(const struct leg *to, const struct wire_msg *m, int status,
			const char **phrase);
int call_headers_parties(const struct call *call, const struct wire_msg *invite,
			 const struct transport_listener *via, struct policy_parties *ret_parties);
/** See policy_body(): a multipart body for that leg; one without an SDP. */
int call_headers_body(const struct leg *to, const struct wire_msg *m, struct wire_text body,
		      struct policy_body *ret_body);
bool call_headers_body_passes(const struct leg *to, const struct wire_msg *m);
/** May this call go to the peer of leg 1? */
bool call_headers_leave(const struct call *call, const struct wire_msg *invite,
			struct policy_refusal *ret_refusal);

/* call_timer.c */
void call_timer_ring(struct call *call);

/* call_record.c */
void call_record(struct call *call, const struct gate_final *final); /* final NULL = no media */
void call_record_refused(struct call_core *core, const struct wire_msg *m, const struct peer *p,
			 int status, const char *cause);

/* call_show.c */
/** To be called before the gate is closed: who asked for its counters is answered without them. */
void call_show_settle(struct call *call);

/* call_verdict.c */
#define CALL_VERDICT_BYTES 6144 /* two sentences for each of GATE_STREAMS_MAX streams */
/** Sentences, one a line, without the last line end; "" if there is nothing to say. final NULL: the dbe did not tell. */
void call_verdict(const struct call *call, const struct gate_final *final, char *buf,
		  size_t size_bytes);
/** What the dbe says of a stream on one side; NULL = nothing. */
const struct gate_stream *call_verdict_stream(const struct gate_final *final, int side, size_t i);

#define LEG_OTHER(leg) (&(leg)->call->legs[1 - (leg)->side])
#define CALL_CHECK(c) assert((c)->magic == CALL_MAGIC)
#define LEG_CHECK(l) assert((l)->magic == LEG_MAGIC)

#endif
