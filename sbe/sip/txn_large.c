/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_large - a request that may not fit into one packet goes by TCP instead of UDP, and by UDP after all if TCP is refused
 * (RFC 3261 18.1.1).
 *
 * Only its Via says so: the dialog lives where it did, and each request in it is measured anew. The fallback happens
 * once for a request, so its end is bounded by the deadline it began with.
 */
#include <errno.h>
#include <string.h>

#include "common/text.h"
#include "sbe/sip/txn_private.h"

bool txn_large_turn(const struct txn_layer *l, struct transport_target *target, size_t len_bytes)
{
	const struct transport_listener *tcp;

	if (target->proto != TRANSPORT_UDP || !l->h.large)
		return false;
	tcp = l->h.large(l->arg, target, len_bytes);
	if (!tcp)
		return false;
	metric_add(&txn_metrics, TXN_LARGE, 1);
	target->proto = TRANSPORT_TCP;
	target->listener = tcp;
	target->connection = 0;
	target->large = true;
	return true;
}

/* The request again with another transport in its Via, which is the first header of what we write. */
static int rewrite(struct txn_client *c, const struct transport_target *to)
{
	static const char via[] = "\r\nVia: SIP/2.0/";
	const char *at = memmem(c->bytes, c->nbytes, via, sizeof(via) - 1);
	const char *end = c->bytes + c->nbytes, *rest;
	struct text_out t;

	rest = at ? memchr(at + sizeof(via), ';', (size_t)(end - at) - sizeof(via)) : NULL;
	if (!rest)
		return -EINVAL;
	if (c->nbytes + strlen(transport_sent_by(to->listener)) >= TXN_MESSAGE_MAX_BYTES)
		return -EMSGSIZE;
	text_start(&t, c->layer->out, TXN_MESSAGE_MAX_BYTES);
	text_add_bytes(&t, c->bytes, (size_t)(at + 2 - c->bytes));
	text_add(&t, "Via: SIP/2.0/UDP ");
	text_add(&t, transport_sent_by(to->listener));
	text_add_bytes(&t, rest, (size_t)(end - rest));
	return txn_keep(&c->bytes, &c->nbytes, c->layer->out, t.len_bytes);
}

bool txn_large_back(struct txn_client *c)
{
	struct transport_target to = c->target;

	if (!to.large || !c->layer->h.refused)
		return false;
	to.large = false;
	to.proto = TRANSPORT_UDP;
	to.listener = c->layer->h.refused(c->layer->arg, &c->target);
	if (!to.listener || rewrite(c, &to))
		return false;
	metric_add(&txn_metrics, TXN_LARGE_BACK, 1);
	c->target = to;
	return true;
}
