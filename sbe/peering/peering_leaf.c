/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peering/peering_leaf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sbe/peering/peering_able.h"

#define KEY_BYTES 64
#define DEPTH_MAX 4
#define TEXT_MAX 255

/* ---- the schema */

static const char *const roles[] = {"terminal", "transit", NULL};
static const char *const modes[] = {"static", "on-demand", NULL};
static const char *const relays[] = {"always", "if-needed", "never", NULL};
static const char *const latches[] = {"off", "on", "restricted", NULL};
static const char *const latch_keys[] = {"exact", "latch", "latch", NULL};
static const char *const pracks[] = {"off", "supported", "required", NULL};
static const char *const refreshers[] = {"auto", "us", "them", NULL};
static const char *const refresher_keys[] = {"auto", "them", "us", NULL};
static const char *const admissions[] = {"tls", "ipsec-only", "any", NULL};
static const char *const identities[] = {"none", "pai", "stir", NULL};
static const char *const identity_keys[] = {"false", "true", NULL, NULL};
static const char *const srtps[] = {"off", "optional", "required", NULL};
static const char *const families[] = {"ipv4", "ipv6", NULL};
static const char *const transports[] = {"udp", "tcp", "tls", NULL};
static const char *const sources[] = {"table", "uri", "enum",  "redirect",
				      "https", "dns", "peers", NULL};

#define LIST(k, to_key)                                                                            \
	{                                                                                          \
		.key = k, .type = PEERING_WORDS, .to = to_key, .rule = PEERING_ALL_OF              \
	}
#define COUNT(k, to_key, most)                                                                     \
	{                                                                                          \
		.key = k, .type = PEERING_UINT, .to = to_key, .max = most,                         \
		.rule = PEERING_AT_MOST, .dynamic = true                                           \
	}
#define UINT(k, to_key, most)                                                                      \
	{                                                                                          \
		.key = k, .type = PEERING_UINT, .to = to_key, .max = most                          \
	}
#define TARGET(k)                                                                                  \
	{                                                                                          \
		.key = k, .type = PEERING_NUMBER, .dynamic = true                                  \
	}
