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
#define TRANSPORT_STREAMS_MAX 4096U /* accepted, for each listener */
#define TRANSPORT_PER_ADDRESS_MAX 64U
#define TRANSPORT_CONNECTS_MAX 4096U /* opened by us */
#define TRANSPORT_QUEUE_BYTES (256U * 1024)
#define TRANSPORT_STRANGER_PER_S 100U /* messages of one unknown source */
#define TRANSPORT_STRANGER_BURST 200U
#define TRANSPORT_CONNECT_MS 3000U
#define TRANSPORT_MESSAGE_MS 10000U    /* for one message from its first byte to its last (A20) */
#define TRANSPORT_IDLE_NEW_MS 10000U   /* nothing useful has come yet */
#define TRANSPORT_IDLE_USED_MS 60000U  /* a stranger who sent a message */
#define TRANSPORT_IDLE_PEER_MS 600000U /* somebody we know */
#define TRANSPORT_SWEEP_MS 1000U
#define TRANSPORT_WAIT_MAX_US 30000000U
#define TRANSPORT_ACK_MS 32000U /* so long ACKs of stateless answers may come */

struct transport_listener {
	STAILQ_ENTRY(transport_listener) next;
	struct transport *transport;
	uint8_t proto; /* enum transport_proto */
	struct addr local;
	char *realm, *advertise, *sent_by; /* advertise: NULL = local's IP */
	struct tls_context *tls;           /* reference */
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

struct transport_route { /* key of a connection that we opened */
	struct addr remote;
	uint16_t pad;
	const struct transport_listener *listener;
};

struct transport_connection {
	struct table_entry by_id, by_route;
	struct transport *transport;
	const struct transport_listener *listener;
	struct stream *stream; /* NULL once closed */
	struct frame *frame;
	struct transport_route route; /* all bytes set: it is hashed */
	struct transport_queue queue; /* until open */
	size_t queued_bytes;
	struct addr remote;
	uint32_t id;
	bool outgoing, open, used;
	uint64_t opened_ms,
		unfinished_ms; /* unfinished_ms: when the message now coming began; 0 = none */
	uint64_t messages_in, messages_out;
};

struct transport {
	uv_loop_t *loop;
	struct transport_handlers h;
	void *arg;
	STAILQ_HEAD(, transport_listener) listeners;
	unsigned nlisteners;
	struct guard_limiter *limiter;
	struct table *by_id, *by_route;
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
	bool stream;
};
/** @return true if it was a message that could be used. */
bool transport_take(struct transport *t, const struct transport_input *in);
/** Is this source known or within its rate? Sets known and peer of from. */
bool transport_admit(struct transport *t, struct transport_target *from);

/* transport_udp.c */
int transport_udp_open(struct transport_listener *l);
int transport_udp_send(const struct transport_target *to, const void *data, size_t len_bytes);

/* transport_stream.c */
int transport_stream_open(struct transport_listener *l);
int transport_stream_send(struct transport *t, const struct transport_target *to, const void *data,
			  size_t len_bytes);
void transport_connection_free(struct transport_connection *c);
struct transport_connection *transport_connection_find(const struct transport *t, uint32_t id);
/** Close those that take too long over one message. */
void transport_stream_sweep(struct transport *t);

void transport_listener_free(struct transport_listener *l);

#endif
