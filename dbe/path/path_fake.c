/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/path/path_fake.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/path/path_gate.h"

struct path_end {
	struct path_gate gate; /* first: a gate pointer is an end pointer */
	struct addr local[PATH_PORTS];
	struct path_net *net;
	struct path_end *next;
};

struct path_net {
	struct path base;
	struct path_end *ends;
	struct path_fake_packet queue[PATH_FAKE_QUEUE];
	size_t head, count;
	size_t nends, opened, changes;
	int fail;
	unsigned fail_count;
};

static struct path_net *net_of(const struct path *p)
{
	return (struct path_net *)p;
}

static int fake_create(uv_loop_t *loop, const struct path_options *o, struct path **ret_path)
{
	struct path_net *n = mem_zalloc(sizeof(*n), NULL);

	(void)loop;
	(void)o;
	if (!n)
		return -ENOMEM;
	n->base.ops = &path_fake;
	*ret_path = &n->base;
	return 0;
}

static void fake_destroy(struct path *p)
{
	mem_unref(p);
}

static struct path_end *net_find(const struct path_net *n, const struct addr *local,
				 enum path_port *ret_port)
{
	for (struct path_end *e = n->ends; e; e = e->next) {
		for (int i = 0; i < PATH_PORTS; i++) {
			if (addr_equal(&e->local[i], local)) {
				*ret_port = (enum path_port)i;
				return e;
			}
		}
	}
	return NULL;
}

static int fake_open(struct path *p, const struct path_open *o, struct path_end **ret_end)
{
	struct path_net *n = net_of(p);
	enum path_port port;
	struct path_end *e;

	if (n->fail_count) {
		n->fail_count--;
		return n->fail;
	}
	if (net_find(n, &o->local[PATH_RTP], &port) || net_find(n, &o->local[PATH_RTCP], &port))
		return -EADDRINUSE;
	e = mem_zalloc(sizeof(*e), NULL);
	if (!e)
		return -ENOMEM;
	path_gate_init(&e->gate, o, clock_now_us());
	memcpy(e->local, o->local, sizeof(e->local));
	e->net = n;
	e->next = n->ends;
	n->ends = e;
	n->nends++;
	n->opened++;
	*ret_end = e;
	return 0;
}

static void fake_join(struct path_end *a, struct path_end *b)
{
	path_gate_join(&a->gate, b ? &b->gate : NULL);
}

static void fake_change(struct path_end *e, const struct path_rules *rules, bool rearm)
{
	e->net->changes++;
	path_gate_change(&e->gate, rules, rearm, clock_now_us());
}

static void fake_read(const struct path_end *e, struct path_counters *ret_counters)
{
	path_gate_read(&e->gate, ret_counters);
}

static void fake_close(struct path_end *e)
{
	if (!e)
		return;
	path_gate_join(&e->gate, NULL);
	for (struct path_end **at = &e->net->ends; *at; at = &(*at)->next) {
		if (*at == e) {
			*at = e->next;
			break;
		}
	}
	e->net->nends--;
	mem_unref(e);
}

static uint32_t fake_warm(struct path *p, const struct addr *ip)
{
	(void)p;
	(void)ip;
	return 0;
}

const struct path_ops path_fake = {
	.name = "fake",
	.create = fake_create,
	.destroy = fake_destroy,
	.open = fake_open,
	.join = fake_join,
	.change = fake_change,
	.read = fake_read,
	.close = fake_close,
	.warm = fake_warm,
};

int path_fake_deliver(struct path *p, const struct addr *to, const struct addr *from,
		      const void *data, size_t len_bytes)
{
	struct path_net *n = net_of(p);
	struct path_packet packet = {
		.data = data, .len_bytes = len_bytes, .from = *from, .now_us = clock_now_us()};
	struct path_end *e = net_find(n, to, &packet.port);
	struct path_fake_packet *q;
	struct path_end *out;
	struct path_hop hop;

	if (!e)
		return -ECONNREFUSED;
	if (path_gate_in(&e->gate, &packet, &hop) != PATH_PASS)
		return 0;
	if (n->count == PATH_FAKE_QUEUE || len_bytes > PATH_FAKE_BYTES) {
		path_gate_sent(&e->gate, &hop, len_bytes, -ENOBUFS);
		return 0;
	}
	out = (struct path_end *)hop.out;
	q = &n->queue[(n->head + n->count++) % PATH_FAKE_QUEUE];
	q->from = out->local[hop.port];
	q->to = *hop.to;
	q->dscp = out->gate.rules.dscp;
	q->len_bytes = len_bytes;
	memcpy(q->data, data, len_bytes);
	path_gate_sent(&e->gate, &hop, len_bytes, 0);
	return 0;
}

int path_fake_take(struct path *p, struct path_fake_packet *ret_packet)
{
	struct path_net *n = net_of(p);

	if (n->count == 0)
		return -EAGAIN;
	*ret_packet = n->queue[n->head];
	n->head = (n->head + 1) % PATH_FAKE_QUEUE;
	n->count--;
	return 0;
}

void path_fake_fail_open(struct path *p, int err, unsigned count)
{
	net_of(p)->fail = err;
	net_of(p)->fail_count = count;
}

size_t path_fake_ends(const struct path *p)
{
	return net_of(p)->nends;
}

size_t path_fake_opened(const struct path *p)
{
	return net_of(p)->opened;
}

size_t path_fake_changes(const struct path *p)
{
	return net_of(p)->changes;
}
