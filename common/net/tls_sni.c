/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_sni - one listener with several identities: the client's server_name decides (RFC 6066 3, RFC 5922 7.3).
 *
 * Done at the ClientHello, before version and ciphers are settled, so that an identity's own floor holds. A client that
 * names nobody, or somebody we are not, gets the first one: it refuses us itself if that is not whom it wants.
 */
#include <string.h>
#include <strings.h>

#include "common/net/cert_name.h"
#include "common/net/tls_private.h"

#define NAME_MAX_BYTES 253

/* extension_data: list length, then type 0, length, name. @return false if it is not of this form. */
static bool sni_parse(const unsigned char *p, size_t n, char name[NAME_MAX_BYTES + 1])
{
	size_t len;

	if (n < 5 || ((size_t)p[0] << 8 | p[1]) != n - 2 || p[2] != 0)
		return false;
	len = (size_t)p[3] << 8 | p[4];
	if (len == 0 || len > n - 5 || len > NAME_MAX_BYTES || memchr(p + 5, 0, len))
		return false;
	memcpy(name, p + 5, len);
	name[len] = '\0';
	return true;
}

static bool serves(const struct tls_context *c, const char *name)
{
	X509 *cert = SSL_CTX_get0_certificate(c->ctx);

	return cert && cert_name_has(cert, name);
}

static const struct tls_context *choose(const struct tls_context *c, const char *name)
{
	if (serves(c, name))
		return c;
	for (size_t i = 0; i < c->nothers; i++) {
		if (serves(c->others[i], name))
			return c->others[i];
	}
	return c;
}

/* Certificate and floor of the other identity; whom we believe is agreed with the far end, not with a name. */
static bool show(SSL *ssl, const struct tls_context *c)
{
	STACK_OF(X509) *chain = NULL;

	return SSL_CTX_get0_chain_certs(c->ctx, &chain) == 1 &&
	       SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(c->ctx),
				    SSL_CTX_get0_privatekey(c->ctx), chain, 1) == 1 &&
	       SSL_set_min_proto_version(ssl, c->min_version) == 1 &&
	       SSL_set_cipher_list(ssl, c->ciphers) == 1;
}

int tlsid_client_hello(SSL *ssl, int *ret_alert, void *arg)
{
	const struct tls_context *c = arg, *other;
	const unsigned char *p = NULL;
	char name[NAME_MAX_BYTES + 1];
	size_t n = 0;

	if (!c->nothers || SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1 ||
	    !sni_parse(p, n, name))
		return SSL_CLIENT_HELLO_SUCCESS;
	other = choose(c, name);
	if (other == c || show(ssl, other))
		return SSL_CLIENT_HELLO_SUCCESS;
	*ret_alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}
