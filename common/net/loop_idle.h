/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_idle - how long the loop waited for something to do.
 *
 * libuv can tell this too (UV_METRICS_IDLE_TIME), but asks the kernel twice per turn for it. Here the wait ends with
 * the first callback of a socket that reports it, or with the end of the turn's events.
 * Owner: static storage, one loop per process. Thread: that of the loop.
 */
#ifndef COMMON_NET_LOOP_IDLE_H
#define COMMON_NET_LOOP_IDLE_H

#include <stdint.h>
#include <uv.h>

/** Begin to measure this loop. @return 0 or -errno of libuv. */
int loop_idle_start(uv_loop_t *loop);
/** Close what start opened; the loop must run once more. */
void loop_idle_stop(void);

/** A callback of a socket begins: cheap when it is not the turn's first. */
void loop_idle_woke(void);

/** Time waited since the start. */
uint64_t loop_idle_us(void);

#endif
