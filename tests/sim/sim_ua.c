/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_ua - hosts, calls and their user agents: begin, ACK, BYE, end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

struct sim_calls sim_calls = LIST_HEAD_INITIALIZER(sim_calls);
struct sim_uas sim_uas = LIST_HEAD_INITIALIZER(sim_uas);

struct sim_host sim_hosts[SIM_HOSTS] = {
	[PBX] = {"pbx", "10.0.0.10", "10.0.0.11", true, false},
	[BNET1] = {"bnet1", "198.51.100.20", "198.51.100.22", false, false},
	[BNET2] = {"bnet2", "198.51.100.21", "198.51.100.23", false, false},
	[CNET] = {"cnet", "198.51.100.30", "198.51.100.32", false, false},
	[STRANGER_CORE] = {"stranger.core", "10.0.0.99", "10.0.0.99", true, true},
	[STRANGER_PEERING] = {"stranger.peering", "198.51.100.99", "198.51.100.99", false, true},
};

struct sim_host *sim_host_at(const struct addr *a)
{
	for (unsigned i = 0; i < SIM_HOSTS; i++) {
		if (addr_equal(&sim_hosts[i].at, a))
			return &sim_hosts[i];
	}
	return NULL;
}

void sim_hosts_up(void)
{
	for (unsigned i = 0; i < SIM_HOSTS; i++) {
		struct sim_host *h = &sim_hosts[i];

		if (addr_parse(h->ip, &h->at) ||
		    addr_parse(h->core ? "10.0.0.1:5060" : "203.0.113.1:5060", &h->sbe))
			abort();
		h->at.port = 5060;
		h->cut_until_ms[0] = h->cut_until_ms[1] = 0;
		h->unreachable = false;
	}
}

/* ---- find */

struct sim_call *sim_call_of_number(const char *text)
{
	struct sim_call *call;

	LIST_FOREACH(call, &sim_calls, link)
		if (strstr(text, call->number))
			return call;
	return NULL;
}

struct sim_call *sim_call_of_id(const char *call_id)
{
	struct sim_ua *ua;

	LIST_FOREACH(ua, &sim_uas, link)
		if (!strcmp(ua->call_id, call_id))
			return ua->call;
	return sim_ring_of_id(call_id);
}

struct sim_ua *sim_ua_find(const struct sim_host *h, const char *call_id, const char *local_tag,
			   const char *remote_tag)
{
	struct sim_ua *ua;

	LIST_FOREACH(ua, &sim_uas, link)
		if (ua->host == h && !strcmp(ua->local_tag, local_tag) &&
		    !strcmp(ua->call_id, call_id) &&
		    (!ua->remote_tag[0] || !strcmp(ua->remote_tag, remote_tag)))
			return ua;
	return NULL;
}

struct sim_ua *sim_ua_new(struct sim_call *call, struct sim_host *h)
{
	struct sim_ua *ua = calloc(1, sizeof(*ua));

	if (!ua)
		abort();
	ua->call = call;
	ua->host = h;
	ua->media.direction = "";
	sim_print(ua->local_tag, sizeof(ua->local_tag), "%s-tag-%08x%02x", h->core ? "pbx" : "out",
		  sim_pick(UINT32_MAX), call->index);
	ua->no_update = sim_chance(15);
	sim_session_draw(ua);
	LIST_INSERT_HEAD(&sim_uas, ua, link);
	return ua;
}

/* ---- begin */

static void patience_over(void *arg)
{
	struct sim_call *call = arg;

	call->given_up = true;
	if (call->caller->invite && call->caller->state < UA_UP)
		sim_client_cancel(call->caller->invite);
}

const char *sim_ua_allow(const struct sim_ua *ua)
{
	return ua->no_update
		       ? "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, REFER, NOTIFY\r\n"
		       : "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, "
			 "NOTIFY\r\n";
}

static const char *invite_headers(struct sim_ua *ua, char *buf, size_t size)
{
	size_t n = sim_print(buf, size, "%s", sim_ua_allow(ua));

	if (sim_chance(50))
		n += sim_print(buf + n, size - n, "%s: 100rel\r\n",
			       sim_chance(20) ? "Require" : "Supported");
	if (ua->session.knows)
		sim_count(COVER_SESSION_TIMERS);
	sim_session_ask(ua, buf + n, size - n);
	n = strlen(buf);
	n += sim_replaces(ua, buf + n, size - n);
	if (ua->host->core)
		sim_print(buf + n, size - n, "X-Core-Node: pbx.inner.a.example\r\n");
	return buf;
}

