/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - TCP, TLS and unix stream connections on a libuv loop behind one interface.
 *
 * Bytes in by callback, bytes out through a capped send queue; a peer that does not read is closed,
 * never waited for. TLS is OpenSSL over memory BIOs, so it looks the same as TCP from above.
 * Owner: a stream made by stream_connect belongs to the caller, one given by a listener's accept
 * callback belongs to the acceptor; both end with stream_close (safe inside any callback; no callback
 * comes after it). Thread: that of the loop.
 */
#ifndef COMMON_NET_STREAM_H
#define COMMON_NET_STREAM_H

#include <stdbool.h>
#include <uv.h>

#include "common/addr.h"

struct stream;
struct stream_listener;
struct tls_context; /* common/net/tls.h */
struct tls_trust;   /* common/net/tls_trust.h */

#define STREAM_WHOLE_BYTES 2048U /* most that data gets at once from a plain stream */

struct stream_handlers {
	void (*open)(void *arg); /* connected, TLS handshake and name check done */
	void (*data)(void *arg, const uint8_t *data, size_t len_bytes);
	/* 0 = peer closed, else -errno; call stream_close now or later */
	void (*closed)(void *arg, int err);
};

struct stream_options {
	struct tls_context *tls;  /* NULL = plain */
	const char *server_name;  /* TLS client: SNI, and the name that must match (NULL: none) */
	const char *const *names; /* further names of which one is enough, at most 16 */
	size_t nnames;
	struct tls_trust *trust;   /* NULL = the context's */
	uint32_t connect_ms;       /* connect + handshake deadline; 0 = 5000 */
	uint32_t idle_ms;          /* close after so long without a byte in; 0 = never */
	uint32_t send_queue_bytes; /* cap; 0 = 256 KiB */
	const struct addr *bind;   /* source address of a connect, or NULL */
	const char *device;        /* the one interface to use (common/net/device.h), or NULL */
	uint8_t dscp;              /* of what is sent, with bind only (common/net/dscp.h) */
};

/** Start connecting; result by h->open or h->closed. @return 0 or -errno. */
int stream_connect(uv_loop_t *loop, const struct addr *to, const struct stream_options *o,
		   const struct stream_handlers *h, void *arg, struct stream **ret_stream);

/**
 * Queue bytes (copied). After h->closed(0) this still works until stream_close, for a far end that only shut down its
 * sending side. @return 0, -ENOBUFS (cap hit), -EMSGSIZE, another -errno of the socket; then the stream is closing and
 * h->closed follows. -ENOTCONN: not open.
 */
int stream_send(struct stream *s, const void *data, size_t len_bytes);

/** Close now, or after what is queued has been sent (bounded by 1 s). NULL is fine. @return NULL */
struct stream *stream_close(struct stream *s);
struct stream *stream_close_flushed(struct stream *s);

/** Bytes the kernel holds that have not been read. Worth asking when data came as much as fits (STREAM_WHOLE_BYTES). */
size_t stream_unread_bytes(const struct stream *s);
const struct addr *stream_remote(const struct stream *s);
const struct addr *stream_local(const struct stream *s);
/** True once TLS is up and the far end showed a certificate that verified. */
bool stream_authenticated(const struct stream *s);
/** The far end's certificate carries this name (DNS SAN, or CN if it has no SAN; exact, no wildcard). */
bool stream_peer_has_name(const struct stream *s, const char *name);
/** "TLSv1.3"; "" on a plain stream. */
const char *stream_tls_text(const struct stream *s);
/** Change the handlers (accept callback sets them before it returns). */
void stream_set_handlers(struct stream *s, const struct stream_handlers *h, void *arg);
/**
 * Bytes sent that the far end has not acknowledged, ours and the kernel's; 0 = it has taken all.
 * @param ret_taken  bytes it did take since the beginning: does this grow? One that does not read stops here.
 */
size_t stream_untaken_bytes(const struct stream *s, uint64_t *ret_taken);
/** What this one brings does not wait for a busy loop to gather (common/net/loop_turn.h). For few and trusted ones. */
void stream_set_urgent(struct stream *s);
/** Change the idle deadline. */
void stream_set_idle_ms(struct stream *s, uint32_t idle_ms);
/** Why the last TLS handshake failed, in words, or "". */
const char *stream_error_text(const struct stream *s);

/* What counts for one far end instead of what the listener's context says. */
struct stream_vet {
	struct tls_trust *trust; /* borrowed; NULL = the context's */
	bool need_certificate;   /* as the context says, until changed */
};

struct stream_listen_options {
	struct tls_context *tls;
	uint32_t max_streams;     /* cap on accepted streams; more are closed at once. 0 = 1024 */
	uint32_t max_per_address; /* 0 = no cap */
	uint32_t handshake_ms;    /* 0 = 5000 */
	uint32_t idle_ms;         /* initial idle deadline of accepted streams */
	uint32_t send_queue_bytes;
	uint32_t accepts_per_s; /* more wait in the kernel's queue; 0 = as they come */
	const char *device;     /* the one interface to listen on, or NULL */
	uint8_t dscp;           /* of what its streams send */
	/* A connection was accepted: who comes from there? @return false = close it. arg is that of accept. May be NULL. */
	bool (*vet)(void *arg, const struct addr *from, struct stream_vet *vet);
	/* A TLS handshake failed, why in words; arg is that of accept. The connection ends by itself. May be NULL. */
	void (*refused)(void *arg, const struct addr *from, const char *why);
};

/** accept: the stream is open (TLS done). Set its handlers, or stream_close it. */
typedef void(stream_accept_h)(void *arg, struct stream *s);

int stream_listen(uv_loop_t *loop, const struct addr *local, const struct stream_listen_options *o,
		  stream_accept_h *accept, void *arg, struct stream_listener **ret_listener);
/** Unix socket at path (an old socket file is replaced only if nobody answers on it); mode 0660. */
int stream_listen_unix(uv_loop_t *loop, const char *path, const struct stream_listen_options *o,
		       stream_accept_h *accept, void *arg, struct stream_listener **ret_listener);
const struct addr *stream_listener_local(const struct stream_listener *l);
/** Another certificate for connections accepted from now on; those that are up keep theirs. No effect on a plain listener. */
void stream_listener_set_tls(struct stream_listener *l, struct tls_context *tls);
struct stream_listener *stream_listener_close(struct stream_listener *l);

#endif
