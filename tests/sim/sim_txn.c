/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_txn - transactions of the peers: what they send again, what they absorb, when they give up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

static LIST_HEAD(, sim_client) clients = LIST_HEAD_INITIALIZER(clients);
static LIST_HEAD(, sim_server) servers = LIST_HEAD_INITIALIZER(servers);

static uint32_t give_up_ms(void)
{
	return 64 * sim.plan.t1_ms;
}

void sim_host_send(struct sim_host *h, const char *text, size_t n)
{
	sim_net_send(SIM_TO_SBE, &h->at, &h->sbe, text, n);
}

/* ---- requests of ours */

size_t sim_request(const struct sim_ua *ua, const struct sim_send *s, const char *branch, char *buf,
		   size_t size)
{
	const char *tag = ua->remote_tag;

	return sim_print(
		buf, size,
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=%s\r\nMax-Forwards: 70\r\n"
		"From: %s;tag=%s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
		"Contact: <sip:user%u@%s:5060>\r\nUser-Agent: %s-phone %s\r\n%s%s%s%s%s"
		"Content-Length: %zu\r\n\r\n%s",
		s->method, s->uri, ua->host->ip, branch, ua->local, ua->local_tag, ua->remote,
		tag[0] ? ";tag=" : "", tag, ua->call_id, s->cseq, s->method, ua->call->index,
		ua->host->ip, ua->host->core ? "pbx" : "carrier", ua->host->ip, ua->routes,
		s->headers ? s->headers : "", s->body && s->body[0] ? "Content-Type: " : "",
		s->body && s->body[0] ? s->type ? s->type : "application/sdp" : "",
		s->body && s->body[0] ? "\r\n" : "", s->body ? strlen(s->body) : 0,
		s->body ? s->body : "");
}

static void client_timer(void *arg);

static void client_wait(struct sim_client *c, uint32_t ms)
{
	timer_start(sim.wheel, &c->timer, ms, client_timer, c);
}

static void client_over(struct sim_client *c)
{
	struct sim_ua *ua = c->ua;

	c->over = true;
	timer_stop(&c->timer);
	if (ua && c->status < 200) {
		ua->unreached = ua->unreached || !c->reached;
		sim_ua_response(ua, c, NULL);
	}
	c->ua = NULL;
}

static void client_timer(void *arg)
{
	struct sim_client *c = arg;
	bool invite = !strcmp(c->method, "INVITE");

	if (clock_now_ms() >= c->until_ms) {
		client_over(c);
		return;
	}
	if (c->status >= 200 || (invite && c->status)) { /* only the end is waited for */
		client_wait(c, (uint32_t)(c->until_ms - clock_now_ms()));
		return;
	}
	sim_count(COVER_RETRANSMITTED);
	sim_host_send(c->host, c->text, c->n);
	c->interval_ms *= 2;
	if (!invite && c->interval_ms > sim.plan.t2_ms)
		c->interval_ms = sim.plan.t2_ms;
	client_wait(c, c->interval_ms);
}

static struct sim_client *client_new(struct sim_host *h, const char *method, const char *branch)
{
	struct sim_client *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->host = h;
	snprintf(c->method, sizeof(c->method), "%s", method);
	snprintf(c->branch, sizeof(c->branch), "%s", branch);
	c->interval_ms = sim.plan.t1_ms;
	c->until_ms = clock_now_ms() + give_up_ms();
	LIST_INSERT_HEAD(&clients, c, link);
	return c;
}

static void client_start(struct sim_client *c, const char *text, size_t n)
{
	c->text = malloc(n + 1);
	if (!c->text)
		abort();
	memcpy(c->text, text, n);
	c->text[n] = '\0';
	c->n = n;
	sim_check_made(c->host, text, n);
	sim_host_send(c->host, c->text, c->n);
	client_wait(c, c->interval_ms);
}

struct sim_client *sim_client_send(struct sim_ua *ua, const struct sim_send *s)
{
	static char text[SIM_MESSAGE_MAX];
	char branch[64];
	struct sim_client *c;

	sim_print(branch, sizeof(branch), "z9hG4bK%08x%08x", sim_pick(UINT32_MAX),
		  sim_pick(UINT32_MAX));
	c = client_new(ua->host, s->method, branch);
	c->ua = ua;
	c->cseq = s->cseq;
	snprintf(c->uri, sizeof(c->uri), "%s", s->uri);
	client_start(c, text, sim_request(ua, s, branch, text, sizeof(text)));
	return c;
}

/* The same start line, Via, From, To, Call-ID as the INVITE; ACK takes To from the response. */
static size_t like_invite(const struct sim_client *c, const char *method, const char *to, char *buf,
			  size_t size)
{
	char via[256], from[512], invite_to[512], call_id[128];

	if (!to)
		to = sim_header(c->text, "To", invite_to, sizeof(invite_to));
	return sim_print(buf, size,
			 "%s %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\n"
			 "Call-ID: %s\r\nCSeq: %u %s\r\nContent-Length: 0\r\n\r\n",
			 method, c->uri, sim_header(c->text, "Via", via, sizeof(via)),
			 sim_header(c->text, "From", from, sizeof(from)), to,
			 sim_header(c->text, "Call-ID", call_id, sizeof(call_id)), c->cseq, method);
}

