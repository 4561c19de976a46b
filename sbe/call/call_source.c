/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_source.h"

#include <errno.h>

#include "common/log.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/sdp/body_sdp.h"

/* The narrowest of the peer's prefixes around an address. */
static const struct addr_prefix *around(const struct conf_list *list, const struct addr *a)
{
	const struct addr_prefix *p = list->items, *best = NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (addr_prefix_has(&p[i], a) && (!best || p[i].bits > best->bits))
			best = &p[i];
	}
	return best;
}

static bool outside(const struct conf_list *list, const struct addr *a)
{
	/* 0.0.0.0 is hold, and nobody's address */
	return list->n && a->family && !addr_is_any(a) && !around(list, a);
}

int call_source_check(const struct call *call, int side, const struct body_sdp *sdp)
{
	const struct peer *p = call->legs[side].peer;
	const struct conf_list *list = &p->conf->sec.media;
	char text[ADDR_TEXT_BYTES];

	for (unsigned i = 0; list->n && i < sdp->n_media; i++) {
		const struct body_media *m = &sdp->media[i];

		if (!call_media_relayed(m) || (!outside(list, &m->rtp) && !outside(list, &m->rtcp)))
			continue;
		metric_add(&call_metrics, CALL_MEDIA_ASTRAY, 1);
		LOG_INFO("call", "%s: peer %s names %s for media, which is not among its addresses",
			 call->token, p->name, addr_print(&m->rtp, text, sizeof(text)));
		return -EACCES;
	}
	return 0;
}

void call_source_filter(const struct call *call, int side, struct gate_stream *g)
{
	const struct conf_list *list = &call->legs[side].peer->conf->sec.media;
	const struct addr_prefix *p =
		list->n && (g->has & GATE_HAS_REMOTE) ? around(list, &g->remote_rtp) : NULL;

	if (!p || (g->source != GATE_SOURCE_LATCH && g->source != GATE_SOURCE_ANY))
		return; /* the signalled address, which has been looked at, is narrower */
	g->source = GATE_SOURCE_LATCH;
	g->source_prefix = *p;
}