/* clang-format off */
const struct peering_leaf peering_leaves[] = {
	{.key = "peer.id", .type = PEERING_WORD},
	LIST("peer.domains", "domains"),
	{.key = "peer.federations", .type = PEERING_WORDS},
	{.key = "peer.role", .type = PEERING_WORD, .words = roles, .to = "role"},
	{.key = "peer.mode", .type = PEERING_WORD, .words = modes},
	{.key = "net.family", .type = PEERING_WORDS, .words = families},
	{.key = "net.realm", .type = PEERING_WORD},
	{.key = "net.ingress_sbe", .type = PEERING_HOPS, .to = "next_hops", .rule = PEERING_ALL_OF, .dynamic = true},
	{.key = "net.egress_sbe", .type = PEERING_PLACES, .to = "sources", .rule = PEERING_ALL_OF},
	{.key = "net.ingress_dbe", .type = PEERING_PLACES, .to = "sec.media", .rule = PEERING_ALL_OF},
	{.key = "net.egress_dbe", .type = PEERING_PLACES, .to = "sec.media", .rule = PEERING_ALL_OF},
	{.key = "net.stun_relays", .type = PEERING_WORDS, .cannot = peering_able_nothing},
	{.key = "media.types", .type = PEERING_WORDS},
	LIST("media.codecs", "media.codecs"),
	{.key = "media.relay", .type = PEERING_WORD, .words = relays, .to = "media.relay"},
	{.key = "media.latch", .type = PEERING_WORD, .words = latches, .to = "media.source", .to_words = latch_keys},
	{.key = "media.transcode", .type = PEERING_BOOL, .cannot = peering_able_true},
	{.key = "media.dtmf", .type = PEERING_WORDS},
	{.key = "media.fax", .type = PEERING_WORDS},
	UINT("media.dscp", "media.dscp", 63),
	UINT("media.inactivity_s", "media.silence_s", 86400),
	COUNT("media.bandwidth.per_stream_kbps", "media.rate_kbps", 1000000),
	{.key = "im.modes", .type = PEERING_WORDS, .cannot = peering_able_im},
	{.key = "presence.events", .type = PEERING_WORDS},
	{.key = "sip.rfcs", .type = PEERING_WORDS, .cannot = peering_able_rfcs},
	{.key = "sip.methods", .type = PEERING_WORDS, .cannot = peering_able_methods},
	{.key = "sip.option_tags", .type = PEERING_WORDS, .cannot = peering_able_options},
	{.key = "sip.transport", .type = PEERING_WORDS, .words = transports},
	{.key = "sip.prack", .type = PEERING_WORD, .words = pracks, .to = "sip.prack"},
	UINT("sip.session_timer.se", "sip.session_timer.se_s", 86400),
	UINT("sip.session_timer.min_se", "sip.session_timer.min_se_s", 86400),
	{.key = "sip.session_timer.refresher", .type = PEERING_WORD, .words = refreshers,
	 .to = "sip.session_timer.refresher", .to_words = refresher_keys},
	UINT("sip.keepalive.options_s", "probe.interval_s", 3600),
	UINT("sip.keepalive.fail", "probe.down_after", 100),
	UINT("sip.keepalive.ok", "probe.up_after", 100),
	{.key = "route.luf", .type = PEERING_WORDS, .words = sources, .dynamic = true},
	{.key = "route.lrf", .type = PEERING_WORDS, .words = sources, .dynamic = true},
	LIST("route.numbering.owned", "policy.numbers.owned"),
	{.key = "acct.required", .type = PEERING_BOOL, .cannot = peering_able_true},
	COUNT("cap.max_sessions", "limits.sessions", 10000000),
	COUNT("cap.max_sessions_in", "limits.sessions_out", 10000000),
	COUNT("cap.max_sessions_out", "limits.sessions_in", 10000000),
	COUNT("cap.cps", "limits.cps", 1000000),
	COUNT("cap.max_tps", "limits.messages_per_s", 10000000),
	{.key = "cap.overload.rfc7339", .type = PEERING_BOOL, .to = "overload.consent", .dynamic = true},
	TARGET("perf.srd_target"), TARGET("perf.ser_target"), TARGET("perf.seer_target"),
	TARGET("perf.isa_target"), TARGET("perf.scr_target"), TARGET("perf.sdd_target"),
	UINT("perf.window_s", NULL, 86400),
	{.key = "sec.admission", .type = PEERING_WORD, .words = admissions, .to = "sec.admission"},
	{.key = "sec.identity", .type = PEERING_WORD, .words = identities, .to = "policy.identity.trust",
	 .to_words = identity_keys, .cannot = peering_able_identity},
	{.key = "sec.tls.required", .type = PEERING_BOOL, .to = "tls.required"},
	{.key = "sec.tls.mutual", .type = PEERING_BOOL, .to = "tls.mutual"},
	LIST("sec.tls.names", "tls.name"),
	{.key = "sec.srtp", .type = PEERING_WORD, .words = srtps, .cannot = peering_able_srtp},
	{.key = NULL},
};
/* clang-format on */

/* ---- reading */

json_t *peering_leaf_get(const json_t *object, const char *key)
{
	char part[KEY_BYTES];

	while (object) {
		size_t n = strcspn(key, ".");

		if (n >= sizeof(part))
			return NULL;
		memcpy(part, key, n);
		part[n] = '\0';
		object = json_object_get(object, part);
		if (!key[n])
			return (json_t *)(uintptr_t)object;
		key += n + 1;
	}
	return NULL;
}

int peering_leaf_put(json_t *object, const char *key, json_t *value)
{
	char part[KEY_BYTES];
	size_t n;

	for (; (n = strcspn(key, ".")) < sizeof(part) && key[n]; key += n + 1) {
		json_t *next;

		memcpy(part, key, n);
		part[n] = '\0';
		next = json_object_get(object, part);
		if (!next) {
			next = json_object();
			if (json_object_set_new(object, part, next)) {
				json_decref(value);
				return -ENOMEM;
			}
		}
		object = next;
	}
	return json_object_set_new(object, key, value) ? -ENOMEM : 0;
}

static bool in_words(const char *const *words, const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text || !*text || json_string_length(value) > TEXT_MAX)
		return false;
	for (; words && *words; words++) {
		if (!strcmp(*words, text))
			return true;
	}
	return !words;
}

static bool list_ok(const struct peering_leaf *leaf, const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value) || json_array_size(value) > PEERING_LIST_MAX)
		return false;
	json_array_foreach(value, i, item) {
		if (leaf->type == PEERING_PLACES ? !in_words(NULL, json_object_get(item, "address"))
						 : !in_words(leaf->words, item))
			return false;
	}
	return true;
}

