/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_overload.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* After so long without control a server that counts from the start again (it was restarted) is believed. */
#define SEQ_FORGET_MS 60000U

METRIC_TABLE(peer_overload_metrics, PEER_OVERLOAD_METRICS)

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_overload_conf, member)

const struct conf_field peer_overload_fields[] = {
	{FIELD(consent, "consent"), .type = CONF_BOOL, .def = "false",
	 .text = "Overload control of RFC 7339 is agreed: its feedback is obeyed, and it gets ours."},
	{FIELD(algorithms, "algorithms"), .type = CONF_STRINGS, .max = 4, .def = "[\"loss\"]",
	 .text = "Algorithms that are agreed; only \"loss\" is part of this version."},
	{FIELD(priority, "priority"), .type = CONF_BOOL, .def = "true",
	 .text = "Believe Resource-Priority of the peer: its calls with it are shed last."},
	{FIELD(retry_after_s, "retry_after_s"), .type = CONF_UINT, .max = 3600, .def = "0",
	 .text = "Seconds in Retry-After of a 503 by a limit or by overload; 0 = none, since many peers then send "
		 "nothing at all for so long."},
	{FIELD(retry_after_max_s, "retry_after_max_s"), .type = CONF_UINT, .max = 3600, .def = "60",
	 .text = "A next hop that answers 503 with Retry-After is not used for so long, at most this; 0 = the "
		 "header is ignored."},
	CONF_END,
};

int peer_overload_check(struct conf_reader *r, void *object)
{
	const struct peer_overload_conf *o = object;
	const char *const *names = o->algorithms.items;

	for (size_t i = 0; i < o->algorithms.n; i++) {
		if (strcasecmp(names[i], "loss"))
			return conf_fail(r, "algorithms",
					 "\"%.40s\" is not part of this version, allowed: \"loss\"",
					 names[i]);
	}
	if (o->consent && !o->algorithms.n)
		return conf_fail(r, "algorithms", "consent needs an algorithm: \"loss\"");
	return 0;
}

static struct peer_control *find(const struct peer_controls *c, const struct addr *server)
{
	for (size_t i = 0; i < PEER_CONTROLS_MAX; i++) {
		const struct peer_control *k = &c->servers[i];

		if (k->server.family && addr_equal(&k->server, server))
			return (struct peer_control *)(uintptr_t)k;
	}
	return NULL;
}

/* The one for this server; the one that was longest without news is given up for it. */
static struct peer_control *make(struct peer_controls *c, const struct addr *server,
				 uint64_t now_ms)
{
	struct peer_control *k = find(c, server), *oldest = &c->servers[0];

	if (k)
		return k;
	for (size_t i = 1; i < PEER_CONTROLS_MAX; i++) {
		if (c->servers[i].taken_ms < oldest->taken_ms)
			oldest = &c->servers[i];
	}
	*oldest = (struct peer_control){.server = *server, .taken_ms = now_ms};
	return oldest;
}

bool peer_control_take(struct peer_controls *c, const struct addr *server, const struct wire_oc *oc,
		       uint64_t now_ms)
{
	struct peer_control *k;

	if (!oc->has_value)
		return false;
	if (!oc->loss || !oc->has_seq) {
		metric_add(&peer_overload_metrics, PEER_OC_BAD, 1);
		return false;
	}
	k = make(c, server, now_ms);
	if (now_ms > k->until_ms + SEQ_FORGET_MS && now_ms > k->taken_ms + SEQ_FORGET_MS)
		k->seq = 0;
	if (oc->seq <= k->seq) {
		metric_add(&peer_overload_metrics, PEER_OC_OLD, 1);
		return false;
	}
	metric_add(&peer_overload_metrics, PEER_OC_TAKEN, 1);
	k->seq = oc->seq;
	k->taken_ms = now_ms;
	k->percent = oc->validity_ms ? oc->percent : 0;
	k->until_ms = k->percent ? now_ms + oc->validity_ms : 0;
	return true;
}

void peer_control_answered(struct peer_controls *c, const struct addr *server)
{
	struct peer_control *k = find(c, server);

	if (k)
		k->silent = 0;
}

void peer_control_timed_out(struct peer_controls *c, const struct addr *server, uint64_t now_ms)
{
	struct peer_control *k = make(c, server, now_ms);

	if (k->silent < PEER_SILENT_AFTER)
		k->silent++;
	k->try_ms = now_ms + PEER_SILENT_TRY_MS;
}

uint32_t peer_control_percent(const struct peer_controls *c, const struct addr *server,
			      uint64_t now_ms)
{
	const struct peer_control *k = find(c, server);

	return k && k->until_ms > now_ms ? k->percent : 0;
}

bool peer_control_leave_out(struct peer_controls *c, const struct addr *server, uint32_t random,
			    uint64_t now_ms)
{
	struct peer_control *k = find(c, server);
	bool out;

	if (!k)
		return false;
	if (k->silent >= PEER_SILENT_AFTER) {
		out = now_ms < k->try_ms;
		if (!out)
			k->try_ms =
				now_ms + PEER_SILENT_TRY_MS; /* this call is the one that tries */
	} else {
		out = random < peer_control_percent(c, server, now_ms);
	}
	if (out)
		metric_add(&peer_overload_metrics, PEER_OC_LEFT_OUT, 1);
	return out;
}
