/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_media - see the header.
 *
 * The m= line is checked strictly, because ports and formats become gates and policy. Attributes
 * are read leniently: a broken one means "not given", and its bytes pass to the other side anyway.
 */
#include <string.h>
#include "sbe/sdp/body_media.h"

/* RFC 3551 6, tables 4 and 5. */
static const struct {
	uint8_t payload, channels;
	uint32_t clock_hz;
	const char *name;
} static_codecs[] = {
	{0, 1, 8000, "PCMU"},   {3, 1, 8000, "GSM"},    {4, 1, 8000, "G723"},
	{5, 1, 8000, "DVI4"},   {6, 1, 16000, "DVI4"},  {7, 1, 8000, "LPC"},
	{8, 1, 8000, "PCMA"},   {9, 1, 8000, "G722"},   {10, 2, 44100, "L16"},
	{11, 1, 44100, "L16"},  {12, 1, 8000, "QCELP"}, {13, 1, 8000, "CN"},
	{14, 1, 90000, "MPA"},  {15, 1, 8000, "G728"},  {16, 1, 11025, "DVI4"},
	{17, 1, 22050, "DVI4"}, {18, 1, 8000, "G729"},  {25, 1, 90000, "CelB"},
	{26, 1, 90000, "JPEG"}, {28, 1, 90000, "nv"},   {31, 1, 90000, "H261"},
	{32, 1, 90000, "MPV"},  {33, 1, 90000, "MP2T"}, {34, 1, 90000, "H263"},
};

static const struct {
	const char *proto;
	bool secure;
} rtp_profiles[] = {
	{"RTP/AVP", false},  {"RTP/AVPF", false},        {"RTP/SAVP", true},
	{"RTP/SAVPF", true}, {"UDP/TLS/RTP/SAVP", true}, {"UDP/TLS/RTP/SAVPF", true},
};

#define PTIME_MAX_MS 1000

bool body_media_direction(struct body_text name, enum body_direction *ret_direction)
{
	static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	name = body_text_trim(name);
	for (unsigned i = 0; i < 4; i++) {
		if (body_text_is(name, names[i])) {
			*ret_direction = (enum body_direction)i; /* the values are these bits */
			return true;
		}
	}
	return false;
}

void body_media_bandwidth(struct body_text value, uint32_t *as_kbps, uint32_t *tias_bps)
{
	struct body_text kind = body_text_until(&value, ':');
	uint32_t *to = NULL;
	uint64_t n;

	if (body_text_is(kind, "AS"))
		to = as_kbps;
	else if (body_text_is(kind, "TIAS"))
		to = tias_bps;
	if (to && body_text_number(body_text_trim(value), UINT64_MAX, &n))
		*to = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* Media types and transports are registered names without dots, so that none can carry an address. */
static bool name_ok(struct body_text t, bool slash)
{
	if (!t.len)
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_' || c == '+' || (slash && c == '/')))
			return false;
	}
	return true;
}

static const char *read_port(struct body_media *m, struct body_text word)
{
	struct body_text port = body_text_until(&word, '/');
	bool counted = word.at != port.at + port.len;
	uint64_t n, count = 1;

	if (!body_text_number(port, 65535, &n))
		return "m= port is not a number from 0 to 65535";
	if (counted && (!body_text_number(word, 32767, &count) || count == 0))
		return "m= port count is not a number";
	/* each of the count takes an RTP and an RTCP port (RFC 8866 5.14) */
	if (count > 1 && n + 2 * count > 65536)
		return "m= ports run over 65535";
	m->port = (uint16_t)n;
	m->port_count = (uint16_t)count;
	return NULL;
}

static void read_profile(struct body_media *m)
{
	for (size_t i = 0; i < sizeof(rtp_profiles) / sizeof(rtp_profiles[0]); i++) {
		if (body_text_is(m->proto, rtp_profiles[i].proto)) {
			m->is_rtp = true;
			m->is_secure = rtp_profiles[i].secure;
		}
	}
}

static void set_static_codec(struct body_format *f)
{
	for (size_t i = 0; i < sizeof(static_codecs) / sizeof(static_codecs[0]); i++) {
		if (static_codecs[i].payload != f->payload)
			continue;
		f->name = (struct body_text){.at = static_codecs[i].name,
					     .len = (uint32_t)strlen(static_codecs[i].name)};
		f->clock_hz = static_codecs[i].clock_hz;
		f->channels = static_codecs[i].channels;
		return;
	}
}

static void add_format(struct body_media_reader *r, struct body_text token)
{
	struct body_media *m = r->media;
	struct body_format *f = &r->formats[m->n_formats];
	uint64_t n;

	f->token = token;
	f->payload = -1;
	f->channels = 1;
	if (m->is_rtp && body_text_number(token, 127, &n)) {
		f->payload = (int16_t)n;
		m->payloads[n / 64] |= 1ull << (n % 64);
		if (r->by_payload[n] < 0) /* listed twice: the attributes go to the first */
			r->by_payload[n] = (int16_t)m->n_formats;
		set_static_codec(f);
	}
	m->n_formats++;
}

const char *body_media_open(struct body_media_reader *r, struct body_text value,
			    struct body_media *media, struct body_format *formats)
{
	struct body_text word;
	const char *why;

	memset(r, 0, sizeof(*r));
	memset(r->by_payload, 0xff, sizeof(r->by_payload));
	r->media = media;
	r->formats = formats;
	media->formats = formats;
	media->telephone_event = -1;
	media->written = BODY_SENDRECV;
	media->type = body_text_word(&value);
	why = read_port(media, body_text_word(&value));
	if (why)
		return why;
	media->proto = body_text_word(&value);
	if (!name_ok(media->type, false) || !name_ok(media->proto, true))
		return "m= media type or transport is not a name";
	read_profile(media);
	while ((word = body_text_word(&value)).len) {
		if (media->n_formats == BODY_MAX_FORMATS)
			return "m= line with too many formats";
		add_format(r, word);
	}
	return media->n_formats ? NULL : "m= line without a format";
}

