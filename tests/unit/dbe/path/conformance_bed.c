/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one conformance case on one driver. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/dbe/path/conformance.h"

static void bed_on_event(void *arg, const struct path_event *event)
{
	struct bed *b = arg;

	if (b->nevents < sizeof(b->events) / sizeof(b->events[0]))
		b->events[b->nevents++] = *event;
}

static void bed_default_rules(struct bed *b)
{
	for (int side = 0; side < 2; side++) {
		struct path_rules *r = &b->rules[side];

		memset(r, 0, sizeof(*r));
		r->rtp_in = r->rtp_out = r->rtcp = r->rtp = true;
		r->source = PATH_SOURCE_EXACT;
		r->remote[PATH_RTP] = b->phone[side ? PHONE_B : PHONE_A];
		r->remote[PATH_RTCP] = b->phone[side ? PHONE_B_RTCP : PHONE_A_RTCP];
		r->payloads[0] = 1U << 8;            /* PCMA */
		r->payloads[1] = 1ULL << (101 - 64); /* telephone-event */
	}
}

/* Ports below the kernel's own; others may run the same test at the same time. */
static void bed_open_end(struct bed *b, int side, const char *ip)
{
	struct path_open o = {.rules = b->rules[side], .event = bed_on_event, .event_arg = b};
	int err = -EADDRINUSE;

	for (int i = 0; i < 1000 && err == -EADDRINUSE; i++) {
		uint16_t port = (uint16_t)(20000 + (rand() % 5000) * 2);

		assert_int_equal(addr_parse(ip, &o.local[PATH_RTP]), 0);
		o.local[PATH_RTCP] = o.local[PATH_RTP];
		o.local[PATH_RTP].port = port;
		o.local[PATH_RTCP].port = (uint16_t)(port + 1);
		err = b->driver->ops->open(b->path, &o, &b->end[side]);
	}
	assert_int_equal(err, 0);
	memcpy(b->local[side], o.local, sizeof(o.local));
}

void bed_open(struct bed *b, const struct conformance_driver *d, const struct conformance_case *c)
{
	bool v6 = c && c->b_is_ipv6;
	const struct path_options options = {.receive_buffer_bytes = 256 * 1024,
					     .warm_pairs_max = d->warm_pairs};

	memset(b, 0, sizeof(*b));
	b->driver = d;
	srand((unsigned)getpid());
	clock_fake(5000000000ULL, 0);
	assert_int_equal(uv_loop_init(&b->loop), 0);
	assert_int_equal(d->ops->create(&b->loop, &options, &b->path), 0);
	d->start(b);
	d->phone(b, PHONE_A, "127.0.0.1");
	d->phone(b, PHONE_A_RTCP, "127.0.0.1");
	d->phone(b, PHONE_A_OTHER, "127.0.0.1");
	d->phone(b, PHONE_B, v6 ? "::1" : "127.0.0.2");
	d->phone(b, PHONE_B_RTCP, v6 ? "::1" : "127.0.0.2");
	d->phone(b, PHONE_STRANGER, "127.0.0.9");
	bed_default_rules(b);
	if (c && c->rules)
		c->rules(b);
	bed_open_end(b, 0, "127.0.0.1");
	bed_open_end(b, 1, v6 ? "::1" : "127.0.0.1");
	d->ops->join(b->end[0], b->end[1]);
}

void bed_close(struct bed *b)
{
	for (int side = 0; side < 2; side++)
		b->driver->ops->close(b->end[side]);
	b->driver->ops->destroy(b->path);
	b->driver->stop(b);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	clock_real();
}

void bed_change(struct bed *b, int side, bool rearm)
{
	b->driver->ops->change(b->end[side], &b->rules[side], rearm);
}

void bed_await(struct bed *b, int side, uint64_t received)
{
	struct path_counters c;
	time_t start = time(NULL);

	for (;;) {
		b->driver->work(b);
		b->driver->ops->read(b->end[side], &c);
		if (c.received >= received)
			return;
		if (time(NULL) - start > 5)
			fail_msg("end %c received %lu of %lu datagrams in 5 s", 'A' + side,
				 (unsigned long)c.received, (unsigned long)received);
	}
}

/* What the counters of both ends must be after a step. */
static void bed_expect(struct path_counters want[2], const struct conformance_step *s,
		       size_t len_bytes)
{
	int in = s->to >= AT_B, out = !in;
	bool relayed = s->arrives != NOBODY;
	bool report = s->what == SEND_RR || s->what == SEND_FEEDBACK || s->to == AT_A_RTCP ||
		      s->to == AT_B_RTCP;
	bool accepted = relayed || s->far || s->drop == PATH_DROP_NO_REMOTE;

	want[in].received++;
	if (!relayed)
		want[in].drops[s->drop]++;
	if (accepted && report) {
		want[in].rtcp_in++;
	} else if (accepted) {
		want[in].packets_in++;
		want[in].bytes_in += len_bytes;
	}
	if (relayed && report) {
		want[out].rtcp_out++;
	} else if (relayed) {
		want[out].packets_out++;
		want[out].bytes_out += len_bytes;
	}
}

