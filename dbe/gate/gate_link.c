/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/gate/gate_link.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "dbe/gate/gate_metric.h"
#include "dbe/gate/gate_server_private.h"
#include "proto/result.h"

enum link_event {
	EV_DIAL,
	EV_OPENED,
	EV_CLOSED,
	EV_ACCEPTED,
	EV_REFUSED,
	EV_REDIRECTED,
	EV_STOP,
	EV_COUNT
};
static const char *const event_names[EV_COUNT] = {"dial",    "opened",     "closed", "accepted",
						  "refused", "redirected", "stop"};

/* What a ServiceChange reply says, with EV_ACCEPTED. */
struct accepted {
	const struct gate_message *reply;
	uint32_t version;
	struct gate_controller *controller;
};

static const char *where(const struct gate_link *l, char buf[ADDR_TEXT_BYTES])
{
	return addr_print(&l->target, buf, ADDR_TEXT_BYTES);
}

/* ---------------------------------------------------------------- connection */
static void dial_now(void *arg)
{
	struct gate_link *l = arg;

	fsm_event(&l->fsm, EV_DIAL, NULL);
}

/* Half fixed, half random: controllers that come back are not met by all dbes in one instant. */
static void retry_later(struct gate_link *l)
{
	uint32_t delay = l->retry_ms / 2 + gate_server_random(l->retry_ms / 2 + 1);

	l->retry_ms =
		l->retry_ms * 2 < GATE_LINK_RETRY_MAX_MS ? l->retry_ms * 2 : GATE_LINK_RETRY_MAX_MS;
	timer_start(l->server->wheel, &l->timer, delay, dial_now, l);
}

static void hang_up(struct gate_link *l, bool flush)
{
	void *conn = l->conn;

	l->conn = NULL;
	if (conn)
		l->server->io.close(conn, flush);
	gate_exchange_detach(l->exchange);
}

static void silent(void *arg)
{
	gate_link_closed(arg, -ETIMEDOUT);
}

static void enter_waiting(struct fsm *f, int from)
{
	struct gate_link *l = f->obj;

	l->since_ms = clock_now_ms();
	if (from == GATE_LINK_ASSOCIATED) {
		metric_add(&gate_server_metrics, GATE_M_LOST, 1);
		gate_server_release(l->controller);
	}
	hang_up(l, false);
	/* A redirection holds while it works. */
	if (from == GATE_LINK_DIALLING || l->redirects > GATE_LINK_REDIRECTS_MAX) {
		l->target = l->address;
		l->redirects = 0;
	}
	if (!l->server->stopped)
		retry_later(l);
}

static int act_waiting(struct fsm *f, int event, void *data)
{
	struct gate_link *l = f->obj;
	int err;

	(void)data;
	if (event == EV_STOP) {
		fsm_go(f, GATE_LINK_STOPPED);
		return 0;
	}
	err = l->server->io.dial(l->server->io.arg, l, &l->target, &l->conn);
	if (err) {
		l->conn = NULL;
		l->target = l->address;
		retry_later(l);
		return err;
	}
	fsm_go(f, GATE_LINK_DIALLING);
	return 0;
}

