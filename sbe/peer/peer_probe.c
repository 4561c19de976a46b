/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_probe - one small watcher per next hop with its timer; memory is taken when the watch begins,
 * so that a probe itself allocates nothing beyond its transaction.
 */
#include "sbe/peer/peer_probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/table.h"
#include "sbe/sip/wire_out.h"

#define SUBSYSTEM "peer"
#define FIRST_PROBE_MS                                                                             \
	2000 /* the first probes are spread over this, or over the interval if that is less */
#define ANSWER_MAX_MS 5000 /* a hop that takes longer is of no use for calls either */
#define CALL_ID_BITS 128
#define TAG_BITS 72

struct watch {
	struct peer_probe *pp;
	struct peer *peer; /* reference */
	size_t hop;
	struct timer timer;
	struct txn_client *txn;    /* NULL = none is out */
	uint32_t failed, answered; /* in a row */
};

struct peer_probe {
	struct peer_probe_options o;
	struct peer_set *set;
	struct watch *watches;
	size_t n;
};

static void probe(void *arg);

/* ---- results */

static void set_down(struct watch *w, bool down, const char *why)
{
	struct peer *p = w->peer;
	bool before = p->down;
	char text[64];

	if (p->hops[w->hop].down == down)
		return;
	snprintf(text, sizeof(text), "%u probes failed, the last: %s", w->failed, why);
	peer_hop_set_down(p, w->hop, down ? text : NULL);
	peer_set_measure(w->pp->set);
	if (down)
		LOG_WARN(SUBSYSTEM, "peer %s: next hop %s is down after %u probes: %s", p->name,
			 p->hops[w->hop].uri, w->failed, why);
	else
		LOG_NOTICE(SUBSYSTEM, "peer %s: next hop %s is up", p->name, p->hops[w->hop].uri);
	if (p->down != before)
		LOG_NOTICE(SUBSYSTEM, "peer %s is %s", p->name,
			   p->down ? "down: no next hop is left" : "up");
}

static void alive(struct watch *w)
{
	metric_add(&peer_metrics, PEER_PROBE_OK, 1);
	w->failed = 0;
	w->answered++;
	if (w->answered < w->peer->conf->probe.up_after && w->peer->hops[w->hop].down)
		return;
	peer_hop_answered(w->peer, w->hop);
	set_down(w, false, "");
}

static void dead(struct watch *w, const char *why)
{
	metric_add(&peer_metrics, PEER_PROBE_FAILED, 1);
	w->answered = 0;
	w->failed++;
	LOG_DEBUG(SUBSYSTEM, "peer %s: probe %u of %s: %s", w->peer->name, w->failed,
		  w->peer->hops[w->hop].uri, why);
	if (w->failed >= w->peer->conf->probe.down_after)
		set_down(w, true, why);
}

static void on_response(void *arg, const struct wire_msg *m)
{
	struct watch *w = arg;
	int status = wire_status(m);

	if (status < 200)
		return;
	txn_client_detach(w->txn); /* what it still has to absorb is not our business */
	w->txn = NULL;
	if (status == 503 || status == 408)
		dead(w, status == 503 ? "answered 503" : "answered 408");
	else
		alive(w);
}

static void on_failed(void *arg, int err)
{
	struct watch *w = arg;

	w->txn = NULL;
	dead(w, err == -ETIMEDOUT ? "no answer" : strerror(-err));
}

static const struct txn_client_handlers handlers = {.response = on_response, .failed = on_failed};

/* ---- asking */

static uint32_t interval_ms(const struct watch *w)
{
	return w->peer->conf->probe.interval_s * 1000;
}

static uint32_t answer_ms(const struct watch *w)
{
	uint32_t ms = interval_ms(w) -
		      interval_ms(w) / 10; /* the result is there before the next one goes */

	return ms < ANSWER_MAX_MS ? ms : ANSWER_MAX_MS;
}

/* A request of its own each time (own Call-ID and tag), or a hop could take it for a late copy. */
static int write_headers(const struct watch *w, const struct transport_target *to,
			 struct wire_out *o)
{
	static const char *const param[TRANSPORT_PROTOS] = {"", ";transport=tcp", ";transport=tls"};
	const struct peer_hop *hop = &w->peer->hops[w->hop];
	const char *we = transport_sent_by(to->listener);
	char call_id[CALL_ID_BITS / 4 + 1], tag[TAG_BITS / 4 + 1];
	size_t n;

