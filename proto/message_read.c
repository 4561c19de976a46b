/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DSCP_MAX 63U
#define STREAM_ID_MAX 65535U
#define SILENCE_MAX_MS (86400U * 1000)

int gate_reading_fail(struct gate_reading *r, uint16_t code, const char *fmt, ...)
{
	va_list ap;

	if (!r->code) {
		r->code = code;
		va_start(ap, fmt);
		vsnprintf(r->text, GATE_TEXT_BYTES, fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

int gate_reading_known(struct gate_reading *r, const ProtobufCMessage *w, const char *what)
{
	if (!r->strict || !w->n_unknown_fields)
		return 0;
	return gate_reading_fail(r, GATE_ERR_DESCRIPTOR, "%s: unknown field %u", what,
				 (unsigned)w->unknown_fields[0].tag);
}

int gate_reading_name(struct gate_reading *r, const char *from, bool termination,
		      char to[GATE_NAME_BYTES])
{
	if (!from || !*from) {
		to[0] = 0;
		return 0;
	}
	/* The check comes first: it also bounds the length. */
	if (!(termination ? gate_termination_valid(from) : gate_name_valid(from)))
		return gate_reading_fail(r, GATE_ERR_IDENTIFIER, "not a valid name");
	strcpy(to, from);
	return 0;
}

void gate_reading_text(const char *from, char *to, size_t size_bytes)
{
	size_t i = 0;

	for (; from && from[i] && i < size_bytes - 1; i++)
		to[i] = from[i] >= ' ' && from[i] < 0x7f ? from[i] : '?';
	to[i] = 0;
}

static int read_addr(struct gate_reading *r, const ProtobufCBinaryData *w, struct addr *ret_addr)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	memset(ret_addr, 0, sizeof(*ret_addr));
	if (w->len == 6) {
		ret_addr->family = ADDR_V4;
		memcpy(ret_addr->ip, w->data, 4);
	} else if (w->len == 18 && !memcmp(w->data, mapped, sizeof(mapped))) {
		/* Both spellings of an IPv4 address must compare equal (common/addr.h). */
		ret_addr->family = ADDR_V4;
		memcpy(ret_addr->ip, w->data + 12, 4);
	} else if (w->len == 18) {
		ret_addr->family = ADDR_V6;
		memcpy(ret_addr->ip, w->data, 16);
	} else {
		return gate_reading_fail(r, GATE_ERR_VALUE, "an address of %zu bytes", w->len);
	}
	ret_addr->port = (uint16_t)(w->data[w->len - 2] << 8 | w->data[w->len - 1]);
	return 0;
}

/* Where media would be sent to: never to nobody, never to many. */
static int check_remote(struct gate_reading *r, const struct addr *a)
{
	static const uint8_t none[16];
	size_t n = a->family == ADDR_V4 ? 4 : 16;

	if (!a->port)
		return gate_reading_fail(r, GATE_ERR_VALUE, "remote port 0");
	if (!memcmp(a->ip, none, n))
		return gate_reading_fail(r, GATE_ERR_VALUE, "remote address is unspecified");
	if (a->family == ADDR_V4 ? a->ip[0] >= 224 : a->ip[0] == 0xff)
		return gate_reading_fail(r, GATE_ERR_VALUE, "remote address is not unicast");
	return 0;
}

static int read_prefix(struct gate_reading *r, const ProtobufCBinaryData *w,
		       struct addr_prefix *ret_prefix)
{
	size_t n = w->len - 1, i;
	uint8_t bits;

	memset(ret_prefix, 0, sizeof(*ret_prefix));
	if (w->len != 5 && w->len != 17)
		return gate_reading_fail(r, GATE_ERR_VALUE, "a prefix of %zu bytes", w->len);
	bits = w->data[n];
	if (bits > n * 8)
		return gate_reading_fail(r, GATE_ERR_VALUE, "a prefix of %u bits", bits);
	for (i = 0; i < n; i++) {
		uint8_t mask = bits >= (i + 1) * 8 ? 0xff
			       : bits <= i * 8     ? 0
						   : (uint8_t)(0xff00 >> (bits - i * 8));

		if (w->data[i] & ~mask)
			return gate_reading_fail(r, GATE_ERR_VALUE, "host bits set in a prefix");
	}
	ret_prefix->net.family = n == 4 ? ADDR_V4 : ADDR_V6;
	ret_prefix->bits = bits;
	memcpy(ret_prefix->net.ip, w->data, n);
	return 0;
}

static int read_addresses(struct gate_reading *r, const Gate__Stream *w, struct gate_stream *s)
{
	if ((w->has_local_rtp && read_addr(r, &w->local_rtp, &s->local_rtp)) ||
	    (w->has_local_rtcp && read_addr(r, &w->local_rtcp, &s->local_rtcp)) ||
	    (w->has_remote_rtp && read_addr(r, &w->remote_rtp, &s->remote_rtp)) ||
	    (w->has_remote_rtcp && read_addr(r, &w->remote_rtcp, &s->remote_rtcp)))
		return -EINVAL;
	if (w->has_local_rtp || w->has_local_rtcp)
		s->has |= GATE_HAS_LOCAL;
	if (w->has_remote_rtcp && !w->has_remote_rtp)
		return gate_reading_fail(r, GATE_ERR_MISSING, "remote_rtcp without remote_rtp");
	if (!w->has_remote_rtp)
		return 0;
	s->has |= GATE_HAS_REMOTE;
	if (r->request && (check_remote(r, &s->remote_rtp) ||
			   (w->has_remote_rtcp && check_remote(r, &s->remote_rtcp))))
		return -EINVAL;
	return 0;
}

static int read_source(struct gate_reading *r, const Gate__Stream *w, struct gate_stream *s)
{
	if (!w->has_source) {
		if (w->has_source_prefix)
			return gate_reading_fail(r, GATE_ERR_MISSING,
						 "source_prefix without source");
		return 0;
	}
	if ((unsigned)w->source >= GATE_SOURCES)
		return gate_reading_fail(r, GATE_ERR_VALUE, "source filter %d", (int)w->source);
	s->has |= GATE_HAS_SOURCE;
	s->source = (uint8_t)w->source;
	return w->has_source_prefix ? read_prefix(r, &w->source_prefix, &s->source_prefix) : 0;
}

/* RFC 3525 7.1.7 with a twist: here a descriptor's absent member means its default only if the
 * descriptor itself (rate, silence, payloads) is there; the mode and DSCP stand alone. */
static int read_limits(struct gate_reading *r, const Gate__Stream *w, struct gate_stream *s)
{
	if (w->has_payloads_low || w->has_payloads_high || w->has_rtp) {
		s->has |= GATE_HAS_PAYLOADS;
		s->payloads[0] = w->payloads_low;
		s->payloads[1] = w->payloads_high;
		s->rtp = w->rtp;
	}
	if (w->has_burst && !w->has_rate)
		return gate_reading_fail(r, GATE_ERR_MISSING, "burst without rate");
	if (w->has_rate) {
		s->has |= GATE_HAS_RATE;
		s->rate_bytes_per_s = w->rate;
		s->burst_bytes = w->burst;
	}
	if (w->has_dscp) {
		if (w->dscp > DSCP_MAX)
			return gate_reading_fail(r, GATE_ERR_VALUE, "dscp %u", w->dscp);
		s->has |= GATE_HAS_DSCP;
		s->dscp = (uint8_t)w->dscp;
	}
	if (w->has_first_packet_ms && !w->has_silence_ms)
		return gate_reading_fail(r, GATE_ERR_MISSING, "first_packet_ms without silence_ms");
	if (w->has_silence_ms) {
		if (w->silence_ms > SILENCE_MAX_MS || w->first_packet_ms > SILENCE_MAX_MS)
			return gate_reading_fail(r, GATE_ERR_VALUE, "silence_ms is over a day");
		s->has |= GATE_HAS_SILENCE;
		s->silence_ms = w->silence_ms;
		s->first_packet_ms = w->first_packet_ms;
	}
	return 0;
}

static int read_statistics(struct gate_reading *r, const Gate__Statistics *w, struct gate_stream *s)
{
	struct gate_statistics *t = &s->statistics;
	size_t n = w->n_drops < GATE_DROPS ? w->n_drops : GATE_DROPS;

	if (r->request)
		return gate_reading_fail(r, GATE_ERR_DESCRIPTOR, "statistics in a request");
	s->has |= GATE_HAS_STATISTICS;
	t->packets_in = w->packets_in;
	t->bytes_in = w->bytes_in;
	t->packets_out = w->packets_out;
	t->bytes_out = w->bytes_out;
	t->rtcp_in = w->rtcp_in;
	t->rtcp_out = w->rtcp_out;
	t->lost = w->lost;
	t->jitter_us = w->jitter_us;
	t->jitter_max_us = w->jitter_max_us;
	t->first_ms = w->first_ms;
	t->last_ms = w->last_ms;
	/* Reasons a newer dbe has added are beyond our table: left out. */
	if (n)
		memcpy(t->drops, w->drops, n * sizeof(t->drops[0]));
	return 0;
}

int gate_reading_stream(struct gate_reading *r, const Gate__Stream *w,
			struct gate_stream *ret_stream)
{
	struct gate_stream *s = ret_stream;

	if (gate_reading_known(r, &w->base, "stream"))
		return -EINVAL;
	gate_stream_clear(s);
	if (!w->has_id)
		return gate_reading_fail(r, GATE_ERR_MISSING, "stream without an id");
	if (!w->id || w->id > STREAM_ID_MAX)
		return gate_reading_fail(r, GATE_ERR_VALUE, "stream id %u", w->id);
	s->id = w->id;
	if (w->has_mode) {
		if ((unsigned)w->mode >= GATE_MODES)
			return gate_reading_fail(r, GATE_ERR_VALUE, "mode %d", (int)w->mode);
		s->has |= GATE_HAS_MODE;
		s->mode = (uint8_t)w->mode;
	}
	if (w->has_rtcp_mux) {
		s->has |= GATE_HAS_RTCP_MUX;
		s->rtcp_mux = w->rtcp_mux;
	}
	if (read_addresses(r, w, s) || read_source(r, w, s) || read_limits(r, w, s))
		return -EINVAL;
	return w->statistics ? read_statistics(r, w->statistics, s) : 0;
}

static int read_ranges(struct gate_reading *r, const Gate__ServiceChange *w,
		       struct gate_service_change *c)
{
	if (w->n_ranges > GATE_RANGES_MAX)
		return gate_reading_fail(r, GATE_ERR_VALUE, "%zu media ranges", w->n_ranges);
	for (size_t i = 0; i < w->n_ranges; i++) {
		const Gate__MediaRange *from = w->ranges[i];
		struct gate_media_range *to = &c->ranges[i];

		if (!from->has_first)
			return gate_reading_fail(r, GATE_ERR_MISSING,
						 "media range without address");
		if (read_addr(r, &from->first, &to->first))
			return -EINVAL;
		if (from->realm >= w->n_realms || from->last > UINT16_MAX ||
		    from->last < to->first.port)
			return gate_reading_fail(r, GATE_ERR_VALUE, "media range %zu", i);
		to->realm = (uint8_t)from->realm;
		to->last = (uint16_t)from->last;
	}
	c->nranges = w->n_ranges;
	return 0;
}

int gate_reading_change(struct gate_reading *r, const Gate__ServiceChange *w,
			struct gate_service_change *ret_change)
{
	struct gate_service_change *c = ret_change;
	size_t i;

	gate_change_clear(c);
	if (w->method > GATE_FAILOVER)
		return gate_reading_fail(r, GATE_ERR_VALUE, "ServiceChange method %u", w->method);
	if (w->reason && (w->reason < 900 || w->reason > 999))
		return gate_reading_fail(r, GATE_ERR_VALUE, "ServiceChange reason %u", w->reason);
	c->method = (uint8_t)w->method;
	c->reason = (uint16_t)w->reason;
	c->delay_s = w->delay_s;
	c->version_min = w->version_min;
	c->version_max = w->version_max;
	c->contexts_max = w->contexts_max;
	c->contexts_now = w->contexts_now;
	if (w->redirect && strlen(w->redirect) >= sizeof(c->redirect))
		return gate_reading_fail(r, GATE_ERR_IDENTIFIER, "redirect is too long");
	gate_reading_text(w->redirect, c->redirect, sizeof(c->redirect));
	if (w->n_realms > GATE_REALMS_MAX)
		return gate_reading_fail(r, GATE_ERR_VALUE, "%zu realms", w->n_realms);
	for (i = 0; i < w->n_realms; i++) {
		if (gate_reading_name(r, w->realms[i]->name, false, c->realms[i].name))
			return -EINVAL;
		if (!c->realms[i].name[0])
			return gate_reading_fail(r, GATE_ERR_MISSING, "realm without a name");
		c->realms[i].ports_total = w->realms[i]->ports_total;
		c->realms[i].ports_free = w->realms[i]->ports_free;
		c->realms[i].ipv4 = w->realms[i]->ipv4;
		c->realms[i].ipv6 = w->realms[i]->ipv6;
		c->realms[i].up = w->realms[i]->up;
	}
	c->nrealms = w->n_realms;
	return read_ranges(r, w, c);
}

int gate_reading_event(struct gate_reading *r, const Gate__Event *w, struct gate_event *ret_event)
{
	struct gate_event *e = ret_event;

	if (gate_reading_known(r, &w->base, "event"))
		return -EINVAL;
	gate_event_clear(e);
	if (!w->type || w->type >= GATE_EVENT_TYPES)
		return gate_reading_fail(r, GATE_ERR_VALUE, "event %u", w->type);
	e->type = (uint8_t)w->type;
	if (w->stream > STREAM_ID_MAX)
		return gate_reading_fail(r, GATE_ERR_VALUE, "stream id %u", w->stream);
	e->stream_id = w->stream;
	e->value = w->value;
	e->at_wall_ms = w->at_wall_ms;
	if (gate_reading_name(r, w->realm, false, e->realm))
		return -EINVAL;
	return w->has_address ? read_addr(r, &w->address, &e->addr) : 0;
}
