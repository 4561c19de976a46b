/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_invariants - what must hold for any bytes that claim to be a session description or a multipart
 * body. Shared by the fuzz targets and the seeded mutation test; a breach aborts.
 */
#ifndef TESTS_FUZZ_BODY_INVARIANTS_H
#define TESTS_FUZZ_BODY_INVARIANTS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/mem.h"
#include "sbe/sdp/body_codec.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_multipart.h"
#include "sbe/sdp/body_negotiate.h"

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: breach: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline struct addr check_ip(const char *text, uint16_t port)
{
	struct addr a;

	MUST(addr_parse_ip(text, strlen(text), &a) == 0);
	a.port = port;
	return a;
}

/* Nothing asked, nothing changed: every line as it came, with CRLF. */
static inline void check_identity(const struct body_sdp *in)
{
	const struct body_rewrite nothing = {0};
	struct body_written out;
	size_t at = 0;

	MUST(body_sdp_write(in, &nothing, &out) == 0);
	for (unsigned i = 0; i < in->n_lines; i++) {
		struct body_text line = body_sdp_line(in, i);

		MUST(at + line.len + 2 <= out.len_bytes);
		MUST(memcmp(out.text + at, line.at, line.len) == 0);
		MUST(memcmp(out.text + at + line.len, "\r\n", 2) == 0);
		at += line.len + 2;
	}
	MUST(at == out.len_bytes && out.leaks == 0);
	mem_free(out.text);
}

static inline bool part_of_token(char c, const char *more)
{
	return (c >= '0' && c <= '9') || (c && strchr(more, c));
}

/* The address as it was written, as a token of its own. */
static inline void check_absent(const char *out, const struct body_address *inner)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_";
	const char *more = inner->state == BODY_ADDRESS_NAME ? letters : ".";
	char text[BODY_MAX_LINE_BYTES + 1];
	size_t len = inner->text.len;

	if (inner->state != BODY_ADDRESS_NUMERIC && inner->state != BODY_ADDRESS_NAME)
		return;
	/* a dot at the end of a name says only that it is complete; a name without any other is not searched for */
	while (inner->state == BODY_ADDRESS_NAME && len && inner->text.at[len - 1] == '.')
		len--;
	if (inner->state == BODY_ADDRESS_NAME && (!len || !memchr(inner->text.at, '.', len)))
		return;
	if (inner->state == BODY_ADDRESS_NUMERIC && addr_is_any(&inner->addr))
		return;
	memcpy(text, inner->text.at, len);
	text[len] = 0;
	if (strchr(text, ':'))
		more = "abcdefABCDEF.:";
	if (strncmp(text, "203.0.113.", 10) == 0 || strncasecmp(text, "2001:db8:f:", 11) == 0)
		return; /* ours */
	for (const char *hit = out; (hit = strstr(hit, text)); hit++) {
		bool before = hit > out && part_of_token(hit[-1], more);

		MUST(before || part_of_token(hit[len], more));
	}
}

static inline struct body_sdp *check_reparse(const struct body_sdp *in,
					     const struct body_written *out)
{
	struct body_sdp *again = NULL;
	const char *why = NULL;
	int err = body_sdp_parse(out->text, out->len_bytes, &again, &why);

	/* c= and a=rtcp lines that we add may lift a text over a limit that it was just under */
	if (err == -E2BIG)
		return NULL;
	if (err)
		fprintf(stderr, "%s\n%s", why, out->text);
	MUST(err == 0 && again->n_media == in->n_media);
	return again;
}

static inline void check_relay(const struct body_sdp *in, const struct body_codec_result *codecs)
{
	static const struct body_origin leg = {.sess_id = 77, .version = 5};
	struct body_stream_out media[BODY_MAX_MEDIA] = {0};
	struct body_rewrite rw = {.origin = &leg,
				  .address = check_ip("203.0.113.1", 0),
				  .media = media,
				  .n_media = in->n_media,
				  .hide = true,
				  .strip_leaks = true};
	struct body_written out, twice;
	struct body_negotiation negotiated;
	struct body_sdp *again;

	for (unsigned i = 0; i < in->n_media; i++) {
		media[i].relay = true;
		media[i].rtp = check_ip(i % 3 == 2 ? "2001:db8:f::1" : "203.0.113.2",
					(uint16_t)(40000 + 2 * i));
		media[i].hold_modern = i % 2;
		media[i].payloads = codecs ? &codecs->media[i] : NULL;
		media[i].refused = codecs && (codecs->refused >> i & 1);
	}
	MUST(body_sdp_write(in, &rw, &out) == 0);
	MUST(strlen(out.text) == out.len_bytes);
	MUST(strstr(out.text, "o=- 77 5 IN IP4 203.0.113.1\r\n"));
	check_absent(out.text, &in->origin.address);
	check_absent(out.text, &in->address);
	for (unsigned i = 0; i < in->n_media; i++)
		check_absent(out.text, &in->media[i].address);
	again = check_reparse(in, &out);
	if (again) {
		for (unsigned i = 0; i < in->n_media; i++) {
			bool off = media[i].refused || !in->media[i].port;

			MUST(again->media[i].port == (off ? 0 : media[i].rtp.port));
		}
		MUST(body_negotiate(in, again, &negotiated, NULL) == 0);
		/* what is ours already stays as it is */
		MUST(body_sdp_write(again, &rw, &twice) == 0);
		if (strcmp(out.text, twice.text) != 0)
			fprintf(stderr, "%s---\n%s", out.text, twice.text);
		MUST(strcmp(out.text, twice.text) == 0);
		MUST(out.origin.last_hash == twice.origin.last_hash);
		mem_free(twice.text);
	}
	mem_unref(again);
	mem_free(out.text);
}

