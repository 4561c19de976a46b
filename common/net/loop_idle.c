/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/loop_idle.h"

#include <stdbool.h>

static struct {
	uv_prepare_t before; /* runs before the loop waits */
	uv_check_t after;    /* and after all events of the turn */
	bool started, waiting;
	uint64_t since_ns, total_ns;
} idle;

static void on_before(uv_prepare_t *p)
{
	(void)p;
	idle.since_ns = uv_hrtime();
	idle.waiting = true;
}

static void on_after(uv_check_t *c)
{
	(void)c;
	loop_idle_woke();
}

int loop_idle_start(uv_loop_t *loop)
{
	int err = uv_prepare_init(loop, &idle.before);

	if (!err)
		err = uv_check_init(loop, &idle.after);
	if (!err)
		err = uv_prepare_start(&idle.before, on_before);
	if (!err)
		err = uv_check_start(&idle.after, on_after);
	if (err)
		return err;
	uv_unref((uv_handle_t *)&idle.before); /* they keep no loop alive */
	uv_unref((uv_handle_t *)&idle.after);
	idle.waiting = false;
	idle.total_ns = 0;
	idle.started = true;
	return 0;
}

void loop_idle_stop(void)
{
	if (!idle.started)
		return;
	idle.started = false;
	uv_close((uv_handle_t *)&idle.before, NULL);
	uv_close((uv_handle_t *)&idle.after, NULL);
}

void loop_idle_woke(void)
{
	if (!idle.waiting)
		return;
	idle.waiting = false;
	idle.total_ns += uv_hrtime() - idle.since_ns;
}

uint64_t loop_idle_us(void)
{
	return idle.total_ns / 1000;
}
