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
	uint8_t proto;     /* enum transport_proto */
	bool known : 1;    /* handlers.known said yes when it came */
	bool overload : 1; /* a request there offers overload control (RFC 7339) */
	bool large : 1;    /* over TCP only because it is large */
	bool sips : 1;     /* over TLS by a sips: URI, and so must be what belongs to it */
	/* TLS: number of the one name its certificate must carry (transport_name.h); 0 = what is agreed with the peer */
	uint16_t name;
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
	uint64_t waited_us;            /* in the kernel and in our batch */
	const struct guard_head *head; /* NULL = a response */
};

struct transport_tls;

struct transport_handlers {
	/* A guarded and parsed message. m is borrowed (mem_ref to keep). */
	void (*message)(void *arg, struct wire_msg *m, const struct transport_target *from);
	/* Sending to this target failed later (ICMP, connection refused or closed before it was sent). */
	void (*failed)(void *arg, const struct transport_target *to, int err);
	/* Number of the peer that sends from there, before anything is parsed; 0 = a stranger, to whom a rate applies.
	 * NULL = all are known. */
	uint32_t (*known)(void *arg, const struct transport_target *from);
	/* Over TLS, of somebody who is not known and has shown a certificate: may it stay and speak? NULL = no */
	bool (*welcome)(void *arg, const struct transport_target *from);
	/* Shall it be parsed? Asked of responses too, which are never answered. GUARD_PASS; GUARD_DROP; GUARD_ANSWER
	 * with *ret_reply, sent to from, or to its port *ret_port if that is not 0. NULL = all pass. */
	enum guard_verdict (*gate)(void *arg, const struct transport_offer *offer,
				   struct guard_reply *ret_reply, uint16_t *ret_port);
	/* What is agreed about TLS with a far end: we connect to it, or (accepted) it connects to us, then only its address
	 * counts. ret is as the listener's identity says. @return false = no TLS with that one. NULL = no name is checked. */
	bool (*tls)(void *arg, const struct transport_target *far, bool accepted,
		    struct transport_tls *ret);
	/* May requests of a dialog with the peer at `there` go to this address, which its Contact or Route names?
	 * NULL = to any. */
	bool (*may_go)(void *arg, const struct transport_target *there, const struct addr *to);
	/* A connection that we opened is there, or gone (err). May be NULL. */
	void (*link)(void *arg, const struct transport_target *to, bool up, int err);
};

/* Strings and references are borrowed for the call. */
struct transport_tls {
	uint32_t peer;                /* whose agreement this is; 0 = nobody's */
	struct tls_context *identity; /* what we show; NULL = the listener's */
	struct tls_trust *trust;      /* whom we believe; NULL = the identity's */
	const char *const
		*names; /* one of them must be in its certificate; the first is sent as SNI */
	size_t nnames;
	bool need_certificate; /* accepted: close without one */
};

/* Bounds of connections: the section limits.connections of the configuration. */
struct transport_limits {
	uint32_t max, per_address; /* accepted, of one listener */
	uint32_t accepts_per_s;    /* of one listener; 0 = as they come */
	uint32_t opened_max;       /* opened by us */
	uint32_t connect_ms, handshake_ms;
	uint32_t
		message_ms; /* for one message from first byte to last; also for a far end to read */
	uint32_t stranger_ms; /* a far end we do not know says nothing of use */
	uint32_t idle_ms;     /* a peer says nothing */
	uint32_t
		ping_ms; /* a ping on connections that are kept up, when nothing else is sent; 0 = none */
	uint32_t queue_bytes; /* unsent, for each connection */
};
#define TRANSPORT_LIMITS                                                                           \
	{                                                                                          \
		4096, 64, 1000, 4096, 3000, 5000, 10000, 10000, 600000, 30000, 262144              \
	}

int transport_new(uv_loop_t *loop, const struct transport_handlers *h, void *arg,
		  struct transport **ret_transport);
void transport_free(struct transport *t);

struct transport_listen {
	const char *realm; /* copied */
	enum transport_proto proto;
	struct addr local;
	const char *advertise; /* host for Via and Contact; NULL = local's IP */
	struct tls_context *tls;
	const char *
		device; /* the one interface to use, also for connections we open; NULL = any. Copied */
	uint8_t dscp; /* of what is sent */
	bool ipsec;   /* device carries packets of IPsec only */
};
/** For listeners and connections made from now on. TRANSPORT_LIMITS without this. */
void transport_set_limits(struct transport *t, const struct transport_limits *limits);
/** @return 0 or -errno of bind. */
int transport_listen(struct transport *t, const struct transport_listen *l);
/** Another identity for the TLS listeners of a realm and for connections we open there; those that are up keep theirs. */
void transport_set_tls(struct transport *t, const char *realm, struct tls_context *tls);
/** Messages a second from one address that is not known; more are dropped unread. 100 without this. @return 0, -ENOMEM. */
int transport_set_stranger_rate(struct transport *t, uint32_t per_s);

/** First listener of a realm with this protocol (and family if not ADDR_NONE), or NULL. */
const struct transport_listener *transport_find(const struct transport *t, const char *realm,
						enum transport_proto proto, int family);
/** Does all it hears and says pass IPsec? True only of a listener tied to an interface. */
bool transport_is_protected(const struct transport_listener *l);
const char *transport_realm(const struct transport_listener *l);
/** "192.0.2.1:5060" / "[v6]:5060": what Via's sent-by and our Contact say. */
const char *transport_sent_by(const struct transport_listener *l);
const char *transport_proto_name(enum transport_proto p); /* "UDP" */
bool transport_reliable(enum transport_proto p);
/** Is host:port (port 0 = any) one of our listeners, or host its advertised name? */
bool transport_is_ours(const struct transport *t, struct wire_text host, uint16_t port);
/** Is this address and port a listener's, as bound or as advertised? No media goes there. */
bool transport_listens_at(const struct transport *t, const struct addr *a);

/**
 * Send one message. TCP/TLS: over to->connection if it still is there, else over a connection to to->to
 * that is open or is opened now (queued, bounded).
 * @return 0, or -errno at once (-EAGAIN, -EMSGSIZE, -ECONNREFUSED, -ENOTCONN, -ENOBUFS).
 */
int transport_send(struct transport *t, const struct transport_target *to, const void *data,
		   size_t len_bytes);

/**
 * Have a connection there and keep it: opened if it is not there, pinged (RFC 5626 3.5.1), not closed when idle. It
 * has to be said again every few seconds, TRANSPORT_STAND_MS at most. handlers.link tells what becomes of it.
 * @return 1 it is open, 0 it is being opened, -errno.
 */
#define TRANSPORT_STAND_MS 15000
int transport_stand(struct transport *t, const struct transport_target *to);

/** handlers.may_go */
bool transport_may_go(const struct transport_target *there, const struct addr *to);

/** Did this message come over TLS from somebody whose verified certificate has this name? */
bool transport_has_name(const struct transport_target *from, const char *name);
/** ... from somebody who showed a certificate that verified, whatever its names? */
bool transport_authenticated(const struct transport_target *from);

/** Fill of the fullest receive buffer, 0..100. */
unsigned transport_queue_percent(const struct transport *t);

/** Connections, for admin: columns and rows (common/admin.h). Caller owns; NULL = no memory. */
json_t *transport_list(const struct transport *t);

#endif