	wire_random_token(call_id, sizeof(call_id), CALL_ID_BITS);
	wire_random_token(tag, sizeof(tag), TAG_BITS);
	wire_out_header(o, "Max-Forwards", "70");
	wire_out_header(o, "From", "<sip:%s>;tag=%s", we, tag);
	wire_out_header(o, "To", "<%s>", hop->uri);
	wire_out_header(o, "Call-ID", "%s", call_id);
	wire_out_header(o, "CSeq", "1 OPTIONS");
	wire_out_header(o, "Contact", "<sip:%s%s>", we, param[to->proto]);
	wire_out_header(o, "Accept", "application/sdp");
	return wire_out_end(o, &n);
}

static int ask(struct watch *w)
{
	const struct peer_hop *hop = &w->peer->hops[w->hop];
	struct transport_target to = {.proto = (uint8_t)hop->proto,
				      .overload = w->peer->conf->overload.consent,
				      .peer = w->peer->state->number,
				      .to = hop->addr};
	char headers[1024];
	struct wire_out out;
	struct txn_request r = {.method = "OPTIONS", .uri = hop->uri, .timeout_ms = answer_ms(w)};
	int err;

	to.listener = w->pp->o.listener(w->pp->o.arg, w->peer, w->hop);
	if (!to.listener)
		return -EADDRNOTAVAIL;
	wire_out_init(&out, headers, sizeof(headers));
	err = write_headers(w, &to, &out);
	if (err)
		return err;
	r.headers = headers;
	r.headers_bytes = out.len_bytes;
	return txn_client_new(w->pp->o.txns, &to, &r, &handlers, w, &w->txn);
}

static void probe(void *arg)
{
	struct watch *w = arg;
	int err;

	timer_start(w->pp->o.wheel, &w->timer, interval_ms(w), probe, w);
	if (w->txn) { /* its deadline is shorter than the interval, but timers may be late */
		txn_client_detach(w->txn);
		w->txn = NULL;
		dead(w, "no answer");
	}
	err = ask(w);
	if (err == -ENOMEM)
		return; /* says nothing about the hop */
	if (err)
		dead(w, err == -EADDRNOTAVAIL ? "the realm has no listener of its protocol"
					      : strerror(-err));
}

/* ---- who is watched */

static void drop(struct watch *watches, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		timer_stop(&watches[i].timer);
		if (watches[i].txn)
			txn_client_detach(watches[i].txn);
		mem_unref(watches[i].peer);
	}
	mem_free(watches);
}

static void probe_destroy(void *obj)
{
	struct peer_probe *pp = obj;

	drop(pp->watches, pp->n);
}

int peer_probe_new(const struct peer_probe_options *o, struct peer_probe **ret_probe)
{
	struct peer_probe *pp = mem_zalloc(sizeof(*pp), probe_destroy);

	if (!pp)
		return -ENOMEM;
	pp->o = *o;
	*ret_probe = pp;
	return 0;
}

void peer_probe_free(struct peer_probe *pp)
{
	mem_unref(pp);
}

static int count_hops(struct peer *p, void *arg)
{
	if (p->conf->probe.interval_s)
		*(size_t *)arg += p->nhops;
	return 0;
}

static int start(struct peer *p, void *arg)
{
	struct peer_probe *pp = arg;

	for (size_t i = 0; p->conf->probe.interval_s && i < p->nhops; i++) {
		struct watch *w = &pp->watches[pp->n];
		uint32_t spread_ms;

		*w = (struct watch){.pp = pp, .peer = mem_ref(p), .hop = i};
		spread_ms = interval_ms(w) < FIRST_PROBE_MS ? interval_ms(w) : FIRST_PROBE_MS;
		/* a sequence that fills the span evenly, however many there are (golden ratio) */
		timer_start(pp->o.wheel, &w->timer,
			    (uint64_t)((uint32_t)pp->n * 2654435769U) * spread_ms >> 32, probe, w);
		pp->n++;
	}
	return 0;
}

int peer_probe_watch(struct peer_probe *pp, struct peer_set *set)
{
	struct watch *watches;
	size_t n = 0;

	peer_each(set, count_hops, &n);
	watches = mem_buffer(n * sizeof(*watches));
	if (!watches)
		return -ENOMEM;
	drop(pp->watches, pp->n);
	pp->watches = watches;
	pp->n = 0;
	pp->set = set;
	peer_each(set, start, pp);
	peer_set_measure(set);
	return 0;
}
