/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_sub - a subscription between two peers (RFC 6665): two dialogs of ours, until somebody ends it or its time is
 * over. A NOTIFY that is faster than the answer to the SUBSCRIBE waits for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/event/event_private.h"
#include "sbe/sip/wire_line.h"

#define GRACE_MS 32000U /* for what is still on its way when a subscription ends */

/* "presence" of "presence;id=1" */
static struct wire_text first_word(struct wire_text value)
{
	size_t n = 0;

	while (n < value.n && value.s[n] != ';' && value.s[n] != ' ' && value.s[n] != '\t')
		n++;
	return (struct wire_text){value.s, n};
}

/* ---- life */

static void sub_destroy(void *obj)
{
	struct event_sub *sub = obj;

	timer_stop(&sub->expiry);
	for (int side = 0; side < 2; side++) {
		dialog_clear(&sub->legs[side].dialog);
		mem_unref(sub->legs[side].peer);
	}
	mem_unref(sub->early_notify);
}

static void drop_early(struct event_sub *sub, int status)
{
	struct txn_server *s = sub->early;

	sub->early = NULL;
	sub->early_notify = mem_unref(sub->early_notify);
	if (s && status)
		event_refuse(s, status, NULL, NULL);
	else if (s)
		txn_server_detach(s);
}

void event_sub_free(struct event_sub *sub)
{
	drop_early(sub, 481);
	LIST_REMOVE(sub, link);
	sub->core->nsubs--;
	sub->legs[0].peer->state->subscriptions--;
	metric_set(&event_metrics, EVENT_SUBSCRIPTIONS, (int64_t)sub->core->nsubs);
	mem_unref(sub);
}

void event_sub_end(struct event_sub *sub)
{
	struct event_pass *p, *next;

	sub->ending = true;
	for (p = LIST_FIRST(&sub->core->passes); p; p = next) {
		next = LIST_NEXT(p, link);
		if (p->sub == sub)
			event_pass_end(p, 481);
	}
	event_sub_free(sub);
}

static void expired(void *arg)
{
	event_sub_end(arg);
}

int event_sub_new(struct event_core *core, struct txn_server *s, const struct wire_msg *m,
		  struct peer *from, struct event_sub **ret_sub)
{
	const struct transport_target *source = txn_server_source(s);
	struct event_sub *sub = mem_zalloc(sizeof(*sub), sub_destroy);
	struct wire_text package;
	struct wire_header h;
	int err;

	if (!sub)
		return -ENOMEM;
	sub->core = core;
	for (uint8_t side = 0; side < 2; side++) {
		sub->legs[side].sub = sub;
		sub->legs[side].side = side;
	}
	if (wire_header_find(m, "event", &h)) {
		package = first_word(h.value);
		wire_text_copy(package, sub->package, sizeof(sub->package));
	}
	sub->legs[0].from = source->to;
	rate_init(&sub->notifies, from->conf->presence.notify_per_s, 0, clock_now_us());
	err = dialog_init_uas(&sub->legs[0].dialog, m, source, txn_server_to_tag(s));
	if (!err)
		err = dialog_register(core->dialogs, &sub->legs[0].dialog, &sub->legs[0]);
	if (err) {
		mem_unref(sub);
		return err;
	}
	sub->legs[0].peer = mem_ref(from);
	from->state->subscriptions++;
	LIST_INSERT_HEAD(&core->subs, sub, link);
	core->nsubs++;
	metric_set(&event_metrics, EVENT_SUBSCRIPTIONS, (int64_t)core->nsubs);
	*ret_sub = sub;
	return 0;
}

/* ---- SUBSCRIBE */

static void name_packages(const struct peer_conf *c, char *header, size_t size_bytes)
{
	const char *const *names = c->presence.events.items;
	struct text_out t;

	text_start(&t, header, size_bytes - 3);
	text_add(&t, "Allow-Events: ");
	for (size_t i = 0; i < c->presence.events.n; i++) {
		text_add(&t, i ? ", " : "");
		text_add(&t, names[i]);
	}
	text_add(&t, "\r\n");
}

int event_sub_expires(const struct wire_msg *m, const struct peer_conf *c, uint32_t *ret_expires_s,
		      char *header, size_t size_bytes)
{
	const struct peer_presence_conf *limits = &c->presence;
	uint32_t expires_s = limits->max_expires_s;
	struct wire_header h;

	if (!wire_header_find(m, "event", &h) || !event_package_agreed(c, first_word(h.value))) {
		name_packages(c, header, size_bytes);
		return 489;
	}
	if (wire_header_find(m, "expires", &h) &&
	    wire_number(h.value, UINT32_MAX, &expires_s) == -EINVAL)
		return 400;
	if (expires_s && expires_s < limits->min_expires_s) {
		snprintf(header, size_bytes, "Min-Expires: %u\r\n", limits->min_expires_s);
		return 423;
	}
	*ret_expires_s = expires_s < limits->max_expires_s ? expires_s : limits->max_expires_s;
	return 0;
}