static void send_cancel(struct sim_client *c)
{
	char text[2048];
	struct sim_client *cancel = client_new(c->host, "CANCEL", c->branch);

	c->cancelled = true;
	c->cancel_due = false;
	c->until_ms = clock_now_ms() + give_up_ms();
	client_wait(c, 1);
	sim_count(COVER_CALLS_CANCELLED);
	client_start(cancel, text, like_invite(c, "CANCEL", NULL, text, sizeof(text)));
}

void sim_client_cancel(struct sim_client *c)
{
	if (c->over || c->status >= 200 || c->cancelled)
		return;
	if (c->status >= 100)
		send_cancel(c);
	else
		c->cancel_due = true; /* RFC 3261 9.1 */
}

static struct sim_client *client_find(const struct sim_host *h, const struct sim_msg *m)
{
	struct sim_client *c;

	LIST_FOREACH(c, &clients, link)
		if (c->host == h && !strcmp(c->branch, m->branch) && !strcmp(c->method, m->method))
			return c;
	return NULL;
}

bool sim_client_reached(const struct sim_host *h, const struct sim_msg *m)
{
	struct sim_client *c = client_find(h, m);

	if (!c || c->n != m->n || memcmp(c->text, m->text, m->n))
		return false;
	c->reached = true;
	return true;
}

static void client_response(struct sim_client *c, const struct sim_msg *m)
{
	bool invite = !strcmp(c->method, "INVITE"), first = m->status >= 200 && c->status < 200;
	char text[2048], to[512];

	if (invite && m->status >= 300) { /* each copy is ACKed */
		size_t n = like_invite(c, "ACK", sim_header(m->text, "To", to, sizeof(to)), text,
				       sizeof(text));

		sim_host_send(c->host, text, n);
	}
	if (m->status < 200) {
		if (c->status >= 200)
			return;
		if (invite && !c->status) /* timer C of a user agent: as long as it likes */
			c->until_ms = clock_now_ms() + 1000000;
		c->status = m->status;
		if (c->cancel_due)
			send_cancel(c);
		if (c->cancelled)
			c->until_ms = clock_now_ms() + give_up_ms();
	} else if (first) {
		c->status = m->status;
		c->until_ms = clock_now_ms() + give_up_ms();
		client_wait(c, give_up_ms());
	} else if (m->status >= 300) {
		return;
	}
	if (c->ua)
		sim_ua_response(c->ua, c, m);
}

/* ---- requests of theirs */

static void server_timer(void *arg)
{
	struct sim_server *s = arg;
	bool invite = !strcmp(s->msg.method, "INVITE");

	if (clock_now_ms() >= s->until_ms) {
		timer_stop(&s->timer);
		if (invite && s->status / 100 == 2 && !s->acked && s->ua)
			sim_ua_no_ack(s->ua, s);
		s->ua = NULL;
		s->acked = true;
		return;
	}
	if (invite && s->status >= 200 && !s->acked) {
		sim_count(COVER_RETRANSMITTED);
		sim_host_send(s->host, s->response, s->response_n);
	}
	s->interval_ms = s->interval_ms * 2 > sim.plan.t2_ms ? sim.plan.t2_ms : s->interval_ms * 2;
	timer_start(sim.wheel, &s->timer, s->interval_ms, server_timer, s);
}

void sim_server_reply(struct sim_server *s, const struct sim_reply *r)
{
	static char text[SIM_MESSAGE_MAX];
	char to[512], from[512], vias[1024] = "";
	size_t n, at = 0;
	const char *line = s->request;

	while ((line = strstr(line, "\r\nVia: "))) {
		line += 2;
		at += sim_print(vias + at, sizeof(vias) - at, "%.*s\r\n",
				(int)strcspn(line, "\r\n"), line);
	}
	sim_header(s->request, "To", to, sizeof(to));
	if (!s->msg.to_tag[0] && r->tag && r->status > 100)
		sim_print(to + strlen(to), sizeof(to) - strlen(to), ";tag=%s", r->tag);
	n = sim_print(text, sizeof(text),
		      "SIP/2.0 %d %s\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
		      "%s%sServer: %s %s\r\nContent-Length: %zu\r\n\r\n%s",
		      r->status,
		      r->status < 200   ? "Going On"
		      : r->status < 300 ? "OK"
					: "No",
		      vias, sim_header(s->request, "From", from, sizeof(from)), to, s->msg.call_id,
		      s->msg.cseq, s->msg.method, r->headers ? r->headers : "",
		      r->body && r->body[0] ? "Content-Type: application/sdp\r\n" : "",
		      s->host->core ? "pbx" : "carrier", s->host->ip, r->body ? strlen(r->body) : 0,
		      r->body ? r->body : "");
	free(s->response);
	s->response = malloc(n + 1);
	if (!s->response)
		abort();
	memcpy(s->response, text, n + 1);
	s->response_n = n;
	s->status = r->status;
	sim_check_made(s->host, text, n);
	sim_host_send(s->host, text, n);
	if (r->status >= 200) {
		s->interval_ms = sim.plan.t1_ms;
		s->until_ms = clock_now_ms() + give_up_ms();
		timer_start(sim.wheel, &s->timer, s->interval_ms, server_timer, s);
	}
}

