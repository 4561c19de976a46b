/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_ring - a new INVITE at the callee: nothing, provisional responses of several forks, reliable or not, with media
 * or not, and some final answer, or two of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

#define FORKS 3

struct fork {
	struct sim_ua *ua;
	bool described; /* a session description went out with a reliable 18x, or the 2xx must repeat it */
	bool reliable; /* its description went out reliably: none goes with the 2xx */
	unsigned rseq;
	char sdp[1024];
};

struct sim_ring {
	LIST_ENTRY(sim_ring) link;
	struct sim_call *call;
	struct sim_server *server;
	struct fork forks[FORKS];
	unsigned nforks, left; /* provisional responses still to be sent */
	int final;             /* 0 = never */
	unsigned winner;
	bool takes_reliable, needs_reliable, late, done, second, forks_too;
	struct timer timer;
	/* a reliable 18x that is not acknowledged */
	struct timer again;
	char *pending;
	size_t pending_n;
	unsigned pending_rseq, pending_fork;
	uint32_t interval_ms;
	uint64_t until_ms;
};

static LIST_HEAD(, sim_ring) rings = LIST_HEAD_INITIALIZER(rings);

static void next_step(void *arg);

static void wait_ms(struct sim_ring *r, uint32_t ms)
{
	timer_start(sim.wheel, &r->timer, ms, next_step, r);
}

/* ---- forks */

static struct fork *fork_of(struct sim_ring *r, unsigned i)
{
	struct fork *f = &r->forks[i];
	const struct sim_msg *m = &r->server->msg;
	char value[512];
	struct sim_ua *ua = f->ua;

	if (ua)
		return f;
	ua = f->ua = sim_ua_new(r->call, r->server->host);
	snprintf(ua->call_id, sizeof(ua->call_id), "%s", m->call_id);
	sim_header(m->text, "To", ua->local, sizeof(ua->local));
	sim_header(m->text, "From", value, sizeof(value));
	if (strstr(value, ";tag="))
		*strstr(value, ";tag=") = '\0';
	snprintf(ua->remote, sizeof(ua->remote), "%s", value);
	snprintf(ua->remote_tag, sizeof(ua->remote_tag), "%s", m->from_tag);
	sim_uri(sim_header(m->text, "Contact", value, sizeof(value)), ua->target,
		sizeof(ua->target));
	ua->knows_update = sim_has_token(m->text, "Allow", "UPDATE");
	ua->remote_cseq = m->cseq;
	ua->cseq = sim_pick(500);
	ua->state = UA_EARLY;
	r->nforks++;
	if (r->nforks > 1)
		sim_count(COVER_FORKS);
	return f;
}

/* The same description in each response of a fork (RFC 3261 13.2.1); none when it has gone out reliably. */
static const char *describe(struct sim_ring *r, struct fork *f)
{
	if (f->reliable)
		return NULL;
	if (!f->described)
		snprintf(f->sdp, sizeof(f->sdp), "%s",
			 r->late ? sim_media_offer(f->ua)
				 : sim_media_answer(f->ua, r->server->msg.body));
	if (!r->late)
		sim_media_agree(f->ua, r->server->msg.body);
	f->described = true;
	return f->sdp;
}

/* ---- reliable provisional responses */

static void forget_pending(struct sim_ring *r)
{
	timer_stop(&r->again);
	free(r->pending);
	r->pending = NULL;
}

static void send_again(void *arg)
{
	struct sim_ring *r = arg;

	if (clock_now_ms() >= r->until_ms) { /* RFC 3262 3 */
		forget_pending(r);
		if (!r->done) {
			r->final = 504;
			wait_ms(r, 0);
			r->left = 0;
		}
		return;
	}
	sim_host_send(r->server->host, r->pending, r->pending_n);
	r->interval_ms *= 2;
	timer_start(sim.wheel, &r->again, r->interval_ms, send_again, r);
}

