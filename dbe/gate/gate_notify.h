/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_notify - events waiting for one controller: a bounded buffer and a token bucket, so that a
 * storm on the media side never becomes one on gate control (H.248.8 9A: regulated notification).
 *
 * Events keep their order. While there is no association they wait; what the buffer cannot hold is
 * dropped and counted.
 * Owner: the link. Thread: the loop.
 */
#ifndef DBE_GATE_GATE_NOTIFY_H
#define DBE_GATE_GATE_NOTIFY_H

#include "common/rate.h"
#include "common/timer.h"
#include "proto/exchange.h"

#define GATE_NOTIFY_BUFFER 256U
#define GATE_NOTIFY_PER_S 200U
#define GATE_NOTIFY_IN_FLIGHT 64U /* sent, no reply yet */

struct gate_notify;

int gate_notify_new(struct gate_exchange *x, struct timer_wheel *wheel,
		    struct gate_notify **ret_notify);
void gate_notify_free(struct gate_notify *n);

/** Queue an event (termination "" = of the gateway); it is sent later. @return 0, -ENOBUFS (dropped). */
int gate_notify_put(struct gate_notify *n, uint32_t context, const char *termination,
		    const struct gate_event *event);
/** The association is up: send what has waited. */
void gate_notify_resume(struct gate_notify *n);
/** Another controller, or none any more: what waits is nobody's. */
void gate_notify_clear(struct gate_notify *n);

size_t gate_notify_waiting(const struct gate_notify *n);

#endif
