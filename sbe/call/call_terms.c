/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_terms.h"

#include <errno.h>
#include <string.h>

#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/sdp/body_codec.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_negotiate.h"
#include "sbe/sdp/body_sdp.h"

static const struct peer_media_conf *conf_of(const struct call *call, int side)
{
	const struct peer *p = call->legs[side].peer;

	return p ? &p->conf->media : NULL;
}

/* ---- one stream ---- */

struct breach {
	const char *cause, *text;
};

static bool has_key(const struct body_media *m)
{
	return m->has_crypto || m->has_fingerprint;
}

static const struct breach *srtp_breach(const struct peer_media_conf *c, const struct body_media *m)
{
	static const struct breach none = {"srtp_required",
					   "encrypted media are required by a peer"},
				   some = {"srtp_off", "encrypted media are refused by a peer"};

	if (c->srtp == PEER_SRTP_REQUIRED && !(m->is_secure && has_key(m)))
		return &none;
	return c->srtp == PEER_SRTP_OFF && (m->is_secure || has_key(m)) ? &some : NULL;
}

/* What a peer's agreement has against a stream; NULL = nothing. */
static const struct breach *breach_of(const struct peer_media_conf *c, const struct body_sdp *sdp,
				      const struct body_media *m)
{
	static const struct breach type = {"media_type", "the media type is not agreed"},
				   ptime = {"ptime", "the packet time is not agreed"},
				   rate = {"bandwidth", "a stream asks for too much bandwidth"};

	if (!peer_media_takes(c, m->type.at, m->type.len))
		return &type;
	if (m->ptime_ms && ((c->ptime_min && m->ptime_ms < c->ptime_min) ||
			    (c->ptime_max && m->ptime_ms > c->ptime_max)))
		return &ptime;
	if (c->stream_kbps && call_terms_said_kbps(sdp, m) > c->stream_kbps)
		return &rate;
	return srtp_breach(c, m);
}

/* ---- offers ---- */

static bool is_codec(const struct body_media *m, uint8_t payload)
{
	for (unsigned i = 0; i < m->n_formats; i++) {
		if (m->formats[i].payload == payload)
			return !body_codec_is_helper(&m->formats[i]);
	}
	return false;
}

/* Keep in p what is in also, in p's order. @return false: no codec is left, only helpers or nothing. */
static bool keep_both(const struct body_media *m, struct body_payloads *p,
		      const struct body_payloads *also)
{
	unsigned n = 0, codecs = 0;

	if (!p->n)
		return true; /* not filtered, or refused before */
	for (unsigned k = 0; k < p->n; k++) {
		if (!memchr(also->list, p->list[k], also->n))
			continue;
		codecs += is_codec(m, p->list[k]);
		p->list[n++] = p->list[k];
	}
	p->n = n;
	return codecs > 0;
}

/* Codecs of the one who gets the offer come first, and in its order. @return false: nothing is left. */
static bool filter_codecs(const struct call *call, int to, const struct body_sdp *offer,
			  struct body_codec_result *result, bool *restricted)
{
	struct body_codec_result one;

	for (int k = 0; k < 2; k++) {
		int side = k ? 1 - to : to;
		const struct peer_media_conf *c = conf_of(call, side);
		struct body_codec_rule rule = {.reorder = side == to};

		if (!c || !c->codecs.n)
			continue;
		rule.allowed = c->codecs.items;
		rule.n_allowed = (unsigned)c->codecs.n;
		if (body_codec_filter_all(offer, &rule, &one))
			return false;
		if (!*restricted) {
			*result = one;
			*restricted = true;
			continue;
		}
		result->refused |= one.refused;
		for (unsigned i = 0; i < offer->n_media; i++) {
			if (!keep_both(&offer->media[i], &result->media[i], &one.media[i]))
				result->refused |= 1U << i;
		}
	}
	return true;
}

/* Nothing is restricted. Not with memset: the lists, which are empty then, are kilobytes. */
static void no_limits(const struct body_sdp *sdp, struct body_codec_result *ret_result)
{
	ret_result->refused = 0;
	for (unsigned i = 0; i < sdp->n_media; i++)
		ret_result->media[i].n = 0;
}

bool call_terms_codecs(const struct call *call, int to, const struct body_sdp *answer,
		       struct body_codec_result *ret_result)
{
	bool restricted = false;

	no_limits(answer, ret_result);
	if (!filter_codecs(call, to, answer, ret_result, &restricted))
		return false;
	ret_result->refused = 0;
	return restricted;
}

int call_terms_filter(const struct call *call, int to, const struct body_sdp *offer,
		      struct body_codec_result *ret_result)
{
	bool restricted = false, left = false;

	no_limits(offer, ret_result);
	if (!filter_codecs(call, to, offer, ret_result, &restricted))
		return -ENOTSUP;
	for (unsigned i = 0; i < offer->n_media; i++) {
		if (!offer->media[i].port)
			continue;
		for (int side = 0; side < 2; side++) {
			const struct peer_media_conf *c = conf_of(call, side);

			if (c && breach_of(c, offer, &offer->media[i]))
				ret_result->refused |= 1U << i;
		}
		left = left || !(ret_result->refused & (1U << i));
	}
	if (!left)
		return -ENOTSUP;
	return restricted || ret_result->refused ? 1 : 0;
}

