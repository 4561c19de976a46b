/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_private - what the files of the transport share; nobody else includes it (but tests of this folder).
 *
 * transport.c makes and sends, transport_listener.c answers questions about listeners, transport_in.c takes
 * bytes to messages, transport_udp.c and transport_stream.c are the sockets.
 * Owner: struct transport owns all. Thread: loop.
 */
#ifndef SBE_SIP_TRANSPORT_PRIVATE_H
#define SBE_SIP_TRANSPORT_PRIVATE_H

#include <sys/queue.h>

#include "common/net/stream.h"
#include "common/net/udp.h"
#include "common/table.h"
#include "sbe/sip/frame.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/transport.h"
#include "sbe/sip/transport_metric.h"

#define TRANSPORT_LISTENERS_MAX 256U
#define TRANSPORT_STRANGER_PER_S 100U /* messages of one unknown source */
#define TRANSPORT_STRANGER_BURST 200U
#define TRANSPORT_LOOK_MS 5000U
#define TRANSPORT_PONG_MS 10000U /* RFC 5626 4.4.1 */
#define TRANSPORT_SWEEP_MS 1000U
#define TRANSPORT_WAIT_MAX_US 30000000U
#define TRANSPORT_ACK_MS 32000U /* so long ACKs of stateless answers may come */

struct transport_listener {
	STAILQ_ENTRY(transport_listener) next;
	struct transport *transport;
	uint8_t proto; /* enum transport_proto */
	struct addr local;
	char *realm, *advertise, *sent_by; /* advertise: NULL = local's IP */
	uint8_t dscp;
	char *device;            /* the one interface it uses, or NULL */
	bool ipsec;              /* which is said to carry protected packets only */
	struct tls_context *tls; /* reference */
	struct udp *udp;
	struct stream_listener *stream;
};

/* A message that waits for its connection to open. */
struct transport_waiting {
	STAILQ_ENTRY(transport_waiting) next;
	struct transport_target to;
	size_t len_bytes;
	char data[];
};
STAILQ_HEAD(transport_queue, transport_waiting);

/* Where a connection leads: to one that we opened, or over one whose far end lets us use it (RFC 5923). Over TLS also
 * to whom: two domains at one address never share a connection (H8, H9). */
struct transport_names {
	struct table *by_text, *by_number;
	uint32_t last;
	const char *wanted; /* by the connection that is being opened */
};

struct transport_route {
	struct addr remote;
	uint32_t peer, name;
	const struct transport_listener *listener;
};

/* transport_wait.c: for how long messages of a connection have waited. */
struct transport_wait {
	uint64_t since_us; /* never empty since then; 0 = it was */
	size_t read_bytes; /* since then */
	size_t unread_bytes;
	uint64_t bytes_per_s;
};

struct transport_connection {
	struct table_entry by_id, by_route, by_alias;
	struct transport *transport;
	const struct transport_listener *listener;
	struct stream *stream; /* NULL once closed */
	struct frame *frame;
	struct transport_route route, alias; /* all bytes set: they are hashed */
	struct transport_queue queue;        /* until open */
	size_t queued_bytes;
	struct addr remote;
	uint32_t id;
	uint32_t peer; /* who it is, as handlers.known said last; 0 = a stranger */
	bool welcome; /* accepted over TLS from somebody who is not known, by what its certificate says */
	bool outgoing, open, used;
	bool ponged; /* it answers pings, so a missing answer means something */
	uint64_t opened_ms,
		unfinished_ms; /* unfinished_ms: when the message now coming began; 0 = none */
	uint64_t taken_ms;     /* when the last message of use came */
	uint64_t read_ms,
		read_bytes; /* since when its far end has read no more than these; 0 = nothing waits */
	uint64_t sent_ms, ping_ms,
		stood_ms; /* last sent; ping without answer; transport_stand; 0 = none */
	uint64_t messages_in, messages_out;
	struct transport_wait wait;
};

struct transport {
	uv_loop_t *loop;
	struct transport_handlers h;
	void *arg;
	STAILQ_HEAD(, transport_listener) listeners;
	unsigned nlisteners;
	struct guard_limiter *limiter;
	struct transport_limits limits;
	struct table *by_id, *by_route, *by_alias;
	struct transport_names names;
	uint32_t last_id;
	uv_timer_t *sweep;
	uint64_t invite_answered_ms; /* when an INVITE was last answered without state */
	char answer[GUARD_MESSAGE_MAX_BYTES + 1];
};

/* transport_in.c: one whole message from outside. */
struct transport_input {
	const uint8_t *data;
	size_t len_bytes;
	struct transport_target from;
	uint64_t waited_us;
	const struct guard_head *head; /* of a request that has passed the guard */
	bool stream;
};
/** @return true if it was a message that could be used. */
bool transport_take(struct transport *t, const struct transport_input *in);
/** Is this source known or within its rate? Sets known and peer of from. */
bool transport_admit(struct transport *t, struct transport_target *from);

/* transport_wait.c */
void transport_wait_data(struct transport_connection *c, size_t len_bytes);
uint64_t transport_wait_us(const struct transport_connection *c);

/* transport_udp.c */
int transport_udp_open(struct transport_listener *l);
int transport_udp_send(const struct transport_target *to, const void *data, size_t len_bytes);

/* transport_stream.c */
int transport_stream_open(struct transport_listener *l);
int transport_connection_new(const struct transport_listener *l, const struct addr *remote,
			     struct transport_connection **ret_connection);
/** End it without a word to anybody. flush: what was sent lately may still leave. */
void transport_connection_end(struct transport_connection *c, bool flush);
/** Gone without our doing, or for a reason: tell for whom it was opened, and who may wait for an answer on it. */
void transport_connection_lost(struct transport_connection *c, int err);
struct transport_connection *transport_connection_find(const struct transport *t, uint32_t id);
struct transport_target transport_connection_target(const struct transport_connection *c);
extern const struct stream_handlers transport_connection_handlers;

/* transport_connect.c: connections that we open, and which one a message takes. */
int transport_stream_send(struct transport *t, const struct transport_target *to, const void *data,
			  size_t len_bytes);
/** It has opened: what waits goes out. */
void transport_connect_opened(struct transport_connection *c);

/* transport_alias.c: RFC 5923. */
/** A request came over an accepted connection: does its far end let us send requests there? */
void transport_alias_learn(struct transport_connection *c, const struct wire_msg *m);
/** A connection whose far end lets us, at this address and as this peer, or NULL. */
struct transport_connection *transport_alias_find(const struct transport *t,
						  const struct transport_target *to);
void transport_route_set(struct transport_route *r, const struct transport_target *to);

/* transport_name.c */
void transport_names_free(struct transport_names *names);

/* transport_keep.c: pings, and ends of those that are slow, silent or stuck. */
void transport_stream_sweep(struct transport *t);

void transport_listener_free(struct transport_listener *l);

#endif