static void keep_pending(struct sim_ring *r, unsigned i, unsigned rseq)
{
	r->pending_n = r->server->response_n;
	r->pending = malloc(r->pending_n + 1);
	if (!r->pending)
		abort();
	memcpy(r->pending, r->server->response, r->pending_n + 1);
	r->pending_rseq = rseq;
	r->pending_fork = i;
	r->interval_ms = sim.plan.t1_ms;
	r->until_ms = clock_now_ms() + 64 * sim.plan.t1_ms;
	timer_start(sim.wheel, &r->again, r->interval_ms, send_again, r);
}

void sim_ring_prack(struct sim_ua *ua, struct sim_server *s)
{
	char rack[64];
	struct sim_ring *r;
	unsigned rseq = 0, cseq = 0;
	struct sim_reply ok = {.status = 200};

	sim_header(s->msg.text, "RAck", rack, sizeof(rack));
	sscanf(rack, "%u %u", &rseq, &cseq);
	LIST_FOREACH(r, &rings, link) {
		struct fork *f = &r->forks[r->pending_fork];

		if (!r->pending || f->ua != ua || rseq != r->pending_rseq ||
		    cseq != r->server->msg.cseq)
			continue;
		forget_pending(r);
		if (s->msg.body[0] && !(r->late && f->described))
			ok.body = sim_media_answer(ua, s->msg.body); /* an offer in PRACK */
		sim_media_agree(ua, s->msg.body);
		sim_server_reply(s, &ok);
		return;
	}
	ok.status = 481;
	sim_server_reply(s, &ok);
}

/* ---- steps */

static void provisional(struct sim_ring *r)
{
	static const int statuses[] = {180, 180, 183, 183, 181, 182, 100};
	unsigned i = r->forks_too && sim_chance(25) ? sim_pick(FORKS) : 0;
	struct sim_reply reply = {.status = statuses[sim_pick(7)]};
	char headers[512];
	struct fork *f;
	size_t n;

	if (reply.status == 100) {
		sim_server_reply(r->server, &reply);
		return;
	}
	f = fork_of(r, i);
	sim_count(COVER_RINGING);
	n = sim_print(headers, sizeof(headers), "Contact: <sip:user%u@%s:5060>\r\n%s",
		      r->call->index, r->server->host->ip, sim_ua_allow(f->ua));
	if (r->needs_reliable || (r->takes_reliable && sim_chance(50))) {
		f->rseq = f->rseq ? f->rseq + 1 : 1 + sim_pick(1000);
		sim_print(headers + n, sizeof(headers) - n, "Require: 100rel\r\nRSeq: %u\r\n",
			  f->rseq);
		sim_count(COVER_RELIABLE);
	}
	reply.headers = headers;
	reply.tag = f->ua->local_tag;
	if (sim_chance(35) && (!r->late || f->rseq)) {
		bool reliably = strstr(headers, "RSeq") != NULL;

		if (!r->late || reliably)
			reply.body = describe(r, f);
		if (reply.body)
			sim_count(COVER_EARLY_MEDIA);
		if (reliably && reply.body)
			f->reliable = true;
	}
	sim_server_reply(r->server, &reply);
	if (strstr(headers, "RSeq"))
		keep_pending(r, i, f->rseq);
}

static void answer(struct sim_ring *r, unsigned i)
{
	struct fork *f = fork_of(r, i);
	struct sim_reply reply = {.status = 200, .tag = f->ua->local_tag};
	char headers[400];
	size_t n = sim_print(headers, sizeof(headers),
			     "Contact: <sip:user%u@%s:5060>\r\n%sSupported: 100rel\r\n",
			     r->call->index, r->server->host->ip, sim_ua_allow(f->ua));

	sim_session_grant(f->ua, &r->server->msg, headers + n, sizeof(headers) - n);
	reply.headers = headers;
	reply.body = describe(r, f);
	f->ua->offered = r->late && reply.body;
	r->server->ua = f->ua;
	f->ua->state = UA_UP;
	if (r->call->redirected)
		sim_count(COVER_FOLLOWED_UP);
	sim_server_reply(r->server, &reply);
}

