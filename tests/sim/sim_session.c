/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_session - session timers of the peers (RFC 4028): who was told to refresh does it, or forgets it; who waits for
 * a refresh of the sbe that does not come says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/sim/sim_peer.h"

#define MIN_SE_S 90U

static void due(void *arg);

void sim_session_draw(struct sim_ua *ua)
{
	struct sim_session *s = &ua->session;

	s->knows = sim.plan.timers && sim_chance(sim.plan.ages ? 80 : 60);
	s->wanted_s = sim_between(MIN_SE_S, sim.plan.ages ? 400 : 1800);
	s->forgets = sim.plan.ages && !sim.plan.clean && sim_chance(25);
}

/* ---- the clock */

/* RFC 4028 10 */
static uint64_t end_ms(const struct sim_session *s)
{
	uint32_t spare_s = s->interval_s / 3 < 32 ? s->interval_s / 3 : 32;

	return s->refreshed_ms + (uint64_t)(s->interval_s - spare_s) * 1000;
}

static void start(struct sim_ua *ua, uint32_t interval_s, bool we_refresh)
{
	struct sim_session *s = &ua->session;

	timer_stop(&s->timer);
	s->interval_s = interval_s;
	s->we_refresh = we_refresh;
	s->refreshed_ms = clock_now_ms();
	s->surely = sim.calm && s->asked_calm;
	s->unsure = s->unsure || !s->surely;
	if (!interval_s)
		return;
	sim_count(COVER_SESSIONS);
	timer_start(sim.wheel, &s->timer,
		    we_refresh ? (uint64_t)interval_s * 500 : (uint64_t)interval_s * 1000, due, ua);
}

void sim_session_stop(struct sim_ua *ua)
{
	timer_stop(&ua->session.timer);
	ua->session.interval_s = 0;
}

/* Unchanged, as an INVITE or an UPDATE; nothing else may be going on in this dialog. @return false: later. */
static bool refresh(struct sim_ua *ua)
{
	const struct sim_media *m = &ua->media;
	char headers[120];
	struct sim_send s = {.uri = ua->target, .headers = headers};

	if (ua->invite || ua->invited || ua->update || ua->offered)
		return false;
	s.method = sim_chance(50) && m->own[0] && !strcmp(m->own, m->sdp) ? "INVITE" : "UPDATE";
	s.cseq = ++ua->cseq;
	sim_session_ask(ua, headers, sizeof(headers));
	if (s.method[0] == 'I') {
		s.body = m->sdp;
		ua->late = false;
		ua->offered = true;
		ua->invite = sim_client_send(ua, &s);
	} else {
		ua->update = sim_client_send(ua, &s);
	}
	sim_count(COVER_REFRESHES);
	return true;
}

static void due(void *arg)
{
	struct sim_ua *ua = arg;
	struct sim_session *s = &ua->session;
	uint64_t now_ms = clock_now_ms();

	if (ua->state != UA_UP || s->forgets)
		return;
	if (s->we_refresh) {
		if (now_ms < end_ms(s)) {
			refresh(ua);
			timer_start(sim.wheel, &s->timer, 5000, due, ua);
		}
		return; /* what it sent was never answered: it hangs up by itself */
	}
	if (s->surely && !ua->call->tainted && !ua->call->excused && !sim.mute)
		sim_breach("the sbe should have refreshed the session of %s (%u s) with %s",
			   ua->call->number, s->interval_s, ua->host->name);
	sim_ua_bye(ua);
}

/* ---- what messages say */

static uint32_t expires(const char *text, char *who, size_t size)
{
	char value[64];

	sim_header(text, "Session-Expires", value, sizeof(value));
	snprintf(who, size, "%s",
		 strstr(value, "refresher=") ? strstr(value, "refresher=") + 10 : "");
	return (uint32_t)atoi(value);
}

const char *sim_session_ask(struct sim_ua *ua, char *buf, size_t size)
{
	struct sim_session *s = &ua->session;

	buf[0] = '\0';
	s->asked_calm = sim.calm;
	if (!s->knows)
		return buf;
	sim_print(buf, size, "Supported: timer\r\nSession-Expires: %u%s\r\n", s->wanted_s,
		  !s->interval_s  ? sim_chance(30) ? ";refresher=uac" : ""
		  : s->we_refresh ? ";refresher=uac"
				  : ";refresher=uas");
	return buf;
}

