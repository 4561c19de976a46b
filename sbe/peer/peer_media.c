/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_media.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "sbe/peer/peer.h"

static const char *const relay_words[] = {"always", "if-needed", "never", NULL};
static const char *const source_words[] = {"exact", "address", "latch", "any", NULL};
static const char *const early_words[] = {"allow", "block-until-answer", NULL};
static const char *const srtp_words[] = {"off", "optional", "required", NULL};
static const char *const kind_words[PEER_KINDS] = {"audio", "video", "text", "image", "other"};

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_media_conf, member)
#define DSCP_FIELD(kind, name)                                                                     \
	{                                                                                          \
		FIELD(dscp_of[kind], name),                                                        \
			.type = CONF_UINT, .max = PEER_DSCP_SAME, .def = "64",                     \
			.text = "DSCP of " name " towards the peer; 64 = the one of all."          \
	}

/* Objects in the file only: their members lie in struct peer_media_conf. */
static const struct conf_field dscp_fields[] = {
	DSCP_FIELD(PEER_KIND_AUDIO, "audio"), DSCP_FIELD(PEER_KIND_VIDEO, "video"),
	DSCP_FIELD(PEER_KIND_TEXT, "text"), DSCP_FIELD(PEER_KIND_IMAGE, "image"), CONF_END};

static const struct conf_field bandwidth_fields[] = {
	{FIELD(stream_kbps, "stream_kbps"), .type = CONF_UINT, .max = 1000000, .def = "0",
	 .text = "A stream whose description asks for more (b=) is refused; 0 = no limit."},
	{FIELD(all_kbps, "all_kbps"), .type = CONF_UINT, .max = 100000000, .def = "0",
	 .text = "Sum of what all its calls ask for; a call above is answered 503, a change 488; 0 = no limit."},
	CONF_END,
};

const struct conf_field peer_media_fields[] = {
	{FIELD(relay, "relay"), .type = CONF_ENUM, .words = relay_words, .def = "always",
	 .text = "Whether media go through a dbe: always, if addresses or realms of the two sides need it, or never. Of "
		 "two peers the stricter one counts, and private addresses never leave their realm without a dbe."},
	{FIELD(types, "types"), .type = CONF_STRINGS, .max = 16,
	 .text = "Media types that may be negotiated: audio, video, text, image; empty or absent = all."},
	{FIELD(codecs, "codecs"), .type = CONF_STRINGS, .max = 32,
	 .text = "Codec names that may be negotiated, e.g. PCMA, and the order in which the peer is offered them; empty or "
		 "absent = all."},
	{FIELD(ptime_min, "ptime_min_ms"), .type = CONF_UINT, .max = 1000, .def = "0",
	 .text = "A stream that asks for shorter packets (a=ptime) is refused; 0 = any."},
	{FIELD(ptime_max, "ptime_max_ms"), .type = CONF_UINT, .max = 1000, .def = "0",
	 .text = "A stream that asks for longer packets (a=ptime) is refused; 0 = any."},
	{FIELD(source, "source"), .type = CONF_ENUM, .words = source_words, .def = "exact",
	 .text = "Which sources media are taken from: the signalled address and port, the address with any "
		 "port, the first sender at the signalled address, or any."},
	{FIELD(silence_s, "silence_s"), .type = CONF_UINT, .max = 86400, .def = "60",
	 .text = "Release a call whose media stopped for so many seconds; 0 = never."},
	{FIELD(dscp, "dscp"), .type = CONF_UINT, .max = 63, .def = "46",
	 .text = "DSCP of the media packets sent to the peer."},
	{.key = "dscp_by_type",
	 .offset = 0,
	 .type = CONF_OBJECT,
	 .fields = dscp_fields,
	 .text = "Another DSCP for a media type."},
	{FIELD(rate_kbps, "rate_kbps"), .type = CONF_UINT, .max = 1000000, .def = "0",
	 .text = "Police each stream from the peer to this rate; 0 = twice what the descriptions ask for (b=), or "
		 "bandwidth.stream_kbps, else not at all."},
	{.key = "bandwidth",
	 .offset = 0,
	 .type = CONF_OBJECT,
	 .fields = bandwidth_fields,
	 .text = "How much its streams may ask for."},
	{FIELD(early, "early_media"), .type = CONF_ENUM, .words = early_words, .def = "allow",
	 .text = "Whether the callee is heard before the answer; block-until-answer = neither heard nor described "
		 "(toll fraud)."},
	{FIELD(srtp, "srtp"), .type = CONF_ENUM, .words = srtp_words, .def = "optional",
	 .text = "Encrypted media: refused, as the ends agree, or no stream without."},
	CONF_END,
};

int peer_media_check(struct conf_reader *r, void *object)
{
	const struct peer_media_conf *c = object;
	const char *const *types = c->types.items;

	for (size_t i = 0; i < c->types.n; i++) {
		if (peer_media_kind(types[i], strlen(types[i])) == PEER_KIND_OTHER)
			return conf_fail(
				r, "types",
				"\"%.40s\" is not one of \"audio\", \"video\", \"text\", \"image\"",
				types[i]);
	}
	if (c->ptime_max && c->ptime_max < c->ptime_min)
		return conf_fail(r, "ptime_max_ms", "%u is less than ptime_min_ms, %u",
				 c->ptime_max, c->ptime_min);
	if (c->relay == PEER_RELAY_NEVER && c->early == PEER_EARLY_BLOCK)
		return conf_fail(r, "early_media",
				 "\"block-until-answer\" needs a dbe, and relay is \"never\"");
	return 0;
}

enum peer_media_kind peer_media_kind(const char *type, size_t len_bytes)
{
	for (int k = 0; k < PEER_KIND_OTHER; k++) {
		if (strlen(kind_words[k]) == len_bytes &&
		    !strncasecmp(type, kind_words[k], len_bytes))
			return (enum peer_media_kind)k;
	}
	return PEER_KIND_OTHER;
}

bool peer_media_takes(const struct peer_media_conf *c, const char *type, size_t len_bytes)
{
	const char *const *types = c->types.items;

	for (size_t i = 0; i < c->types.n; i++) {
		if (strlen(types[i]) == len_bytes && !strncasecmp(type, types[i], len_bytes))
			return true;
	}
	return !c->types.n;
}

uint8_t peer_media_dscp(const struct peer_media_conf *c, enum peer_media_kind kind)
{
	uint32_t own = kind < PEER_KIND_OTHER ? c->dscp_of[kind] : PEER_DSCP_SAME;

	return (uint8_t)(own == PEER_DSCP_SAME ? c->dscp : own);
}

static uint64_t held_by_others(const struct peer *p, uint32_t held)
{
	return p->state->kbps > held ? p->state->kbps - held : 0;
}

bool peer_media_room(const struct peer *p, uint32_t held, uint32_t wanted)
{
	uint32_t limit = p->conf->media.all_kbps;

	return wanted <= held || !limit || held_by_others(p, held) + wanted <= limit;
}

bool peer_media_take(struct peer *p, uint32_t held, uint32_t wanted)
{
	if (!peer_media_room(p, held, wanted)) {
		peer_count_limited(p, PEER_LIMIT_BANDWIDTH);
		return false;
	}
	p->state->kbps = held_by_others(p, held) + wanted;
	return true;
}
