/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any packets at a media gate (C29, B4, B6): no over-read, counters that add up, and nothing that its
 * own rules forbid comes out. The first bytes choose the rules; then length, port, source, packet, again and again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dbe/media/rtcp.h"
#include "dbe/media/rtp.h"
#include "dbe/path/path_gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct addr phone(uint8_t host)
{
	return (struct addr){
		.family = ADDR_V4, .port = (uint16_t)(4000 + host), .ip = {192, 0, 2, host}};
}

static void check_counters(const struct path_gate *g)
{
	struct path_counters c;
	uint64_t drops = 0;

	path_gate_read(g, &c);
	for (int i = 0; i < PATH_DROPS; i++)
		drops += c.drops[i];
	/* accepted and then stopped at the far side counts in both */
	assert(c.packets_in + c.rtcp_in <= c.received);
	assert(drops <= c.received);
	assert(c.packets_in + c.rtcp_in + drops >= c.received);
	assert(c.lost < 1ULL << 40);
}

static void check_passed(const struct path_gate *g, const struct path_packet *p,
			 const struct path_hop *hop)
{
	struct rtp_view v;

	assert(hop->to->family && hop->out == g->peer);
	assert(hop->rtcp ? g->rules.rtcp : g->rules.rtp_in);
	if (!g->rules.rtp) {
		assert(p->len_bytes > 0);
	} else if (hop->rtcp) {
		assert(rtcp_check(p->data, p->len_bytes) == 0);
	} else {
		assert(rtp_view(p->data, p->len_bytes, &v) == 0);
		assert(v.payload_offset + v.payload_bytes <= p->len_bytes);
	}
	if (g->rules.source == PATH_SOURCE_EXACT)
		assert(addr_equal(&p->from, &g->rules.remote[p->port]));
	if (g->rules.source == PATH_SOURCE_LATCH)
		assert(addr_equal(&p->from, &g->latched[p->port]));
}

static void rules_from(const uint8_t bits[4], struct path_rules *r, uint8_t host)
{
	memset(r, 0, sizeof(*r));
	r->rtp_in = bits[0] & 1;
	r->rtp_out = bits[0] & 2;
	r->rtcp = bits[0] & 4;
	r->rtp = bits[0] & 8;
	r->rtcp_mux = bits[0] & 16;
	r->source = (uint8_t)(bits[0] >> 6);
	r->payloads[0] = bits[1];
	r->rate_bytes_per_s = bits[2] * 16U;
	r->burst_bytes = bits[3] * 16U;
	r->remote[PATH_RTP] = phone(host);
	r->remote[PATH_RTCP] = phone((uint8_t)(host + 1));
	r->latch_from =
		(struct addr_prefix){.net = {.family = ADDR_V4, .ip = {192, 0, 2, 0}}, .bits = 24};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct path_open o[2] = {0};
	struct path_gate gate[2];
	uint64_t now_us = 1000000;

	if (size < 8)
		return 0;
	for (int i = 0; i < 2; i++) {
		rules_from(data + i * 4, &o[i].rules, (uint8_t)(i * 2));
		path_gate_init(&gate[i], &o[i], now_us);
	}
	path_gate_join(&gate[0], &gate[1]);
	for (size_t at = 8; at + 4 <= size;) {
		size_t len = data[at] | (size_t)(data[at + 1] & 3) << 8, left = size - at - 4;
		struct path_gate *g = &gate[data[at + 2] & 1];
		struct path_packet p = {.port = (enum path_port)(data[at + 2] >> 1 & 1),
					.from = phone(data[at + 3] & 7),
					.now_us = now_us += 1000U * (data[at + 2] >> 2)};
		struct path_hop hop;
		uint8_t *copy;

		p.len_bytes = len < left ? len : left;
		copy = malloc(p.len_bytes
				      ? p.len_bytes
				      : 1); /* exact, so that the sanitizer sees one byte too far */
		assert(copy);
		memcpy(copy, data + at + 4, p.len_bytes);
		p.data = copy;
		if (path_gate_in(g, &p, &hop) == PATH_PASS) {
			check_passed(g, &p, &hop);
			path_gate_sent(g, &hop, p.len_bytes, data[at + 3] & 128 ? -1 : 0);
		}
		free(copy);
		at += 4 + p.len_bytes;
	}
	check_counters(&gate[0]);
	check_counters(&gate[1]);
	return 0;
}
