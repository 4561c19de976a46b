/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/cert_name.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "common/addr.h"

#define CERT_NAME_MAX_BYTES 253 /* RFC 1035: longest name in text form */

static void cert_name_give(const unsigned char *bytes, int len, cert_name_each_h *fn, void *arg)
{
	/* A zero byte inside is the old trick to make "us.example\0.evil.example" pass for ours. */
	if (len <= 0 || len > CERT_NAME_MAX_BYTES)
		return;
	/* ... and a blank would make two names of one where names are listed. No domain has either. */
	for (int i = 0; i < len; i++) {
		if (bytes[i] <= ' ' || bytes[i] == 0x7f)
			return;
	}
	fn((const char *)bytes, (size_t)len, arg);
}

static bool cert_name_is_dns(const GENERAL_NAME *g)
{
	return g->type == GEN_DNS;
}

/* Host part of "sip:host[:port][;params]"; false for other schemes and for a URI with a user part. */
static bool cert_name_sip_host(const GENERAL_NAME *g, const unsigned char **ret_host, int *ret_len)
{
	const unsigned char *p;
	int len, n = 0;

	if (g->type != GEN_URI)
		return false;
	p = ASN1_STRING_get0_data(g->d.uniformResourceIdentifier);
	len = ASN1_STRING_length(g->d.uniformResourceIdentifier);
	if (len <= 4 || strncasecmp((const char *)p, "sip:", 4) != 0 || memchr(p, '@', (size_t)len))
		return false;
	p += 4;
	len -= 4;
	while (n < len && !strchr(":;?", p[n])) /* also stops at a zero byte */
		n++;
	if (n < len && p[n] == 0)
		return false;
	*ret_host = p;
	*ret_len = n;
	return n > 0;
}

static int cert_name_san(const GENERAL_NAMES *san, bool sip, cert_name_each_h *fn, void *arg)
{
	int found = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(san); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(san, i);
		const unsigned char *host;
		int len;

		if (sip && cert_name_sip_host(g, &host, &len)) {
			cert_name_give(host, len, fn, arg);
			found++;
		} else if (!sip && cert_name_is_dns(g)) {
			cert_name_give(ASN1_STRING_get0_data(g->d.dNSName),
				       ASN1_STRING_length(g->d.dNSName), fn, arg);
			found++;
		}
	}
	return found;
}

/* An address of the SAN, which counts for who asks for an address (RFC 5280 4.2.1.6), unless a sip: URI is there. */
static bool cert_name_ip(X509 *cert, const char *ip)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const unsigned char *host;
	bool uri = false;
	int len;

	for (int i = 0; i < sk_GENERAL_NAME_num(san) && !uri; i++)
		uri = cert_name_sip_host(sk_GENERAL_NAME_value(san, i), &host, &len);
	GENERAL_NAMES_free(san);
	return !uri && X509_check_ip_asc(cert, ip, 0) == 1;
}

void cert_name_each(X509 *cert, cert_name_each_h *fn, void *arg)
{
	int crit = 0;
	GENERAL_NAMES *san = X509_get_ext_d2i(cert, NID_subject_alt_name, &crit, NULL);
	const X509_NAME *subject;
	int at;

	if (san) {
		if (!cert_name_san(san, true, fn, arg))
			cert_name_san(san, false, fn, arg);
		GENERAL_NAMES_free(san);
		return;
	}
	/* -1 means that there is no SAN; anything else is one that is broken or doubled: no name then. */
	if (crit != -1)
		return;
	subject = X509_get_subject_name(cert);
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at >= 0) {
		const ASN1_STRING *cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
		unsigned char *utf8 = NULL;
		int len = ASN1_STRING_to_UTF8(&utf8, cn);

		if (len > 0)
			cert_name_give(utf8, len, fn, arg);
		OPENSSL_free(utf8);
	}
}

struct cert_name_query {
	const char *name;
	size_t len_bytes;
	bool found;
};

static void cert_name_compare(const char *name, size_t len_bytes, void *arg)
{
	struct cert_name_query *q = arg;

	if (len_bytes == q->len_bytes && strncasecmp(name, q->name, len_bytes) == 0)
		q->found = true;
}

bool cert_name_has(X509 *cert, const char *name)
{
	struct cert_name_query q = {.name = name, .len_bytes = strlen(name)};

	struct addr ip;

	if (q.len_bytes)
		cert_name_each(cert, cert_name_compare, &q);
	if (!q.found && addr_parse_ip(name, q.len_bytes, &ip) == 0)
		q.found = cert_name_ip(cert, name);
	return q.found;
}

struct cert_name_text {
	char *buf;
	size_t size_bytes, used;
};

static void cert_name_append(const char *name, size_t len_bytes, void *arg)
{
	struct cert_name_text *t = arg;
	size_t gap = t->used ? 1 : 0;

	if (t->used + gap + len_bytes + 1 > t->size_bytes)
		return;
	if (gap)
		t->buf[t->used++] = ' ';
	memcpy(t->buf + t->used, name, len_bytes);
	t->used += len_bytes;
	t->buf[t->used] = 0;
}

const char *cert_name_print(X509 *cert, char *buf, size_t size_bytes)
{
	struct cert_name_text t = {.buf = buf, .size_bytes = size_bytes};

	if (size_bytes)
		buf[0] = 0;
	cert_name_each(cert, cert_name_append, &t);
	return buf;
}
