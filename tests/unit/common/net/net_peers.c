/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/net/net_peers.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

uint32_t net_sum(uint32_t sum, const uint8_t *data, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++)
		sum = sum * 31 + data[i];
	return sum;
}

static void net_end_on_open(void *arg)
{
	struct net_end *e = arg;

	e->opened++;
}

static void net_end_on_data(void *arg, const uint8_t *data, size_t len_bytes)
{
	struct net_end *e = arg;

	assert_non_null(e->s); /* no callback after stream_close */
	e->chunks++;
	e->bytes += (int)len_bytes;
	e->sum = net_sum(e->sum, data, len_bytes);
	if (e->echo)
		assert_int_equal(stream_send(e->s, data, len_bytes), 0);
	if (e->chunks == e->close_at)
		e->s = e->close_flushed ? stream_close_flushed(e->s) : stream_close(e->s);
}

static void net_end_on_closed(void *arg, int err)
{
	struct net_end *e = arg;

	assert_non_null(e->s);
	e->closed++;
	e->err = err;
	snprintf(e->why, sizeof(e->why), "%s", stream_error_text(e->s));
	if (!e->keep)
		e->s = stream_close(e->s);
}

const struct stream_handlers net_end_handlers = {
	.open = net_end_on_open,
	.data = net_end_on_data,
	.closed = net_end_on_closed,
};

int net_scene_setup(void **state)
{
	struct net_scene *n = test_calloc(1, sizeof(*n));

	n->live = mem_live();
	assert_int_equal(uv_loop_init(&n->loop), 0);
	n->dir = net_temp_dir();
	*state = n;
	return 0;
}

int net_scene_teardown(void **state)
{
	struct net_scene *n = *state;

	stream_close(n->client.s);
	for (int i = 0; i < n->naccepted; i++)
		stream_close(n->accepted[i].s);
	stream_listener_close(n->listener);
	net_finish(&n->loop, n->live);
	net_remove_dir(n->dir);
	test_free(n);
	return 0;
}

static void net_scene_on_accept(void *arg, struct stream *s)
{
	struct net_scene *n = arg;
	struct net_end *e = &n->accepted[n->naccepted];

	if (n->refuse) {
		stream_close(s);
		n->naccepted++;
		return;
	}
	if (n->ignore)
		return;
	assert_in_range(n->naccepted, 0, 7);
	n->naccepted++;
	e->s = s;
	e->echo = n->echo;
	stream_set_handlers(s, &net_end_handlers, e);
}

void net_scene_listen(struct net_scene *n, const struct stream_listen_options *o)
{
	struct addr at = net_addr("127.0.0.1:0");

	assert_int_equal(stream_listen(&n->loop, &at, o, net_scene_on_accept, n, &n->listener), 0);
	assert_int_not_equal(stream_listener_local(n->listener)->port, 0);
}

int net_scene_connect(struct net_scene *n, struct net_end *e, const struct stream_options *o)
{
	return stream_connect(&n->loop, stream_listener_local(n->listener), o, &net_end_handlers, e,
			      &e->s);
}
