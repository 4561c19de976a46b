/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_verdict - follows a packet's way and stops where packets stop: far end, network, source filter, checks,
 * the other side's gate, its address, the kernel.
 */
#include "dbe/admin/gate_verdict.h"

#include <stdio.h>

#define VERDICT_SILENT_MS                                                                          \
	3000 /* longer than any pause of a live stream without silence suppression */

/* What an operator should think of when one reason stands out. In the order of enum path_drop. */
static const char *const drop_causes[PATH_DROPS] = {
	[PATH_DROP_MODE] = "the gate is closed: hold, or signalling has not opened it",
	[PATH_DROP_SOURCE] =
		"it comes from another address than was signalled: NAT without latching, or a stranger",
	[PATH_DROP_PAYLOAD] = "its payload types were not negotiated",
	[PATH_DROP_MALFORMED] = "it is not well-formed RTP: another protocol, or a broken sender",
	[PATH_DROP_RATE] = "it is far above the policed rate",
	[PATH_DROP_NO_REMOTE] = "the other side's address is not known, or has not latched yet",
	[PATH_DROP_SEND] = "the kernel refuses to send it: no route, or a firewall here",
};

static int verdict_worst(const struct path_counters *c)
{
	int worst = 0;

	for (int i = 1; i < PATH_DROPS; i++) {
		if (c->drops[i] > c->drops[worst])
			worst = i;
	}
	return worst;
}

static bool verdict_open(const struct flow_view *in, const struct flow_view *out)
{
	return flow_mode_receives(in->settings->mode) && out &&
	       flow_mode_sends(out->settings->mode);
}

static uint64_t verdict_quiet_ms(const struct flow_view *in, uint64_t now_us)
{
	uint64_t from_us = in->counters.last_us ? in->counters.last_us : in->opened_us;

	return now_us > from_us ? (now_us - from_us) / 1000 : 0;
}

bool gate_direction_ok(const struct flow_view *in, const struct flow_view *out, uint64_t now_us)
{
	if (!verdict_open(in, out))
		return true;
	return in->counters.packets_in > 0 && out->counters.packets_out > 0 &&
	       verdict_quiet_ms(in, now_us) < VERDICT_SILENT_MS;
}

const char *gate_direction_text(const struct flow_view *in, const struct flow_view *out,
				uint64_t now_us, char buf[GATE_VERDICT_BYTES])
{
	const struct path_counters *c = &in->counters;
	uint64_t quiet_ms = verdict_quiet_ms(in, now_us);
	const char *cause = drop_causes[verdict_worst(c)];

	if (!out)
		snprintf(buf, GATE_VERDICT_BYTES, "closed: there is no other termination yet");
	else if (!verdict_open(in, out))
		snprintf(buf, GATE_VERDICT_BYTES, "closed by mode: not meant to carry media now");
	else if (gate_direction_ok(in, out, now_us))
		snprintf(buf, GATE_VERDICT_BYTES, "media flows");
	else if (!c->received)
		snprintf(
			buf, GATE_VERDICT_BYTES,
			"silent for %.1f s: nothing ever came from the far end; it does not send, sends elsewhere, "
			"or a firewall is between",
			(double)quiet_ms / 1000);
	else if (!c->packets_in)
		snprintf(buf, GATE_VERDICT_BYTES, "silent for %.1f s: what comes is refused; %s",
			 (double)quiet_ms / 1000, cause);
	else if (!out->counters.packets_out)
		snprintf(buf, GATE_VERDICT_BYTES, "media comes in but does not go out; %s", cause);
	else
		snprintf(
			buf, GATE_VERDICT_BYTES,
			"silent for %.1f s: media came and stopped; the far end holds, moved, or is gone",
			(double)quiet_ms / 1000);
	return buf;
}

enum gate_verdict gate_verdict(const struct flow_view *a, const struct flow_view *b,
			       uint64_t now_us)
{
	bool forth = gate_direction_ok(a, b, now_us);
	bool back = !b || gate_direction_ok(b, a, now_us);

	if (forth && back)
		return GATE_FLOWS;
	/* What is closed by mode is fine, but it carries nothing either. */
	if ((forth && verdict_open(a, b)) || (b && back && verdict_open(b, a)))
		return GATE_ONE_WAY;
	return GATE_NO_MEDIA;
}

const char *gate_verdict_text(enum gate_verdict v)
{
	static const char *const texts[] = {"ok", "one-way", "no media"};

	return texts[v];
}
