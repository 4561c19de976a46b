/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_tls - one end of a TLS connection, sans-I/O: cipher bytes in, plain and cipher bytes out.
 *
 * The caller feeds what it received, then asks for the handshake or for plain bytes until there is
 * none, and after every call sends what stream_tls_output shows.
 * Owner: counted (mem_unref). It keeps its tls_context. Thread: loop.
 */
#ifndef COMMON_NET_STREAM_TLS_H
#define COMMON_NET_STREAM_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_tls;
struct tls_context;
struct tls_trust;

#define STREAM_TLS_NAMES_MAX 16

/* What is expected of the far end. Strings are copied. */
struct stream_tls_far {
	bool server;              /* we are the server */
	bool need_certificate;    /* server: refuse a far end that shows none */
	struct tls_trust *trust;  /* NULL = the context's */
	const char *server_name;  /* client: SNI, and a name its certificate may carry; or NULL */
	const char *const *names; /* further names of which one is enough; none at all = no check */
	size_t nnames;
};

/** @return 0, -ENOMEM, -EINVAL (more than STREAM_TLS_NAMES_MAX names, or one of them too long). */
int stream_tls_new(struct tls_context *c, const struct stream_tls_far *far,
		   struct stream_tls **ret_tls);

/** Cipher bytes from the wire. @return 0, -ENOMEM. */
int stream_tls_feed(struct stream_tls *t, const uint8_t *data, size_t len_bytes);

/** Go on with the handshake. @return 1 done, 0 needs more bytes, -EPROTO failed (see stream_tls_error). */
int stream_tls_handshake(struct stream_tls *t);

/** Take plain bytes. @return > 0 bytes, 0 needs more, -EPIPE far end said goodbye, -EPROTO broken. */
int stream_tls_read(struct stream_tls *t, uint8_t *buf, size_t size_bytes);

/** Encrypt. @return 0, -EPROTO, -EMSGSIZE, -ENOMEM. */
int stream_tls_write(struct stream_tls *t, const void *data, size_t len_bytes);

/** Say goodbye (close_notify); its bytes are in the output then. */
void stream_tls_goodbye(struct stream_tls *t);

/** Cipher bytes for the wire; borrowed until stream_tls_output_done, which drops them all. */
size_t stream_tls_output(struct stream_tls *t, const uint8_t **ret_data);
void stream_tls_output_done(struct stream_tls *t);

/** The far end showed a certificate and it verified. */
bool stream_tls_authenticated(const struct stream_tls *t);
bool stream_tls_peer_has_name(const struct stream_tls *t, const char *name);
/** "TLSv1.3"; "" until the handshake is done. */
const char *stream_tls_version(const struct stream_tls *t);
/** Why the last call failed, in words, or "". */
const char *stream_tls_error(const struct stream_tls *t);

#endif