void sim_session_granted(struct sim_ua *ua, const struct sim_msg *m)
{
	char who[16];
	uint32_t interval_s = expires(m->text, who, sizeof(who));

	if (ua->call->tainted || ua->state == UA_DOWN)
		return;
	if (!ua->session.knows && interval_s && strcmp(who, "uas"))
		sim_breach("%s does not know timers, but shall refresh:\n%s", ua->host->name,
			   m->text);
	if (interval_s && (interval_s < MIN_SE_S || interval_s > ua->session.wanted_s))
		sim_breach("%u s granted where %u were asked for:\n%s", interval_s,
			   ua->session.wanted_s, m->text);
	if (interval_s && !who[0])
		sim_breach("who refreshes is not said:\n%s", m->text);
	start(ua, ua->session.knows ? interval_s : 0, !strcmp(who, "uac"));
}

const char *sim_session_grant(struct sim_ua *ua, const struct sim_msg *m, char *buf, size_t size)
{
	struct sim_session *s = &ua->session;
	char who[16], min[16];
	uint32_t asked_s = expires(m->text, who, sizeof(who)),
		 least_s = (uint32_t)atoi(sim_header(m->text, "Min-SE", min, sizeof(min)));
	bool they;

	buf[0] = '\0';
	s->asked_calm = sim.calm;
	if (!s->knows || !asked_s || !sim_has_token(m->text, "Supported", "timer")) {
		start(ua, 0, false);
		return buf;
	}
	least_s = least_s < MIN_SE_S ? MIN_SE_S : least_s;
	if (s->wanted_s < asked_s)
		asked_s = s->wanted_s < least_s ? least_s : s->wanted_s;
	they = who[0] ? !strcmp(who, "uac") : s->interval_s ? !s->we_refresh : sim_chance(50);
	start(ua, asked_s, !they);
	sim_print(buf, size, "Session-Expires: %u;refresher=%s\r\n%s", asked_s,
		  they ? "uac" : "uas", they ? "Require: timer\r\n" : "");
	return buf;
}

/* ---- when calls have got old */

static bool fades(const struct sim_session *s)
{
	return s->interval_s && s->we_refresh && s->forgets;
}

/* A31: within 5 percent. The sbe may have begun to count when what it said first got lost. */
static uint64_t slack_ms(const struct sim_session *s)
{
	return (uint64_t)s->interval_s * 50 + (s->surely ? 100 : 64 * sim.plan.t1_ms);
}

bool sim_session_overdue(const struct sim_ua *ua)
{
	const struct sim_session *s = &ua->session;

	return ua->state == UA_UP && fades(s) && clock_now_ms() > end_ms(s) + slack_ms(s);
}

/* A transfer has made one call of what is left of two. */
static bool share(const struct sim_call *a, const struct sim_call *b)
{
	return a == b || a->joined == b;
}

void sim_session_ended(const struct sim_ua *ua)
{
	struct sim_call *call = ua->call, *with;
	const struct sim_session *first = NULL;
	const struct sim_ua *other;
	uint64_t now_ms = clock_now_ms();

	LIST_FOREACH(other, &sim_uas, link)
		if (share(other->call, call) && fades(&other->session) &&
		    (!first || end_ms(&other->session) < end_ms(first)))
			first = &other->session;
	if (!sim.aging || sim.plan.silence_s || !first || call->tainted || call->excused ||
	    call->faded)
		return;
	if (now_ms > end_ms(first) + slack_ms(first) || now_ms + slack_ms(first) < end_ms(first))
		sim_breach("the session of %s was to end %lld ms from now", call->number,
			   (long long)(end_ms(first) - now_ms));
	LIST_FOREACH(with, &sim_calls, link)
		with->faded = with->faded || share(with, call); /* the other side hears of it too */
	sim_count(COVER_EXPIRED);
}
