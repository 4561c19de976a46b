/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_media - between session descriptions and gates: what each side said becomes streams of the
 * context, and our addresses become the SDP of the other side.
 *
 * Directions: sides are 0 (caller) and 1 (callee). A termination's mode is seen from outside the
 * context: it receives what its side sends and sends what its side receives.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/call/call_headers.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_screen.h"
#include "sbe/call/call_source.h"
#include "sbe/call/call_terms.h"
#include "sbe/policy/policy.h"
#include "sbe/sdp/body_codec.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_multipart.h"
#include "sbe/sdp/body_negotiate.h"
#include "sbe/sdp/body_sdp.h"

int call_media_parse(const struct wire_msg *m, struct body_sdp **ret_sdp, const char **ret_why)
{
	struct wire_text type = wire_content_type(m), body = wire_body(m);
	struct body_part part;
	char text[256];
	int err;

	*ret_sdp = NULL;
	if (!body.n)
		return 0;
	if (!type.n || type.n >= sizeof(text) || call_screen_encoded(m))
		return call_screen_optional(m) ? 0 : -ENOTSUP;
	err = body_multipart_find(wire_text_copy(type, text, sizeof(text)), body.s, body.n, &part,
				  ret_why);
	if (err == -ENOENT && call_screen_optional(m))
		return 0; /* nothing to us, and the sender does not mind */
	if (err)
		return err == -ENOENT ? -ENOTSUP : err;
	return body_sdp_parse(body.s + part.off, part.len_bytes, ret_sdp, ret_why);
}

bool call_media_relayed(const struct body_media *m)
{
	return m->port && (m->is_rtp || body_text_is(m->proto, "udptl"));
}

/* RFC 3264 and ours: numeric addresses we may send to, no more streams than a context has room for. */
int call_media_check(const struct call *call, const struct body_sdp *sdp, const char **ret_why)
{
	unsigned flags = BODY_ADDRESS_ANY_OK;

	if (addr_is_loopback(&call->sip_addr[0])) /* a laboratory on one machine */
		flags |= BODY_ADDRESS_LOOPBACK_OK;
	if (!sdp->n_media || sdp->n_media > GATE_STREAMS_MAX) {
		if (ret_why)
			*ret_why = sdp->n_media ? "more streams than we relay" : "no stream";
		return -EINVAL;
	}
	for (unsigned i = 0; i < sdp->n_media; i++) {
		const struct body_media *m = &sdp->media[i];

		if (call_media_relayed(m) && (body_address_ok(&m->rtp, flags, ret_why) ||
					      body_address_ok(&m->rtcp, flags, ret_why)))
			return -EINVAL;
		if (call_media_relayed(m) &&
		    (transport_listens_at(call->core->o.transport, &m->rtp) ||
		     transport_listens_at(call->core->o.transport, &m->rtcp))) {
			if (ret_why)
				*ret_why = "media address is one where we speak SIP";
			return -EINVAL;
		}
	}
	return 0;
}

/* C21: what was not offered is not relayed, so a stream of the answer needs a codec of its offer. */
int call_media_fits(const struct call *call, const struct body_sdp *offer,
		    const struct body_sdp *answer, const char **ret_why)
{
	struct body_negotiation n;
	const char *unasked = NULL, **why = ret_why ? ret_why : &unasked;
	int err = body_negotiate(offer, answer, &n, why);

	if (!err)
		err = call_media_check(call, answer, why);
	if (err)
		return err;
	if (n.warnings & BODY_WARN_NO_COMMON_CODEC) {
		*why = "a stream of the answer has no codec of the offer";
		return -EBADMSG;
	}
	if (call_direct_leaks(call, answer)) {
		*why = "media without a dbe, and a private address of another realm";
		return -EACCES;
	}
	return call_terms_answer(call, offer, answer, &n, why);
}

int call_media_may_change(const struct call *call, const struct body_sdp *offer,
			  const char **ret_why)
{
	int err = body_negotiate_again(call->nlines, offer, ret_why);

	if (!err && !call_terms_room(call, offer)) {
		if (ret_why)
			*ret_why = "a peer has no bandwidth left for it";
		return -EDQUOT;
	}
	return err ? err : call_media_check(call, offer, ret_why);
}

void call_media_again(struct call *call, const struct body_sdp *offer)
{
	for (unsigned i = 0; i < offer->n_media && i < call->nstreams; i++) {
		call->streams[i].active = call_media_relayed(&offer->media[i]);
		call->streams[i].mux = offer->media[i].rtcp_mux;
	}
}

static int grow(struct call *call, size_t n)
{
	struct call_stream *s;

	if (n <= call->nstreams)
		return 0;
	if (n > GATE_STREAMS_MAX)
		return -E2BIG;
	s = mem_resize(call->streams, n * sizeof(*s));
	if (!s)
		return -ENOMEM;
	memset(s + call->nstreams, 0, (n - call->nstreams) * sizeof(*s));
	call->streams = s;
	call->nstreams = n;
	return 0;
}

int call_media_grow(struct call *call, const struct body_sdp *offer)
{
	return grow(call, offer->n_media);
}

