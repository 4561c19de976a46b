/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin_peer - commands on peers and routes.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/admin/sbe_admin.h"
#include "sbe/sip/wire.h"

static const char *health(const struct peer *p)
{
	return p->down ? "down" : "up";
}

static int list_one(struct peer *p, void *arg)
{
	admin_row(
		arg,
		json_pack("[s,s,s,s,i,i,I,I,I]", p->name, p->conf->realm,
			  p->state->blocked ? "blocked" : "in service", health(p),
			  (int)p->state->sessions[PEER_IN], (int)p->state->sessions[PEER_OUT],
			  (json_int_t)(p->state->attempts[PEER_IN] + p->state->attempts[PEER_OUT]),
			  (json_int_t)(p->state->answered[PEER_IN] + p->state->answered[PEER_OUT]),
			  (json_int_t)p->state->limited));
	return 0;
}

static int peer_list_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	static const char *const columns[] = {"peer", "realm",    "admin",    "health",  "in",
					      "out",  "attempts", "answered", "limited", NULL};
	struct sbe_admin_app *app = arg;

	(void)c;
	*ret_data = admin_table(columns);
	peer_each((*app->snapshot)->peers, list_one, *ret_data);
	return ADMIN_OK;
}

static struct peer *find(struct sbe_admin_app *app, struct admin_call *c, const char *name)
{
	struct peer *p = peer_find_name((*app->snapshot)->peers, name);

	if (!p)
		admin_error(c, ADMIN_NOT_FOUND, "no peer %s (see: peer list)", name);
	return p;
}

static const char *hop_state(const struct peer *p, size_t i, char *buf, size_t size_bytes)
{
	char since[25];

	if (p->hops[i].down) {
		clock_print(p->hops[i].down_wall_ms, since, sizeof(since));
		snprintf(buf, size_bytes, "down since %s: %s", since, p->hops[i].why);
		return buf;
	}
	if (peer_hop_resting(p, i, clock_now_ms()))
		return "asked not to be used (503, Retry-After)";
	return p->hops[i].retry_ms > clock_now_ms() ? "failed a moment ago, tried last" : "up";
}

static json_t *show_hops(const struct peer *p)
{
	json_t *list = json_array();
	char state[128];

	for (size_t i = 0; i < p->nhops; i++) {
		json_array_append_new(list, json_pack("{s:s,s:s}", "uri", p->hops[i].uri, "state",
						      hop_state(p, i, state, sizeof(state))));
	}
	return list;
}

static json_t *show_limits(const struct peer_limits *l)
{
	return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "sessions", (int)l->sessions,
			 "sessions_in", (int)l->sessions_in, "sessions_out", (int)l->sessions_out,
			 "cps", (int)l->cps, "cps_in", (int)l->cps_in, "cps_out", (int)l->cps_out,
			 "transactions",
			 (int)(l->transactions ? l->transactions : PEER_TRANSACTIONS),
			 "messages_per_s", (int)l->messages_per_s);
}

/* How many calls each limit has refused; those that have refused none are left out. */
static json_t *show_limited(const struct peer *p)
{
	json_t *o = json_object();

	for (int l = PEER_LIMIT_NONE + 1; l < PEER_LIMIT_COUNT; l++) {
		if (p->state->limited_by[l])
			json_object_set_new(o, peer_limit_name((enum peer_limit)l),
					    json_integer((json_int_t)p->state->limited_by[l]));
	}
	if (p->state->lookups.refused)
		json_object_set_new(o, "lookup_limit",
				    json_integer((json_int_t)p->state->lookups.refused));
	return o;
}