const char *call_terms_cause(const struct call *call, const struct body_sdp *offer,
			     const char **ret_text)
{
	for (unsigned i = 0; i < offer->n_media; i++) {
		for (int side = 0; side < 2 && offer->media[i].port; side++) {
			const struct peer_media_conf *c = conf_of(call, side);
			const struct breach *b = c ? breach_of(c, offer, &offer->media[i]) : NULL;

			if (!b)
				continue;
			*ret_text = b->text;
			return b->cause;
		}
	}
	return "codec";
}

/* ---- answers ---- */

static bool codecs_agreed(const struct peer_media_conf *c, const struct body_media *m)
{
	struct body_codec_rule rule = {.allowed = c->codecs.items,
				       .n_allowed = (unsigned)c->codecs.n};
	struct body_payloads left;

	return !rule.n_allowed || !m->is_rtp || !body_codec_filter(m, &rule, &left);
}

int call_terms_answer(const struct call *call, const struct body_sdp *offer,
		      const struct body_sdp *answer, const struct body_negotiation *n,
		      const char **ret_why)
{
	for (unsigned i = 0; i < answer->n_media && i < offer->n_media; i++) {
		const struct body_media *m = &answer->media[i];

		if (n->streams[i].state == BODY_STREAM_REFUSED)
			continue;
		if (offer->media[i].is_secure && has_key(&offer->media[i]) && !has_key(m)) {
			*ret_why = "the answer to an encrypted stream has no key";
			return -ENOTSUP;
		}
		for (int side = 0; side < 2; side++) {
			const struct peer_media_conf *c = conf_of(call, side);
			const struct breach *b = c ? srtp_breach(c, m) : NULL;

			if (b || (c && !codecs_agreed(c, m))) {
				*ret_why =
					b ? b->text : "the answer has a codec that is not agreed";
				return -ENOTSUP;
			}
		}
	}
	return 0;
}

bool call_terms_early_blocked(const struct call *call)
{
	for (int side = 0; side < 2; side++) {
		const struct peer_media_conf *c = conf_of(call, side);

		if (c && c->early == PEER_EARLY_BLOCK)
			return true;
	}
	return false;
}

/* ---- bandwidth ---- */

#define HEADERS_KBPS 16U /* IP, UDP and RTP of 50 packets a second: b=TIAS is without (RFC 3890) */

uint32_t call_terms_said_kbps(const struct body_sdp *sdp, const struct body_media *m)
{
	uint32_t as = m->as_kbps, tias = m->tias_bps;

	if (!as && !tias) {
		as = sdp->as_kbps;
		tias = sdp->tias_bps;
	}
	if (as || !tias)
		return as;
	return tias / 1000 + HEADERS_KBPS;
}

/* On the wire, at 50 packets a second. */
static uint32_t codec_kbps(const struct body_media *m)
{
	static const struct {
		const char *name;
		uint32_t kbps;
	} known[] = {{"PCMU", 80}, {"PCMA", 80}, {"G722", 80}, {"G729", 24}, {"GSM", 30},
		     {"iLBC", 32}, {"G723", 20}, {"AMR", 30},  {"opus", 64}};
	uint32_t most = 0, kbps;

	for (unsigned i = 0; i < m->n_formats; i++) {
		if (!m->is_rtp)
			break;
		kbps = 0;
		for (size_t k = 0; !kbps && k < sizeof(known) / sizeof(known[0]); k++) {
			if (body_text_is(m->formats[i].name, known[k].name))
				kbps = known[k].kbps;
		}
		if (!kbps && !body_codec_is_helper(&m->formats[i]))
			kbps = 100;
		most = kbps > most ? kbps : most;
	}
	if (peer_media_kind(m->type.at, m->type.len) == PEER_KIND_VIDEO)
		return 1000;
	return most ? most : 64; /* text, fax */
}

uint32_t call_terms_kbps(const struct body_sdp *sdp)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < sdp->n_media; i++) {
		uint32_t said = call_terms_said_kbps(sdp, &sdp->media[i]);

		if (call_media_relayed(&sdp->media[i]))
			sum += said ? said : codec_kbps(&sdp->media[i]);
	}
	return sum > 100000000 ? 100000000 : (uint32_t)sum;
}

bool call_terms_take(struct leg *leg, uint32_t kbps)
{
	if (leg->peer && !peer_media_take(leg->peer, leg->kbps, kbps))
		return false;
	leg->kbps = kbps;
	return true;
}

bool call_terms_room(const struct call *call, const struct body_sdp *sdp)
{
	uint32_t kbps = call_terms_kbps(sdp);

	for (int side = 0; side < 2; side++) {
		const struct leg *leg = &call->legs[side];

		if (leg->peer && !peer_media_room(leg->peer, leg->kbps, kbps))
			return false;
	}
	return true;
}

void call_terms_agreed(struct call *call, const struct body_sdp *answer)
{
	uint32_t kbps = call_terms_kbps(answer);

	for (int side = 0; side < 2; side++)
		(void)call_terms_take(&call->legs[side], kbps);
}
