/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event - who sends what, may they, and is it of a size and kind that was agreed. Refusals keep nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/admin.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/event/event_private.h"
#include "sbe/peer/peer_identify.h"
#include "sbe/policy/policy_ingress.h"

METRIC_TABLE(event_metrics, EVENT_METRICS)

#define SUBSCRIPTIONS_MAX 1000000U

/* ---- life */

static void core_destroy(void *obj)
{
	struct event_core *core = obj;
	struct event_pass *p;
	struct event_sub *sub;

	while ((p = LIST_FIRST(&core->passes)))
		event_pass_end(p, 0);
	while ((sub = LIST_FIRST(&core->subs)))
		event_sub_free(sub);
	table_free(core->dialogs);
}

int event_core_new(const struct event_options *o, const struct event_config *c,
		   struct event_core **ret_core)
{
	struct event_core *core = mem_zalloc(sizeof(*core), core_destroy);
	int err;

	if (!core)
		return -ENOMEM;
	core->o = *o;
	core->c = *c;
	LIST_INIT(&core->passes);
	LIST_INIT(&core->subs);
	err = table_new(2 * SUBSCRIPTIONS_MAX, &core->dialogs);
	if (err) {
		mem_unref(core);
		return err;
	}
	metric_register(&event_metrics);
	*ret_core = core;
	return 0;
}

void event_core_free(struct event_core *core)
{
	mem_unref(core);
}

void event_core_configure(struct event_core *core, const struct event_config *c)
{
	core->c = *c;
}

size_t event_count(const struct event_core *core)
{
	return core->npasses + core->nsubs;
}

/* ---- what several files ask */

void event_refuse(struct txn_server *s, int status, const char *phrase, const char *headers)
{
	struct txn_reply r = {.status = status, .reason = phrase, .headers = headers};

	r.headers_bytes = headers ? strlen(headers) : 0;
	metric_add(&event_metrics, EVENT_REFUSED, 1);
	txn_server_reply(s, &r);
	txn_server_detach(s);
}

void event_way(const struct event_core *core, const struct peer *from, const struct peer *to,
	       const struct transport_listener *via, struct policy_way *ret_way)
{
	*ret_way = (struct policy_way){.from = from,
				       .to = to,
				       .transport = core->o.transport,
				       .domains = core->c.domains,
				       .ndomains = core->c.ndomains,
				       .our_host = transport_sent_by(via)};
}

bool event_package_agreed(const struct peer_conf *c, struct wire_text package)
{
	const char *const *names = c->presence.events.items;

	for (size_t i = 0; i < c->presence.events.n; i++) {
		if (wire_text_is_nocase(package, names[i]))
			return true;
	}
	return false;
}

bool event_agreed(const struct peer_conf *c, enum wire_method method)
{
	switch (method) {
	case WIRE_MESSAGE:
		return c->im.page;
	case WIRE_SUBSCRIBE:
		return c->presence.events.n > 0;
	case WIRE_PUBLISH:
		return c->presence.publish;
	default:
		return false;
	}
}

/* ---- outside a dialog */

static bool type_passes(const struct peer_conf *c, const struct wire_msg *m)
{
	const char *const *types = c->im.types.items;
	struct wire_text type = wire_content_type(m);
	const char *end = type.n ? memchr(type.s, ';', type.n) : NULL;

	if (end)
		type.n = (size_t)(end - type.s);
	while (type.n && type.s[type.n - 1] == ' ')
		type.n--;
	if (!wire_body(m).n)
		return true;
	for (size_t i = 0; i < c->im.types.n; i++) {
		if (wire_text_is_nocase(type, types[i]))
			return true;
	}
	return false;
}

static void refuse_type(struct txn_server *s, const struct peer_conf *c)
{
	const char *const *types = c->im.types.items;
	char line[512];
	struct text_out t;

	text_start(&t, line, sizeof(line) - 3);
	text_add(&t, "Accept: ");
	for (size_t i = 0; i < c->im.types.n; i++) {
		text_add(&t, i ? ", " : "");
		text_add(&t, types[i]);
	}
	text_add(&t, "\r\n");
	event_refuse(s, 415, NULL, line);
}

/* @return true: it was refused */
static bool refused(struct txn_server *s, const struct wire_msg *m, struct peer *p)
{
	const struct peer_conf *c = p->conf;
	bool page = wire_method(m) == WIRE_MESSAGE;
	uint32_t max_bytes = page ? c->im.max_bytes : c->presence.max_bytes;
	struct wire_header h;

	if (wire_max_forwards(m) == 0)
		event_refuse(s, 483, NULL, NULL);
	else if (p->state->blocked)
		event_refuse(s, 503, NULL, NULL);
	else if (c->auth.challenge)
		event_refuse(s, 403, "Calls Only", NULL); /* the challenge is of calls */
	else if (wire_header_find(m, "require", &h) && !wire_has_token(m, "require", "eventlist"))
		event_refuse(s, 420, NULL, NULL);
	else if (wire_body(m).n > max_bytes)
		event_refuse(s, 413, NULL, NULL);
	else if (page && !type_passes(c, m))
		refuse_type(s, c);
	else if (page && !rate_take(&p->pages, 1, clock_now_us()))
		event_refuse(s, 503, NULL, NULL);
	else
		return false;
	return true;
}

