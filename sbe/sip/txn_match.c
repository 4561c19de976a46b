/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_match - which transaction a message belongs to, as a 64-bit keyed digest.
 *
 * SipHash with a key of this process: nobody outside can make two digests meet, and by chance it
 * happens once in 2^64 / (open transactions) messages. So the strings themselves need not be kept.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/table.h"
#include "sbe/sip/txn_private.h"
#include "sbe/sip/wire_line.h"

#define TXN_HOST_BYTES 256
#define TXN_PARTS_MAX 8    /* texts and numbers of one key */
#define TXN_PART_BYTES 128 /* a longer text goes in as its hash */

/* What kind of key it is goes into the digest, so that the kinds never meet. */
enum { KEY_BRANCH, KEY_RFC2543, KEY_MERGED, KEY_CLIENT };

/* The parts of a key laid end to end, so that they are hashed at once. Each text has its length before it: where one
 * ends and the next begins cannot be moved. */
struct txn_digest {
	uint8_t bytes[TXN_PARTS_MAX * (TXN_PART_BYTES + sizeof(uint32_t))];
	size_t n;
};

static void digest_bytes(struct txn_digest *d, const void *bytes, size_t n)
{
	assert(n <= sizeof(d->bytes) - d->n);
	memcpy(d->bytes + d->n, bytes, n);
	d->n += n;
}

static void digest_number(struct txn_digest *d, uint32_t v)
{
	digest_bytes(d, &v, sizeof(v));
}

static void digest_start(struct txn_digest *d, uint32_t kind)
{
	d->n = 0; /* the bytes are written before they are read */
	digest_number(d, kind);
}

static void digest_text(struct txn_digest *d, struct wire_text t)
{
	uint64_t hash;

	digest_number(d, (uint32_t)t.n);
	if (t.n > TXN_PART_BYTES) {
		hash = table_hash(t.s, t.n);
		digest_bytes(d, &hash, sizeof(hash));
	} else if (t.n) {
		digest_bytes(d, t.s, t.n);
	}
}

static uint64_t digest_end(const struct txn_digest *d)
{
	return table_hash(d->bytes, d->n);
}

/* Host names compare without case. */
static void digest_host(struct txn_digest *d, struct wire_text host)
{
	char lower[TXN_HOST_BYTES];
	size_t n = host.n < sizeof(lower) ? host.n : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] =
			host.s[i] >= 'A' && host.s[i] <= 'Z' ? (char)(host.s[i] | 0x20) : host.s[i];
	digest_text(d, (struct wire_text){lower, n});
}

/* ACK and CANCEL are looked up as the INVITE they belong to. */
static void digest_method(struct txn_digest *d, const struct wire_msg *m)
{
	enum wire_method method = wire_method(m);

	if (method == WIRE_ACK || method == WIRE_CANCEL)
		method = WIRE_INVITE;
	digest_number(d, method);
	if (method == WIRE_OTHER)
		digest_text(d, wire_method_text(m));
}

static struct wire_text top_via_text(const struct wire_msg *m)
{
	struct wire_header h;
	struct wire_text value = {0};

	if (wire_header_find(m, "via", &h)) {
		struct wire_text rest = h.value;

		(void)wire_list_next(&rest, &value);
	}
	return value;
}

/*
 * RFC 2543 (17.2.3): Request-URI, tags, Call-ID, CSeq and top Via are equal. The To tag of an ACK is
 * that of our response, which the INVITE did not have yet, so it is left out for the three methods
 * that share a key; the caller of an ACK compares it.
 */
static uint64_t key_rfc2543(const struct wire_msg *m)
{
	struct txn_digest d;
	struct wire_party from, to;
	struct wire_uri uri;
	enum wire_method method = wire_method(m);

	wire_request_uri(m, &uri);
	wire_from(m, &from);
	wire_to(m, &to);
	digest_start(&d, KEY_RFC2543);
	digest_method(&d, m);
	digest_text(&d, uri.text);
	digest_text(&d, from.tag);
	if (method != WIRE_INVITE && method != WIRE_ACK && method != WIRE_CANCEL)
		digest_text(&d, to.tag);
	digest_text(&d, wire_call_id(m));
	digest_number(&d, wire_cseq(m));
	digest_text(&d, top_via_text(m));
	return digest_end(&d);
}