/*
 * Where else: to peers, as they are known or not, to strangers, back, and what is no place at all. Where somebody
 * makes a 2xx of a 3xx its Contact comes back to him, so it names nothing of the other side then.
 */
static void redirect(struct sim_ring *r, char *buf, size_t size)
{
	static const char *const places[] = {
		"b.example",
		"c.example",
		"a.example",
		"evil.example",
		"198.51.100.20:5060",
		"198.51.100.21:5060",
		"198.51.100.30",
		"198.51.100.99",
		"203.0.113.1",
		"198.51.100.30?Route=%3Csip:198.51.100.99%3E",
		"198.51.100.30;maddr=198.51.100.99",
		"10.0.0.10",
	};
	struct sim_call *call = r->call;
	unsigned contacts = 1 + sim_pick(4), n = 12;
	size_t at = 0;

	sim_count(COVER_REDIRECTS);
	call->redirected = true;
	if (sim.plan.clean) {
		sim_print(buf, size, "Contact: <sip:%s@198.51.100.30>\r\n", call->number);
		return;
	}
	if (sim.plan.rogue)
		n = r->server->host->core ? 4 : 11;
	for (unsigned i = 0; i < contacts; i++)
		at += sim_print(buf + at, size - at, "Contact: <sip:%s@%s>;q=0.%u\r\n",
				sim_chance(80) ? call->number : "+4999", places[sim_pick(n)],
				sim_pick(10));
}

static void refuse(struct sim_ring *r)
{
	struct sim_reply reply = {.status = r->final, .tag = "refused"};
	char headers[1000] = "";

	sim_count(COVER_REFUSALS);
	if (r->final / 100 == 3) {
		redirect(r, headers, sizeof(headers));
	} else if (r->final == 401 || r->final == 407) {
		sim_count(COVER_CHALLENGES);
		sim_print(headers, sizeof(headers),
			  "%s-Authenticate: Digest realm=\"%s\", nonce=\"%08x\"\r\n",
			  r->final == 401 ? "WWW" : "Proxy",
			  r->server->host->core ? "a" : "b.example", sim_pick(UINT32_MAX));
	} else if (r->final == 503) {
		sim_count(COVER_UNAVAILABLE);
		sim_print(headers, sizeof(headers), "Retry-After: %u\r\n", sim_pick(5));
	} else if (r->final == 422) {
		sim_print(headers, sizeof(headers), "Min-SE: 120\r\n");
	}
	reply.headers = headers;
	if (r->nforks)
		reply.tag = r->forks[0].ua ? r->forks[0].ua->local_tag : reply.tag;
	sim_server_reply(r->server, &reply);
	for (unsigned i = 0; i < FORKS; i++) {
		if (r->forks[i].ua)
			sim_ua_end(r->forks[i].ua);
	}
}

static void losers_end(struct sim_ring *r)
{
	for (unsigned i = 0; i < FORKS; i++) {
		if (i == r->winner || (r->second && i == (r->winner + 1) % FORKS))
			continue;
		if (r->forks[i].ua && r->forks[i].ua->state == UA_EARLY)
			sim_ua_end(r->forks[i].ua);
	}
}

/* A 2xx of another fork: the same INVITE, so it goes past the transaction. */
static void second_2xx(struct sim_ring *r)
{
	struct sim_server *first = r->server;
	unsigned other = (r->winner + 1) % FORKS;

	if (r->forks[other].ua && r->forks[other].ua->state == UA_DOWN)
		return;
	sim_count(COVER_FORK_2XX);
	r->server = sim_server_twin(first);
	answer(r, other);
	r->server = first;
}