static struct sim_server *server_find(const struct sim_host *h, const struct sim_msg *m,
				      const char *method)
{
	struct sim_server *s;

	LIST_FOREACH(s, &servers, link)
		if (s->host == h && !strcmp(s->msg.branch, m->branch) &&
		    !strcmp(s->msg.method, method))
			return s;
	return NULL;
}

static struct sim_server *server_new(struct sim_host *h, const struct sim_msg *m)
{
	struct sim_server *s = calloc(1, sizeof(*s));

	if (s)
		s->request = malloc(m->n + 1);
	if (!s || !s->request)
		abort();
	memcpy(s->request, m->text, m->n + 1);
	sim_msg_read(s->request, m->n, &s->msg);
	s->host = h;
	LIST_INSERT_HEAD(&servers, s, link);
	return s;
}

struct sim_server *sim_server_twin(const struct sim_server *s)
{
	struct sim_server *twin = server_new(s->host, &s->msg);

	/* found behind the first one: what comes again for the INVITE is that one's */
	LIST_REMOVE(twin, link);
	LIST_INSERT_AFTER((struct sim_server *)(uintptr_t)s, twin, link);
	return twin;
}

static void take_ack(struct sim_host *h, const struct sim_msg *m)
{
	struct sim_server *s = server_find(h, m, "INVITE");

	if (s && s->status >= 300) {
		s->acked = true;
		return;
	}
	LIST_FOREACH(s, &servers, link) {
		if (s->host != h || s->status / 100 != 2 || s->msg.cseq != m->cseq || !s->ua ||
		    strcmp(s->msg.method, "INVITE") || strcmp(s->msg.call_id, m->call_id) ||
		    strcmp(s->ua->local_tag, m->to_tag))
			continue;
		if (!s->acked) {
			s->acked = true;
			sim_ua_acked(s->ua, s, m);
		}
		return;
	}
}

static void take_cancel(struct sim_host *h, const struct sim_msg *m)
{
	struct sim_server *invite = server_find(h, m, "INVITE"), *s = server_new(h, m);

	sim_server_reply(s, &(struct sim_reply){invite ? 200 : 481, "cancel", NULL, NULL});
	if (!invite || invite->status >= 200)
		return;
	if (invite->ring) {
		sim_ring_cancel(invite->ring);
	} else {
		sim_server_reply(invite, &(struct sim_reply){487, NULL, NULL, NULL});
		if (invite->ua && invite->ua->invited == invite) {
			invite->ua->invited = NULL;
			invite->ua->offered = false;
		}
	}
}

static void take_request(struct sim_host *h, const struct sim_msg *m)
{
	struct sim_server *s;
	struct sim_ua *ua;

	if (!strcmp(m->start, "ACK")) {
		take_ack(h, m);
		return;
	}
	s = server_find(h, m, m->method);
	if (s) { /* once more */
		if (s->response)
			sim_host_send(h, s->response, s->response_n);
		return;
	}
	if (!strcmp(m->start, "CANCEL")) {
		take_cancel(h, m);
		return;
	}
	s = server_new(h, m);
	if (h->stranger)
		sim_breach("the sbe asks a stranger:\n%s", m->text);
	if (sim_digest_refuses(s))
		return;
	ua = m->to_tag[0] ? sim_ua_find(h, m->call_id, m->to_tag, m->from_tag) : NULL;
	if (ua)
		sim_ua_request(ua, s);
	else if (!m->to_tag[0] && !strcmp(m->start, "INVITE"))
		sim_ring_start(s);
	else
		sim_server_reply(s,
				 &(struct sim_reply){m->to_tag[0] ? 481 : 200, "none", NULL, NULL});
}

void sim_peer_receive(struct sim_host *h, const char *text, size_t n)
{
	struct sim_msg m;
	struct sim_client *c;

	if (!sim_msg_read(text, n, &m))
		return; /* answers to garbage need not be complete */
	if (!m.status) {
		take_request(h, &m);
		return;
	}
	c = client_find(h, &m);
	if (c)
		client_response(c, &m);
}

size_t sim_txn_open(void)
{
	struct sim_client *c;
	size_t n = 0;

	LIST_FOREACH(c, &clients, link)
		n += !c->over && c->status < 200;
	return n;
}

void sim_txn_down(void)
{
	struct sim_client *c;
	struct sim_server *s;

	while ((c = LIST_FIRST(&clients))) {
		LIST_REMOVE(c, link);
		timer_stop(&c->timer);
		free(c->text);
		free(c);
	}
	while ((s = LIST_FIRST(&servers))) {
		LIST_REMOVE(s, link);
		timer_stop(&s->timer);
		free(s->request);
		free(s->response);
		free(s);
	}
}
