/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport - makes and ends listeners, sends to the right kind of socket, lists connections.
 */
#include "sbe/sip/transport.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/net/device.h"
#include "sbe/sip/transport_private.h"

#define TRANSPORT_NAME_MAX_BYTES 255U

static void on_sweep(uv_timer_t *timer)
{
	transport_stream_sweep(timer->data);
}

static void on_sweep_closed(uv_handle_t *h)
{
	mem_unref(h);
}

static int transport_start_sweep(struct transport *t)
{
	t->sweep = mem_zalloc(sizeof(*t->sweep), NULL);
	if (!t->sweep)
		return -ENOMEM;
	uv_timer_init(t->loop, t->sweep); /* cannot fail */
	t->sweep->data = t;
	uv_timer_start(t->sweep, on_sweep, TRANSPORT_SWEEP_MS, TRANSPORT_SWEEP_MS);
	/* It only looks after connections: it does not keep the loop alive. */
	uv_unref((uv_handle_t *)t->sweep);
	return 0;
}

int transport_new(uv_loop_t *loop, const struct transport_handlers *h, void *arg,
		  struct transport **ret_transport)
{
	struct transport *t = mem_buffer(sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->loop = loop;
	t->h = *h;
	t->arg = arg;
	t->limits = (struct transport_limits)TRANSPORT_LIMITS;
	STAILQ_INIT(&t->listeners);
	err = guard_limiter_new(TRANSPORT_STRANGER_PER_S, TRANSPORT_STRANGER_BURST, &t->limiter);
	if (!err)
		err = table_new(0, &t->by_id);
	if (!err)
		err = table_new(0, &t->by_route);
	if (!err)
		err = table_new(0, &t->by_alias);
	if (!err)
		err = transport_start_sweep(t);
	if (err) {
		transport_free(t);
		return err;
	}
	metric_register(&transport_metrics);
	metric_register(&transport_guard_metrics);
	*ret_transport = t;
	return 0;
}

static int free_connection(void *obj, void *arg)
{
	(void)arg;
	transport_connection_end(obj, false);
	return 0;
}

void transport_free(struct transport *t)
{
	struct transport_listener *l;

	if (!t)
		return;
	if (t->by_id)
		(void)table_each(t->by_id, free_connection, NULL);
	while ((l = STAILQ_FIRST(&t->listeners))) {
		STAILQ_REMOVE_HEAD(&t->listeners, next);
		transport_listener_free(l);
	}
	if (t->sweep)
		uv_close((uv_handle_t *)t->sweep, on_sweep_closed);
	table_free(t->by_id);
	table_free(t->by_route);
	transport_names_free(&t->names);
	table_free(t->by_alias);
	guard_limiter_free(t->limiter);
	mem_free(t);
}

/* What Via and Contact say: always with the port, so that nobody has to guess a default. */
static int listener_set_sent_by(struct transport_listener *l)
{
	char ip[ADDR_TEXT_BYTES], text[TRANSPORT_NAME_MAX_BYTES + 16];
	const char *host = l->advertise;
	struct addr a;

	if (!host)
		host = addr_print_ip(&l->local, true, ip, sizeof(ip));
	else if (addr_parse_ip(host, strlen(host), &a) == 0)
		host = addr_print_ip(&a, true, ip, sizeof(ip));
	(void)snprintf(text, sizeof(text), "%s:%u", host, l->local.port);
	return mem_strdup(text, sizeof(text), &l->sent_by);
}

static int listener_check(const struct transport *t, const struct transport_listen *o)
{
	if (t->nlisteners >= TRANSPORT_LISTENERS_MAX)
		return -ENOSPC;
	if (!o->realm || (unsigned)o->proto >= TRANSPORT_PROTOS)
		return -EINVAL;
	if ((o->proto == TRANSPORT_TLS) != (o->tls != NULL))
		return -EINVAL;
	/* An unspecified address is nothing one could put into a Via. */
	return addr_is_any(&o->local) && !o->advertise ? -EINVAL : 0;
}

int transport_set_stranger_rate(struct transport *t, uint32_t per_s)
{
	struct guard_limiter *limiter;
	int err = guard_limiter_new(per_s, per_s * 2, &limiter);

	if (err)
		return err;
	guard_limiter_free(t->limiter);
	t->limiter = limiter;
	return 0;
}

void transport_set_limits(struct transport *t, const struct transport_limits *limits)
{
	t->limits = *limits;
}

int transport_listen(struct transport *t, const struct transport_listen *o)
{
	struct transport_listener *l;
	int err = listener_check(t, o);

	if (err)
		return err;
	l = mem_zalloc(sizeof(*l), NULL);
	if (!l)
		return -ENOMEM;
	l->transport = t;
	l->proto = (uint8_t)o->proto;
	l->local = o->local;
	l->tls = mem_ref(o->tls);
	err = mem_strdup(o->realm, TRANSPORT_NAME_MAX_BYTES, &l->realm);
	if (!err && o->advertise)
		err = mem_strdup(o->advertise, TRANSPORT_NAME_MAX_BYTES, &l->advertise);
	if (!err && o->device)
		err = mem_strdup(o->device, DEVICE_NAME_BYTES, &l->device);
	l->ipsec = o->ipsec;
	l->dscp = o->dscp;
	if (!err)
		err = o->proto == TRANSPORT_UDP ? transport_udp_open(l) : transport_stream_open(l);
	if (!err)
		err = listener_set_sent_by(l);
	if (err) {
		transport_listener_free(l);
		return err;
	}
	STAILQ_INSERT_TAIL(&t->listeners, l, next);
	t->nlisteners++;
	return 0;
}

int transport_send(struct transport *t, const struct transport_target *to, const void *data,
		   size_t len_bytes)
{
	int err;

	if (!to->listener || to->listener->transport != t || to->listener->proto != to->proto)
		return -EINVAL;
	if (len_bytes > GUARD_MESSAGE_MAX_BYTES)
		return -EMSGSIZE;
	if (to->proto == TRANSPORT_UDP)
		err = transport_udp_send(to, data, len_bytes);
	else
		err = transport_stream_send(t, to, data, len_bytes);
	if (!err)
		metric_add(&transport_metrics, TRANSPORT_OUT_UDP + to->proto, 1);
	return err;
}

static const struct stream *tls_stream(const struct transport_target *from)
{
	const struct transport_connection *c =
		from->proto == TRANSPORT_TLS && from->connection
			? transport_connection_find(from->listener->transport, from->connection)
			: NULL;

	return c && c->listener == from->listener ? c->stream : NULL;
}

bool transport_authenticated(const struct transport_target *from)
{
	const struct stream *s = tls_stream(from);

	return s && stream_authenticated(s);
}

bool transport_has_name(const struct transport_target *from, const char *name)
{
	const struct stream *s = tls_stream(from);

	return s && stream_authenticated(s) && stream_peer_has_name(s, name);
}

/* "TLSv1.3 alias": how far it can be trusted, and used. */
static const char *list_security(const struct transport_connection *c)
{
	static char text[40];
	const char *version = c->stream ? stream_tls_text(c->stream) : "";

	if (!*version)
		return "";
	(void)snprintf(text, sizeof(text), "%s%s%s", version,
		       stream_authenticated(c->stream) ? ", verified" : ", no certificate",
		       c->by_alias.owner ? ", alias" : "");
	return text;
}

static int list_one(void *obj, void *arg)
{
	const struct transport_connection *c = obj;
	char local[ADDR_TEXT_BYTES], remote[ADDR_TEXT_BYTES];
	json_int_t age_s = (json_int_t)((clock_now_ms() - c->opened_ms) / 1000);

	(void)addr_print(&c->listener->local, local, sizeof(local));
	(void)addr_print(&c->remote, remote, sizeof(remote));
	return json_array_append_new(
		arg, json_pack("[I s s s s s s s I I I]", (json_int_t)c->id, c->listener->realm,
			       transport_proto_name(c->listener->proto), local, remote,
			       c->outgoing ? "out" : "in", c->open ? "open" : "opening",
			       list_security(c), age_s, (json_int_t)c->messages_in,
			       (json_int_t)c->messages_out));
}

json_t *transport_list(const struct transport *t)
{
	json_t *rows = json_array();

	if (!rows || table_each(t->by_id, list_one, rows)) {
		json_decref(rows);
		return NULL;
	}
	return json_pack("{s:[s s s s s s s s s s s], s:o}", "columns", "id", "realm", "transport",
			 "local", "remote", "direction", "state", "security", "age_s",
			 "messages_in", "messages_out", "rows", rows);
}
