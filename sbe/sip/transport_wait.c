/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_wait - how long a message of a stream has waited. The kernel puts no time on it, so it is reckoned: what
 * lies unread behind it, at the rate at which this connection is read while it is never empty.
 */
#include "sbe/sip/transport_private.h"

#define WINDOW_US 50000U
#define RATE_FIRST 4000000U /* bytes a second, until one is known: nothing waits long at that */
#define RATE_MIN 10000U

static uint64_t now_us(void)
{
	return uv_hrtime() / 1000;
}

/* The turn so far: others were served before. uv_now is in ms and may be ahead by one. */
static uint64_t turn_us(const struct transport_connection *c)
{
	uint64_t us = now_us() - uv_now(c->transport->loop) * 1000;

	return us < TRANSPORT_WAIT_MAX_US ? us : 0;
}

void transport_wait_data(struct transport_connection *c, size_t len_bytes)
{
	struct transport_wait *w = &c->wait;
	uint64_t now, passed_us;

	if (!w->bytes_per_s)
		w->bytes_per_s = RATE_FIRST;
	w->unread_bytes = len_bytes >= STREAM_WHOLE_BYTES ? stream_unread_bytes(c->stream) : 0;
	if (!w->unread_bytes) {
		w->since_us = 0; /* it ran empty: how fast it could be read is not seen */
		return;
	}
	now = now_us();
	if (!w->since_us) {
		w->since_us = now;
		w->read_bytes = 0;
		return;
	}
	w->read_bytes += len_bytes;
	passed_us = now - w->since_us;
	if (passed_us < WINDOW_US)
		return;
	w->bytes_per_s = (w->bytes_per_s + w->read_bytes * 1000000 / passed_us) / 2;
	if (w->bytes_per_s < RATE_MIN)
		w->bytes_per_s = RATE_MIN;
	w->since_us = now;
	w->read_bytes = 0;
}

uint64_t transport_wait_us(const struct transport_connection *c)
{
	const struct transport_wait *w = &c->wait;
	uint64_t turn = turn_us(c);
	uint64_t behind = w->bytes_per_s ? w->unread_bytes * 1000000ULL / w->bytes_per_s : 0;

	return behind > turn ? behind : turn;
}
