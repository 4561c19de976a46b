/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_audit_media - a packet on each stream of a call that is up, each way: it arrives where the other peer listens, from
 * where that one expects it, or is held back, as both descriptions say.
 */
#include <string.h>

#include "tests/sim/sim_audit.h"

static bool sends(const struct sim_line *l)
{
	return !strcmp(l->direction, "sendrecv") || !strcmp(l->direction, "sendonly");
}

static bool takes(const struct sim_line *l)
{
	return !strcmp(l->direction, "sendrecv") || !strcmp(l->direction, "recvonly");
}

static void one_way(const struct sim_ua *a, const struct sim_ua *b, unsigned line)
{
	struct sim_line own, far, other, others_far;
	char from_text[ADDR_TEXT_BYTES], to_text[ADDR_TEXT_BYTES];
	struct addr from, to;
	bool want, got;

	if (!sim_media_line(a->media.own, line, &own) ||
	    !sim_media_line(a->media.far, line, &far) ||
	    !sim_media_line(b->media.own, line, &other) ||
	    !sim_media_line(b->media.far, line, &others_far))
		sim_breach("call %s: no line %u in all descriptions\n%s\n%s\n%s\n%s",
			   a->call->number, line, a->media.own, a->media.far, b->media.own,
			   b->media.far);
	if (!own.rtp.port || !far.rtp.port || !other.rtp.port || addr_is_any(&own.rtp) ||
	    addr_is_any(&other.rtp) || addr_is_any(&far.rtp) || addr_is_any(&others_far.rtp))
		return;
	want = sends(&own) && takes(&far) && takes(&other) && sends(&others_far);
	got = sim_dbe_packet(&own.rtp, &far.rtp, other.payload, &from, &to);
	sim_count(want ? COVER_MEDIA : COVER_MEDIA_HELD);
	if (want && !got)
		sim_breach(
			"call %s line %u: media from the %s does not get through\n%s\n%s\n%s\n%s",
			a->call->number, line, a->caller ? "caller" : "callee", a->media.own,
			a->media.far, b->media.own, b->media.far);
	if (got && !sends(&own))
		sim_breach("call %s line %u: media from the %s passes, who is %s", a->call->number,
			   line, a->caller ? "caller" : "callee", own.direction);
	if (got && (!addr_equal(&to, &other.rtp) || !addr_equal(&from, &others_far.rtp)))
		sim_breach("call %s line %u: media from the %s go from %s to %s\n%s\n%s",
			   a->call->number, line, a->caller ? "caller" : "callee",
			   addr_print(&from, from_text, sizeof(from_text)),
			   addr_print(&to, to_text, sizeof(to_text)), b->media.own, b->media.far);
}

void sim_audit_media(const struct sim_ua *caller, const struct sim_ua *callee)
{
	struct sim_line line;

	for (unsigned i = 0; sim_media_line(caller->media.own, i, &line); i++) {
		one_way(caller, callee, i);
		one_way(callee, caller, i);
	}
}
