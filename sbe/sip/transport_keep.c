/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_keep - looks after all connections once a second: the slow, the silent and the stuck end (A20), those that
 * are kept up are pinged (RFC 5626 3.5.1, 4.4.1).
 *
 * A far end that never answered a ping is not held to it: only who speaks RFC 5626 can be missed by it. The kernel
 * still notices when nobody acknowledges the ping's bytes.
 */
#include <errno.h>

#include "common/clock.h"
#include "sbe/sip/transport_private.h"

static bool is_over(uint64_t since_ms, uint64_t now_ms, uint32_t limit_ms)
{
	return since_ms && limit_ms && now_ms >= since_ms && now_ms - since_ms >= limit_ms;
}

static void ping(struct transport_connection *c, uint64_t now_ms)
{
	if (!is_over(c->sent_ms, now_ms, c->transport->limits.ping_ms))
		return;
	metric_add(&transport_metrics, TRANSPORT_PINGS, 1);
	c->sent_ms = now_ms;
	if (!c->ping_ms)
		c->ping_ms = now_ms;
	frame_expect_pong(c->frame);
	(void)stream_send(c->stream, "\r\n\r\n", 4);
}

/* A far end that reads nothing: the kernel holds for it what we sent, long before our own queue is full. */
static void look_at_reading(struct transport_connection *c, uint64_t now_ms)
{
	uint64_t taken;

	if (!c->read_ms && is_over(c->sent_ms, now_ms, TRANSPORT_LOOK_MS))
		return; /* nothing was sent lately: nothing waits, or this would have seen it */
	if (!stream_untaken_bytes(c->stream, &taken)) {
		c->read_ms = 0;
	} else if (!c->read_ms || taken != c->read_bytes) {
		c->read_ms = now_ms;
		c->read_bytes = taken;
	}
}

/* @return the counter of why it has to go, or -1. */
static int why_end(const struct transport_connection *c, uint64_t now_ms)
{
	const struct transport_limits *l = &c->transport->limits;

	if (is_over(c->unfinished_ms, now_ms, l->message_ms))
		return TRANSPORT_SLOW;
	if (is_over(c->read_ms, now_ms, l->message_ms))
		return TRANSPORT_STUCK;
	if (!c->outgoing && !c->peer && c->transport->h.known &&
	    is_over(c->taken_ms, now_ms, l->stranger_ms))
		return TRANSPORT_SILENT;
	if (c->ponged && is_over(c->ping_ms, now_ms, TRANSPORT_PONG_MS))
		return TRANSPORT_NO_PONG;
	return -1;
}

static int sweep_one(void *obj, void *arg)
{
	struct transport_connection *c = obj;
	uint64_t now_ms = *(const uint64_t *)arg;
	int why;

	if (!c->open || !c->stream)
		return 0;
	look_at_reading(c, now_ms);
	why = why_end(c, now_ms);
	if (why >= 0) {
		metric_add(&transport_metrics, why, 1);
		transport_connection_lost(c, -ETIMEDOUT);
		return 0;
	}
	if (is_over(c->stood_ms, now_ms,
		    TRANSPORT_STAND_MS)) { /* nobody wants it kept up any more */
		c->stood_ms = c->ping_ms = 0;
		stream_set_idle_ms(c->stream, c->transport->limits.idle_ms);
	} else if (c->stood_ms) {
		ping(c, now_ms);
	}
	return 0;
}

void transport_stream_sweep(struct transport *t)
{
	uint64_t now_ms = clock_now_ms();

	(void)table_each(t->by_id, sweep_one, &now_ms);
}
