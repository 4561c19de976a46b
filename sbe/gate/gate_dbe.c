/* SPDX-License-Identifier: Apache-2.0 */
/* One dbe's association: registration, what it tells us, loss and return. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "proto/result.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_private.h"

#define POLL_MS 5000U
#define POLLS_PER_AUDIT 6U /* contexts are compared every 30 s */
#define BACKGROUND_MS 5000U
#define CONTEXTS_PER_DBE_MAX 1000000U

int gate_dbe_request(struct gate_dbe *d, const struct gate_message *m, uint32_t deadline_ms,
		     gate_exchange_h *fn, void *arg, uint32_t *ret_transaction)
{
	metric_add(&gate_metrics, GATE_M_REQUESTS, 1);
	return gate_exchange_request(d->exchange, m, deadline_ms, fn, arg, ret_transaction);
}

void gate_dbe_subtract(struct gate_dbe *d, uint32_t context)
{
	struct gate_message *m = gate_exchange_compose(d->exchange, GATE_REF_ID, context);

	gate_action_add(&m->action, GATE_SUBTRACT, GATE_REF_ALL);
	/* If it does not get through, the next audit finds it again. */
	gate_dbe_request(d, m, BACKGROUND_MS, NULL, NULL, NULL);
}

/* ---------------------------------------------------------------- realms */
void gate_dbe_realms(struct gate_dbe *d, const struct gate_service_change *c)
{
	size_t i, n = 0;

	d->nranges = 0;
	for (i = 0; i < c->nrealms; i++) {
		struct gate_realm_state *r = &d->realms[n];

		r->name = gate_pool_realm(d->pool, c->realms[i].name);
		if (r->name == GATE_NO_REALM)
			continue;
		r->ipv4 = c->realms[i].ipv4;
		r->ipv6 = c->realms[i].ipv6;
		r->up = c->realms[i].up;
		r->ports_total = c->realms[i].ports_total;
		r->ports_free = c->realms[i].ports_free;
		for (size_t k = 0; k < c->nranges; k++) {
			if (c->ranges[k].realm != i)
				continue;
			d->ranges[d->nranges] = c->ranges[k];
			d->ranges[d->nranges++].realm = (uint8_t)n;
		}
		n++;
	}
	d->nrealms = n;
	d->contexts_max = c->contexts_max;
}

static void polled(void *arg, int err, const struct gate_message *reply)
{
	struct gate_dbe *d = arg;
	const struct gate_command *c;

	if (err || reply->code || !reply->action.ncommands)
		return;
	c = &reply->action.commands[0];
	if (c->type == GATE_AUDIT_CAPABILITIES && !c->code && c->change.nrealms)
		gate_dbe_realms(d, &c->change);
}

/* Fill of the pools is estimated between two of these. */
static void poll_realms(struct gate_dbe *d)
{
	struct gate_message *m = gate_exchange_compose(d->exchange, GATE_REF_ROOT, 0);

	gate_action_add(&m->action, GATE_AUDIT_CAPABILITIES, GATE_REF_ROOT);
	gate_dbe_request(d, m, BACKGROUND_MS, polled, d, NULL);
}

static void poll(void *arg)
{
	struct gate_dbe *d = arg;

	poll_realms(d);
	if (++d->polls % POLLS_PER_AUDIT == 0)
		gate_audit_start(d);
	timer_start(d->pool->wheel, &d->poll, POLL_MS, poll, d);
}

/* ---------------------------------------------------------------- lost and back */
static void set_health(struct gate_dbe *d, enum gate_dbe_health health)
{
	d->health = health;
	d->since_ms = clock_now_ms();
	gate_pool_count(d->pool);
}

static void hold_over(void *arg)
{
	struct gate_dbe *d = arg;

	d->known = false;
	if (!d->ncontexts)
		return;
	LOG_WARN("gate", "'%s' did not come back: %zu contexts given up", d->name, d->ncontexts);
	gate_audit_all_gone(d);
}

/* From the first loss: attempts that come to nothing do not prolong it. */
static void hold(struct gate_dbe *d)
{
	if (!timer_running(&d->hold))
		timer_start(d->pool->wheel, &d->hold, d->pool->hold_ms, hold_over, d);
}