/* ---------------------------------------------------------------- registration */
static void registered(void *arg, int err, const struct gate_message *reply)
{
	struct gate_link *l = arg;
	const struct gate_service_change *c;
	struct accepted a = {.reply = reply};
	char buf[ADDR_TEXT_BYTES];

	if (err == -ENOTCONN)
		return; /* hang_up did this */
	if (err || reply->code || !reply->action.ncommands || reply->action.commands[0].code) {
		LOG_WARN("gate", "%s: registration failed: %s", where(l, buf),
			 err                       ? strerror(-err)
			 : reply->code             ? reply->text
			 : reply->action.ncommands ? reply->action.commands[0].text
						   : "empty reply");
		fsm_event(&l->fsm, EV_REFUSED, NULL);
		return;
	}
	c = &reply->action.commands[0].change;
	if (reply->action.commands[0].type == GATE_SERVICE_CHANGE && c->redirect[0]) {
		fsm_event(&l->fsm, EV_REDIRECTED, (void *)(uintptr_t)c->redirect);
		return;
	}
	a.version = gate_version_choose(c->version_max, c->version_max);
	if (!l->server->io.has_name(l->conn, reply->sender)) {
		LOG_WARN("gate", "%s: '%s' is not in its certificate", where(l, buf),
			 reply->sender);
		fsm_event(&l->fsm, EV_REFUSED, NULL);
		return;
	}
	if (a.version)
		a.controller = gate_server_claim(l->server, reply->sender, reply->epoch);
	if (!a.controller) {
		LOG_WARN("gate", "%s: '%s' refused: %s", where(l, buf), reply->sender,
			 a.version ? "an older life of a controller we know" : "no common version");
		fsm_event(&l->fsm, EV_REFUSED, NULL);
		return;
	}
	fsm_event(&l->fsm, EV_ACCEPTED, &a);
}

static int send_registration(struct gate_link *l)
{
	struct gate_message *m = gate_exchange_compose(l->exchange, GATE_REF_ROOT, 0);
	struct gate_command *c = gate_action_add(&m->action, GATE_SERVICE_CHANGE, GATE_REF_ROOT);

	l->server->executor.describe(l->server->executor.arg, &c->change);
	/* To whom we were associated before: the same process on our side, so Disconnected (RFC 3525 11.5). */
	c->change.method = l->controller ? GATE_DISCONNECTED : GATE_RESTART;
	c->change.reason = l->controller     ? GATE_REASON_RESTORED
			   : l->server->warm ? GATE_REASON_WARM
					     : GATE_REASON_COLD;
	c->change.delay_s = 0;
	c->change.version_min = GATE_VERSION_MIN;
	c->change.version_max = GATE_VERSION_MAX;
	c->change.redirect[0] = 0;
	return gate_exchange_request(l->exchange, m, GATE_LINK_REGISTER_MS, registered, l, NULL);
}

static int act_dialling(struct fsm *f, int event, void *data)
{
	struct gate_link *l = f->obj;

	(void)data;
	if (event == EV_STOP) {
		fsm_go(f, GATE_LINK_STOPPED);
		return 0;
	}
	if (event == EV_CLOSED) {
		fsm_go(f, GATE_LINK_WAITING);
		return 0;
	}
	gate_exchange_attach(l->exchange);
	fsm_go(f, GATE_LINK_REGISTERING);
	if (send_registration(l))
		fsm_go(f, GATE_LINK_WAITING);
	return 0;
}

static void associate(struct gate_link *l, const struct accepted *a)
{
	char buf[ADDR_TEXT_BYTES];

	if (l->controller != a->controller)
		gate_notify_clear(l->notify);
	l->controller = a->controller;
	l->retry_ms = GATE_LINK_RETRY_MS;
	l->since_ms = clock_now_ms();
	gate_exchange_identify(l->exchange, a->reply->sender, a->reply->epoch);
	gate_exchange_associate(l->exchange, a->version);
	LOG_NOTICE("gate", "associated with '%s' at %s, version %u", l->controller->name,
		   where(l, buf), a->version);
	if (l->server->draining)
		gate_link_change(l, GATE_GRACEFUL, GATE_REASON_OUT);
	gate_notify_resume(l->notify);
}

/* Not a failure of the new address yet, so it is dialled at once, but not in circles for ever. */
static void redirect(struct gate_link *l, const char *to)
{
	struct addr target;
	char buf[ADDR_TEXT_BYTES];

	if (addr_parse(to, &target) || !target.port) {
		LOG_WARN("gate", "%s: redirection to '%s' is no address", where(l, buf), to);
		fsm_go(&l->fsm, GATE_LINK_WAITING);
		return;
	}
	LOG_NOTICE("gate", "%s redirects to %s", where(l, buf), to);
	l->redirects++;
	l->target = target;
	fsm_go(&l->fsm, GATE_LINK_WAITING);
	if (l->redirects)
		timer_start(l->server->wheel, &l->timer, 0, dial_now, l);
}

