/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_sec.h"

#include <stddef.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rate.h"
#include "sbe/peer/peer.h"

#define SUBSYSTEM "peer"
#define MEDIA_MAX 64
#define LOGS_PER_S 1

/* ---- configuration */

static const char *const admission_words[] = {"any", "tls", "ipsec-only", NULL};

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_sec_conf, member)

const struct conf_field peer_sec_fields[] = {
	{FIELD(admission, "admission"), .type = CONF_ENUM, .words = admission_words, .def = "any",
	 .text = "What it is taken over: any, as its realm has it; tls; or ipsec-only, in a realm with protected "
		 "ipsec. Everything else gets 403."},
	{FIELD(media, "media"), .type = CONF_PREFIXES, .max = MEDIA_MAX,
	 .text = "Addresses its media are at: others in its session descriptions are refused, packets from others "
		 "dropped; absent = any."},
	CONF_END,
};

int peer_sec_check(const struct conf_doc *doc, const char *path, const struct peer_conf *c,
		   struct conf_error *err)
{
	char at[160];

	if (c->sec.admission != PEER_ADMIT_IPSEC || c->media.relay == PEER_RELAY_ALWAYS)
		return 0;
	snprintf(at, sizeof(at), "%s.%s.media.relay", path, c->name);
	return conf_fail_at(
		doc, at, err,
		"must be \"always\": with sec.admission ipsec-only media pass the relay "
		"too, or they would leave the tunnel");
}

bool peer_sec_media_ok(const struct peer_conf *c, const struct addr *a)
{
	const struct addr_prefix *p = c->sec.media.items;

	for (size_t i = 0; i < c->sec.media.n; i++) {
		if (addr_prefix_has(&p[i], a))
			return true;
	}
	return !c->sec.media.n;
}

/* ---- who came how */

#define SEC_METRIC_ROW(id, label, text)                                                            \
	{"sbe_admission_refused_total{reason=\"" label "\"}",                                      \
	 "messages of peers that came over what they are not taken over", METRIC_COUNTER},
static const struct metric_def sec_defs[] = {PEER_SEC_REASONS(SEC_METRIC_ROW)};
static _Atomic int64_t sec_values[PEER_SEC_REASON_COUNT];
struct metric_group peer_sec_metrics = {sec_defs, sec_values, PEER_SEC_REASON_COUNT, NULL};

static const char *const texts[PEER_SEC_REASON_COUNT] = {
#define SEC_TEXT_ROW(id, label, text) [id] = text,
	PEER_SEC_REASONS(SEC_TEXT_ROW)
#undef SEC_TEXT_ROW
};

const char *peer_sec_text(enum peer_sec_reason r)
{
	return r > PEER_SEC_OK && r < PEER_SEC_REASON_COUNT ? texts[r] : "";
}

bool peer_sec_way_ok(const struct peer_conf *c, const struct transport_target *from)
{
	if (c->sec.admission == PEER_ADMIT_IPSEC && !transport_is_protected(from->listener))
		return false;
	return from->proto == TRANSPORT_TLS || !peer_tls_only(c);
}

struct astray {
	const struct transport_target *from;
	const struct peer *found;
};

static int astray_one(struct peer *p, void *arg)
{
	struct astray *a = arg;
	const struct addr_prefix *sources = p->conf->sources.items;

	if (p->conf->sec.admission != PEER_ADMIT_IPSEC)
		return 0;
	for (size_t i = 0; i < p->conf->sources.n && !a->found; i++) {
		if (addr_prefix_has(&sources[i], &a->from->to) &&
		    !transport_is_protected(a->from->listener))
			a->found = p;
	}
	return a->found != NULL;
}

static const struct peer *astray(const struct peer_set *s, const struct transport_target *from)
{
	struct astray a = {.from = from};

	if (peer_set_has_ipsec(s))
		(void)peer_each((struct peer_set *)(uintptr_t)s, astray_one, &a);
	return a.found;
}

bool peer_sec_is_astray(const struct peer_set *s, const struct transport_target *from)
{
	return astray(s, from) != NULL;
}

static enum peer_sec_reason reason(const struct peer_set *s, const struct transport_target *from,
				   const struct peer **ret_peer)
{
	const struct peer *p = astray(s, from);

	if (p) {
		*ret_peer = p;
		return PEER_SEC_IPSEC;
	}
	p = peer_find_source(s, transport_realm(from->listener), &from->to);
	if (!p)
		return PEER_SEC_OK;
	*ret_peer = p;
	if (from->proto != TRANSPORT_TLS)
		return peer_tls_only(p->conf) ? PEER_SEC_CLEAR : PEER_SEC_OK;
	return PEER_SEC_CERTIFICATE;
}

enum peer_sec_reason peer_sec_refused(const struct peer_set *s, const struct transport_target *from)
{
	static struct rate pace;
	const struct peer *p = NULL;
	enum peer_sec_reason r = reason(s, from, &p);
	char text[ADDR_TEXT_BYTES];

	if (r == PEER_SEC_OK)
		return r;
	metric_add(&peer_sec_metrics, r, 1);
	if (!pace.per_s)
		rate_init(&pace, LOGS_PER_S, 5, clock_now_us());
	if (rate_take(&pace, 1, clock_now_us()))
		LOG_WARN(SUBSYSTEM, "peer %s: refused %s in realm %s over %s: %s", p->name,
			 addr_print(&from->to, text, sizeof(text)), transport_realm(from->listener),
			 transport_proto_name((enum transport_proto)from->proto), peer_sec_text(r));
	return r;
}
