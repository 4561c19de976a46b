/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer_uv - one uv timer, always armed for the wheel's next due time.
 *
 * libuv counts a delay from its own cached time, which is as old as the callback we are in. So the
 * uv timer may fire early; it then finds nothing due and is armed again. It fires late when the loop was held up; libuv then
 * runs its timers before its sockets, we the other way round.
 */
#include "common/net/timer_uv.h"

#include <errno.h>

#include "common/clock.h"
#include "common/mem.h"

struct timer_uv {
	uv_timer_t timer;
	uv_idle_t hurry;           /* while it is active the loop does not wait for its sockets */
	uv_check_t looked;         /* after they were read */
	struct timer_wheel *wheel; /* NULL once closed */
	uint64_t due_ms;
};

static void timer_uv_arm(struct timer_uv *d, int64_t least_ms);

static void timer_uv_run(struct timer_uv *d)
{
	struct timer_wheel *w = d->wheel;

	mem_ref(d); /* a handler may close us */
	timer_wheel_run(w, clock_now_ms());
	/* libuv fires a timer of 0 ms again before it looks at sockets: handlers that start timers of
	 * 0 ms would shut everybody else out. */
	if (d->wheel)
		timer_uv_arm(d, 1);
	mem_unref(d);
}

static void timer_uv_on_hurry(uv_idle_t *i)
{
	(void)i;
}

static void timer_uv_on_looked(uv_check_t *c)
{
	struct timer_uv *d = c->data;

	uv_idle_stop(&d->hurry);
	uv_check_stop(c);
	timer_uv_run(d);
}

static void timer_uv_on_due(uv_timer_t *t)
{
	struct timer_uv *d = t->data;

	if (clock_now_ms() <= d->due_ms + TIMER_UV_LATE_MS) {
		timer_uv_run(d);
		return;
	}
	uv_idle_start(&d->hurry, timer_uv_on_hurry);
	uv_check_start(&d->looked, timer_uv_on_looked);
}

static void timer_uv_arm(struct timer_uv *d, int64_t least_ms)
{
	uint64_t now_ms = clock_now_ms();
	int64_t wait_ms = timer_wheel_next_ms(d->wheel, now_ms);

	if (wait_ms < 0) {
		uv_timer_stop(&d->timer);
		return;
	}
	if (wait_ms < least_ms)
		wait_ms = least_ms;
	d->due_ms = now_ms + (uint64_t)wait_ms;
	uv_timer_start(&d->timer, timer_uv_on_due, (uint64_t)wait_ms, 0);
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
	/* None of these can fail. */
	uv_timer_init(loop, &d->timer);
	uv_idle_init(loop, &d->hurry);
	uv_check_init(loop, &d->looked);
	d->timer.data = d->hurry.data = d->looked.data = d;
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
	/* One reference for each handle. */
	uv_close((uv_handle_t *)&d->timer, timer_uv_on_closed);
	mem_ref(d);
	uv_close((uv_handle_t *)&d->hurry, timer_uv_on_closed);
	mem_ref(d);
	uv_close((uv_handle_t *)&d->looked, timer_uv_on_closed);
	return NULL;
}
