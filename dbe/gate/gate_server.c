/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/gate/gate_server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/admin.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "dbe/gate/gate_metric.h"
#include "dbe/gate/gate_server_private.h"
#include "proto/result.h"

#define LOAD_MS 1000U
#define HOLD_S 300U
#define HEARTBEAT_MS 250U

uint32_t gate_server_random(uint32_t n)
{
	uint32_t v = 0;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != sizeof(v))
		v = (uint32_t)clock_now_us();
	return v % n;
}

/* ---------------------------------------------------------------- controllers */
static void hold_over(void *arg)
{
	struct gate_controller *c = arg;
	struct gate_server *s = c->server;
	size_t i, n = s->executor.clear(s->executor.arg, c->name);

	metric_add(&gate_server_metrics, GATE_M_HELD_OUT, (int64_t)n);
	LOG_WARN("gate", "'%s' did not come back: %zu contexts cleared", c->name, n);
	for (i = 0; i < s->nlinks; i++) {
		if (s->links[i].controller == c) {
			s->links[i].controller = NULL;
			gate_notify_clear(s->links[i].notify);
		}
	}
	c->name[0] = 0;
}

struct gate_controller *gate_server_claim(struct gate_server *s, const char *name, uint64_t epoch)
{
	struct gate_controller *c = NULL, *unused = NULL;
	size_t i;

	for (i = 0; i < sizeof(s->controllers) / sizeof(s->controllers[0]) && !c; i++) {
		if (!strcmp(s->controllers[i].name, name))
			c = &s->controllers[i];
		else if (!s->controllers[i].name[0] && !unused)
			unused = &s->controllers[i];
	}
	if (!c) {
		if (!unused)
			return NULL;
		c = unused;
		c->server = s;
		c->epoch = 0;
		c->links = 0;
		snprintf(c->name, sizeof(c->name), "%s", name);
	}
	/* C14: a controller that was taken for dead and replaced must not come back and undo things. */
	if (epoch < c->epoch)
		return NULL;
	c->epoch = epoch;
	c->links++;
	timer_stop(&c->hold);
	metric_add(&gate_server_metrics, GATE_M_ASSOCIATIONS, 1);
	return c;
}

void gate_server_release(struct gate_controller *c)
{
	metric_add(&gate_server_metrics, GATE_M_ASSOCIATIONS, -1);
	if (--c->links == 0 && !c->server->stopped)
		timer_start(c->server->wheel, &c->hold, c->server->hold_ms, hold_over, c);
}

/* ---------------------------------------------------------------- events */
void gate_server_event(void *server, const char *controller, uint32_t context,
		       const char *termination, const struct gate_event *event)
{
	struct gate_server *s = server;
	struct gate_link *l, *best = NULL;
	size_t i;

	for (i = 0; i < s->nlinks; i++) {
		l = &s->links[i];
		if (!l->controller)
			continue;
		if (!controller[0]) {
			gate_notify_put(l->notify, context, termination, event);
		} else if (!strcmp(l->controller->name, controller)) {
			/* A controller with two addresses hears it once, by the one that is up. */
			if (!best || l->fsm.state == GATE_LINK_ASSOCIATED)
				best = l;
		}
	}
	if (best)
		gate_notify_put(best->notify, context, termination, event);
}

static unsigned ports_load(struct gate_server *s)
{
	struct gate_command *scratch = &s->reply.action.commands[0];
	struct gate_service_change *c = &scratch->change;
	unsigned top = 0, used;
	size_t i;

	gate_change_clear(c);
	s->executor.describe(s->executor.arg, c);
	for (i = 0; i < c->nrealms; i++) {
		const struct gate_realm_info *r = &c->realms[i];

		if (!r->ports_total || r->ports_free > r->ports_total)
			continue;
		used = (unsigned)((uint64_t)(r->ports_total - r->ports_free) * 100 /
				  r->ports_total);
		top = used > top ? used : top;
	}
	return top;
}

static void sum_counts(const struct gate_server *s)
{
	struct gate_exchange_counts n;
	uint64_t duplicates = 0, errors = 0;
	size_t i;

	for (i = 0; i < s->nlinks; i++) {
		gate_exchange_count(s->links[i].exchange, &n);
		duplicates += n.duplicates;
		errors += n.errors;
	}
	metric_set(&gate_server_metrics, GATE_M_DUPLICATES, (int64_t)duplicates);
	metric_set(&gate_server_metrics, GATE_M_ERRORS, (int64_t)errors);
}

