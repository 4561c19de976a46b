/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_peer - SIP hosts beside the sbe: messages as text, transactions, and user agents with their calls.
 *
 * They speak SIP by their own small implementation, so that a mistake of ours is not made twice.
 * Owner: lists that live as long as the world of a seed. Thread: one.
 */
#ifndef TESTS_SIM_SIM_PEER_H
#define TESTS_SIM_SIM_PEER_H

#include <sys/queue.h>

#include "tests/sim/sim.h"

enum sim_host_id { PBX, BNET1, BNET2, CNET, STRANGER_CORE, STRANGER_PEERING, SIM_HOSTS };
struct sim_host {
	const char *name, *ip, *media_ip;
	bool core, stranger;
	struct addr at, sbe; /* its own; the listener of the sbe it speaks to */
	uint64_t cut_until_ms[SIM_WAYS];
	bool unreachable;
};
extern struct sim_host sim_hosts[SIM_HOSTS];
struct sim_host *sim_host_at(const struct addr *a);
void sim_hosts_up(void);

/* ---- sim_text.c */
struct sim_msg {
	const char *text;
	size_t n;
	int status;      /* 0 = a request */
	char start[16];  /* method of a request */
	char method[16]; /* of CSeq */
	unsigned cseq;
	char call_id[128], from_tag[64], to_tag[64], branch[96];
	const char *body; /* "" = none */
};
/** @return false: not SIP with all it needs. */
bool sim_msg_read(const char *text, size_t n, struct sim_msg *ret_msg);
/** Value of a header as the sbe writes it, "" = not there. */
const char *sim_header(const char *text, const char *name, char *buf, size_t size);
bool sim_has_token(const char *text, const char *name, const char *token);
/** What stands between < and >, or the whole up to ';'. */
const char *sim_uri(const char *value, char *buf, size_t size);
const char *sim_tag(const char *value, char *buf, size_t size);
uint64_t sim_hash(const void *bytes, size_t n, uint64_t seed);
uint64_t sim_hash_text(const char *text, uint64_t seed);
/** snprintf that ends the program when it does not fit. @return length. */
size_t sim_print(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- sim_txn.c: transactions of peers */
struct sim_ua;
struct sim_client {
	LIST_ENTRY(sim_client) link;
	struct sim_host *host;
	struct sim_ua *ua; /* NULL = nobody waits */
	char branch[64], method[16], uri[256];
	unsigned cseq;
	char *text;
	size_t n;
	int status; /* last response */
	bool cancel_due, cancelled, over;
	bool reached; /* a copy was delivered to the sbe */
	struct timer timer;
	uint32_t interval_ms;
	uint64_t until_ms;
};
struct sim_server {
	LIST_ENTRY(sim_server) link;
	struct sim_host *host;
	struct sim_ua *ua; /* who answered 2xx */
	struct sim_ring *ring;
	char *request, *response;
	struct sim_msg msg; /* request read */
	size_t response_n;
	int status;
	bool acked;
	struct timer timer;
	uint32_t interval_ms;
	uint64_t until_ms;
};
struct sim_send {
	const char *method, *uri, *headers, *body; /* headers: more lines, may be NULL */
	const char *type;                          /* of the body; NULL = SDP */
	unsigned cseq;
};
/** A request of this user agent; ACK of a 2xx is not one. */
struct sim_client *sim_client_send(struct sim_ua *ua, const struct sim_send *s);
void sim_client_cancel(struct sim_client *c);
/** This has come to the sbe from there. @return true: it is a request of the host, as it made it. */
bool sim_client_reached(const struct sim_host *h, const struct sim_msg *m);
struct sim_reply {
	int status;
	const char *tag, *headers, *body;
};
void sim_server_reply(struct sim_server *s, const struct sim_reply *r);
/** The same request once more, for the answer of a second fork. */
struct sim_server *sim_server_twin(const struct sim_server *s);
/** Build a request as text. @return length. */
size_t sim_request(const struct sim_ua *ua, const struct sim_send *s, const char *branch, char *buf,
		   size_t size);
void sim_host_send(struct sim_host *h, const char *text, size_t n);
void sim_peer_receive(struct sim_host *h, const char *text, size_t n);
void sim_txn_down(void);
/** Transactions of peers that are not over. */
size_t sim_txn_open(void);

/* ---- sim_ua.c and its verbs */
enum sim_state { UA_IDLE, UA_CALLING, UA_EARLY, UA_UP, UA_DOWN };
struct sim_media {
	unsigned version, nlines;
	uint16_t port;
	const char *direction;
	bool old_hold;
	bool answers;              /* sdp is an answer */
	char sdp[1024];            /* what was said last */
	char own[1024], far[1024]; /* what is in force, of us and of the other side */
};
struct sim_session {
	struct timer timer;
	uint32_t wanted_s, interval_s; /* asked for; in force, 0 = none */
	uint64_t refreshed_ms;
	bool knows, forgets, we_refresh;
	bool unsure;             /* once at least it was not */
	bool asked_calm, surely; /* agreed when nothing got lost: both sides know the same */
};
struct sim_call;
struct sim_ua {
	LIST_ENTRY(sim_ua) link;
	struct sim_call *call;
	struct sim_host *host;
	bool caller;
	enum sim_state state;
	char call_id[128], local_tag[64], remote_tag[64], local[160], remote[512], target[256];
	char routes[512];
	unsigned cseq, remote_cseq, invite_cseq;
	struct sim_client *initial; /* the caller's first INVITE */
	struct sim_client *invite;  /* ours that has no final answer */
	struct sim_server *invited; /* theirs that has no final answer */
	struct sim_client *update;
	bool offered; /* an offer of ours or theirs waits for its answer */
	bool late;    /* our INVITE had no offer: the ACK answers */
	bool knows_update, bye_sent, bye_got, ack_sent, ack_never;
	bool unreached; /* it gave up although the sbe never heard of it: all may differ */
	bool replaces;  /* its first INVITE takes the place of another call */
	unsigned refer_cseq;
	bool refer_open; /* it has sent REFER, and knows not yet what has become of it */
	unsigned rack;   /* RSeq we have seen last */
	char ack[2048];
	size_t ack_n;
	struct sim_media media;
	struct sim_session session;
	bool no_update; /* it does not know that method */
	struct timer act;
	unsigned acts;
};
struct sim_call {
	LIST_ENTRY(sim_call) link;
	unsigned index;
	char number[24];
	struct sim_ua *caller;
	bool tainted; /* somebody of its own hosts plays by no rules in it */
	bool differs; /* one peer has refused to hear what the other describes now */
	bool excused; /* the network was against it for too long */
	bool answered, given_up;
	bool referred; /* a transfer was asked for: who speaks with whom is the sbe\'s word */
	struct sim_call *joined; /* with this one */
	bool redirected;         /* once by a 3xx that the sbe should follow */
	unsigned invites;        /* of the sbe to callees, copies not counted */
	bool was_up;             /* when all was looked at the first time */
	bool faded;              /* a session of it was not refreshed */
	struct timer cancel;
};
LIST_HEAD(sim_calls, sim_call);
LIST_HEAD(sim_uas, sim_ua);
extern struct sim_calls sim_calls;
extern struct sim_uas sim_uas;

void sim_call_start(unsigned index);
struct sim_call *sim_call_of_number(const char *text);
/** The call this Call-ID belongs to, of whichever leg. */
struct sim_call *sim_call_of_id(const char *call_id);
struct sim_ua *sim_ua_new(struct sim_call *call, struct sim_host *h);
struct sim_ua *sim_ua_find(const struct sim_host *h, const char *call_id, const char *local_tag,
			   const char *remote_tag);
void sim_ua_up(struct sim_ua *ua);
void sim_ua_end(struct sim_ua *ua);
void sim_ua_bye(struct sim_ua *ua);
void sim_ua_ack(struct sim_ua *ua, const char *body);
/** A 2xx came once more. */
void sim_ua_ack_again(struct sim_ua *ua, unsigned cseq);
void sim_ua_down_all(void);
/** What it knows; a line. */
const char *sim_ua_allow(const struct sim_ua *ua);

/* sim_ua_in.c: what comes in a dialog */
void sim_ua_request(struct sim_ua *ua, struct sim_server *s);
void sim_ua_response(struct sim_ua *ua, struct sim_client *c, const struct sim_msg *m);
void sim_ua_acked(struct sim_ua *ua, struct sim_server *s, const struct sim_msg *ack);
void sim_ua_no_ack(struct sim_ua *ua, struct sim_server *s);
/* sim_ua_act.c: what it does by itself when it is up */
void sim_ua_act_later(struct sim_ua *ua);
void sim_ua_offer_again(struct sim_ua *ua, bool update);
/* sim_session.c: RFC 4028 */
void sim_session_draw(struct sim_ua *ua);
/** Lines of our INVITE or UPDATE, of our 2xx to this one; "" = none. */
const char *sim_session_ask(struct sim_ua *ua, char *buf, size_t size);
const char *sim_session_grant(struct sim_ua *ua, const struct sim_msg *m, char *buf, size_t size);
/** The 2xx to ours. */
void sim_session_granted(struct sim_ua *ua, const struct sim_msg *m);
void sim_session_stop(struct sim_ua *ua);
/** It should have refreshed, has not, and is up. */
bool sim_session_overdue(const struct sim_ua *ua);
/** The sbe hangs up. */
void sim_session_ended(const struct sim_ua *ua);
/* sim_refer.c */
void sim_refer(struct sim_ua *ua);
/** Perhaps lines of an INVITE that replaces another call of this host. @return length */
size_t sim_replaces(struct sim_ua *ua, char *buf, size_t size);
void sim_refer_response(struct sim_ua *ua, const struct sim_client *c, const struct sim_msg *m);
void sim_refer_request(struct sim_ua *ua, struct sim_server *s);
void sim_refer_notified(struct sim_ua *ua, struct sim_server *s);
/* sim_ring.c: a new INVITE at the callee, its forks and answers */
struct sim_ring;
void sim_ring_start(struct sim_server *s);
struct sim_call *sim_ring_of_id(const char *call_id);
void sim_ring_cancel(struct sim_ring *r);
void sim_ring_prack(struct sim_ua *ua, struct sim_server *s);
void sim_ring_down_all(void);
/* sim_digest.c */
#define SIM_PASSWORD "open sesame"
void sim_digest_up(void);
/** A new request of the sbe: without credentials that are good now it is answered 401. @return true: it was. */
bool sim_digest_refuses(struct sim_server *s);
/* sim_media.c */
const char *sim_media_offer(struct sim_ua *ua);
const char *sim_media_answer(struct sim_ua *ua, const char *offer);
/** What we said last and what the other side said are in force now. */
void sim_media_agree(struct sim_ua *ua, const char *far);
/** An m-line of a session description. @return false: there is none. */
struct sim_line {
	char kind[16], direction[16];
	struct addr rtp; /* port 0 = refused */
	unsigned payload;
};
bool sim_media_line(const char *sdp, unsigned nth, struct sim_line *ret_line);

#endif