static inline void check_refused(const struct body_sdp *in)
{
	struct body_stream_out media[BODY_MAX_MEDIA] = {0};
	struct body_rewrite rw = {.media = media, .n_media = in->n_media, .strip_leaks = true};
	struct body_written out;
	struct body_sdp *again;

	for (unsigned i = 0; i < in->n_media; i++)
		media[i].refused = true;
	MUST(body_sdp_write(in, &rw, &out) == 0);
	again = check_reparse(in, &out);
	for (unsigned i = 0; again && i < in->n_media; i++)
		MUST(again->media[i].port == 0);
	mem_unref(again);
	mem_free(out.text);
}

static inline void check_views(const struct body_sdp *in)
{
	unsigned lines = in->n_session_lines;

	for (unsigned i = 0; i < in->n_media; i++) {
		const struct body_media *m = &in->media[i];

		MUST(m->n_formats > 0 && m->n_formats <= BODY_MAX_FORMATS);
		MUST(m->n_lines > 0 && m->first_line + m->n_lines <= in->n_lines);
		MUST((m->address.addr.family != ADDR_NONE) ==
		     (m->address.state == BODY_ADDRESS_NUMERIC));
		MUST(m->ptime_ms <= 1000 && m->telephone_event < 128);
		lines += m->n_lines;
	}
	MUST(lines <= in->n_lines);
}

/** Any bytes as a session description. */
static inline void check_sdp(const char *text, size_t len)
{
	static const char *const allowed[] = {"opus", "PCMA", "telephone-event", "rtx"};
	const struct body_codec_rule rule = {.allowed = allowed, .n_allowed = 4, .reorder = true};
	struct body_codec_result codecs;
	struct body_sdp *in = NULL;
	const char *why = NULL;
	int err = body_sdp_parse(text, len, &in, &why);

	MUST((err == 0) == (in != NULL) && (err == 0) == (why == NULL));
	if (err)
		return;
	check_views(in);
	check_identity(in);
	check_relay(in, NULL);
	body_codec_filter_all(in, &rule, &codecs);
	check_relay(in, &codecs);
	check_refused(in);
	mem_unref(in);
}

/** Any bytes as a Content-Type, a line end, and a body. */
static inline void check_multipart(const char *bytes, size_t len)
{
	static const struct body_text sdp = {.at = "v=0\r\ns=other\r\n", .len = 14};
	const char *body = memchr(bytes, '\n', len);
	struct body_part part, again;
	char type[256], *out = NULL;
	size_t out_len = 0;

	if (!body || (size_t)(body - bytes) >= sizeof(type) ||
	    memchr(bytes, 0, (size_t)(body - bytes)))
		return;
	memcpy(type, bytes, (size_t)(body - bytes));
	type[body - bytes] = 0;
	body++;
	len -= (size_t)(body - bytes);
	if (body_multipart_find(type, body, len, &part, NULL) != 0)
		return;
	MUST(part.off <= len && part.len_bytes <= len - part.off);
	MUST(part.n_parts >= 1 && part.n_parts <= BODY_MAX_PARTS);
	if (!part.len_bytes)
		return;
	MUST(body_multipart_replace(body, len, &part, sdp, &out, &out_len) == 0);
	MUST(body_multipart_find(type, out, out_len, &again, NULL) == 0);
	MUST(again.len_bytes == sdp.len && memcmp(out + again.off, sdp.at, sdp.len) == 0);
	MUST(again.n_parts == part.n_parts && again.has_opaque == part.has_opaque);
	/* what is behind the SDP is untouched */
	MUST(memcmp(out + again.off + sdp.len, body + part.off + part.len_bytes,
		    len - part.off - part.len_bytes) == 0);
	mem_free(out);
}

#endif