void sim_call_start(unsigned index)
{
	struct sim_call *call = calloc(1, sizeof(*call));
	static const enum sim_host_id from[] = {PBX, PBX, PBX, BNET1, BNET2, CNET};
	char headers[800], uri[128];
	struct sim_ua *ua;
	struct sim_send s = {.method = "INVITE", .headers = headers, .uri = uri};

	if (!call)
		abort();
	call->index = index;
	sim_print(call->number, sizeof(call->number), "+44%s%05u", sim_chance(25) ? "30" : "20",
		  index);
	LIST_INSERT_HEAD(&sim_calls, call, link);
	ua = call->caller = sim_ua_new(call, &sim_hosts[from[sim_pick(6)]]);
	ua->caller = true;
	ua->knows_update = true;
	sim_print(ua->call_id, sizeof(ua->call_id), "%s-call-%u-%08x@%s",
		  ua->host->core ? "pbx" : "out", index, sim_pick(UINT32_MAX), ua->host->ip);
	sim_print(ua->local, sizeof(ua->local), "\"Caller %u\" <sip:+1555%04u@%s>", index, index,
		  ua->host->ip);
	sim_print(uri, sizeof(uri), "sip:%s@a.example", call->number);
	sim_print(ua->remote, sizeof(ua->remote), "<%s>", uri);
	ua->cseq = ua->invite_cseq = s.cseq = 1 + sim_pick(1000);
	ua->state = UA_CALLING;
	ua->late = sim_chance(15);
	ua->ack_never = !sim.plan.clean && sim_chance(3);
	if (ua->late)
		sim_count(COVER_LATE_OFFERS);
	else
		s.body = sim_media_offer(ua);
	ua->offered = !ua->late;
	invite_headers(ua, headers, sizeof(headers));
	sim_count(COVER_CALLS);
	ua->initial = ua->invite = sim_client_send(ua, &s);
	timer_start(sim.wheel, &call->cancel,
		    sim_chance(30) ? sim_pick(30 * sim.plan.t1_ms)
				   : sim_between(50, 150) * sim.plan.t1_ms,
		    patience_over, call);
}

/* ---- ACK, BYE, end */

void sim_ua_ack(struct sim_ua *ua, const char *body)
{
	char branch[64];
	struct sim_send s = {
		.method = "ACK", .uri = ua->target, .cseq = ua->invite_cseq, .body = body};

	sim_print(branch, sizeof(branch), "z9hG4bK%08x", sim_pick(UINT32_MAX));
	ua->ack_n = sim_request(ua, &s, branch, ua->ack, sizeof(ua->ack));
	ua->ack_sent = true;
	sim_check_made(ua->host, ua->ack, ua->ack_n);
	sim_host_send(ua->host, ua->ack, ua->ack_n);
}

void sim_ua_ack_again(struct sim_ua *ua, unsigned cseq)
{
	char branch[64], text[2048];
	struct sim_send s = {.method = "ACK", .uri = ua->target, .cseq = cseq};

	if (ua->invite_cseq == cseq) {
		sim_host_send(ua->host, ua->ack, ua->ack_n);
		return;
	}
	sim_print(branch, sizeof(branch), "z9hG4bK%08x", sim_pick(UINT32_MAX));
	sim_host_send(ua->host, text, sim_request(ua, &s, branch, text, sizeof(text)));
}

void sim_ua_up(struct sim_ua *ua)
{
	if (ua->state == UA_DOWN || ua->state == UA_UP)
		return;
	ua->state = UA_UP;
	sim_ua_act_later(ua);
}

void sim_ua_end(struct sim_ua *ua)
{
	ua->state = UA_DOWN;
	timer_stop(&ua->act);
	sim_session_stop(ua);
	if (ua->invited && ua->invited->status < 200 && !ua->invited->ring)
		sim_server_reply(ua->invited, &(struct sim_reply){487, NULL, NULL, NULL});
	ua->invited = NULL;
}

void sim_ua_bye(struct sim_ua *ua)
{
	if (ua->state == UA_DOWN || ua->bye_sent)
		return;
	sim_count(COVER_HANGUPS);
	sim_ua_end(ua);
	ua->bye_sent = true;
	sim_client_send(ua,
			&(struct sim_send){.method = "BYE", .uri = ua->target, .cseq = ++ua->cseq});
}

void sim_ua_down_all(void)
{
	struct sim_ua *ua;
	struct sim_call *call;

	while ((ua = LIST_FIRST(&sim_uas))) {
		LIST_REMOVE(ua, link);
		timer_stop(&ua->act);
		sim_session_stop(ua);
		free(ua);
	}
	while ((call = LIST_FIRST(&sim_calls))) {
		LIST_REMOVE(call, link);
		timer_stop(&call->cancel);
		free(call);
	}
}
