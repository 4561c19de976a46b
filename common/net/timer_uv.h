/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer_uv - drives a timer wheel with one uv timer. Owner: caller. Thread: that of the loop.
 */
#ifndef COMMON_NET_TIMER_UV_H
#define COMMON_NET_TIMER_UV_H

#include <uv.h>

#include "common/timer.h"

struct timer_uv;

/**
 * A timer that is due for longer than this tells of a loop that was held up (no processor, a slow callback). Its sockets are
 * read once before the timers run: what came in time is not taken for lost because we were late to look.
 */
#define TIMER_UV_LATE_MS 50U

/** @return 0, -ENOMEM. The wheel must outlive it. */
int timer_uv_new(uv_loop_t *loop, struct timer_wheel *w, struct timer_uv **ret_driver);
/** @return NULL */
struct timer_uv *timer_uv_close(struct timer_uv *d);

#endif