static int act_registering(struct fsm *f, int event, void *data)
{
	struct gate_link *l = f->obj;

	switch (event) {
	case EV_ACCEPTED:
		fsm_go(f, GATE_LINK_ASSOCIATED);
		associate(l, data);
		break;
	case EV_REDIRECTED:
		redirect(l, data);
		break;
	case EV_REFUSED:
		metric_add(&gate_server_metrics, GATE_M_REFUSED, 1);
		fsm_go(f, GATE_LINK_WAITING);
		break;
	case EV_CLOSED:
		fsm_go(f, GATE_LINK_WAITING);
		break;
	default:
		fsm_go(f, GATE_LINK_STOPPED);
		break;
	}
	return 0;
}

static int act_associated(struct fsm *f, int event, void *data)
{
	struct gate_link *l = f->obj;

	switch (event) {
	case EV_REDIRECTED:
		redirect(l, data);
		break;
	case EV_STOP:
		gate_link_change(l, GATE_FORCED, GATE_REASON_OUT);
		gate_server_release(l->controller);
		fsm_go(f, GATE_LINK_STOPPED);
		break;
	default:
		fsm_go(f, GATE_LINK_WAITING);
		break;
	}
	return 0;
}

static void enter_stopped(struct fsm *f, int from)
{
	struct gate_link *l = f->obj;

	timer_stop(&l->timer);
	l->since_ms = clock_now_ms();
	hang_up(l, from == GATE_LINK_ASSOCIATED);
}

#define EV(x) FSM_BIT(EV_##x)
#define ST(x) FSM_BIT(GATE_LINK_##x)
static const struct fsm_state states[] = {
	[GATE_LINK_WAITING] = {"waiting", EV(DIAL) | EV(STOP), ST(DIALLING) | ST(STOPPED),
			       act_waiting, enter_waiting},
	[GATE_LINK_DIALLING] = {"dialling", EV(OPENED) | EV(CLOSED) | EV(STOP),
				ST(REGISTERING) | ST(WAITING) | ST(STOPPED), act_dialling, NULL},
	[GATE_LINK_REGISTERING] = {"registering",
				   EV(ACCEPTED) | EV(REFUSED) | EV(REDIRECTED) | EV(CLOSED) |
					   EV(STOP),
				   ST(ASSOCIATED) | ST(WAITING) | ST(STOPPED), act_registering,
				   NULL},
	[GATE_LINK_ASSOCIATED] = {"associated", EV(CLOSED) | EV(REDIRECTED) | EV(STOP),
				  ST(WAITING) | ST(STOPPED), act_associated, NULL},
	[GATE_LINK_STOPPED] = {"stopped", 0, 0, NULL, enter_stopped},
};
static const struct fsm_table table = {"gate_link", states, 5, event_names, EV_COUNT};

/* ---------------------------------------------------------------- requests */
static void controller_change(struct gate_link *l, const struct gate_message *m)
{
	const struct gate_service_change *c = &m->action.commands[0].change;
	char to[GATE_NAME_BYTES];

	if (c->method != GATE_HANDOFF || !c->redirect[0]) {
		gate_exchange_refuse(l->exchange, m->transaction, GATE_ERR_NOT_IMPLEMENTED, NULL);
		return;
	}
	memcpy(to, c->redirect, sizeof(to));
	gate_message_clear(&l->server->reply);
	l->server->reply.action.context_ref = GATE_REF_ROOT;
	gate_action_add(&l->server->reply.action, GATE_SERVICE_CHANGE, GATE_REF_ROOT);
	gate_exchange_reply(l->exchange, m->transaction, &l->server->reply);
	fsm_event(&l->fsm, EV_REDIRECTED, to);
}

/* Which realms there are and how full they are: the controller asks now and then (H.248.41). */
static void capabilities(struct gate_link *l, struct gate_action *reply)
{
	struct gate_command *c = gate_action_add(reply, GATE_AUDIT_CAPABILITIES, GATE_REF_ROOT);

	gate_change_clear(&c->change);
	l->server->executor.describe(l->server->executor.arg, &c->change);
}