static bool value_ok(const struct peering_leaf *leaf, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	switch (leaf->type) {
	case PEERING_UINT:
		return json_is_integer(value) && n >= 0 && n <= leaf->max;
	case PEERING_BOOL:
		return json_is_boolean(value);
	case PEERING_NUMBER:
		return json_is_number(value) && json_number_value(value) >= 0;
	case PEERING_WORD:
		return in_words(leaf->words, value);
	default:
		return list_ok(leaf, value);
	}
}

static int word_of(const json_t *o, const char *key, const char *const *words)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (!json_object_get(o, key))
		return 0;
	for (int i = 0; text && words[i]; i++) {
		if (!strcmp(words[i], text))
			return i;
	}
	return -1;
}

static const char *wrong(const struct peering_said *said, const json_t *o, int level, int source)
{
	static const char *const members[] = {"value", "level", "source"};
	static char text[PEERING_WHY_BYTES];
	size_t known = 0;

	if (level < 0)
		return "level must be supported, recommended, mandatory or forbidden";
	if (source < 0)
		return "source must be static or dynamic";
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		known += json_object_get(o, members[i]) != NULL;
	if (json_is_object(o) && json_object_size(o) > known)
		return "has only value, level and source";
	if (source && !said->leaf->dynamic)
		return "cannot be dynamic";
	if (!said->value && said->level != PEERING_FORBIDDEN && !source)
		return "needs a value";
	if (!said->value || value_ok(said->leaf, said->value))
		return NULL;
	snprintf(text, sizeof(text), "is not a value of this kind%s",
		 said->leaf->words ? ": an unknown word" : "");
	return text;
}

static int read_leaf(const struct peering_leaf *leaf, const json_t *o, peering_said_h *fn,
		     void *arg, const char **ret_why)
{
	static const char *const levels[] = {"supported", "recommended", "mandatory", "forbidden",
					     NULL}; /* as enum peering_level */
	static const char *const from[] = {"static", "dynamic", NULL};
	bool whole = !json_is_object(o);
	int level = whole ? 0 : word_of(o, "level", levels),
	    source = whole ? 0 : word_of(o, "source", from);
	struct peering_said said = {.leaf = leaf,
				    .value = whole ? o : json_object_get(o, "value"),
				    .level = (enum peering_level)(level < 0 ? 0 : level),
				    .dynamic = source == 1};

	*ret_why = wrong(&said, o, level, source);
	return *ret_why ? -EINVAL : fn(arg, &said);
}

/* A member that is neither a leaf nor on the way to one. */
static bool unknown(const json_t *o, char *path, int depth)
{
	size_t n = strlen(path);
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)o, key, member) {
		bool leaf = false, above = false;

		if (n + strlen(key) + 2 > KEY_BYTES || depth > DEPTH_MAX)
			return true;
		snprintf(path + n, KEY_BYTES - n, "%s%s", n ? "." : "", key);
		for (const struct peering_leaf *l = peering_leaves; l->key && !leaf; l++) {
			size_t k = strlen(path);

			leaf = !strcmp(l->key, path);
			above |= !strncmp(l->key, path, k) && l->key[k] == '.';
		}
		if (!leaf &&
		    (!above || !json_is_object(member) || unknown(member, path, depth + 1)))
			return true;
		path[n] = '\0';
	}
	return false;
}

int peering_leaf_each(const json_t *document, peering_said_h *fn, void *arg, char ret_at[96],
		      char why[PEERING_WHY_BYTES])
{
	char path[KEY_BYTES] = "";
	const char *text;
	int err = 0;

	snprintf(why, PEERING_WHY_BYTES, "must be an object");
	ret_at[0] = '\0';
	if (!json_is_object(document))
		return -EINVAL;
	if (unknown(document, path, 0)) {
		snprintf(ret_at, 96, "%s", path);
		snprintf(why, PEERING_WHY_BYTES, "is not part of the schema");
		return -EINVAL;
	}
	for (const struct peering_leaf *l = peering_leaves; l->key && !err; l++) {
		const json_t *o = peering_leaf_get(document, l->key);

		if (!o)
			continue;
		snprintf(ret_at, 96, "%s", l->key);
		err = read_leaf(l, o, fn, arg, &text);
		if (text)
			snprintf(why, PEERING_WHY_BYTES, "%s", text);
	}
	return err;
}
