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
	struct tls_trust *trust; /* reference: what counts here */
	bool server, need_certificate;
	bool broken; /* after a fatal error OpenSSL must not be called again (SSL_shutdown) */
	char *names[STREAM_TLS_NAMES_MAX +
		    1]; /* one of them must be in the far end's certificate */
	size_t nnames;
	char error[160];
};

static void stream_tls_destroy(void *obj)
{
	struct stream_tls *t = obj;

	SSL_free(t->ssl);
	for (size_t i = 0; i < t->nnames; i++)
		mem_unref(t->names[i]);
	mem_unref(t->trust);
	mem_unref(t->context);
}

static bool stream_tls_named(const struct stream_tls *t, X509 *cert)
{
	for (size_t i = 0; i < t->nnames; i++) {
		if (cert_name_has(cert, t->names[i]))
			return true;
	}
	return t->nnames == 0;
}

static int stream_tls_verify(int ok, X509_STORE_CTX *ctx)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct stream_tls *t = SSL_get_app_data(ssl);

	ok = tlstrust_step(t->trust, ok, ctx);
	if (!ok || X509_STORE_CTX_get_error_depth(ctx) != 0)
		return ok;
	if (!stream_tls_named(t, X509_STORE_CTX_get_current_cert(ctx))) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_HOSTNAME_MISMATCH);
		return 0;
	}
	return 1;
}

static int stream_tls_set_mode(struct stream_tls *t)
{
	int verify = SSL_VERIFY_PEER;

	/* Without authorities a server could verify nobody, so it asks nobody. */
	if (t->server && !tlstrust_any(t->trust))
		verify = SSL_VERIFY_NONE;
	else if (t->server && t->need_certificate)
		verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_set_verify(t->ssl, verify, stream_tls_verify);
	if (t->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	return tlstrust_use(t->trust, t->ssl);
}

static int stream_tls_add_name(struct stream_tls *t, const char *name)
{
	int err = mem_strdup(name, STREAM_TLS_NAME_MAX_BYTES, &t->names[t->nnames]);

	if (!err)
		t->nnames++;
	return err;
}

static int stream_tls_set_names(struct stream_tls *t, const struct stream_tls_far *far)
{
	const char *sni = far->server_name;
	struct addr ip;
	int err = 0;

	if (far->nnames > STREAM_TLS_NAMES_MAX)
		return -EINVAL;
	if (sni && *sni)
		err = stream_tls_add_name(t, sni);
	for (size_t i = 0; !err && i < far->nnames; i++)
		err = stream_tls_add_name(t, far->names[i]);
	/* RFC 6066 3: no IP literal in SNI. */
	if (err || !sni || !*sni || addr_parse_ip(sni, strlen(sni), &ip) == 0)
		return err;
	return SSL_set_tlsext_host_name(t->ssl, sni) == 1 ? 0 : -ENOMEM;
}

int stream_tls_new(struct tls_context *c, const struct stream_tls_far *far,
		   struct stream_tls **ret_tls)
{
	struct stream_tls *t = mem_zalloc(sizeof(*t), stream_tls_destroy);
	int err = -ENOMEM;

	if (!t)
		return -ENOMEM;
	t->context = mem_ref(c);
	t->trust = mem_ref(far->trust ? far->trust : c->trust);
	t->server = far->server;
	t->need_certificate = far->need_certificate;
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
	err = stream_tls_set_mode(t);
	if (!err)
		err = stream_tls_set_names(t, far);
	if (err)
		goto out;
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
			 t->nnames ? t->names[0] : "");
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

const char *stream_tls_version(const struct stream_tls *t)
{
	return SSL_is_init_finished(t->ssl) ? SSL_get_version(t->ssl) : "";
}

const char *stream_tls_error(const struct stream_tls *t)
{
	return t->error;
}