static void request(void *arg, const struct gate_message *m)
{
	struct gate_link *l = arg;
	struct gate_server *s = l->server;
	const struct gate_action *a = &m->action;
	struct gate_action *reply = &s->reply.action;
	int type = a->ncommands ? a->commands[0].type : 0;

	metric_add(&gate_server_metrics, GATE_M_REQUESTS, 1);
	if (type == GATE_SERVICE_CHANGE) {
		controller_change(l, m);
		return;
	}
	gate_message_clear(&s->reply);
	reply->context_ref = a->context_ref;
	reply->context = a->context;
	if (type == GATE_AUDIT_CAPABILITIES && a->context_ref == GATE_REF_ROOT)
		capabilities(l, reply);
	else if (s->executor.execute(s->executor.arg, l->controller->name, a, reply)) {
		gate_exchange_refuse(l->exchange, m->transaction, GATE_ERR_INTERNAL, NULL);
		return;
	}
	gate_exchange_reply(l->exchange, m->transaction, &s->reply);
}

static void send_bytes(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct gate_link *l = arg;

	if (l->conn)
		l->server->io.send(l->conn, bytes, len_bytes);
}

void gate_link_change(struct gate_link *l, int method, int reason)
{
	struct gate_message *m;
	struct gate_command *c;

	if (l->fsm.state != GATE_LINK_ASSOCIATED)
		return;
	m = gate_exchange_compose(l->exchange, GATE_REF_ROOT, 0);
	c = gate_action_add(&m->action, GATE_SERVICE_CHANGE, GATE_REF_ROOT);
	c->change.method = (uint8_t)method;
	c->change.reason = (uint16_t)reason;
	gate_exchange_request(l->exchange, m, GATE_LINK_REGISTER_MS, NULL, NULL, NULL);
}

/* ---------------------------------------------------------------- life */
int gate_link_init(struct gate_link *l, struct gate_server *s, const struct addr *address,
		   const struct gate_exchange_options *o)
{
	static const struct gate_exchange_handlers handlers = {
		.send = send_bytes, .request = request, .silent = silent};
	int err;

	l->server = s;
	l->address = *address;
	l->target = *address;
	l->retry_ms = GATE_LINK_RETRY_MS;
	l->since_ms = clock_now_ms();
	fsm_init(&l->fsm, &table, GATE_LINK_WAITING, l);
	err = gate_exchange_new(o, &handlers, l, s->wheel, &l->exchange);
	if (!err)
		err = gate_notify_new(l->exchange, s->wheel, &l->notify);
	return err;
}

void gate_link_destroy(struct gate_link *l)
{
	timer_stop(&l->timer);
	if (l->conn)
		l->server->io.close(l->conn, false);
	l->conn = NULL;
	gate_exchange_free(l->exchange);
	gate_notify_free(l->notify);
}

void gate_link_start(struct gate_link *l, uint32_t delay_ms)
{
	timer_start(l->server->wheel, &l->timer, delay_ms, dial_now, l);
}

void gate_link_stop(struct gate_link *l)
{
	if (l->fsm.state != GATE_LINK_STOPPED)
		fsm_event(&l->fsm, EV_STOP, NULL);
}

void gate_link_opened(struct gate_link *l)
{
	fsm_event(&l->fsm, EV_OPENED, NULL);
}

void gate_link_closed(struct gate_link *l, int err)
{
	char buf[ADDR_TEXT_BYTES];

	if (l->fsm.state == GATE_LINK_ASSOCIATED)
		LOG_WARN("gate", "'%s' at %s lost: %s", l->controller->name, where(l, buf),
			 err ? strerror(-err) : "it hung up");
	fsm_event(&l->fsm, EV_CLOSED, NULL);
}

int gate_link_frame(struct gate_link *l, const uint8_t *frame, size_t len_bytes)
{
	return gate_exchange_frame(l->exchange, frame, len_bytes);
}
