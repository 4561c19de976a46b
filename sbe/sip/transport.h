/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport - SIP sockets of all realms: listeners, connections, guard and parse on the way in, sending
 * on the way out. Addresses are numeric here; nothing in this file ever looks up a name.
 *
 * Owner: the app makes one; targets are plain values. Thread: loop.
 */
#ifndef SBE_SIP_TRANSPORT_H
#define SBE_SIP_TRANSPORT_H

#include <jansson.h>
#include <uv.h>

#include "common/addr.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire.h"

enum transport_proto { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_PROTOS };

struct transport;
struct transport_listener; /* one socket of a realm */

/* Where a message came from, or where one goes to. Copied freely. */
struct transport_target {
	uint8_t proto; /* enum transport_proto */
	bool known;    /* handlers.known said yes when it came */
	bool overload; /* a request there offers overload control (RFC 7339) */
	struct addr to;
	const struct transport_listener *listener; /* local side: source address, sent-by, realm */
	uint32_t
		connection; /* id of the connection it came by; 0 = none. A response goes back there first (18.2.2) */
	/* number of the peer it came from or goes to: what handlers.known said, peer_state.number. 0 = not known */
	uint32_t peer;
};

/* A message that has passed the guard and is not parsed yet. */
struct transport_offer {
	const uint8_t *data;
	size_t len_bytes;
	const struct transport_target *from;
	uint64_t waited_us; /* in the kernel and in our batch */
	bool is_request;
};

struct transport_handlers {
	/* A guarded and parsed message. m is borrowed (mem_ref to keep). */
	void (*message)(void *arg, struct wire_msg *m, const struct transport_target *from);
	/* Sending to this target failed later (ICMP, connection refused or closed before it was sent). */
	void (*failed)(void *arg, const struct transport_target *to, int err);
	/* Number of the peer that sends from there, before anything is parsed; 0 = a stranger, to whom a rate applies.
	 * NULL = all are known. */
	uint32_t (*known)(void *arg, const struct transport_target *from);
	/* Shall it be parsed? Asked of responses too, which are never answered. GUARD_PASS; GUARD_DROP; GUARD_ANSWER
	 * with *ret_reply, sent to from, or to its port *ret_port if that is not 0. NULL = all pass. */
	enum guard_verdict (*gate)(void *arg, const struct transport_offer *offer,
				   struct guard_reply *ret_reply, uint16_t *ret_port);
	/* Name the certificate of this far end must have when we connect (also sent as SNI). NULL = no name check. */
	const char *(*tls_name)(void *arg, const char *realm, const struct addr *to);
};

int transport_new(uv_loop_t *loop, const struct transport_handlers *h, void *arg,
		  struct transport **ret_transport);
void transport_free(struct transport *t);

struct transport_listen {
	const char *realm; /* copied */
	enum transport_proto proto;
	struct addr local;
	const char *advertise; /* host for Via and Contact; NULL = local's IP */
	struct tls_context *tls;
};
/** @return 0 or -errno of bind. */
int transport_listen(struct transport *t, const struct transport_listen *l);
/** Another identity for the TLS listeners of a realm and for connections we open there; those that are up keep theirs. */
void transport_set_tls(struct transport *t, const char *realm, struct tls_context *tls);
/** Messages a second from one address that is not known; more are dropped unread. 100 without this. @return 0, -ENOMEM. */
int transport_set_stranger_rate(struct transport *t, uint32_t per_s);

/** First listener of a realm with this protocol (and family if not ADDR_NONE), or NULL. */
const struct transport_listener *transport_find(const struct transport *t, const char *realm,
						enum transport_proto proto, int family);
const char *transport_realm(const struct transport_listener *l);
/** "192.0.2.1:5060" / "[v6]:5060": what Via's sent-by and our Contact say. */
const char *transport_sent_by(const struct transport_listener *l);
const char *transport_proto_name(enum transport_proto p); /* "UDP" */
bool transport_reliable(enum transport_proto p);
/** Is host:port (port 0 = any) one of our listeners, or host its advertised name? */
bool transport_is_ours(const struct transport *t, struct wire_text host, uint16_t port);

/**
 * Send one message. TCP/TLS: over to->connection if it still is there, else over a connection to to->to
 * that is open or is opened now (queued, bounded).
 * @return 0, or -errno at once (-EAGAIN, -EMSGSIZE, -ECONNREFUSED, -ENOTCONN, -ENOBUFS).
 */
int transport_send(struct transport *t, const struct transport_target *to, const void *data,
		   size_t len_bytes);

/** Did this message come over TLS from somebody whose verified certificate has this name? */
bool transport_has_name(const struct transport_target *from, const char *name);
/** ... from somebody who showed a certificate that verified, whatever its names? */
bool transport_authenticated(const struct transport_target *from);

/** Fill of the fullest receive buffer, 0..100. */
unsigned transport_queue_percent(const struct transport *t);

/** Connections, for admin: columns and rows (common/admin.h). Caller owns; NULL = no memory. */
json_t *transport_list(const struct transport *t);

#endif
