/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_bed - a transport on loopback sockets and the far ends it talks to, all on one thread.
 *
 * Every wait has a deadline and ends with the event it waits for. Owner: the test. Thread: one.
 */
#ifndef TESTS_UNIT_SBE_SIP_TRANSPORT_BED_H
#define TESTS_UNIT_SBE_SIP_TRANSPORT_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sbe/sip/transport.h"

#define TBED_MAX 512
#define TBED_PEER 7 /* number of everybody who is known */

struct tbed_message {
	char first[128]; /* first line's method or status */
	char call_id[64];
	struct transport_target from;
};
struct tbed_failure {
	struct transport_target to;
	int err;
};

struct tbed {
	uv_loop_t loop;
	uv_timer_t tick;
	struct transport *transport;
	struct tbed_message messages[TBED_MAX];
	struct tbed_failure failures[TBED_MAX];
	int nmessages, nfailures;     /* int: they are waited for */
	int ngated;                   /* messages the gate was asked of */
	struct transport_offer gated; /* the last one */
	bool gated_known;
	enum guard_verdict gate; /* what it says */
	struct guard_reply gate_reply;
	uint16_t gate_port;
	bool strangers;       /* known() says no */
	bool reply;           /* send the text "SIP/2.0 200 OK..." back for each message */
	const char *tls_name; /* what a far end's certificate must have */
	bool tls_nobody;      /* with nobody anything is agreed about TLS */
	int nlinks[2];        /* connections of ours: gone, there */
	size_t live;
};

void tbed_start(struct tbed *b);
/** Ends it all and checks that all memory is back. */
void tbed_stop(struct tbed *b);
/** A listener of realm "core" at 127.0.0.N, port chosen by the kernel. */
const struct transport_listener *tbed_listen(struct tbed *b, enum transport_proto proto,
					     const char *ip, struct tls_context *tls);
/** Run the loop until *value >= want; fails the test after 5 s. */
void tbed_wait(struct tbed *b, const int *value, int want);
/** Run the loop for a few turns: what is due happens. */
void tbed_turns(struct tbed *b);

/* Far ends are plain sockets. */
int tbed_udp(const char *ip, struct addr *ret_local);
int tbed_connect(const struct addr *to, struct addr *ret_local);
int tbed_server(const char *ip, struct addr *ret_local);
/** Accept while the loop runs. */
int tbed_accept(struct tbed *b, int server, struct addr *ret_from);
/** Write text as it is. */
void tbed_write(int fd, const char *text);
void tbed_send_to(int fd, const struct addr *to, const char *text);
/** Read while the loop runs until text is there; "" = until the far end closes. @return what was read (static). */
const char *tbed_read(struct tbed *b, int fd, const char *until);
struct addr tbed_local(const struct transport_listener *l);

/** An OPTIONS with this Call-ID and line ends CRLF (static buffer of several turns). */
const char *tbed_options(const char *call_id);

/** Self-signed certificate with this DNS name, trusted by its owner. */
struct tls_context *tbed_tls(const char *name, bool require_peer);

#endif
