/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/route/route_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/peer/peer_conf.h"

#define PEERS                                                                                      \
	"'peers':{'pbx':{'realm':'core','sources':['127.0.0.10'],'next_hops':['sip:127.0.0.10']}," \
	"'bnet':{'realm':'peering','sources':['127.0.0.20'],'domains':['b.example'],"              \
	"'next_hops':['sip:127.0.0.20','sip:127.0.0.21;transport=tcp'],'probe':{'interval_s':5}}," \
	"'cnet':{'realm':'peering','sources':['127.0.0.30'],'domains':['c.example'],"              \
	"'next_hops':['sip:127.0.0.30']},"                                                         \
	"'dnet':{'realm':'peering','sources':['127.0.0.40'],'domains':['d.example'],"              \
	"'next_hops':['sip:127.0.0.40']},"                                                         \
	"'luf':{'realm':'peering','sources':['127.0.0.60'],'next_hops':['sip:127.0.0.60'],"        \
	"'redirect':'follow'},"                                                                    \
	"'mute':{'realm':'peering','sources':['127.0.0.50'],'domains':['mute.example']}}"

static const struct conf_field fields[] = {
	{.key = "peers",
	 .type = CONF_MAP,
	 .offset = offsetof(struct bed, peer_confs),
	 .fields = peer_conf_fields,
	 .item_bytes = sizeof(struct peer_conf)},
	{.key = "routes",
	 .type = CONF_ARRAY,
	 .offset = offsetof(struct bed, lists.routes),
	 .fields = route_conf_fields,
	 .item_bytes = sizeof(struct route_conf),
	 .check = route_conf_check},
	{.key = "lookup",
	 .type = CONF_ARRAY,
	 .offset = offsetof(struct bed, lists.lookup),
	 .fields = lookup_conf_fields,
	 .item_bytes = sizeof(struct route_step_conf),
	 .check = lookup_conf_check},
	{.key = "location",
	 .type = CONF_ARRAY,
	 .offset = offsetof(struct bed, lists.location),
	 .fields = location_conf_fields,
	 .item_bytes = sizeof(struct route_step_conf),
	 .check = location_conf_check},
	CONF_END,
};

int bed_up(struct bed *b, const char *members)
{
	char json[8192];
	int n = snprintf(json, sizeof(json), "{%s%s%s}", PEERS, members[0] ? "," : "", members);

	assert_true(n > 0 && (size_t)n < sizeof(json));
	memset(b, 0, sizeof(*b));
	for (char *p = json; *p; p++)
		*p = (char)(*p == '\'' ? '"' : *p);
	if (conf_parse("t.json", json, (size_t)n, &b->doc, &b->error) ||
	    conf_read(b->doc, fields, b, &b->error) ||
	    peer_conf_check(b->doc, "peers", &b->peer_confs, &b->error) ||
	    route_conf_check_all(b->doc, &b->lists, &b->peer_confs, &b->error)) {
		bed_down(b);
		return -EINVAL;
	}
	assert_int_equal(peer_set_new(&b->peer_confs, NULL, NULL, &b->peers), 0);
	assert_int_equal(route_set_new(&b->lists, NULL, b->peers, &b->routes), 0);
	route_set_seed(b->routes, 1);
	return 0;
}

void bed_down(struct bed *b)
{
	b->plan.found = mem_unref(b->plan.found);
	route_set_free(b->routes);
	peer_set_free(b->peers);
	conf_doc_free(b->doc);
	b->routes = NULL;
	b->peers = NULL;
	b->doc = NULL;
}

struct peer *bed_peer(struct bed *b, const char *name)
{
	struct peer *p = peer_find_name(b->peers, name);

	assert_non_null(p);
	return p;
}

static struct route_query query(struct bed *b, const char *from, const char *user, const char *host)
{
	return (struct route_query){.from = from ? bed_peer(b, from) : NULL,
				    .user = user,
				    .host = host,
				    .method = b->method,
				    .calling = b->calling,
				    .at_wall_ms = b->at_wall_ms,
				    .no_sip = b->no_sip,
				    .ours = !strcasecmp(host, "a.example")};
}

/* ---- plans */

static unsigned protos(void *arg, const char *realm, unsigned *ret_families)
{
	(void)arg;
	*ret_families = 3;
	return strcmp(realm, "core") ? 7 : 1;
}

static bool ours(void *arg, const char *host)
{
	(void)arg;
	return !strcasecmp(host, "a.example");
}

static void quality(void *arg, const struct peer *p, struct route_quality *ret_quality)
{
	const struct bed *b = arg;

	*ret_quality = (struct route_quality){.calls = 0};
	if (b->quality && !strcmp(p->name, "bnet"))
		*ret_quality = *b->quality;
}

static void on_plan(void *arg, const struct route_plan *plan)
{
	struct bed *b = arg;

	assert_false(b->planned);
	b->planned = true;
	b->plan = *plan;
	mem_ref(b->plan.found);
}

static void ask(struct bed *b, const struct route_query *q, json_t *why)
{
	struct route_env env = b->env;
	const struct route_asker asker = {on_plan, b, why, NULL};
	struct route_asking *asking;

	env.dns = b->dns;
	env.protos = protos;
	env.ours = ours;
	env.arg = b;
	env.quality = quality;
	b->planned = false;
	b->plan.found = mem_unref(b->plan.found);
	route_ask(b->routes, &env, q, &asker, &asking);
	if (b->answer)
		b->answer(b);
	assert_true(b->planned);
}

const char *bed_plan(struct bed *b, const char *from, const char *user, const char *host,
		     uint64_t now_ms)
{
	static char text[2048];
	struct route_query q = query(b, from, user, host);
	const struct route_plan *p = &b->plan;
	size_t n;

	if (now_ms)
		clock_fake(now_ms * 1000, 0);
	ask(b, &q, NULL);
	if (now_ms)
		clock_real();
	if (p->status) {
		assert_int_equal(p->n, 0);
		(void)snprintf(text, sizeof(text), "%d %s", p->status, p->reason);
		return text;
	}
	n = (size_t)snprintf(text, sizeof(text), "%s:", p->route);
	for (size_t i = 0; i < p->n; i++) {
		if (p->candidates[i].hop < ROUTE_HOP_FOUND)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s/%zu",
					      p->candidates[i].peer->name, p->candidates[i].hop);
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s/%s",
					      p->candidates[i].peer->name, route_hop(p, i)->uri);
	}
	return text;
}

char *bed_why(struct bed *b, const char *from, const char *user, const char *host)
{
	struct route_query q = query(b, from, user, host);
	json_t *why = json_array(), *step;
	char *text = malloc(65536);
	size_t n = 0, i;

	assert_non_null(text);
	ask(b, &q, why);
	json_array_foreach(why, i, step) {
		n += (size_t)snprintf(text + n, 65536 - n, "%s %s: %s: %s\n",
				      json_string_value(json_object_get(step, "step")),
				      json_string_value(json_object_get(step, "subject")),
				      json_string_value(json_object_get(step, "result")),
				      json_string_value(json_object_get(step, "text")));
	}
	json_decref(why);
	return text;
}