/* The bare cookie names nothing: everybody who sends it sends the same. */
bool txn_via_is_old(const struct wire_via *v)
{
	return !v->rfc3261 || v->branch.n <= strlen(TXN_COOKIE);
}

uint64_t txn_key_request(const struct wire_msg *m, const struct wire_via *v)
{
	struct txn_digest d;

	if (txn_via_is_old(v))
		return key_rfc2543(m);
	digest_start(&d, KEY_BRANCH);
	digest_method(&d, m);
	digest_text(&d, v->branch);
	digest_host(&d, v->host);
	digest_number(&d, v->port);
	return digest_end(&d);
}

/* "SIP/2.0/UDP host:port;..." without white space inside: what is written in another way is left to the parser. */
static bool split_via(struct wire_text via, struct wire_text *ret_host, struct wire_text *ret_port,
		      struct wire_text *ret_branch)
{
	const char *sp = memchr(via.s, ' ', via.n);
	const char *semi = sp ? memchr(sp, ';', via.n - (size_t)(sp - via.s)) : NULL;
	struct wire_text by, params;
	const char *colon;

	if (!semi || memchr(via.s, '\r', via.n) || memchr(via.s, '\t', via.n) ||
	    memchr(semi, ' ', via.n - (size_t)(semi - via.s)))
		return false;
	by = (struct wire_text){sp + 1, (size_t)(semi - sp - 1)};
	params = (struct wire_text){semi + 1, via.n - (size_t)(semi + 1 - via.s)};
	if (!by.n || memchr(by.s, ' ', by.n) || !wire_param(params, "branch", ret_branch))
		return false;
	colon = memrchr(by.s, ':', by.n);
	if (colon && memchr(colon, ']', by.n - (size_t)(colon - by.s)))
		colon = NULL; /* "[v6]" */
	*ret_host = (struct wire_text){by.s, colon ? (size_t)(colon - by.s) : by.n};
	*ret_port =
		(struct wire_text){colon ? colon + 1 : NULL, colon ? by.n - ret_host->n - 1 : 0};
	if (ret_host->n > 2 && ret_host->s[0] == '[') {
		ret_host->s++;
		ret_host->n -= 2;
	}
	return true;
}

int txn_key_raw(const struct guard_head *h, uint64_t *ret_key)
{
	const size_t cookie = sizeof(TXN_COOKIE) - 1;
	struct wire_text host, text, branch;
	struct txn_digest d;
	uint32_t port = 0;

	if (h->method == WIRE_OTHER || h->method == WIRE_ACK || h->method == WIRE_CANCEL ||
	    !split_via(h->via, &host, &text, &branch) || branch.n <= cookie ||
	    strncasecmp(branch.s, TXN_COOKIE, cookie) || branch.s[0] == '"' ||
	    (text.s && wire_number(text, 65535, &port)))
		return -ENOENT;
	digest_start(&d, KEY_BRANCH);
	digest_number(&d, h->method);
	digest_text(&d, branch);
	digest_host(&d, host);
	digest_number(&d, port);
	*ret_key = digest_end(&d);
	return 0;
}

uint64_t txn_key_merged(const struct wire_msg *m)
{
	struct txn_digest d;
	struct wire_party from;

	wire_from(m, &from);
	digest_start(&d, KEY_MERGED);
	digest_method(&d, m);
	digest_text(&d, from.tag);
	digest_text(&d, wire_call_id(m));
	digest_number(&d, wire_cseq(m));
	return digest_end(&d);
}

uint64_t txn_key_client(struct wire_text branch, struct wire_text method)
{
	struct txn_digest d;

	digest_start(&d, KEY_CLIENT);
	digest_text(&d, method);
	digest_text(&d, branch);
	return digest_end(&d);
}
