/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_auth_client - answers the challenges of a peer.
 *
 * A request is tried again once, and once more if its nonce was only too old (stale=true, RFC 7616 3.3). What a leg
 * has learned is used for all its later requests, with the count going up.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_auth.h"
#include "sbe/call/call_object.h"
#include "sbe/sip/digest.h"

METRIC_TABLE(call_auth_metrics, CALL_AUTH_METRICS)

#define CHALLENGES_MAX 8U /* header lines looked at */
/* Whatever the peer does, so many answers in so long. */
#define ANSWERS_MAX 6U
#define ANSWERS_MS 10000U

enum who { USER_AGENT, PROXY, WHOS }; /* 401, 407: a request may need both */

struct challenge {
	char *text; /* nonce, then opaque; NULL = there was none */
	struct wire_text nonce, opaque;
	enum digest_algorithm algorithm;
	uint32_t nc; /* used so far */
	bool qop;
	uint32_t retry_cseq; /* the request that answers it */
	unsigned tries;      /* of which that is the last */
};

struct call_auth {
	struct challenge of[WHOS];
	char *kept; /* counted */
	uint64_t since_ms;
	unsigned answers; /* since then */
};

static const struct {
	const char *asks, *answers;
} names[WHOS] = {
	[USER_AGENT] = {"www-authenticate", "Authorization"},
	[PROXY] = {"proxy-authenticate", "Proxy-Authorization"},
};

bool call_auth_is_challenge(int status)
{
	return status == 401 || status == 407;
}

void call_auth_clear(struct leg *leg)
{
	for (int i = 0; leg->auth && i < WHOS; i++)
		mem_free(leg->auth->of[i].text);
	if (leg->auth)
		mem_unref(leg->auth->kept);
	mem_free(leg->auth);
	leg->auth = NULL;
}

/* ---- which one ---- */

/* A 2xx may have moved the dialog to where the peer said: credentials go only where the configuration says. */
static bool is_peers_own(const struct leg *leg, const struct addr *to)
{
	const struct addr_prefix *sources = leg->peer->conf->sources.items;

	for (size_t i = 0; i < leg->peer->nhops; i++) {
		if (addr_equal(&leg->peer->hops[i].addr, to))
			return true;
	}
	for (size_t i = 0; i < leg->peer->conf->sources.n; i++) {
		if (addr_prefix_has(&sources[i], to))
			return true;
	}
	return false;
}

static bool may_show(const struct leg *leg, const struct transport_target *to)
{
	const struct peer_auth_conf *a = &leg->peer->conf->auth;

	return a->ready && is_peers_own(leg, &to->to) &&
	       (a->clear || to->proto == TRANSPORT_TLS); /* C11 */
}

static bool may_answer(const struct leg *leg)
{
	const struct transport_target *to = &leg->dialog.target;
	const struct peer_auth_conf *a = &leg->peer->conf->auth;

	if (may_show(leg, to))
		return true;
	metric_add(&call_auth_metrics,
		   a->ready && !a->clear && to->proto != TRANSPORT_TLS ? CALL_AUTH_CLEAR
								       : CALL_AUTH_FOREIGN,
		   1);
	return false;
}

static bool fits(const struct peer_auth_conf *a, const struct digest_fields *f,
		 enum digest_algorithm *ret_algorithm)
{
	if (!wire_text_is(f->realm, a->realm) || !f->nonce.n ||
	    digest_algorithm_of(f->algorithm, ret_algorithm) ||
	    !peer_auth_allows(a, *ret_algorithm))
		return false;
	/* Without qop there is no count and no cnonce of ours: only what is as old as that is answered so. */
	return f->qop.s ? digest_has_qop(f->qop, "auth") : *ret_algorithm == DIGEST_MD5;
}

/* The strongest of those we may answer. @return false: none. */
static bool choose(const struct leg *leg, const struct wire_msg *m, enum who who,
		   struct digest_fields *ret_fields, enum digest_algorithm *ret_algorithm)
{
	const struct peer_auth_conf *a = &leg->peer->conf->auth;
	enum digest_algorithm algorithm;
	struct digest_fields f;
	struct wire_header h;
	bool found = false;
	unsigned n = 0;

	for (void *it = NULL; n < CHALLENGES_MAX && wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, names[who].asks))
			continue;
		n++;
		if (digest_parse(h.value, &f) || !fits(a, &f, &algorithm) ||
		    (found && algorithm <= *ret_algorithm))
			continue;
		found = true;
		*ret_fields = f;
		*ret_algorithm = algorithm;
	}
	return found;
}

