/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer_uv - one uv timer, always armed for the wheel's next due time.
 *
 * libuv counts a delay from its own cached time, which is as old as the callback we are in. So the
 * uv timer may fire early; it then finds nothing due and is armed again. It never fires late.
 */
#include "common/net/timer_uv.h"

#include <errno.h>

#include "common/clock.h"
#include "common/mem.h"

struct timer_uv {
	uv_timer_t timer;
	struct timer_wheel *wheel; /* NULL once closed */
};

static void timer_uv_arm(struct timer_uv *d, int64_t least_ms);

static void timer_uv_on_due(uv_timer_t *t)
{
	struct timer_uv *d = t->data;
	struct timer_wheel *w = d->wheel;

	mem_ref(d); /* a handler may close us */
	timer_wheel_run(w, clock_now_ms());
	/* libuv fires a timer of 0 ms again before it looks at sockets: handlers that start timers of
	 * 0 ms would shut everybody else out. */
	if (d->wheel)
		timer_uv_arm(d, 1);
	mem_unref(d);
}

static void timer_uv_arm(struct timer_uv *d, int64_t least_ms)
{
	int64_t wait_ms = timer_wheel_next_ms(d->wheel, clock_now_ms());

	if (wait_ms < 0)
		uv_timer_stop(&d->timer);
	else
		uv_timer_start(&d->timer, timer_uv_on_due,
			       (uint64_t)(wait_ms < least_ms ? least_ms : wait_ms), 0);
}

static void timer_uv_on_earlier(void *arg)
{
	timer_uv_arm(arg, 0);
}

static void timer_uv_on_closed(uv_handle_t *h)
{
	mem_unref(h->data);
}

int timer_uv_new(uv_loop_t *loop, struct timer_wheel *w, struct timer_uv **ret_driver)
{
	struct timer_uv *d = mem_zalloc(sizeof(*d), NULL);

	if (!d)
		return -ENOMEM;
	uv_timer_init(loop, &d->timer); /* cannot fail */
	d->timer.data = d;
	d->wheel = w;
	timer_wheel_set_clock(w, clock_now_ms);
	timer_wheel_on_earlier(w, timer_uv_on_earlier, d);
	timer_uv_arm(d, 0);
	*ret_driver = d;
	return 0;
}

struct timer_uv *timer_uv_close(struct timer_uv *d)
{
	if (!d)
		return NULL;
	timer_wheel_on_earlier(d->wheel, NULL, NULL);
	d->wheel = NULL;
	uv_close((uv_handle_t *)&d->timer, timer_uv_on_closed);
	return NULL;
}