static void finish(struct sim_ring *r)
{
	if (!r->final)
		return; /* rings for ever */
	if (!r->done) {
		r->done = true;
		r->server->ring = NULL;
		forget_pending(r);
		if (r->final >= 300) {
			refuse(r);
			return;
		}
		answer(r, r->winner);
		losers_end(r);
		if (r->second)
			wait_ms(r, sim_pick(4 * sim.plan.t1_ms));
	} else if (r->second) {
		r->second = false;
		second_2xx(r);
	}
}

static void next_step(void *arg)
{
	struct sim_ring *r = arg;

	if (r->pending && !r->done) { /* one at a time, and the 2xx waits for its PRACK */
		wait_ms(r, sim.plan.t1_ms);
		return;
	}
	if (r->left) {
		r->left--;
		provisional(r);
		wait_ms(r, sim_between(1, 20 * sim.plan.t1_ms));
		return;
	}
	finish(r);
}

static int draw_final(const struct sim_call *call, const struct sim_host *h)
{
	static const int refusals[] = {302, 300, 401, 407, 404, 408, 420, 422, 480, 481,
				       486, 487, 488, 491, 500, 503, 503, 503, 603, 606};

	if (sim.plan.follow && !h->core && sim_chance(20) &&
	    !(sim.plan.clean && (call->redirected || h == &sim_hosts[CNET])))
		return 302;
	if (sim.plan.clean || sim_chance(72))
		return 200;
	return refusals[sim_pick(20)];
}

void sim_ring_start(struct sim_server *s)
{
	struct sim_call *call = sim_call_of_number(s->msg.text);
	struct sim_ring *r;

	if (!call) { /* of somebody who plays by no rules */
		sim_server_reply(s, &(struct sim_reply){404, "nobody", NULL, NULL});
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	LIST_INSERT_HEAD(&rings, r, link);
	r->call = call;
	r->server = s;
	s->ring = r;
	r->late = !s->msg.body[0];
	r->needs_reliable = sim_has_token(s->msg.text, "Require", "100rel");
	r->takes_reliable = r->needs_reliable || sim_has_token(s->msg.text, "Supported", "100rel");
	r->final = draw_final(call, s->host);
	/* whoever has heard something of a callee is not led to another one */
	r->left = sim.plan.clean && r->final == 302 ? 0 : sim_pick(4);
	/* An offer of one fork and another one of the next: nobody promises that call. */
	r->forks_too = !(sim.plan.clean && r->late);
	r->winner = r->forks_too && sim_chance(25) ? sim_pick(FORKS) : 0;
	r->second = r->final == 200 && !sim.plan.clean && sim_chance(8);
	if (!sim.plan.clean && sim_chance(6)) { /* not a word, or only that it is being tried */
		sim_count(COVER_MUTE);
		if (sim_chance(30))
			sim_server_reply(s, &(struct sim_reply){.status = 100});
		return;
	}
	if (!sim.plan.clean && sim_chance(4))
		r->final = 0;
	wait_ms(r, sim_pick(3) ? sim_pick(sim.plan.t1_ms) : sim_pick(10 * sim.plan.t1_ms));
}

struct sim_call *sim_ring_of_id(const char *call_id)
{
	struct sim_ring *r;

	LIST_FOREACH(r, &rings, link)
		if (!strcmp(r->server->msg.call_id, call_id))
			return r->call;
	return NULL;
}

void sim_ring_cancel(struct sim_ring *r)
{
	if (r->done)
		return;
	r->done = true;
	r->second = false;
	timer_stop(&r->timer);
	forget_pending(r);
	r->final = 487;
	r->server->ring = NULL;
	refuse(r);
}

void sim_ring_down_all(void)
{
	struct sim_ring *r;

	while ((r = LIST_FIRST(&rings))) {
		LIST_REMOVE(r, link);
		timer_stop(&r->timer);
		forget_pending(r);
		free(r);
	}
}
