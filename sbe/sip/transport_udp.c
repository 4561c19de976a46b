/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_udp - SIP datagrams of one listener.
 */
#include <errno.h>

#include "sbe/sip/transport_private.h"

static struct transport_target source(const struct transport_listener *l, const struct addr *from)
{
	return (struct transport_target){.proto = TRANSPORT_UDP, .to = *from, .listener = l};
}

static void on_datagram(void *arg, const struct addr *from, const uint8_t *data, size_t len_bytes)
{
	struct transport_listener *l = arg;
	struct transport_input in = {.data = data, .len_bytes = len_bytes, .from = source(l, from)};

	/* Nobody can be answered at port 0. */
	if (from->port == 0 || !transport_admit(l->transport, &in.from))
		return;
	in.waited_us = udp_waited_us(l->udp);
	(void)transport_take(l->transport, &in);
}

static void on_error(void *arg, const struct addr *to, int err)
{
	struct transport_listener *l = arg;
	struct transport_target t = source(l, to);

	if (l->transport->h.failed)
		l->transport->h.failed(l->transport->arg, &t, err);
}

int transport_udp_open(struct transport_listener *l)
{
	static const struct udp_handlers h = {on_datagram, on_error};
	int err = udp_open_on(l->transport->loop, &l->local, l->device, &h, l, &l->udp);

	if (err)
		return err;
	l->local = *udp_local(l->udp);
	err = l->dscp ? udp_set_dscp(l->udp, l->dscp) : 0;
	if (err)
		l->udp = udp_close(l->udp);
	return err;
}

int transport_udp_send(const struct transport_target *to, const void *data, size_t len_bytes)
{
	return udp_send(to->listener->udp, &to->to, data, len_bytes);
}