void gate_dbe_lost(struct gate_dbe *d, int err)
{
	struct gate_context *c;
	void *conn = d->conn;

	if (!conn)
		return;
	d->conn = NULL;
	d->pool->io.close(conn, false);
	timer_stop(&d->poll);
	gate_audit_stop(d);
	gate_breaker_reset(d);
	gate_exchange_detach(d->exchange);
	hold(d);
	if (d->health == GATE_DBE_LOST)
		return;
	set_health(d, GATE_DBE_LOST);
	metric_add(&gate_metrics, GATE_M_LOST, 1);
	LOG_WARN("gate", "'%s' at %s lost: %s; %zu contexts held", d->name, d->address,
		 err ? strerror(-err) : "it hung up", d->ncontexts);
	gate_open_elsewhere(d);
	/* A callback may close this context or any other: none leaves the list before its answer has come. */
	TAILQ_FOREACH(c, &d->list, link) {
		if (c->state != GATE_CONTEXT_OPEN)
			continue;
		c->state = GATE_CONTEXT_LOST;
		gate_context_trouble(c, GATE_TROUBLE_LOST, -1, NULL);
	}
}

static void silent(void *arg)
{
	gate_dbe_lost(arg, -ETIMEDOUT);
}

/* ---------------------------------------------------------------- ServiceChange */
static void answer_change(struct gate_dbe *d, uint32_t transaction, uint32_t version)
{
	struct gate_message *m = &d->pool->scratch;
	struct gate_command *c;

	gate_message_clear(m);
	m->action.context_ref = GATE_REF_ROOT;
	c = gate_action_add(&m->action, GATE_SERVICE_CHANGE, GATE_REF_ROOT);
	c->change.version_min = GATE_VERSION_MIN;
	c->change.version_max = version;
	gate_exchange_reply(d->exchange, transaction, m);
}

static void registration(struct gate_dbe *d, const struct gate_message *m)
{
	const struct gate_service_change *c = &m->action.commands[0].change;
	uint32_t version = gate_version_choose(c->version_min, c->version_max);
	void *conn = d->conn;

	if (!version) {
		LOG_WARN("gate", "'%s' at %s speaks versions %u to %u, we %u to %u", d->name,
			 d->address, c->version_min, c->version_max, GATE_VERSION_MIN,
			 GATE_VERSION_MAX);
		metric_add(&gate_metrics, GATE_M_JOIN_REFUSED, 1);
		gate_exchange_refuse(d->exchange, m->transaction, GATE_ERR_VERSION, NULL);
		d->conn = NULL;
		gate_exchange_detach(d->exchange);
		d->pool->io.close(conn, true);
		hold(d);
		return;
	}
	gate_dbe_realms(d, c);
	LOG_NOTICE("gate", "'%s' at %s associated: %s, version %u, %zu realms, %u contexts",
		   d->name, d->address, gate_result_text(c->reason), version, d->nrealms,
		   c->contexts_now);
	answer_change(d, m->transaction, version);
	timer_stop(&d->hold);
	d->draining = false;
	d->load_percent = 0;
	gate_breaker_reset(d);
	gate_exchange_associate(d->exchange, version);
	set_health(d, GATE_DBE_UP);
	timer_start(d->pool->wheel, &d->poll, POLL_MS, poll, d);
	gate_audit_start(d);
}

static void change(struct gate_dbe *d, const struct gate_message *m)
{
	const struct gate_service_change *c = &m->action.commands[0].change;
	uint32_t transaction = m->transaction; /* m may be gone after callbacks */

	if (!gate_exchange_associated(d->exchange)) {
		registration(d, m);
		return;
	}
	switch (c->method) {
	case GATE_GRACEFUL:
		d->draining = true;
		LOG_NOTICE("gate", "'%s' drains: %s", d->name, gate_result_text(c->reason));
		break;
	case GATE_RESTART:
		d->draining = false;
		LOG_NOTICE("gate", "'%s' is back in service", d->name);
		break;
	case GATE_FORCED:
		d->draining = true;
		LOG_NOTICE("gate", "'%s' goes: %s", d->name, gate_result_text(c->reason));
		answer_change(d, transaction, 0);
		gate_open_elsewhere(d);
		gate_audit_all_gone(d);
		gate_pool_count(d->pool);
		return;
	default:
		gate_exchange_refuse(d->exchange, transaction, GATE_ERR_NOT_IMPLEMENTED, NULL);
		return;
	}
	gate_pool_count(d->pool);
	answer_change(d, transaction, 0);
}

/* ---------------------------------------------------------------- Notify */
static void node_event(struct gate_dbe *d, const struct gate_event *e)
{
	struct gate_realm_state *r =
		e->realm[0] ? gate_dbe_realm(d, gate_pool_realm(d->pool, e->realm)) : NULL;

	if (e->type == GATE_EVENT_LOAD) {
		d->load_percent = e->value < 100 ? (uint32_t)e->value : 100;
		return;
	}
	LOG_NOTICE("gate", "'%s': %s %s, value %llu", d->name, gate_event_name(e->type), e->realm,
		   (unsigned long long)e->value);
	if (!r)
		return;
	switch (e->type) {
	case GATE_EVENT_POOL_LOW:
	case GATE_EVENT_POOL_OK:
		r->ports_free = e->value < r->ports_total ? (uint32_t)e->value : r->ports_total;
		break;
	case GATE_EVENT_REALM_DOWN:
		r->up = false;
		break;
	case GATE_EVENT_REALM_UP:
		r->up = true;
		break;
	default:
		break;
	}
}