static int peer_show_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct sbe_admin_app *app = arg;
	struct peer *p = find(app, c, c->args[0]);
	const char *domain = p ? peer_domain(p) : NULL;

	if (!p)
		return ADMIN_NOT_FOUND;
	*ret_data = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:o,s:{s:i,s:i},s:o,s:{s:I,s:I},s:{s:I,s:I},s:I,s:I,s:o,s:i,s:o,s:o,s:{s:I,s:I}}",
		"peer", p->name, "realm", p->conf->realm, "domain", domain ? domain : "", "admin",
		p->state->blocked ? "blocked" : "in service", "health", health(p), "next_hops",
		show_hops(p), "sessions", "in", (int)p->state->sessions[PEER_IN], "out",
		(int)p->state->sessions[PEER_OUT], "limits", show_limits(&p->conf->limits),
		"attempts", "in", (json_int_t)p->state->attempts[PEER_IN], "out",
		(json_int_t)p->state->attempts[PEER_OUT], "answered", "in",
		(json_int_t)p->state->answered[PEER_IN], "out",
		(json_int_t)p->state->answered[PEER_OUT], "limited", (json_int_t)p->state->limited,
		"failovers", (json_int_t)p->state->failovers, "limited_by", show_limited(p),
		"transactions", (int)p->state->transactions.open, "overload",
		sbe_admin_peer_overload(p), "quality", sbe_admin_peer_quality(p), "bandwidth_kbps",
		"now", (json_int_t)p->state->kbps, "limit", (json_int_t)p->conf->media.all_kbps);
	return *ret_data ? ADMIN_OK : admin_error(c, ADMIN_FAILED, "out of memory");
}

static int block(void *arg, struct admin_call *c, json_t **ret_data, bool on)
{
	struct peer *p = find(arg, c, c->args[0]);

	if (!p)
		return ADMIN_NOT_FOUND;
	peer_block(p, on);
	peer_set_measure((*((struct sbe_admin_app *)arg)->snapshot)->peers);
	*ret_data = json_pack(
		"{s:s}", "text",
		on ? "No new calls from or to this peer; those that are up go on. Undo: peer unblock NAME"
		   : "New calls from and to this peer are allowed again.");
	return ADMIN_OK;
}

static int peer_block_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	return block(arg, c, ret_data, true);
}

static int peer_unblock_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	return block(arg, c, ret_data, false);
}

static int route_list_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	(void)c;
	*ret_data = route_list((*((struct sbe_admin_app *)arg)->snapshot)->routes);
	return ADMIN_OK;
}

static bool is_ours(struct sbe_admin_app *app, const struct wire_uri *u)
{
	const struct call_config *config = &(*app->snapshot)->call;

	if (u->is_tel || transport_is_ours(app->transport, u->host, u->port))
		return true;
	for (size_t i = 0; i < config->ndomains; i++) {
		if (wire_text_is_nocase(u->host, config->domains[i]))
			return true;
	}
	return false;
}

/* A question to the routes that may take time. */
struct explaining {
	struct admin_pending *pending; /* NULL: the answer was there at once */
	json_t *data, *steps;
	bool done;
};

static void add_candidates(json_t *data, const struct route_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->n; i++)
		json_array_append_new(list,
				      json_pack("{s:s,s:s}", "peer", plan->candidates[i].peer->name,
						"next_hop", route_hop(plan, i)->uri));
	json_object_set_new(data, "candidates", list);
}

/* Does this domain or number peer with us, and how (B9)? */
static const char *peers_in_words(const struct route_plan *plan)
{
	const struct peer *p = plan->n ? plan->candidates[0].peer : NULL;

	if (!p && plan->unknown)
		return "not known: a look-up failed";
	if (!p)
		return plan->status == 404 ? "no" : "yes, but nobody there can be used now";
	return p->conf->mode == PEER_ON_DEMAND ? "yes, on demand" : "yes, as agreed";
}

static void explained(void *arg, const struct route_plan *plan)
{
	struct explaining *x = arg;

	x->done = true;
	sbe_admin_why_to(x->steps, plan);
	json_object_set_new(x->data, "route", json_string(plan->route));
	json_object_set_new(x->data, "peers", json_string(peers_in_words(plan)));
	if (plan->looked_up) {
		json_object_set_new(x->data, "ttl_s", json_integer(plan->ttl_s));
		json_object_set_new(x->data, "stale", json_boolean(plan->stale));
	}
	json_object_set_new(x->data, "took_ms", json_integer(plan->took_ms));
	json_object_set_new(x->data, "steps", x->steps);
	if (plan->status) {
		json_object_set_new(x->data, "status", json_integer(plan->status));
		json_object_set_new(x->data, "reason",
				    json_string(plan->reason ? plan->reason : ""));
	} else {
		add_candidates(x->data, plan);
	}
	if (!x->pending)
		return;
	admin_finish(x->pending, ADMIN_OK, NULL, x->data);
	mem_unref(x);
}

