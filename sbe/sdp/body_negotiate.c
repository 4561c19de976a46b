/* SPDX-License-Identifier: Apache-2.0 */
/* body_negotiate - see the header. */
#include <errno.h>
#include <string.h>
#include "sbe/sdp/body_codec.h"
#include "sbe/sdp/body_negotiate.h"

static int refuse(const char *why, const char **ret_why)
{
	if (ret_why)
		*ret_why = why;
	return -EBADMSG;
}

/* The same codec: by name and clock when the mapping is known, else by number (RFC 3264 6.1). */
static bool same_codec(const struct body_format *a, const struct body_format *b)
{
	if (!a->name.len || !b->name.len)
		return a->payload >= 0 && a->payload == b->payload;
	return a->clock_hz == b->clock_hz && body_text_equal(a->name, b->name);
}

static const struct body_format *find_codec(const struct body_media *m, const struct body_format *f)
{
	const struct body_format *other_number = NULL;

	for (unsigned i = 0; i < m->n_formats; i++) {
		if (!same_codec(&m->formats[i], f))
			continue;
		if (m->formats[i].payload == f->payload)
			return &m->formats[i];
		other_number = other_number ? other_number : &m->formats[i];
	}
	return other_number;
}

static unsigned compare_formats(const struct body_media *offer, const struct body_media *answer)
{
	unsigned warnings = 0, common = 0;

	for (unsigned i = 0; i < answer->n_formats; i++) {
		const struct body_format *f = &answer->formats[i];
		const struct body_format *match = find_codec(offer, f);

		if (!match) {
			warnings |= BODY_WARN_CODEC_NOT_OFFERED;
			continue;
		}
		common += !body_codec_is_helper(match); /* a stream cannot live by those */
		if (match->payload != f->payload)
			warnings |= BODY_WARN_PAYLOAD_REMAPPED;
	}
	return common ? warnings : warnings | BODY_WARN_NO_COMMON_CODEC;
}

static unsigned compare_security(const struct body_media *offer, const struct body_media *answer)
{
	bool wanted = offer->has_crypto || offer->has_fingerprint;

	return wanted && !answer->has_crypto && !answer->has_fingerprint ? BODY_WARN_KEY_MISSING
									 : 0;
}

/* RFC 3264 6.1: what one end does not receive, the other shall not send. */
static void compare_direction(const struct body_media *offer, const struct body_media *answer,
			      struct body_stream *s)
{
	bool sends = (offer->direction & BODY_SENDONLY) && (answer->direction & BODY_RECVONLY);
	bool receives = (offer->direction & BODY_RECVONLY) && (answer->direction & BODY_SENDONLY);

	if (((answer->written & BODY_SENDONLY) && !(offer->written & BODY_RECVONLY)) ||
	    ((answer->written & BODY_RECVONLY) && !(offer->written & BODY_SENDONLY)))
		s->warnings |= BODY_WARN_DIRECTION;
	s->direction =
		(enum body_direction)((sends ? BODY_SENDONLY : 0) | (receives ? BODY_RECVONLY : 0));
	s->state = s->direction == BODY_SENDRECV ? BODY_STREAM_ACTIVE : BODY_STREAM_HELD;
}

static const char *compare_stream(const struct body_media *offer, const struct body_media *answer,
				  struct body_stream *s)
{
	bool proto_same = body_text_equal(offer->proto, answer->proto);

	if (!body_text_equal(offer->type, answer->type))
		return "a media type of the answer is not that of the offer";
	if (!answer->port) {
		s->state = BODY_STREAM_REFUSED;
		s->warnings |= proto_same ? 0 : BODY_WARN_PROTO_OF_REFUSED;
		return NULL;
	}
	if (!offer->port)
		return "a stream offered with port 0 was answered with a port";
	if (!proto_same)
		return "a transport of the answer is not that of the offer";
	if (offer->is_rtp)
		s->warnings |= compare_formats(offer, answer) | compare_security(offer, answer);
	if (answer->rtcp_mux && !offer->rtcp_mux)
		s->warnings |= BODY_WARN_MUX_NOT_OFFERED;
	s->rtcp_mux = answer->rtcp_mux && offer->rtcp_mux;
	compare_direction(offer, answer, s);
	return NULL;
}

int body_negotiate(const struct body_sdp *offer, const struct body_sdp *answer,
		   struct body_negotiation *ret_result, const char **ret_why)
{
	struct body_negotiation r = {0};

	if (offer->n_media != answer->n_media)
		return refuse("the answer has another number of m= lines than the offer", ret_why);
	r.n_streams = offer->n_media;
	for (unsigned i = 0; i < offer->n_media; i++) {
		const char *why =
			compare_stream(&offer->media[i], &answer->media[i], &r.streams[i]);

		if (why)
			return refuse(why, ret_why);
		r.warnings |= r.streams[i].warnings;
		r.n_active += r.streams[i].state != BODY_STREAM_REFUSED;
	}
	*ret_result = r;
	return 0;
}

int body_negotiate_again(unsigned n_before, const struct body_sdp *offer, const char **ret_why)
{
	if (offer->n_media < n_before)
		return refuse("an m= line of the session is missing in the new offer", ret_why);
	return 0;
}