static void tell_load(void *arg)
{
	struct gate_server *s = arg;
	struct gate_event e;
	unsigned own = s->executor.load ? s->executor.load(s->executor.arg) : 0;
	unsigned ports = ports_load(s);
	size_t i;

	gate_event_clear(&e);
	e.type = GATE_EVENT_LOAD;
	e.value = own > ports ? own : ports;
	/* Only while somebody listens: an old load is of no use to anybody. */
	for (i = 0; i < s->nlinks; i++)
		if (s->links[i].fsm.state == GATE_LINK_ASSOCIATED)
			gate_notify_put(s->links[i].notify, 0, "", &e);
	sum_counts(s);
	timer_start(s->wheel, &s->load, LOAD_MS, tell_load, s);
}

/* ---------------------------------------------------------------- life */
int gate_server_new(const struct gate_server_options *o, const struct gate_executor *executor,
		    struct timer_wheel *wheel, struct gate_server **ret_server)
{
	struct gate_exchange_options x = {.node = o->name,
					  .epoch = o->epoch ? o->epoch : clock_wall_ms(),
					  .heartbeat_ms =
						  o->heartbeat_ms ? o->heartbeat_ms : HEARTBEAT_MS};
	struct gate_server *s;
	size_t i;
	int err;

	if (!gate_name_valid(o->name) || o->ncontrollers > GATE_CONTROLLERS_MAX)
		return -EINVAL;
	s = mem_zalloc(sizeof(*s), NULL);
	if (!s)
		return -ENOMEM;
	metric_register(&gate_server_metrics);
	snprintf(s->name, sizeof(s->name), "%s", o->name);
	s->executor = *executor;
	s->wheel = wheel;
	s->tls = o->tls;
	s->warm = o->warm;
	s->hold_ms = (o->hold_s ? o->hold_s : HOLD_S) * 1000;
	s->spread_ms = o->spread_ms;
	for (i = 0; i < o->ncontrollers; i++) {
		s->nlinks++;
		err = gate_link_init(&s->links[i], s, &o->controllers[i], &x);
		if (err) {
			gate_server_free(s);
			return err;
		}
	}
	*ret_server = s;
	return 0;
}

void gate_server_run(struct gate_server *s)
{
	size_t i;

	for (i = 0; i < s->nlinks; i++)
		gate_link_start(&s->links[i], s->spread_ms ? gate_server_random(s->spread_ms) : 0);
	timer_start(s->wheel, &s->load, LOAD_MS, tell_load, s);
}

void gate_server_stop(struct gate_server *s)
{
	size_t i;

	s->stopped = true;
	timer_stop(&s->load);
	for (i = 0; i < s->nlinks; i++)
		gate_link_stop(&s->links[i]);
	for (i = 0; i < sizeof(s->controllers) / sizeof(s->controllers[0]); i++)
		timer_stop(&s->controllers[i].hold);
}

void gate_server_drain(struct gate_server *s, bool drain)
{
	size_t i;

	if (s->draining == drain)
		return;
	s->draining = drain;
	s->executor.set_draining(s->executor.arg, drain);
	for (i = 0; i < s->nlinks; i++)
		gate_link_change(&s->links[i], drain ? GATE_GRACEFUL : GATE_RESTART,
				 drain ? GATE_REASON_OUT : GATE_REASON_CANCEL_GRACEFUL);
}

bool gate_server_draining(const struct gate_server *s)
{
	return s->draining;
}

size_t gate_server_associated(const struct gate_server *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->nlinks; i++)
		n += s->links[i].fsm.state == GATE_LINK_ASSOCIATED;
	return n;
}

json_t *gate_server_list(const struct gate_server *s)
{
	static const char *const columns[] = {
		"controller", "address",    "state",  "since_s",        "contexts", "rtt_ms",
		"requests",   "duplicates", "errors", "events_waiting", NULL};
	json_t *table = admin_table(columns);
	struct gate_exchange_counts n;
	char address[ADDR_TEXT_BYTES];
	size_t i;

	for (i = 0; table && i < s->nlinks; i++) {
		const struct gate_link *l = &s->links[i];
		const char *name = l->controller ? l->controller->name : "";

		gate_exchange_count(l->exchange, &n);
		addr_print(&l->target, address, sizeof(address));
		admin_row(table,
			  json_pack("[sssIIfIIII]", name, address, fsm_state_name(&l->fsm),
				    (json_int_t)((clock_now_ms() - l->since_ms) / 1000),
				    (json_int_t)(name[0] ? s->executor.count(s->executor.arg, name)
							 : 0),
				    n.rtt_us / 1000.0, (json_int_t)n.requests_in,
				    (json_int_t)n.duplicates, (json_int_t)n.errors,
				    (json_int_t)gate_notify_waiting(l->notify)));
	}
	return table;
}
