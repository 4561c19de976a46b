/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_bed - the B2BUA between user agents played by the test, in simulated time, without a socket.
 *
 * Real: call, transactions, wire, guard, dialog, sdp, peers, routes. Played: the network (what the
 * transaction layer sends is caught here), the dbes (call_bed_gate.c) and the CDR file.
 * Every message sent is checked: the guard and the parser take it, and it names nothing of the other realm.
 * Owner: one bed per process, static. Thread: one.
 */
#ifndef TESTS_UNIT_SBE_CALL_CALL_BED_H
#define TESTS_UNIT_SBE_CALL_CALL_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sbe/call/call_object.h"
#include "sbe/sip/transport_private.h"

#define BED_SENT_MAX 512
#define BED_MESSAGE_MAX 70000

/*
 * A  pbx in realm core (10.0.0.10)           media at 10.0.0.11
 * B  first hop of bnet, realm peering (198.51.100.20)   media at 198.51.100.22
 * C  second hop of bnet (198.51.100.21)      X  another peer, cnet (198.51.100.30)
 * S  a stranger in realm peering (198.51.100.99)
 * We are 10.0.0.1 and 203.0.113.1, the dbe 10.0.0.2 and 203.0.113.2; our domain is a.example.
 */
enum bed_who { A, B, C, X, S, BED_UAS };

struct bed_ua {
	const char *name, *ip;
	struct transport_target at; /* where its messages come from, and by which listener */
	/* its end of the dialog; written by what it sends and takes */
	char tag[64], call_id[128], local[512], remote[512], target[512], route[512];
	char branch[64]; /* of its last INVITE */
	char invite_uri[512];
	unsigned cseq, invite_cseq;
	char request
		[BED_MESSAGE_MAX]; /* last request taken but ACK and CANCEL: what bed_reply answers */
};

struct bed_sent {
	enum bed_who to;
	bool taken;
	uint64_t at_ms;
	char *text;
};

/* What the played dbe does, and did. */
struct bed_gate {
	int available, open_err, modify_err;   /* errors to give; 0 = do it */
	uint16_t refuse_code;                  /* it refuses to open with this H.248 code; 0 = no */
	bool hold;                             /* answer nothing until it is off */
	unsigned opens, modifies, closes, now; /* now: contexts there */
	struct gate_context *context;          /* the last one that is there */
	int audit_err;                         /* of audits */
	bool audit_deaf;                       /* audits are not answered */
	bool audit_set; /* audits tell what audit[side] says, else that all is well */
	struct gate_statistics audit[2];
	char realms[160]; /* "m-core v4 m-peering v4" of the last open */
};

struct bed {
	struct timer_wheel *wheel;
	struct txn_layer *txns;
	struct transport transport;
	struct transport_listener listeners[3]; /* core udp, peering udp, peering tcp */
	struct call_core *core;
	struct call_config config;
	struct conf_doc *doc;
	struct conf_list peer_confs;
	struct route_conf_lists routes;
	struct bed_ua ua[BED_UAS];
	struct bed_sent sent[BED_SENT_MAX];
	unsigned nsent;
	struct bed_gate gate;
	json_t *cdrs;
	const char *
		extra; /* header lines ("X: y\n") of the next message a user agent sends, then NULL */
	const char *content_type; /* of the next body, in place of what it looks like */
	const char *max_forwards; /* of in-dialog requests; NULL = 70 */
	int send_err[BED_UAS];    /* what the transport says when we send to it */
	bool lossy[BED_UAS];      /* what we send to it gets lost */
	bool leaks_ok, idle_unchecked;
	bool nobody_ok; /* what is sent to an address that is nobody's gets lost */
	bool large_ok;  /* what we send may be over limits that we have for others */
	unsigned branches;
	size_t live, live_up;
};
extern struct bed bed;