/* The format that "N ..." at the front of an attribute value speaks of. */
static struct body_format *format_of(struct body_media_reader *r, struct body_text *value)
{
	struct body_text number = body_text_word(value);
	uint64_t n;

	if (!body_text_number(number, 127, &n) || r->by_payload[n] < 0)
		return NULL;
	return &r->formats[r->by_payload[n]];
}

static void read_rtpmap(struct body_media_reader *r, struct body_text value)
{
	struct body_format *f = format_of(r, &value);
	struct body_text map = body_text_word(&value);
	struct body_text name = body_text_until(&map, '/');
	struct body_text clock = body_text_until(&map, '/');
	uint64_t n;

	if (!f || !name.len)
		return;
	f->name = name;
	f->clock_hz = body_text_number(clock, UINT32_MAX, &n) ? (uint32_t)n : 0;
	f->channels = body_text_number(map, UINT8_MAX, &n) && n ? (uint8_t)n : 1;
}

static void read_fmtp(struct body_media_reader *r, struct body_text value)
{
	struct body_format *f = format_of(r, &value);

	if (f && !f->fmtp.at)
		f->fmtp = body_text_trim(value);
}

/* RFC 3605: a=rtcp:port [IN IP4 address]; without an address it is that of the c= line. */
static void read_rtcp(struct body_media_reader *r, struct body_text value)
{
	struct body_text port = body_text_word(&value);
	struct addr where = {.family = ADDR_NONE};
	uint64_t n;

	value = body_text_trim(value);
	if (!body_text_number(port, 65535, &n))
		return;
	if (value.len) {
		struct body_address a = body_address_parse(value.at, value.len);

		if (a.state != BODY_ADDRESS_NUMERIC)
			return;
		where = a.addr;
	}
	where.port = (uint16_t)n;
	r->media->rtcp = where;
	r->media->rtcp_given = true;
}

static void read_ptime(struct body_text value, uint32_t *ret_ms)
{
	uint64_t n;

	if (body_text_number(body_text_trim(value), PTIME_MAX_MS, &n))
		*ret_ms = (uint32_t)n;
}

static void read_attribute(struct body_media_reader *r, struct body_text value)
{
	struct body_text name = body_text_until(&value, ':');
	struct body_media *m = r->media;

	if (body_media_direction(name, &m->written))
		r->has_direction = true;
	else if (body_text_is(name, "rtpmap"))
		read_rtpmap(r, value);
	else if (body_text_is(name, "fmtp"))
		read_fmtp(r, value);
	else if (body_text_is(name, "rtcp"))
		read_rtcp(r, value);
	else if (body_text_is(name, "rtcp-mux"))
		m->rtcp_mux = true;
	else if (body_text_is(name, "ptime"))
		read_ptime(value, &m->ptime_ms);
	else if (body_text_is(name, "maxptime"))
		read_ptime(value, &m->maxptime_ms);
	else if (body_text_is(name, "crypto"))
		m->has_crypto = true;
	else if (body_text_is(name, "fingerprint"))
		m->has_fingerprint = true;
	else if (body_text_is(name, "candidate"))
		r->has_candidate = true;
	else if (body_text_is(name, "ice-ufrag"))
		r->has_ufrag = true;
	else if (body_text_is(name, "mid") && !m->mid.at)
		m->mid = body_text_trim(value);
}

void body_media_line(struct body_media_reader *r, char type, struct body_text value)
{
	struct body_media *m = r->media;

	if (type == 'a') {
		read_attribute(r, value);
	} else if (type == 'b') {
		body_media_bandwidth(value, &m->as_kbps, &m->tias_bps);
	} else if (type == 'c' && !m->address_is_own) {
		/* several c= lines are layers of multicast (RFC 8866 5.7): the first counts */
		m->address = body_address_parse(value.at, value.len);
		m->address_is_own = true;
	}
}

static void close_rtcp(struct body_media *m)
{
	m->rtp = m->address.addr;
	m->rtp.port = m->port;
	if (m->rtcp_mux) {
		m->rtcp = m->rtp;
	} else if (!m->rtcp_given) {
		m->rtcp = m->address.addr;
		m->rtcp.port = m->port && m->port < 65535 ? (uint16_t)(m->port + 1) : 0;
	} else if (m->rtcp.family == ADDR_NONE) {
		uint16_t port = m->rtcp.port;

		m->rtcp = m->address.addr;
		m->rtcp.port = port;
	}
}

void body_media_close(struct body_media_reader *r, const struct body_sdp *session,
		      bool session_fingerprint, bool session_ufrag)
{
	struct body_media *m = r->media;

	if (!m->address_is_own)
		m->address = session->address;
	if (!r->has_direction)
		m->written = session->written;
	m->hold_zero = m->address.state == BODY_ADDRESS_NUMERIC && addr_is_any(&m->address.addr);
	m->direction = m->written;
	if (m->hold_zero) /* RFC 3264 8.4: nothing is to be sent there */
		m->direction = (enum body_direction)(m->written & BODY_SENDONLY);
	m->has_fingerprint = m->has_fingerprint || session_fingerprint;
	m->has_ice = r->has_candidate || r->has_ufrag || session_ufrag;
	close_rtcp(m);
	for (unsigned i = 0; i < m->n_formats && m->telephone_event < 0; i++) {
		if (body_text_is(m->formats[i].name, "telephone-event"))
			m->telephone_event = m->formats[i].payload;
	}
}
