/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/gate/gate_notify.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "dbe/gate/gate_metric.h"

#define DEADLINE_MS 4000U
#define RETRY_MS 20U

struct waiting {
	uint32_t context;
	char termination[GATE_NAME_BYTES];
	struct gate_event event;
};

struct gate_notify {
	struct gate_exchange *exchange;
	struct timer_wheel *wheel;
	struct timer retry;
	struct rate rate;
	size_t first, count; /* of the ring */
	size_t in_flight;
	struct waiting ring[GATE_NOTIFY_BUFFER];
};

int gate_notify_new(struct gate_exchange *x, struct timer_wheel *wheel,
		    struct gate_notify **ret_notify)
{
	struct gate_notify *n = mem_zalloc(sizeof(*n), NULL);

	if (!n)
		return -ENOMEM;
	n->exchange = x;
	n->wheel = wheel;
	rate_init(&n->rate, GATE_NOTIFY_PER_S, GATE_NOTIFY_PER_S, clock_now_us());
	*ret_notify = n;
	return 0;
}

void gate_notify_free(struct gate_notify *n)
{
	if (!n)
		return;
	timer_stop(&n->retry);
	mem_unref(n);
}

static void flush(struct gate_notify *n);

static void answered(void *arg, int err, const struct gate_message *reply)
{
	struct gate_notify *n = arg;

	/* Whatever the answer: the event was told, or is too old to tell. */
	(void)err;
	(void)reply;
	n->in_flight--;
	flush(n);
}

static int send_one(struct gate_notify *n, const struct waiting *w)
{
	bool root = !w->termination[0];
	struct gate_message *m =
		gate_exchange_compose(n->exchange, root ? GATE_REF_ROOT : GATE_REF_ID, w->context);
	struct gate_command *c =
		gate_action_add(&m->action, GATE_NOTIFY, root ? GATE_REF_ROOT : GATE_REF_ID);

	memcpy(c->termination, w->termination, sizeof(c->termination));
	c->event = w->event;
	return gate_exchange_request(n->exchange, m, DEADLINE_MS, answered, n, NULL);
}

static void retry(void *arg)
{
	flush(arg);
}

static void flush(struct gate_notify *n)
{
	struct waiting *w;
	int err;

	while (n->count && n->in_flight < GATE_NOTIFY_IN_FLIGHT &&
	       gate_exchange_associated(n->exchange)) {
		if (!rate_take(&n->rate, 1, clock_now_us())) {
			timer_start(n->wheel, &n->retry, RETRY_MS, retry, n);
			return;
		}
		w = &n->ring[n->first];
		n->first = (n->first + 1) % GATE_NOTIFY_BUFFER;
		n->count--;
		n->in_flight++;
		err = send_one(n, w);
		if (err)
			n->in_flight--;
		metric_add(&gate_server_metrics, err ? GATE_M_NOTIFIES_DROPPED : GATE_M_NOTIFIES,
			   1);
	}
}

int gate_notify_put(struct gate_notify *n, uint32_t context, const char *termination,
		    const struct gate_event *event)
{
	struct waiting *w;

	if (n->count == GATE_NOTIFY_BUFFER) {
		metric_add(&gate_server_metrics, GATE_M_NOTIFIES_DROPPED, 1);
		return -ENOBUFS;
	}
	w = &n->ring[(n->first + n->count++) % GATE_NOTIFY_BUFFER];
	w->context = context;
	text_copy(w->termination, sizeof(w->termination), termination ? termination : "");
	w->event = *event;
	if (!w->event.at_wall_ms)
		w->event.at_wall_ms = clock_wall_ms();
	/* Never from inside the caller: it may be executing a request whose reply has to go first. */
	if (!timer_running(&n->retry))
		timer_start(n->wheel, &n->retry, 0, retry, n);
	return 0;
}

void gate_notify_resume(struct gate_notify *n)
{
	flush(n);
}

void gate_notify_clear(struct gate_notify *n)
{
	n->count = 0;
	timer_stop(&n->retry);
}

size_t gate_notify_waiting(const struct gate_notify *n)
{
	return n->count;
}
