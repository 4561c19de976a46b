/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_udp - common/net/udp.h on the simulated network: linked in place of the real one.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/net/udp.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_check.h"

struct udp {
	LIST_ENTRY(udp) link;
	struct addr local;
	struct udp_handlers h;
	void *arg;
};

static LIST_HEAD(, udp) sockets = LIST_HEAD_INITIALIZER(sockets);

int udp_open(uv_loop_t *loop, const struct addr *local, const struct udp_handlers *h, void *arg,
	     struct udp **ret_udp)
{
	struct udp *u = calloc(1, sizeof(*u));

	(void)loop;
	if (!u)
		return -ENOMEM;
	u->local = *local;
	u->h = *h;
	u->arg = arg;
	LIST_INSERT_HEAD(&sockets, u, link);
	*ret_udp = u;
	return 0;
}

int udp_open_on(uv_loop_t *loop, const struct addr *local, const char *device,
		const struct udp_handlers *h, void *arg, struct udp **ret_udp)
{
	(void)device;
	return udp_open(loop, local, h, arg, ret_udp);
}

int udp_set_dscp(struct udp *u, uint8_t dscp)
{
	(void)u;
	(void)dscp;
	return 0;
}

int udp_send(struct udp *u, const struct addr *to, const void *data, size_t len_bytes)
{
	sim.sent++;
	sim_check_sent(&u->local, to, data, len_bytes);
	sim_net_send(SIM_FROM_SBE, &u->local, to, data, len_bytes);
	return 0;
}

const struct addr *udp_local(const struct udp *u)
{
	return &u->local;
}

uint64_t udp_waited_us(const struct udp *u)
{
	(void)u;
	return 0;
}

unsigned udp_queue_percent(const struct udp *u)
{
	(void)u;
	return 0;
}

struct udp *udp_close(struct udp *u)
{
	if (u)
		LIST_REMOVE(u, link);
	free(u);
	return NULL;
}

static struct udp *socket_at(const struct addr *local)
{
	struct udp *u;

	LIST_FOREACH(u, &sockets, link)
		if (addr_equal(&u->local, local))
			return u;
	return NULL;
}

bool sim_udp_deliver(const struct addr *from, const struct addr *to, const uint8_t *data,
		     size_t len_bytes)
{
	struct udp *u = socket_at(to);

	sim.received++;
	if (u)
		u->h.recv(u->arg, from, data, len_bytes);
	return u != NULL;
}

void sim_udp_error(const struct addr *local, const struct addr *to, int err)
{
	struct udp *u = socket_at(local);

	if (u && u->h.error)
		u->h.error(u->arg, to, err);
}