/* ---- once more? ---- */

static bool may_try(struct challenge *c, uint32_t cseq, const struct digest_fields *f)
{
	unsigned tries = c->text && c->retry_cseq == cseq ? c->tries : 0;

	if (tries >= 2 || (tries == 1 && !wire_text_is_nocase(f->stale, "true")))
		return false;
	c->tries = tries;
	return true;
}

static bool within_rate(struct call_auth *auth)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms - auth->since_ms >= ANSWERS_MS) {
		auth->since_ms = now_ms;
		auth->answers = 0;
	}
	return auth->answers++ < ANSWERS_MAX;
}

static int keep(struct challenge *c, const struct digest_fields *f)
{
	size_t n = f->nonce.n + f->opaque.n;
	char *text = mem_buffer(n);

	if (!text)
		return -ENOMEM;
	memcpy(text, f->nonce.s, f->nonce.n);
	if (f->opaque.n)
		memcpy(text + f->nonce.n, f->opaque.s, f->opaque.n);
	mem_free(c->text);
	c->text = text;
	c->nonce = (struct wire_text){text, f->nonce.n};
	c->opaque = (struct wire_text){f->opaque.s ? text + f->nonce.n : NULL, f->opaque.n};
	c->qop = f->qop.s != NULL;
	c->nc = 0;
	return 0;
}

static struct call_auth *auth_of(struct leg *leg)
{
	if (leg->auth)
		return leg->auth;
	leg->auth = mem_buffer(sizeof(*leg->auth));
	if (leg->auth)
		memset(leg->auth, 0, sizeof(*leg->auth));
	return leg->auth;
}

void call_auth_keep(struct leg *leg, struct wire_text words)
{
	if (!words.n || !leg->peer->conf->auth.ready || !auth_of(leg))
		return;
	leg->auth->kept = mem_unref(leg->auth->kept);
	mem_dup(words.s, words.n,
		&leg->auth->kept); /* without memory the second try has no words */
}

struct wire_text call_auth_kept(const struct leg *leg)
{
	const char *kept = leg->auth ? leg->auth->kept : NULL;

	return (struct wire_text){kept, kept ? strlen(kept) : 0};
}

bool call_auth_again(struct leg *leg, const struct wire_msg *m)
{
	enum who who = wire_status(m) == 407 ? PROXY : USER_AGENT;
	enum digest_algorithm algorithm = DIGEST_MD5;
	struct digest_fields f = {.realm = {NULL, 0}};
	struct challenge *c;

	if (!call_auth_is_challenge(wire_status(m)) || !may_answer(leg))
		return false;
	if (!choose(leg, m, who, &f, &algorithm)) {
		metric_add(&call_auth_metrics, CALL_AUTH_FOREIGN, 1);
		return false;
	}
	if (!auth_of(leg))
		return false;
	c = &leg->auth->of[who];
	if (!may_try(c, wire_cseq(m), &f) || !within_rate(leg->auth)) {
		metric_add(&call_auth_metrics, CALL_AUTH_REPEATED, 1);
		return false;
	}
	if (keep(c, &f))
		return false;
	c->algorithm = algorithm;
	c->tries++;
	c->retry_cseq = leg->dialog.local_cseq + 1;
	metric_add(&call_auth_metrics, CALL_AUTH_ANSWERED, 1);
	return true;
}

void call_auth_write(struct leg *leg, const struct txn_request *r,
		     const struct transport_target *to, struct wire_out *o)
{
	const struct peer_auth_conf *a;

	if (!leg->auth)
		return; /* as good as always */
	a = &leg->peer->conf->auth;
	if (!may_show(leg, to) || strpbrk(r->uri, "\"\\"))
		return;
	for (int i = 0; i < WHOS; i++) {
		struct challenge *c = &leg->auth->of[i];
		struct digest_answer answer = {.header = names[i].answers,
					       .algorithm = c->algorithm,
					       .user = a->user,
					       .realm = a->realm,
					       .ha1 = a->ha1[c->algorithm],
					       .method = r->method,
					       .uri = r->uri,
					       .nonce = c->nonce,
					       .opaque = c->opaque};

		if (!c->text || !peer_auth_allows(a, c->algorithm))
			continue;
		if (c->qop)
			answer.nc = ++c->nc;
		digest_write_answer(&answer, o);
	}
}