static void refresh(struct event_leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct event_sub *sub = leg->sub;
	char header[600] = "";
	uint32_t expires_s;
	int err = event_sub_expires(m, leg->peer->conf, &expires_s, header, sizeof(header));

	if (err) {
		event_refuse(s, err, NULL, header[0] ? header : NULL);
		return;
	}
	if (!sub->up) { /* the first one has no answer yet */
		event_refuse(s, 500, NULL, "Retry-After: 1\r\n");
		return;
	}
	dialog_refresh_target(&leg->dialog, m, txn_server_source(s));
	event_pass_in_dialog(&sub->legs[1], s, m, expires_s);
}

/* ---- NOTIFY */

static void early_gone(void *arg)
{
	struct event_sub *sub = arg;

	sub->early = NULL;
	sub->early_notify = mem_unref(sub->early_notify);
}

static const struct txn_server_handlers early_handlers = {.terminated = early_gone};

static void notify(struct event_leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	struct event_sub *sub = leg->sub;

	if (wire_body(m).n > leg->peer->conf->presence.max_bytes) {
		event_refuse(s, 413, NULL, NULL);
	} else if (!rate_take(&sub->notifies, 1, clock_now_us())) {
		event_refuse(s, 500, NULL, "Retry-After: 1\r\n");
	} else if (sub->up) {
		dialog_refresh_target(&leg->dialog, m, txn_server_source(s));
		event_pass_in_dialog(&sub->legs[0], s, m, 0);
	} else if (sub->early) {
		event_refuse(s, 500, NULL, "Retry-After: 1\r\n");
	} else {
		sub->early = s;
		sub->early_notify = mem_ref((void *)(uintptr_t)m);
		txn_server_bind(s, &early_handlers, sub);
	}
}

void event_sub_request(struct event_leg *leg, struct txn_server *s, const struct wire_msg *m)
{
	enum wire_method method = wire_method(m);

	if (leg->sub->ending)
		event_refuse(s, 481, NULL, NULL);
	else if (wire_max_forwards(m) == 0)
		event_refuse(s, 483, NULL, NULL);
	else if (leg->sub->passes >= EVENT_SUB_PASSES_MAX)
		event_refuse(s, 500, NULL, "Retry-After: 1\r\n");
	else if (leg->side == 0 && method == WIRE_SUBSCRIBE)
		refresh(leg, s, m);
	else if (leg->side == 1 && method == WIRE_NOTIFY)
		notify(leg, s, m);
	else
		event_refuse(s, 405, NULL, "Allow: SUBSCRIBE, NOTIFY\r\n");
}

/* ---- answers */

static uint32_t granted(const struct wire_msg *m, uint32_t asked_s)
{
	struct wire_header h;
	uint32_t expires_s = asked_s;

	if (wire_header_find(m, "expires", &h))
		(void)wire_number(h.value, UINT32_MAX, &expires_s);
	return expires_s < asked_s ? expires_s : asked_s;
}

static bool is_over(const struct wire_msg *notify_)
{
	struct wire_header h;

	return wire_header_find(notify_, "subscription-state", &h) &&
	       wire_text_is_nocase(first_word(h.value), "terminated");
}

/* The notifier has accepted. */
static void accepted(struct event_sub *sub, const struct wire_msg *m)
{
	struct wire_msg *notify_ = sub->early_notify;
	struct txn_server *s = sub->early;

	if (dialog_establish_uac(&sub->legs[1].dialog, m)) {
		sub->ending = true;
		return;
	}
	sub->up = true;
	if (!s)
		return;
	sub->early = NULL;
	sub->early_notify = NULL;
	event_pass_in_dialog(&sub->legs[0], s, notify_, 0);
	mem_unref(notify_);
}

void event_sub_answered(struct event_sub *sub, const struct event_pass *p, int status,
			const struct wire_msg *m)
{
	if (p->method == WIRE_NOTIFY) {
		if (is_over(p->msg) || status == 481 || status == 408)
			sub->ending = true;
		return;
	}
	if (status >= 200 && status < 300 && m) {
		uint32_t expires_s = granted(m, p->expires_s);

		timer_start(sub->core->o.wheel, &sub->expiry, expires_s * 1000ULL + GRACE_MS,
			    expired, sub);
		if (!sub->up)
			accepted(sub, m);
	} else if (!sub->up || status == 481 || status == 408) {
		sub->ending = true;
	}
}