static void begin_subscription(struct event_core *core, struct txn_server *s,
			       const struct wire_msg *m, struct peer *p)
{
	struct event_sub *sub = NULL;
	char header[600] = "";
	uint32_t expires_s;
	int err = event_sub_expires(m, p->conf, &expires_s, header, sizeof(header));

	if (err) {
		event_refuse(s, err, NULL, header[0] ? header : NULL);
		return;
	}
	if (p->state->subscriptions >= p->conf->presence.subscriptions ||
	    core->nsubs >= SUBSCRIPTIONS_MAX) {
		event_refuse(s, 503, NULL, NULL);
		return;
	}
	if (event_sub_new(core, s, m, p, &sub)) {
		event_refuse(s, 500, NULL, NULL);
		return;
	}
	sub->expires_s = expires_s;
	event_pass_new(core, s, m, p, sub);
}

/* Whose domain it is for, and whether such a request was agreed (E11). @return true: it was refused. */
static bool not_agreed(const struct event_core *core, struct txn_server *s,
		       const struct wire_msg *m, const struct peer *p)
{
	const struct transport_target *from = txn_server_source(s);
	struct policy_refusal no;
	struct policy_way way;

	event_way(core, p, NULL, from->listener, &way);
	if (policy_ingress_peer(&way, m, &no) && policy_ingress_target(&way, m, &no) &&
	    policy_ingress_caller(&way, from, m, &no))
		return false;
	event_refuse(s, no.status, no.phrase, NULL);
	return true;
}

static bool outside(struct event_core *core, struct txn_server *s, const struct wire_msg *m)
{
	struct peer *p = peer_identify(core->c.peers, txn_server_source(s));
	enum wire_method method = wire_method(m);

	if (!p || !event_agreed(p->conf, method))
		return false; /* refused as a request of the call layer: 403 or 405 */
	if (not_agreed(core, s, m, p) || refused(s, m, p))
		return true;
	if (core->npasses >= EVENT_PASSES_MAX)
		event_refuse(s, 503, NULL, NULL);
	else if (method == WIRE_SUBSCRIBE)
		begin_subscription(core, s, m, p);
	else
		event_pass_new(core, s, m, p, NULL);
	return true;
}

/* ---- the entry */

static bool in_dialog(struct event_core *core, struct txn_server *s, const struct wire_msg *m)
{
	const struct transport_target *from = txn_server_source(s);
	struct event_leg *leg = dialog_find(core->dialogs, m);
	const struct peer *p;

	if (!leg)
		return false;
	p = peer_identify(core->c.peers, from);
	/* Right identifiers, wrong sender: told nothing (RFC 6404, C13) */
	if (!p || strcmp(p->name, leg->peer->name) != 0 ||
	    (p->conf->mode != PEER_STATIC && !addr_ip_equal(&leg->from, &from->to))) {
		metric_add(&event_metrics, EVENT_FOREIGN, 1);
		event_refuse(s, 481, NULL, NULL);
	} else if (dialog_check_cseq(&leg->dialog, m)) {
		event_refuse(s, 500, "CSeq Out Of Order", NULL);
	} else {
		event_sub_request(leg, s, m);
	}
	return true;
}

bool event_on_request(struct event_core *core, struct txn_server *s, const struct wire_msg *m)
{
	enum wire_method method = wire_method(m);
	struct wire_party to;

	if (method == WIRE_INVITE || method == WIRE_BYE)
		return false;
	wire_to(m, &to);
	if (to.tag.n)
		return in_dialog(core, s, m);
	return (method == WIRE_MESSAGE || method == WIRE_SUBSCRIBE || method == WIRE_PUBLISH) &&
	       outside(core, s, m);
}

/* ---- for operators */

json_t *event_list(const struct event_core *core)
{
	static const char *const columns[] = {"package", "subscriber",   "notifier",
					      "state",   "expires_in_s", NULL};
	json_t *table = admin_table(columns);
	const struct event_sub *sub;

	LIST_FOREACH(sub, &core->subs, link) {
		if (table &&
		    admin_row(table, json_pack("[s,s,s,s,I]", sub->package, sub->legs[0].peer->name,
					       sub->legs[1].peer ? sub->legs[1].peer->name : "",
					       sub->ending ? "ending"
					       : sub->up   ? "active"
							   : "asking",
					       (json_int_t)(timer_left_ms(&sub->expiry) / 1000)))) {
			json_decref(table);
			return NULL;
		}
	}
	return table;
}
