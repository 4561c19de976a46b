/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_auth_server - challenges the requests of peers that must say who they are.
 *
 * Nothing is kept for a challenge (sbe/sip/digest_nonce.h). Whatever is wrong with credentials, the answer is the
 * same 401: an unknown user, a wrong password, another realm or another Request-URI cannot be told apart by it.
 */
#include <string.h>

#include "common/clock.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_none.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_record.h"
#include "sbe/sip/digest.h"
#include "sbe/sip/digest_nonce.h"
#include "sbe/sip/wire_line.h"

#define CREDENTIALS_MAX 8U /* header lines looked at */

enum verdict { NONE, WRONG, STALE, REPLAYED, GOOD };

/* ---- looking at credentials ---- */

/* 8 hex digits, not 0. */
static bool read_nc(struct wire_text t, uint32_t *ret_nc)
{
	uint32_t nc = 0;

	if (t.n != 8)
		return false;
	for (size_t i = 0; i < 8; i++) {
		char c = (char)(t.s[i] | 0x20);
		int v = t.s[i] >= '0' && t.s[i] <= '9' ? t.s[i] - '0'
			: c >= 'a' && c <= 'f'         ? c - 'a' + 10
						       : -1;

		if (v < 0)
			return false;
		nc = nc << 4 | (uint32_t)v;
	}
	*ret_nc = nc;
	return nc > 0;
}

static bool same_text(struct wire_text a, struct wire_text b)
{
	return a.n == b.n && (!a.n || !memcmp(a.s, b.s, a.n));
}

static bool same_nocase(struct wire_text a, struct wire_text b)
{
	return a.n == b.n && (!a.n || !strncasecmp(a.s, b.s, a.n));
}

/* The digest is over the text of the credentials, so that has to be the request's (RFC 3261 22.4, 19.1.4). */
static bool same_uri(struct wire_text text, const struct wire_uri *request)
{
	struct wire_uri u;

	if (same_text(text, request->text))
		return true;
	return text.n && !wire_uri_parse(text, &u) && same_nocase(u.scheme, request->scheme) &&
	       same_text(u.user, request->user) && same_nocase(u.host, request->host) &&
	       u.port == request->port && same_nocase(u.params, request->params) &&
	       same_text(u.headers, request->headers);
}

/* Everything but the nonce. All is computed before anything is told, whichever part is wrong. */
static bool right(const struct peer_auth_conf *a, const struct wire_msg *m,
		  const struct digest_fields *f, uint32_t *ret_nc)
{
	struct digest_input in = {wire_method_text(m), f->uri, f->nonce, f->nc, f->cnonce};
	enum digest_algorithm algorithm = DIGEST_SHA256;
	char expected[DIGEST_HEX_BYTES] = "";
	struct wire_uri uri;
	bool ok;

	wire_request_uri(m, &uri);
	ok = read_nc(f->nc, ret_nc) && f->cnonce.n && wire_text_is_nocase(f->qop, "auth") &&
	     !digest_algorithm_of(f->algorithm, &algorithm) && peer_auth_allows(a, algorithm);
	if (!ok) {
		algorithm = a->allowed >> DIGEST_SHA256 & 1 ? DIGEST_SHA256 : DIGEST_MD5;
		in.nc = in.cnonce = (struct wire_text){"", 0};
	}
	ok = wire_text_is(f->username, a->user) && ok;
	ok = same_uri(f->uri, &uri) && ok;
	ok = !digest_response(algorithm, a->ha1[algorithm], &in, expected) && ok;
	return digest_equal(f->response, expected) && ok;
}

static enum verdict judge(struct call_core *core, const struct wire_msg *m, const struct peer *p)
{
	const struct peer_auth_conf *a = &p->conf->auth;
	struct digest_fields f;
	struct wire_header h;
	uint32_t nc = 0;
	unsigned n = 0;

	for (void *it = NULL; n < CREDENTIALS_MAX && wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, "authorization"))
			continue;
		n++;
		if (digest_parse(h.value, &f) || !wire_text_is(f.realm, a->realm))
			continue; /* for somebody behind us, or for nobody */
		if (!f.nonce.s || !f.uri.s || !right(a, m, &f, &nc))
			return WRONG;
		switch (digest_nonce_use(core->nonces, p->name, f.nonce, nc, clock_now_ms())) {
		case DIGEST_NONCE_GOOD:
			return GOOD;
		case DIGEST_NONCE_USED:
			return REPLAYED;
		default:
			return STALE;
		}
	}
	return NONE;
}

/* ---- the answer ---- */

static void challenge(struct call_core *core, struct txn_server *s, const struct peer *p,
		      bool stale)
{
	const struct peer_auth_conf *a = &p->conf->auth;
	struct txn_reply r = {.status = 401};
	char nonce[DIGEST_NONCE_BYTES];
	struct wire_out o;

	digest_nonce_make(core->nonces, p->name, clock_now_ms(), nonce);
	wire_out_init(&o, core->headers, sizeof(core->headers));
	for (int i = DIGEST_ALGORITHMS - 1; i >= 0; i--) { /* the best one first (RFC 8760 2.4) */
		if (peer_auth_allows(a, (enum digest_algorithm)i))
			digest_write_challenge((enum digest_algorithm)i, a->realm, nonce, stale,
					       &o);
	}
	if (!wire_out_end(&o, &r.headers_bytes))
		r.headers = core->headers;
	txn_server_reply(s, &r);
	txn_server_detach(s);
}

bool call_auth_admits(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		      const struct peer *p)
{
	static const int metrics[] = {
		[NONE] = CALL_AUTH_CHALLENGED, [WRONG] = CALL_AUTH_WRONG,
		[STALE] = CALL_AUTH_STALE,     [REPLAYED] = CALL_AUTH_REPLAYED,
		[GOOD] = CALL_AUTH_ACCEPTED,
	};
	const struct peer_auth_conf *a = &p->conf->auth;
	enum verdict v;

	if (!a->challenge)
		return true;
	if (!a->clear && txn_server_source(s)->proto != TRANSPORT_TLS) {
		/* Asking here would have it send what a password can be guessed from (C11). */
		metric_add(&call_auth_metrics, CALL_AUTH_NOT_TLS, 1);
		if (wire_method(m) == WIRE_INVITE)
			call_record_refused(core, m, p, 403, "auth_clear");
		call_refuse(s, 403, NULL, NULL);
		return false;
	}
	v = judge(core, m, p);
	metric_add(&call_auth_metrics, metrics[v], 1);
	if (v == GOOD)
		return true;
	if (v == WRONG && wire_method(m) == WIRE_INVITE)
		call_record_refused(core, m, p, 401, "auth_failed");
	challenge(core, s, p, v == STALE || v == REPLAYED);
	return false;
}