/** members: more of the configuration, "'peers':{...}" replaces all peers, NULL = the usual. Quotes are '. */
void bed_up(const char *peers, const char *routes);
/** Checks that nothing was sent that the test did not take, and that 40 s later nothing at all is left. */
void bed_down(void);
int bed_setup(void **state);
int bed_teardown(void **state);
#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

/** Everything that is due now: timers, answers of the dbe. Done after each message anyway. */
void bed_settle(void);
void bed_run_ms(uint64_t ms);

/* ---- messages: \n for line ends, Content-Length is added; text is a printf format ---- */
void bed_send(enum bed_who from, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Any bytes, by way of guard and parser. @return 0 the transactions got it; -1 dropped; else what it is refused with. */
int bed_raw(enum bed_who from, const void *data, size_t len_bytes);
/** The next message sent to this user agent; 100s are passed over. A refused INVITE is ACKed. */
const char *bed_take(enum bed_who to, const char *start);
/** The same for whatever it is; NULL = nothing came. */
const char *bed_take_any(enum bed_who to);
/** The next message, or NULL; nothing is checked, the user agent does not see it. */
const char *bed_next(enum bed_who to);
void bed_quiet(enum bed_who to);
/** Forget what was sent to it (retransmissions nobody wants to count). @return how many. */
unsigned bed_skip(enum bed_who to);
/** Value of a header, "" if it is not there; one of eight static buffers. */
const char *bed_header(const char *text, const char *name);
const char *bed_body(const char *text);
void bed_has(const char *text, const char *part);
void bed_lacks(const char *text, const char *part);
/** Value behind "o=" as two numbers. */
void bed_origin(const char *text, unsigned long long *ret_id, unsigned long long *ret_version);

/* ---- user agents (call_bed_ua.c) ---- */
/** A new call to sip:+442079460000@a.example with new Call-ID and tag. body NULL = none. */
void bed_invite(enum bed_who from, const char *body);
/** Answer the last request taken. */
void bed_reply(enum bed_who from, int status, const char *body);
/** A request in the dialog: "BYE", "INVITE" ... */
void bed_request(enum bed_who from, const char *method, const char *body);
void bed_ack(enum bed_who from, const char *body);
/** CANCEL, and its 200 taken. */
void bed_cancel(enum bed_who from);
void bed_send_cancel(enum bed_who from);
/** Takes a BYE and answers 200. @return its text. */
const char *bed_take_bye(enum bed_who at);
/** From the INVITE to the ACK; from A to B. */
void bed_connect(void);
void bed_connect_as(enum bed_who from, enum bed_who to);
/** The re-INVITE of one side, answered and ACKed. */
void bed_hang_up(enum bed_who from, enum bed_who other);

#define BED_SDP(ip, port)                                                                          \
	"v=0\no=user 7 7 IN IP4 " ip "\ns=-\nc=IN IP4 " ip "\nt=0 0\nm=audio " port                \
	" RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\n"
#define SDP_A BED_SDP("10.0.0.11", "4000")
#define SDP_B BED_SDP("198.51.100.22", "6000")

/* ---- dbe (call_bed_gate.c) ---- */
/** Modes of all streams: "caller side/callee side", e.g. "sendonly/recvonly inactive/inactive". */
const char *bed_modes(void);
const char *bed_gate_remote(unsigned stream, int side);
const struct gate_stream *bed_gate_stream(unsigned stream, int side);
void bed_gate_trouble(enum gate_trouble what);
void bed_gate_event(int side, int type);
/** What `call show` tells of a call, with the dbe's answer waited for; owned by the caller. */
json_t *bed_show(const char *token);
/** Deliver one answer that is waiting. @return false: there is none. */
bool bed_gate_answer(void);
void bed_gate_reset(void);

/* ---- CDR ---- */
unsigned bed_cdr_count(void);
/** Member of the last record as text, "" if absent. "attempts.0.result" goes into arrays. */
const char *bed_cdr(const char *path);

#endif
