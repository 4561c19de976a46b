/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_tls - OpenSSL on two memory BIOs.
 *
 * The server's name is checked inside the certificate verification, so that a wrong name ends the
 * handshake with an alert, before a byte of ours is sent to the wrong host (requirements H6, H11).
 */
#include "common/net/stream_tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/mem.h"
#include "common/net/cert_name.h"
#include "common/net/tls_private.h"

#define STREAM_TLS_NAME_MAX_BYTES 253

struct stream_tls {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	struct tls_context *context;
	bool server;
	bool broken; /* after a fatal error OpenSSL must not be called again (SSL_shutdown) */
	char *server_name;
	char error[160];
};

static void stream_tls_destroy(void *obj)
{
	struct stream_tls *t = obj;

	SSL_free(t->ssl);
	mem_unref(t->server_name);
	mem_unref(t->context);
}

static int stream_tls_verify(int ok, X509_STORE_CTX *ctx)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct stream_tls *t = SSL_get_app_data(ssl);

	if (!ok || X509_STORE_CTX_get_error_depth(ctx) != 0)
		return ok;
	if (t->server_name &&
	    !cert_name_has(X509_STORE_CTX_get_current_cert(ctx), t->server_name)) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_HOSTNAME_MISMATCH);
		return 0;
	}
	return 1;
}

static void stream_tls_set_mode(struct stream_tls *t)
{
	int verify = SSL_VERIFY_PEER;

	if (t->server && !t->context->has_trust)
		verify = SSL_VERIFY_NONE;
	else if (t->server && t->context->require_peer)
		verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_set_verify(t->ssl, verify, stream_tls_verify);
	if (t->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
}

static int stream_tls_set_name(struct stream_tls *t, const char *name)
{
	struct addr ip;
	int err = mem_strdup(name, STREAM_TLS_NAME_MAX_BYTES, &t->server_name);

	if (err)
		return err;
	/* RFC 6066 3: no IP literal in SNI. */
	if (addr_parse_ip(name, strlen(name), &ip) == 0)
		return 0;
	return SSL_set_tlsext_host_name(t->ssl, name) == 1 ? 0 : -ENOMEM;
}

int stream_tls_new(struct tls_context *c, bool server, const char *server_name,
		   struct stream_tls **ret_tls)
{
	struct stream_tls *t = mem_zalloc(sizeof(*t), stream_tls_destroy);
	int err = -ENOMEM;

	if (!t)
		return -ENOMEM;
	t->context = mem_ref(c);
	t->server = server;
	t->ssl = SSL_new(c->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out) {
		BIO_free(t->in);
		BIO_free(t->out);
		goto out;
	}
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_app_data(t->ssl, t);
	stream_tls_set_mode(t);
	if (!server && server_name && *server_name) {
		err = stream_tls_set_name(t, server_name);
		if (err)
			goto out;
	}
	*ret_tls = t;
	return 0;
out:
	ERR_clear_error();
	mem_unref(t);
	return err;
}

int stream_tls_feed(struct stream_tls *t, const uint8_t *data, size_t len_bytes)
{
	if (len_bytes == 0)
		return 0;
	if (len_bytes > INT_MAX || BIO_write(t->in, data, (int)len_bytes) != (int)len_bytes)
		return -ENOMEM;
	return 0;
}

/* Put the cause in words; the library's error queue is per thread and must be left empty. */
static int stream_tls_fail(struct stream_tls *t)
{
	long verify = SSL_get_verify_result(t->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	t->broken = true;
	if (verify == X509_V_ERR_HOSTNAME_MISMATCH)
		snprintf(t->error, sizeof(t->error), "certificate does not carry the name %s",
			 t->server_name);
	else if (verify != X509_V_OK)
		snprintf(t->error, sizeof(t->error), "certificate refused: %s",
			 X509_verify_cert_error_string(verify));
	else
		snprintf(t->error, sizeof(t->error), "TLS: %s",
			 reason ? reason : "connection broken");
	ERR_clear_error();
	return -EPROTO;
}

int stream_tls_handshake(struct stream_tls *t)
{
	int n;

	ERR_clear_error();
	n = SSL_do_handshake(t->ssl);
	if (n == 1)
		return 1;
	if (SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_READ)
		return 0;
	return stream_tls_fail(t);
}

int stream_tls_read(struct stream_tls *t, uint8_t *buf, size_t size_bytes)
{
	int n;

	ERR_clear_error();
	n = SSL_read(t->ssl, buf, size_bytes > INT_MAX ? INT_MAX : (int)size_bytes);
	if (n > 0)
		return n;
	switch (SSL_get_error(t->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return stream_tls_fail(t);
	}
}

int stream_tls_write(struct stream_tls *t, const void *data, size_t len_bytes)
{
	if (len_bytes == 0)
		return 0;
	if (len_bytes > INT_MAX)
		return -EMSGSIZE;
	if (t->broken)
		return -EPROTO;
	ERR_clear_error();
	/* A memory BIO takes everything, so anything but all of it is a failure. */
	if (SSL_write(t->ssl, data, (int)len_bytes) != (int)len_bytes)
		return stream_tls_fail(t);
	return 0;
}

void stream_tls_goodbye(struct stream_tls *t)
{
	if (t->broken || !SSL_is_init_finished(t->ssl))
		return;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

size_t stream_tls_output(struct stream_tls *t, const uint8_t **ret_data)
{
	char *data = NULL;
	long n = BIO_get_mem_data(t->out, &data);

	if (n <= 0)
		return 0;
	*ret_data = (const uint8_t *)data;
	return (size_t)n;
}

void stream_tls_output_done(struct stream_tls *t)
{
	(void)BIO_reset(t->out);
}

bool stream_tls_authenticated(const struct stream_tls *t)
{
	return SSL_is_init_finished(t->ssl) && SSL_get0_peer_certificate(t->ssl) &&
	       SSL_get_verify_result(t->ssl) == X509_V_OK;
}

bool stream_tls_peer_has_name(const struct stream_tls *t, const char *name)
{
	return stream_tls_authenticated(t) &&
	       cert_name_has(SSL_get0_peer_certificate(t->ssl), name);
}

const char *stream_tls_error(const struct stream_tls *t)
{
	return t->error;
}