int call_media_take(struct call *call, int side, const struct body_sdp *sdp, bool offer)
{
	int err = grow(call, sdp->n_media);

	if (!err)
		err = call_source_check(call, side, sdp);
	if (err)
		return err;
	call_session_said(&call->legs[side], sdp, offer);
	for (unsigned i = 0; i < sdp->n_media; i++) {
		const struct body_media *m = &sdp->media[i];
		struct call_stream *s = &call->streams[i];

		s->active = call_media_relayed(m) && (offer || s->active);
		s->kind = (uint8_t)peer_media_kind(m->type.at, m->type.len);
		s->kbps[side] = call_terms_said_kbps(sdp, m);
		s->direction[side] = (uint8_t)m->direction;
		if (!call_media_relayed(m))
			continue;
		/* What may be encrypted is passed unread: SRTCP and DTLS are no RTCP or RTP to a checker (B17). */
		s->rtp = m->is_rtp && !m->is_secure && !m->has_crypto && !m->has_fingerprint;
		s->mux = offer ? m->rtcp_mux : s->mux && m->rtcp_mux;
		s->payloads[side][0] = m->payloads[0];
		s->payloads[side][1] = m->payloads[1];
		if (!addr_is_any(&m->rtp)) { /* old hold: keep where media went before */
			s->remote_rtp[side] = m->rtp;
			s->remote_rtcp[side] = m->rtcp;
		}
	}
	if (!offer) { /* agreed */
		call->nlines = sdp->n_media;
		call_terms_agreed(call, sdp);
	}
	return 0;
}

/* ---- our SDP ---- */

static uint8_t sip_family(const struct call *call, int side)
{
	return call->sip_addr[side].family ? call->sip_addr[side].family
					   : call->legs[side].dialog.target.to.family;
}

static void stream_out(const struct call *call, int to, unsigned i, const struct body_media *in,
		       struct body_stream_out *out)
{
	const struct call_stream *s = i < call->nstreams ? &call->streams[i] : NULL;

	memset(out, 0, sizeof(*out));
	if (call->direct.on)
		return; /* as it is */
	if (!s || !call_media_relayed(in) || !s->local_rtp[to].port) {
		out->refused = true;
		return;
	}
	out->relay = true;
	out->rtp = s->local_rtp[to];
	out->rtcp_port = s->local_rtcp[to].port;
}

int call_media_write(struct call *call, int to, const struct body_sdp *in, bool offer,
		     struct body_written *ret_out)
{
	struct leg *leg = &call->legs[to];
	static const char *const ice[] = {"candidate", "remote-candidates", "end-of-candidates",
					  "ice-*"};
	struct body_stream_out out[GATE_STREAMS_MAX];
	struct body_codec_result codecs;
	struct body_rewrite rw = {.origin = &leg->origin,
				  .media = out,
				  .n_media = in->n_media,
				  .hide = true,
				  .strip_leaks = !call->direct.on};
	int filtered = 0, err;

	if (in->n_media > GATE_STREAMS_MAX)
		return -E2BIG;
	if (call_direct_ends_ice(call, in)) {
		rw.strip = ice;
		rw.n_strip = sizeof(ice) / sizeof(ice[0]);
	}
	if (offer) {
		filtered = call_terms_filter(call, to, in, &codecs);
		if (filtered < 0)
			return filtered;
	} else {
		filtered = call_terms_codecs(call, to, in, &codecs);
	}
	for (unsigned i = 0; i < in->n_media; i++) {
		stream_out(call, to, i, &in->media[i], &out[i]);
		if (filtered && (codecs.refused & (1U << i)))
			out[i] = (struct body_stream_out){.refused = true};
		else if (filtered && codecs.media[i].n)
			out[i].payloads = &codecs.media[i];
		if (out[i].relay)
			rw.address = out[i].rtp;
		else if (call->direct.on && !rw.address.family)
			rw.address = in->media[i].rtp;
	}
	if (!rw.address.family) { /* every stream is refused: any address of ours will do */
		rw.address = (struct addr){.family = sip_family(call, to)};
	}
	rw.address.port = 0;
	err = body_sdp_write(in, &rw, ret_out);
	return err;
}

/* Only the parts that side may have (C6). On failure *ret_body stays the caller's to free. */
static int sift_parts(const struct leg *to, const struct wire_msg *m, struct wire_out *o,
		      char **ret_body, size_t *ret_bytes)
{
	struct policy_body b;
	int err = call_headers_body(to, m, (struct wire_text){*ret_body, *ret_bytes}, &b);

	if (err)
		return err;
	wire_out_header(o, "Content-Type", "%s", b.type);
	if (!b.text)
		return 0;
	mem_free(*ret_body);
	*ret_body = b.text;
	*ret_bytes = b.len_bytes;
	return 0;
}

int call_media_body(struct call *call, int to, const struct call_media_in *in, struct wire_out *o,
		    char **ret_body, size_t *ret_bytes)
{
	struct wire_text type = wire_content_type(in->msg), body = wire_body(in->msg);
	struct body_written w = {0};
	struct body_part part;
	char text[256];
	int err;

	*ret_body = NULL;
	*ret_bytes = 0;
	if (!in->sdp)
		return 0;
	err = call_media_write(call, to, in->sdp, in->offer, &w);
	if (err)
		return err;
	call->legs[to].origin = w.origin;
	call_session_wrote(&call->legs[to], w.text, in->offer);
	wire_text_copy(type, text, sizeof(text));
	err = body_multipart_find(text, body.s, body.n, &part, NULL);
	if (!err && !part.whole) {
		err = body_multipart_replace(body.s, body.n, &part,
					     (struct body_text){w.text, w.len_bytes}, ret_body,
					     ret_bytes);
		mem_free(w.text);
		return err ? err : sift_parts(&call->legs[to], in->msg, o, ret_body, ret_bytes);
	}
	wire_out_header_text(o, "Content-Type", WIRE_TEXT("application/sdp"));
	*ret_body = w.text;
	*ret_bytes = w.len_bytes;
	return 0;
}
