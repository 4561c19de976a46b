/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_bed - a transaction layer in simulated time: what it sends and whom it calls is written down.
 *
 * Owner: the test; bed_start and bed_stop. Thread: one.
 */
#ifndef TESTS_UNIT_SBE_SIP_TXN_BED_H
#define TESTS_UNIT_SBE_SIP_TXN_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sbe/sip/txn.h"

#define BED_SENT_MAX 128
#define BED_LOG_MAX 64

struct bed_sent {
	uint64_t at_ms;
	struct transport_target to;
	char text[4096];
};

struct bed {
	struct timer_wheel *wheel;
	struct txn_layer *layer;
	uint64_t now_ms;
	struct bed_sent sent[BED_SENT_MAX];
	unsigned nsent;
	char log[BED_LOG_MAX][64]; /* "1500 response 180" */
	unsigned nlog;
	int send_err; /* what the transport says */
	size_t live;  /* blocks before */

	/* What the bed does when it is asked: */
	const struct txn_reply *answer; /* inside request(); NULL = nothing */
	bool bind; /* servers are bound (log: cancel, acked, no_ack, terminated) */
	bool detach_in_response;
	size_t large_bytes; /* requests over this go by TCP; 0 = none */
	unsigned nrefused;  /* that could not be delivered there */
	bool no_way_back;
	bool quiet;                /* nothing goes into the log */
	struct txn_server *server; /* of the last request() */
	struct txn_client *client; /* bed_client() */
};

/* Listeners that exist only as names. */
extern const struct transport_listener *const bed_udp, *const bed_tcp;

void bed_start(struct bed *b, const struct txn_options *o);
/** Ends the layer and checks that all memory is back. */
void bed_stop(struct bed *b);
/** Let time pass up to (and with) this moment since the start. */
void bed_run_to(struct bed *b, uint64_t ms);

/** The peer at 198.51.100.7:5070, over UDP or a stream that has connection id 7. */
struct transport_target bed_peer(const struct transport_listener *l);
/** Parse and receive; text is written with \n for line ends. @return what parsing said. */
int bed_receive(struct bed *b, const char *text, const struct transport_target *from);
/** A request of the peer with the usual headers. cseq NULL = "1 METHOD"; to_tag NULL = none. */
void bed_request(struct bed *b, const char *method, const char *branch, const char *to_tag,
		 const struct transport_target *from);
/** A response of the peer to the last request sent with this method. */
void bed_respond(struct bed *b, const char *method, int status, const char *to_tag,
		 const struct transport_target *from);
/** Our own request. */
int bed_client(struct bed *b, const char *method, uint32_t timeout_ms,
	       const struct transport_target *to);

/** First line of the nth message sent, up to " SIP/2.0" / the phrase. */
const char *bed_first_line(struct bed *b, unsigned nth);
/** Copy of the value of a header of the nth message sent ("" if absent); in a static buffer. */
const char *bed_header(struct bed *b, unsigned nth, const char *name);
/** When messages whose first line starts so were sent, from index first on: "0 500 1500". Static buffer. */
const char *bed_times(struct bed *b, const char *start, unsigned first);
/** The log as one text: "0 request INVITE; 0 cancel". Static buffer. Clears it. */
const char *bed_log(struct bed *b);

#endif
