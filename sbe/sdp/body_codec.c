/* SPDX-License-Identifier: Apache-2.0 */
/* body_codec - see the header. */
#include <errno.h>
#include <string.h>
#include "sbe/sdp/body_codec.h"

bool body_codec_is_helper(const struct body_format *f)
{
	static const char *const helpers[] = {"telephone-event", "CN",         "red", "rtx",
					      "ulpfec",          "flexfec-03", "tone"};

	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		if (body_text_is(f->name, helpers[i]))
			return true;
	}
	return false;
}

/* "opus" or "opus/48000" against a format. */
static bool rule_matches(const char *allowed, const struct body_format *f)
{
	struct body_text name = {.at = allowed}, clock;
	uint64_t hz;

	if (f->payload < 0 || !f->name.len)
		return false;
	name.len = f->name.len;
	if (strnlen(allowed, name.len) < name.len || !body_text_equal(name, f->name))
		return false;
	if (!allowed[name.len])
		return true;
	clock = (struct body_text){.at = allowed + name.len + 1,
				   .len = (uint32_t)strlen(allowed + name.len + 1)};
	return allowed[name.len] == '/' && body_text_number(clock, UINT32_MAX, &hz) &&
	       hz == f->clock_hz;
}

/* The codec an rtx payload repeats (RFC 4588 8.1: fmtp "apt=96"), -1 = it does not say. */
static int rtx_of(const struct body_format *f)
{
	struct body_text rest = f->fmtp;
	uint64_t n;

	while (rest.len) {
		struct body_text item = body_text_trim(body_text_until(&rest, ';'));

		if (!body_text_begins(item, "apt="))
			continue;
		item.at += 4;
		item.len -= 4;
		return body_text_number(item, 127, &n) ? (int)n : -1;
	}
	return -1;
}

struct kept {
	struct body_payloads out;
	bool has[128];
	unsigned codecs;
};

static void keep(struct kept *k, const struct body_format *f)
{
	if (f->payload < 0 || k->has[f->payload])
		return;
	k->has[f->payload] = true;
	k->out.list[k->out.n++] = (uint8_t)f->payload;
	k->codecs += !body_codec_is_helper(f);
}

/* rtx is decided after the others, since it goes with what they kept. */
static bool decide_later(const struct body_format *f)
{
	return body_text_is(f->name, "rtx");
}

static bool allowed_by(const struct body_codec_rule *rule, const struct body_format *f)
{
	for (unsigned i = 0; i < rule->n_allowed; i++) {
		if (rule_matches(rule->allowed[i], f))
			return true;
	}
	return false;
}

static void keep_rtx(const struct body_media *m, const struct body_codec_rule *rule, struct kept *k)
{
	for (unsigned i = 0; i < m->n_formats; i++) {
		const struct body_format *f = &m->formats[i];
		int apt = decide_later(f) ? rtx_of(f) : -1;

		if (apt >= 0 && k->has[apt] && allowed_by(rule, f))
			keep(k, f);
	}
}

int body_codec_filter(const struct body_media *m, const struct body_codec_rule *rule,
		      struct body_payloads *ret_payloads)
{
	struct kept k = {0};

	if (!m->is_rtp || !rule->n_allowed) {
		ret_payloads->n = 0;
		return 0;
	}
	for (unsigned r = 0; rule->reorder && r < rule->n_allowed; r++) {
		for (unsigned i = 0; i < m->n_formats; i++) {
			if (!decide_later(&m->formats[i]) &&
			    rule_matches(rule->allowed[r], &m->formats[i]))
				keep(&k, &m->formats[i]);
		}
	}
	/* else in the order of the offer */
	for (unsigned i = 0; !rule->reorder && i < m->n_formats; i++) {
		if (!decide_later(&m->formats[i]) && allowed_by(rule, &m->formats[i]))
			keep(&k, &m->formats[i]);
	}
	keep_rtx(m, rule, &k);
	if (!k.codecs)
		return -ENOTSUP;
	*ret_payloads = k.out;
	return 0;
}

int body_codec_filter_all(const struct body_sdp *sdp, const struct body_codec_rule *rule,
			  struct body_codec_result *ret_result)
{
	unsigned refused = 0, left = 0;

	memset(ret_result, 0, sizeof(*ret_result));
	for (unsigned i = 0; i < sdp->n_media; i++) {
		if (!sdp->media[i].port)
			continue;
		if (body_codec_filter(&sdp->media[i], rule, &ret_result->media[i]) == 0) {
			left++;
			continue;
		}
		ret_result->refused |= 1u << i;
		refused++;
	}
	return refused && !left ? -ENOTSUP : 0;
}
