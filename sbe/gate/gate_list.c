/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator sees of dbes and gates. */
#include <stdio.h>
#include <string.h>

#include "common/admin.h"
#include "common/clock.h"
#include "sbe/gate/gate_private.h"

#define GATES_MAX 10000 /* rows of one list */

static const char *health_name(const struct gate_dbe *d)
{
	static const char *const names[] = {"lost", "up", "tripped"};

	return names[d->health];
}

static const char *admin_name(const struct gate_dbe *d)
{
	return d->drained || d->draining ? "draining" : "in service";
}

/* "core 20/100 peering 5/100" */
static void print_ports(const struct gate_dbe *d, char *buf, size_t size_bytes)
{
	size_t i, used = 0;
	int n;

	buf[0] = 0;
	for (i = 0; i < d->nrealms; i++) {
		const struct gate_realm_state *r = &d->realms[i];

		n = snprintf(buf + used, size_bytes - used, "%s%s %u/%u%s", i ? " " : "",
			     gate_pool_realm_name(d->pool, r->name), r->ports_free, r->ports_total,
			     r->up ? "" : " down");
		if (n < 0 || (size_t)n >= size_bytes - used)
			break;
		used += (size_t)n;
	}
}

json_t *gate_pool_list(const struct gate_pool *p)
{
	static const char *const columns[] = {"name",     "address",    "admin", "health",
					      "contexts", "ports_free", "load",  "rtt_ms",
					      "since_s",  NULL};
	json_t *table = admin_table(columns);
	struct gate_exchange_counts n;
	char ports[512];
	size_t i;

	for (i = 0; table && i < p->ndbes; i++) {
		const struct gate_dbe *d = p->dbes[i];

		gate_exchange_count(d->exchange, &n);
		print_ports(d, ports, sizeof(ports));
		admin_row(table, json_pack("[ssssIsIfI]", d->name, d->address, admin_name(d),
					   health_name(d), (json_int_t)d->ncontexts, ports,
					   (json_int_t)d->load_percent, n.rtt_us / 1000.0,
					   (json_int_t)((clock_now_ms() - d->since_ms) / 1000)));
	}
	return table;
}

/* {"address":..., "ports":"16384-20479"} */
static json_t *range(const struct gate_media_range *r)
{
	char ip[ADDR_TEXT_BYTES], ports[24];

	snprintf(ports, sizeof(ports), "%u-%u", r->first.port, r->last);
	return json_pack("{s:s,s:s}", "address", addr_print_ip(&r->first, false, ip, sizeof(ip)),
			 "ports", ports);
}

static json_t *ranges(const struct gate_dbe *d, size_t realm)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < d->nranges; i++) {
		if (d->ranges[i].realm == realm)
			json_array_append_new(list, range(&d->ranges[i]));
	}
	return list;
}

json_t *gate_pool_media(const struct gate_pool *p, const char *realm)
{
	json_t *list = json_array(), *r;

	for (size_t i = 0; list && i < p->ndbes; i++) {
		const struct gate_dbe *d = p->dbes[i];

		for (size_t k = 0; k < d->nranges; k++) {
			if (strcmp(gate_pool_realm_name(p, d->realms[d->ranges[k].realm].name),
				   realm))
				continue;
			r = range(&d->ranges[k]);
			json_object_set_new(r, "dbe", json_string(d->name));
			json_array_append_new(list, r);
		}
	}
	return list;
}

static json_t *realms(const struct gate_dbe *d)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < d->nrealms; i++) {
		const struct gate_realm_state *r = &d->realms[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:b, s:b, s:I, s:I, s:o}", "name",
						gate_pool_realm_name(d->pool, r->name), "up", r->up,
						"ipv4", r->ipv4, "ipv6", r->ipv6, "ports_total",
						(json_int_t)r->ports_total, "ports_free",
						(json_int_t)r->ports_free, "media", ranges(d, i)));
	}
	return list;
}

json_t *gate_pool_show(const struct gate_pool *p, const char *name)
{
	const struct gate_dbe *d = gate_pool_find(p, name);
	struct gate_exchange_counts n;

	if (!d)
		return NULL;
	gate_exchange_count(d->exchange, &n);
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:f, s:o, "
			 "s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}}",
			 "name", d->name, "address", d->address, "admin", admin_name(d),
			 "drained_here", d->drained, "drained_there", d->draining, "health",
			 health_name(d), "probation", d->probation, "since_s",
			 (json_int_t)((clock_now_ms() - d->since_ms) / 1000), "epoch",
			 (json_int_t)gate_exchange_peer_epoch(d->exchange), "contexts",
			 (json_int_t)d->ncontexts, "contexts_max", (json_int_t)d->contexts_max,
			 "load", (json_int_t)d->load_percent, "rtt_ms", n.rtt_us / 1000.0, "realms",
			 realms(d), "requests", "sent", (json_int_t)n.requests_out, "open",
			 (json_int_t)n.open, "sent_again", (json_int_t)n.resent, "timeouts",
			 (json_int_t)n.timeouts, "received", (json_int_t)n.requests_in,
			 "duplicates", (json_int_t)n.duplicates, "errors", (json_int_t)n.errors);
}

static json_t *gate_row(const struct gate_context *c)
{
	char local[2][ADDR_TEXT_BYTES] = {"", ""}, remote[2][ADDR_TEXT_BYTES] = {"", ""};
	int side;

	for (side = 0; side < 2; side++) {
		if (c->local[side].family)
			addr_print(&c->local[side], local[side], ADDR_TEXT_BYTES);
		if (c->remote[side].family)
			addr_print(&c->remote[side], remote[side], ADDR_TEXT_BYTES);
	}
	return json_pack("[ssIIsssssssss]", c->label, c->dbe->name, (json_int_t)c->id,
			 (json_int_t)((clock_now_ms() - c->opened_ms) / 1000),
			 c->state == GATE_CONTEXT_LOST ? "lost" : "open",
			 gate_pool_realm_name(c->pool, c->realm[0]), local[0], remote[0],
			 gate_mode_name(c->mode[0]), gate_pool_realm_name(c->pool, c->realm[1]),
			 local[1], remote[1], gate_mode_name(c->mode[1]));
}

json_t *gate_pool_gates(const struct gate_pool *p)
{
	static const char *const columns[] = {
		"call",     "dbe",    "context", "age_s",   "state",    "realm_a", "local_a",
		"remote_a", "mode_a", "realm_b", "local_b", "remote_b", "mode_b",  NULL};
	json_t *table = admin_table(columns);
	const struct gate_context *c;
	size_t i, rows = 0;

	for (i = 0; table && i < p->ndbes; i++) {
		TAILQ_FOREACH(c, &p->dbes[i]->list, link) {
			if (c->state == GATE_CONTEXT_CLOSING)
				continue;
			if (rows++ == GATES_MAX)
				return table;
			admin_row(table, gate_row(c));
		}
	}
	return table;
}
