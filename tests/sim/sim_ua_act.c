/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_ua_act - what a user agent does by itself while its call is up: changes, questions, and in the end BYE.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

static void act(void *arg);

void sim_ua_act_later(struct sim_ua *ua)
{
	if (ua->state == UA_UP && !ua->ack_never)
		timer_start(sim.wheel, &ua->act,
			    sim_chance(15) ? sim_pick(10)
					   : sim_between(1, 60) * (uint64_t)sim.plan.t1_ms,
			    act, ua);
}

static void change(struct sim_media *m)
{
	static const char *const directions[] = {"",         "",         "sendonly",
						 "inactive", "recvonly", "sendrecv"};

	m->direction = directions[sim_pick(6)];
	m->old_hold = sim_chance(8);
	if (m->direction[0] || m->old_hold)
		sim_count(COVER_HOLDS);
	if (sim_chance(30))
		m->port = (uint16_t)(20000 + sim_pick(10000) * 2);
	if (m->nlines < 3 && sim_chance(10))
		m->nlines++;
}

static void offer_too(void *arg)
{
	struct sim_ua *ua = arg;

	if (ua->state == UA_UP && !sim.calm)
		sim_ua_offer_again(ua, sim_chance(30));
	sim_ua_act_later(ua);
}

/* Glare: the other side has the same idea at the same time. */
static void provoke(const struct sim_ua *ua)
{
	struct sim_ua *other;

	LIST_FOREACH(other, &sim_uas, link)
		if (other->call == ua->call && other->caller != ua->caller &&
		    other->state == UA_UP && timer_running(&other->act))
			timer_start(sim.wheel, &other->act, sim_pick(30), offer_too, other);
}

void sim_ua_offer_again(struct sim_ua *ua, bool update)
{
	char headers[120];
	struct sim_send s = {
		.method = update ? "UPDATE" : "INVITE", .uri = ua->target, .headers = headers};

	if (ua->invite || ua->invited || ua->update || ua->offered)
		return; /* RFC 3264 4, RFC 3311 5.1 */
	s.cseq = ++ua->cseq;
	sim_session_ask(ua, headers, sizeof(headers));
	ua->late = !update && sim_chance(15);
	if (!ua->late) {
		change(&ua->media);
		s.body = sim_media_offer(ua);
	}
	ua->offered = !ua->late;
	if (update) {
		sim_count(COVER_UPDATES);
		ua->update = sim_client_send(ua, &s);
	} else {
		sim_count(COVER_REINVITES);
		ua->invite = sim_client_send(ua, &s);
	}
}

static void ask(struct sim_ua *ua)
{
	char headers[120];
	struct sim_send s = {.uri = ua->target};

	s.cseq = ++ua->cseq;
	switch (sim_pick(3)) {
	case 0:
		s.method = "OPTIONS";
		sim_count(COVER_OPTIONS);
		break;
	case 1:
		s.method = "UPDATE"; /* without a description: a refresh */
		s.headers = sim_session_ask(ua, headers, sizeof(headers));
		sim_count(COVER_UPDATES);
		break;
	default:
		s.method = "INFO";
		sim_count(COVER_INFOS);
		break;
	}
	sim_client_send(ua, &s);
}

static void act(void *arg)
{
	struct sim_ua *ua = arg;

	if (ua->state != UA_UP || sim.calm)
		return;
	ua->acts++;
	switch (sim_pick(8)) {
	case 0:
		sim_ua_bye(ua);
		return;
	case 1:
	case 2:
	case 3:
		if (sim_chance(30))
			provoke(ua);
		sim_ua_offer_again(ua, false);
		break;
	case 4:
		if (sim_chance(30))
			provoke(ua);
		sim_ua_offer_again(ua, true);
		break;
	case 5:
		ask(ua);
		break;
	case 6:
		if (sim.plan.refer && sim_chance(60))
			sim_refer(ua);
		break;
	default:
		break;
	}
	sim_ua_act_later(ua);
}
