/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/flow/flow_rules.h"

#include <string.h>

bool flow_mode_receives(uint8_t mode)
{
	return mode == FLOW_RECVONLY || mode == FLOW_SENDRECV;
}

bool flow_mode_sends(uint8_t mode)
{
	return mode == FLOW_SENDONLY || mode == FLOW_SENDRECV;
}

/* RFC 3264 8.4 in its old form: 0.0.0.0 or port 0 means hold, there is no place to send to. */
static bool remote_usable(const struct addr *a)
{
	return a->family && a->port && !addr_is_any(a);
}

static void rules_remote(const struct flow_settings *s, struct path_rules *r)
{
	if (!remote_usable(&s->remote_rtp))
		return;
	r->remote[PATH_RTP] = s->remote_rtp;
	if (s->rtcp_mux) {
		r->remote[PATH_RTCP] = s->remote_rtp;
	} else if (s->remote_rtcp.family) {
		if (remote_usable(&s->remote_rtcp))
			r->remote[PATH_RTCP] = s->remote_rtcp;
	} else if (s->remote_rtp.port < UINT16_MAX) {
		r->remote[PATH_RTCP] = s->remote_rtp; /* RFC 3550 11 */
		r->remote[PATH_RTCP].port++;
	}
}

static void rules_latch_from(const struct flow_settings *s, struct path_rules *r)
{
	r->latch_from = s->source_prefix;
	if (r->latch_from.net.family || !s->remote_rtp.family || addr_is_any(&s->remote_rtp))
		return;
	r->latch_from.net = s->remote_rtp;
	r->latch_from.net.port = 0;
	r->latch_from.bits = s->remote_rtp.family == ADDR_V6 ? 128 : 32;
}

void flow_rules(const struct flow_settings *s, struct path_rules *ret_rules)
{
	struct path_rules *r = ret_rules;

	memset(r, 0, sizeof(*r));
	r->rtp_in = flow_mode_receives(s->mode);
	r->rtp_out = flow_mode_sends(s->mode);
	r->rtcp = s->mode != FLOW_INACTIVE;
	r->rtp = s->rtp;
	r->rtcp_mux = s->rtcp_mux;
	r->source = s->source;
	r->dscp = s->dscp;
	r->payloads[0] = s->payloads[0];
	r->payloads[1] = s->payloads[1];
	r->rate_bytes_per_s = s->rate_bytes_per_s;
	r->burst_bytes = s->burst_bytes;
	rules_remote(s, r);
	rules_latch_from(s, r);
}

static const char *remote_wrong(const struct addr *a, uint8_t local_family)
{
	if (!a->family)
		return NULL;
	if (a->family != local_family)
		return "remote address is not of the local address's family";
	if (addr_is_multicast(a))
		return "remote address is a multicast or broadcast address";
	return NULL;
}

const char *flow_settings_wrong(const struct flow_settings *s, uint8_t local_family)
{
	const char *wrong = remote_wrong(&s->remote_rtp, local_family);

	if (!wrong)
		wrong = remote_wrong(&s->remote_rtcp, local_family);
	if (wrong)
		return wrong;
	if (s->mode >= FLOW_MODES)
		return "unknown mode";
	if (s->source > PATH_SOURCE_ANY)
		return "unknown source filter";
	if (s->dscp > 63)
		return "DSCP is 0-63";
	if (s->source_prefix.net.family && s->source_prefix.net.family != local_family)
		return "source prefix is not of the local address's family";
	/* A bucket smaller than a packet would drop every one of them. */
	if (s->rate_bytes_per_s && s->burst_bytes && s->burst_bytes < 200)
		return "burst is below one packet (200 bytes)";
	return NULL;
}

bool flow_settings_rearm(const struct flow_settings *a, const struct flow_settings *b)
{
	return !addr_equal(&a->remote_rtp, &b->remote_rtp) ||
	       !addr_equal(&a->remote_rtcp, &b->remote_rtcp) || a->source != b->source ||
	       a->source_prefix.bits != b->source_prefix.bits ||
	       !addr_ip_equal(&a->source_prefix.net, &b->source_prefix.net);
}