static bool context_event(struct gate_dbe *d, uint32_t id, const struct gate_command *cmd)
{
	struct gate_context *c = table_find(d->contexts, &id, sizeof(id));
	int side = -1;

	if (!c)
		return false;
	if (!strcmp(cmd->termination, c->termination[0]))
		side = 0;
	else if (!strcmp(cmd->termination, c->termination[1]))
		side = 1;
	if (side >= 0 && cmd->event.type == GATE_EVENT_LATCHED)
		c->remote[side] = cmd->event.addr;
	gate_context_trouble(c, GATE_TROUBLE_EVENT, side, &cmd->event);
	return true;
}

static void notify(struct gate_dbe *d, const struct gate_message *m)
{
	uint32_t transaction = m->transaction;
	struct gate_message *reply = &d->pool->scratch;
	bool known = true;
	size_t i;

	for (i = 0; i < m->action.ncommands; i++) {
		if (m->action.commands[i].type != GATE_NOTIFY)
			continue;
		if (m->action.context_ref == GATE_REF_ROOT)
			node_event(d, &m->action.commands[i].event);
		else
			known = context_event(d, m->action.context, &m->action.commands[i]);
	}
	gate_message_clear(reply);
	reply->action.context_ref = m->action.context_ref;
	reply->action.context = m->action.context;
	if (!known) {
		gate_exchange_refuse(d->exchange, transaction, GATE_ERR_CONTEXT, NULL);
		return;
	}
	gate_action_add(&reply->action, GATE_NOTIFY, GATE_REF_ROOT);
	gate_exchange_reply(d->exchange, transaction, reply);
}

static void request(void *arg, const struct gate_message *m)
{
	struct gate_dbe *d = arg;
	int type = m->action.ncommands ? m->action.commands[0].type : 0;

	if (type == GATE_SERVICE_CHANGE)
		change(d, m);
	else if (type == GATE_NOTIFY)
		notify(d, m);
	else
		gate_exchange_refuse(d->exchange, m->transaction, GATE_ERR_COMMAND, NULL);
}

/* C11: a context whose Add we had given up on. Nobody here will ever use it. */
static void late(void *arg, const struct gate_message *m)
{
	struct gate_dbe *d = arg;
	const struct gate_action *a = &m->action;

	if (m->code || !a->context || !a->ncommands || a->commands[0].type != GATE_ADD ||
	    a->commands[0].code)
		return;
	if (table_find(d->contexts, &a->context, sizeof(a->context)))
		return;
	metric_add(&gate_metrics, GATE_M_LATE, 1);
	gate_dbe_subtract(d, a->context);
}

static void send_bytes(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct gate_dbe *d = arg;

	if (d->conn)
		d->pool->io.send(d->conn, bytes, len_bytes);
}

static void send_later(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct gate_dbe *d = arg;

	if (d->conn && d->pool->io.send_later)
		d->pool->io.send_later(d->conn, bytes, len_bytes);
	else
		send_bytes(d, bytes, len_bytes);
}

/* ---------------------------------------------------------------- life */
int gate_dbe_new(struct gate_pool *p, const char *name, uint32_t heartbeat_ms,
		 struct gate_dbe **ret_dbe)
{
	static const struct gate_exchange_handlers handlers = {send_bytes, request, late, silent,
							       send_later};
	const struct gate_exchange_options o = {p->node, p->epoch, heartbeat_ms};
	struct gate_dbe *d = mem_zalloc(sizeof(*d), NULL);
	int err;

	if (!d)
		return -ENOMEM;
	d->pool = p;
	d->since_ms = clock_now_ms();
	snprintf(d->name, sizeof(d->name), "%s", name);
	TAILQ_INIT(&d->list);
	TAILQ_INIT(&d->gone);
	TAILQ_INIT(&d->openings);
	err = table_new(CONTEXTS_PER_DBE_MAX, &d->contexts);
	if (!err)
		err = gate_exchange_new(&o, &handlers, d, p->wheel, &d->exchange);
	if (err) {
		gate_dbe_free(d);
		return err;
	}
	*ret_dbe = d;
	return 0;
}

void gate_dbe_free(struct gate_dbe *d)
{
	if (!d)
		return;
	timer_stop(&d->hold);
	timer_stop(&d->poll);
	timer_stop(&d->trip);
	timer_stop(&d->gone_timer);
	timer_stop(&d->audit_retry);
	gate_exchange_free(d->exchange);
	table_free(d->contexts);
	mem_unref(d);
}