/* Ask the routes what they would do; no call is placed. */
static int explain(struct sbe_admin_app *app, struct admin_call *c, struct route_query *asked,
		   const char *target, json_t **ret_data)
{
	char text[300], user[ROUTE_USER_BYTES], host[ROUTE_HOST_BYTES];
	struct route_query q = *asked;
	struct route_asking *asking;
	struct route_asker asker;
	struct explaining *x;
	struct route_env env;
	struct wire_uri u;

	q.user = user;
	q.host = host;
	snprintf(text, sizeof(text), "%s%s", strchr(target, ':') ? "" : "tel:", target);
	if (wire_uri_parse((struct wire_text){text, strlen(text)}, &u))
		return admin_error(c, ADMIN_USAGE,
				   "%.100s is neither a number nor a sip or tel URI", target);
	wire_text_copy(u.user, user, sizeof(user));
	wire_text_copy(u.host, host, sizeof(host));
	q.ours = is_ours(app, &u);
	x = mem_zalloc(sizeof(*x), NULL);
	if (!x)
		return admin_error(c, ADMIN_FAILED, "out of memory");
	x->steps = json_array();
	if (q.from)
		sbe_admin_why_from(x->steps, q.from);
	x->data = json_pack("{s:s,s:s}", "from", q.from ? q.from->name : "", "target", target);
	asker = (struct route_asker){explained, x, x->steps, NULL};
	call_route_env(app->calls, &env);
	route_ask((*app->snapshot)->routes, &env, &q, &asker, &asking);
	if (!x->done) {
		x->pending = admin_defer(c);
		if (x->pending)
			return ADMIN_LATER;
		route_cancel(asking);
		json_decref(x->data);
		json_decref(x->steps);
		mem_unref(x);
		return admin_error(c, ADMIN_FAILED, "out of memory");
	}
	*ret_data = x->data;
	mem_unref(x);
	return ADMIN_OK;
}

static int route_test_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	const char *to = admin_opt(c, "to"), *from = admin_opt(c, "from"), *at = admin_opt(c, "at");
	struct route_query q = {.method = admin_opt(c, "method"),
				.calling = admin_opt(c, "calling")};
	struct tm tm = {0};

	if (!to)
		return admin_error(c, ADMIN_USAGE, "usage: route test --from PEER --to URI");
	if (from && !(q.from = find(arg, c, from)))
		return ADMIN_NOT_FOUND;
	if (at) {
		const char *end = strptime(at, "%Y-%m-%dT%H:%MZ", &tm);

		if (!end || *end)
			return admin_error(c, ADMIN_USAGE,
					   "--at is a time of UTC such as 2026-01-31T08:30Z");
		q.at_wall_ms = (uint64_t)timegm(&tm) * 1000;
	}
	return explain(arg, c, &q, to, ret_data);
}

static int lookup_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct route_query q = {.no_sip = true};

	return explain(arg, c, &q, c->args[0], ret_data);
}

static int subscription_list_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	(void)c;
	*ret_data = event_list(((struct sbe_admin_app *)arg)->events);
	return ADMIN_OK;
}

const struct admin_cmd sbe_admin_peer_cmds[] = {
	{"peer", "list", "", 0, 0, "Peers with admin state, health and sessions.", peer_list_cmd},
	{"peer", "show", "NAME", 1, 1, "One peer with its next hops, limits and counters.",
	 peer_show_cmd},
	{"peer", "block", "NAME", 1, 1, "Refuse new calls from and to a peer; running calls go on.",
	 peer_block_cmd},
	{"peer", "unblock", "NAME", 1, 1, "Allow calls from and to a peer again.",
	 peer_unblock_cmd},
	{"route", "list", "", 0, 0, "Routes in the order they are tried.", route_list_cmd},
	{"route", "test", "--from PEER --to URI [--calling NUMBER] [--method METHOD] [--at TIME]",
	 0, 0, "Which way a call would go, step by step, without placing it.", route_test_cmd},
	{"subscription", "list", "", 0, 0, "Subscriptions between peers, e.g. of presence.",
	 subscription_list_cmd},
	{"lookup", "", "NUMBER|URI", 1, 1,
	 "Does a number or domain peer, and where does it lead? Without a caller and without SIP.",
	 lookup_cmd},
	{.noun = NULL},
};