static void bed_compare(const struct path_counters *got, const struct path_counters *want, int side,
			int step)
{
#define SAME(field)                                                                                \
	if (got->field != want->field)                                                             \
	fail_msg("step %d, end %c: " #field " is %lu, should be %lu", step, 'A' + side,            \
		 (unsigned long)got->field, (unsigned long)want->field)
	SAME(received);
	SAME(packets_in);
	SAME(bytes_in);
	SAME(packets_out);
	SAME(bytes_out);
	SAME(rtcp_in);
	SAME(rtcp_out);
	for (int i = 0; i < PATH_DROPS; i++) {
		if (got->drops[i] != want->drops[i])
			fail_msg("step %d, end %c: drops[%d] is %lu, should be %lu", step,
				 'A' + side, i, (unsigned long)got->drops[i],
				 (unsigned long)want->drops[i]);
	}
#undef SAME
}

static void bed_check_arrival(struct bed *b, const struct conformance_step *s, int step,
			      const uint8_t *sent, size_t len_bytes)
{
	static uint8_t got[65536];
	struct addr from;
	int n, dscp = 0;

	for (int who = 0; who < PHONES; who++) {
		n = b->driver->receive(b, (enum bed_phone)who, got, &from, &dscp);
		if (who != (int)s->arrives) {
			if (n >= 0)
				fail_msg("step %d: %d bytes came to phone %d", step, n, who);
			continue;
		}
		if (n < 0)
			fail_msg("step %d: nothing came to phone %d", step, who);
		/* byte for byte, from the port the far end was told */
		assert_int_equal(n, len_bytes);
		assert_memory_equal(got, sent, len_bytes);
		assert_true(addr_equal(
			&from,
			&b->local[s->to < AT_B][who == PHONE_A_RTCP || who == PHONE_B_RTCP]));
		assert_int_equal(dscp, b->rules[s->to < AT_B].dscp);
	}
}

static void bed_step(struct bed *b, const struct conformance_step *s, int step)
{
	static const uint8_t side_of[] = {0, 0, 1, 1},
			     port_of[] = {PATH_RTP, PATH_RTCP, PATH_RTP, PATH_RTCP};
	uint8_t packet[BED_BYTES];
	struct path_counters want[2], got;
	size_t len_bytes;

	if (s->act)
		s->act(b);
	if (s->what == SEND_NOTHING)
		return;
	for (int side = 0; side < 2; side++)
		b->driver->ops->read(b->end[side], &want[side]);
	len_bytes = bed_packet(s->what, packet);
	bed_expect(want, s, len_bytes);
	clock_advance_ms(b->driver->step_ms);
	b->nevents = 0;
	b->driver->send(b, s->from, &b->local[side_of[s->to]][port_of[s->to]], packet, len_bytes);
	bed_await(b, side_of[s->to], want[side_of[s->to]].received);
	bed_check_arrival(b, s, step, packet, len_bytes);
	for (int side = 0; side < 2; side++) {
		b->driver->ops->read(b->end[side], &got);
		bed_compare(&got, &want[side], side, step);
	}
	if (b->nevents != (s->event ? 1 : 0))
		fail_msg("step %d: %zu events", step, b->nevents);
	if (s->event) {
		assert_int_equal(b->events[0].type, s->event - 1);
		if (b->events[0].type != PATH_EVENT_POLICED)
			assert_true(addr_equal(&b->events[0].addr, &b->phone[s->from]));
	}
}

void bed_run(const struct conformance_driver *d, const struct conformance_case *c)
{
	struct bed b;

	bed_open(&b, d, c);
	for (int i = 0; i < CONFORMANCE_STEPS && c->steps[i].from != NOBODY; i++)
		bed_step(&b, &c->steps[i], i);
	for (int n = 0; c->shorts && n < 24; n++) {
		struct conformance_step s = {.from = n < 12 ? PHONE_A : PHONE_A_RTCP,
					     .to = n < 12 ? AT_A : AT_A_RTCP,
					     .what = SEND_SHORT + n % 12,
					     .arrives = NOBODY,
					     .drop = PATH_DROP_MALFORMED};

		bed_step(&b, &s, 100 + n);
	}
	bed_close(&b);
}
