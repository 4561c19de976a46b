/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_ua_in - what a user agent does with what comes: responses to its requests, requests in its dialog.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

/* ---- responses */

static void learn_target(struct sim_ua *ua, const struct sim_msg *m)
{
	char value[512];

	sim_header(m->text, "Contact", value, sizeof(value));
	if (value[0])
		sim_uri(value, ua->target, sizeof(ua->target));
}

static void prack(struct sim_ua *ua, const struct sim_msg *m)
{
	char value[64], headers[100];
	unsigned rseq = (unsigned)atoi(sim_header(m->text, "RSeq", value, sizeof(value)));
	struct sim_send s = {.method = "PRACK", .uri = ua->target, .headers = headers};

	if (!sim_has_token(m->text, "Require", "100rel") || rseq <= ua->rack)
		return; /* repeated: its PRACK is repeated too */
	if (ua->rack && rseq != ua->rack + 1)
		return; /* RFC 3262 4: one before it is missing */
	ua->rack = rseq;
	sim_print(headers, sizeof(headers), "RAck: %u %u INVITE\r\n", rseq, m->cseq);
	s.cseq = ++ua->cseq;
	if (ua->late && m->body[0] && !ua->media.sdp[0])
		s.body = sim_media_answer(ua, m->body);
	sim_media_agree(ua, m->body);
	sim_count(COVER_PRACKS);
	sim_client_send(ua, &s);
}

static void initial_2xx(struct sim_ua *ua, const struct sim_msg *m)
{
	const char *answer = NULL;

	if (ua->state == UA_DOWN)
		return;
	if (!ua->call->tainted && ua->remote_tag[0] && strcmp(ua->remote_tag, m->to_tag))
		sim_breach("the 2xx has another tag than the 18x before:\n%s", m->text);
	snprintf(ua->remote_tag, sizeof(ua->remote_tag), "%s", m->to_tag);
	learn_target(ua, m);
	if (!ua->call->answered) {
		sim_count(COVER_CALLS_ANSWERED);
		if (ua->replaces)
			sim_count(COVER_REPLACED);
	}
	ua->call->answered = true;
	timer_stop(&ua->call->cancel);
	if (ua->late && !ua->media.sdp[0] && m->body[0])
		answer = sim_media_answer(ua, m->body);
	sim_media_agree(ua, m->body);
	ua->invite = NULL;
	ua->offered = false;
	sim_session_granted(ua, m);
	if (ua->ack_never) {
		sim_count(COVER_NO_ACK);
		ua->state = UA_UP; /* it will be told */
		return;
	}
	sim_ua_ack(ua, answer);
	sim_ua_up(ua);
}

static void initial_response(struct sim_ua *ua, struct sim_client *c, const struct sim_msg *m)
{
	if (!m || m->status >= 300) {
		ua->invite = NULL;
		if (m)
			sim_count(COVER_CALLS_FAILED);
		timer_stop(&ua->call->cancel);
		sim_ua_end(ua);
		return;
	}
	if (m->status >= 200) {
		bool cancelled = c->cancelled;

		if (ua->ack_sent) {
			sim_ua_ack_again(ua, m->cseq);
			return;
		}
		if (ua->ack_never && ua->call->answered)
			return;
		initial_2xx(ua, m);
		if (cancelled) /* RFC 3261 15: it crossed our CANCEL, and is a call */
			sim_ua_bye(ua);
		return;
	}
	if (m->status > 100 && m->to_tag[0]) {
		if (!ua->call->tainted && ua->remote_tag[0] && strcmp(ua->remote_tag, m->to_tag))
			sim_breach("a second dialog towards the caller:\n%s", m->text);
		snprintf(ua->remote_tag, sizeof(ua->remote_tag), "%s", m->to_tag);
		learn_target(ua, m);
		ua->state = UA_EARLY;
		prack(ua, m);
	}
}

static void reinvite_response(struct sim_ua *ua, struct sim_client *c, const struct sim_msg *m)
{
	const char *answer = NULL;

	if (m && m->status < 200)
		return;
	if (m && m->status < 300) {
		if (ua->invite != c) { /* once more, or after our BYE */
			sim_ua_ack_again(ua, m->cseq);
			return;
		}
		learn_target(ua, m);
		sim_session_granted(ua, m);
		if (ua->late && m->body[0])
			answer = sim_media_answer(ua, m->body);
		sim_media_agree(ua, m->body);
		ua->invite = NULL;
		ua->offered = ua->late = false;
		ua->invite_cseq = m->cseq;
		sim_ua_ack(ua, answer);
		sim_ua_act_later(ua);
		return;
	}
	if (ua->invite != c)
		return;
	ua->invite = NULL;
	ua->offered = ua->late = false;
	if (m && m->status == 491)
		sim_count(COVER_GLARE);
	/* RFC 3261 12.2.1.2, 14.1 */
	if (!m || m->status == 481 || m->status == 408)
		sim_ua_bye(ua);
	else
		sim_ua_act_later(ua);
}

void sim_ua_response(struct sim_ua *ua, struct sim_client *c, const struct sim_msg *m)
{
	if (!strcmp(c->method, "INVITE")) {
		if (c == ua->initial)
			initial_response(ua, c, m);
		else
			reinvite_response(ua, c, m);
		return;
	}
	if (m && m->status < 200)
		return;
	if (!strcmp(c->method, "REFER"))
		sim_refer_response(ua, c, m);
	if (!strcmp(c->method, "UPDATE") && m && m->status < 300)
		sim_session_granted(ua, m);
	if (!strcmp(c->method, "UPDATE") && ua->update == c) {
		ua->update = NULL;
		ua->offered = false;
		if (m && m->status < 300)
			sim_media_agree(ua, m->body);
		if (m && m->status == 491)
			sim_count(COVER_GLARE);
	}
	if ((!m || m->status == 481 || m->status == 408) && strcmp(c->method, "BYE") &&
	    ua->state == UA_UP)
		sim_ua_bye(ua);
}

/* ---- requests */

static void reply(struct sim_server *s, int status)
{
	sim_server_reply(s, &(struct sim_reply){status, NULL, NULL, NULL});
}

/* Of the 2xx to a request that refreshes the session. */
static void granted_headers(struct sim_ua *ua, const struct sim_msg *m, char *buf, size_t size)
{
	size_t n = sim_print(buf, size, "Contact: <sip:user%u@%s:5060>\r\n%s", ua->call->index,
			     ua->host->ip, sim_ua_allow(ua));

	sim_session_grant(ua, m, buf + n, size - n);
	if (sim.aging)
		sim_count(COVER_REFRESHED);
}

static void take_bye(struct sim_ua *ua, struct sim_server *s)
{
	reply(s, 200);
	if (ua->bye_sent)
		sim_count(COVER_BYE_CROSSED);
	ua->bye_got = true;
	if (ua->state == UA_DOWN)
		return;
	sim_session_ended(ua);
	sim_ua_end(ua);
}

/* Then it is an offer of the sbe's own, which corrects what a fork has described before: refused, it cannot. */
static bool nobody_asked(const struct sim_ua *ua)
{
	const struct sim_ua *other;

	LIST_FOREACH(other, &sim_uas, link)
		if (other->call == ua->call && other != ua && (other->invite || other->update))
			return false;
	return true;
}

static void take_reinvite(struct sim_ua *ua, struct sim_server *s)
{
	struct sim_reply r = {.status = 200};
	char headers[300];

	if (ua->state == UA_DOWN) {
		reply(s, 481);
	} else if (ua->invite || ua->update || ua->offered) {
		sim_count(COVER_GLARE);
		reply(s, 491);
	} else if (ua->invited && ua->invited != s) {
		sim_server_reply(s, &(struct sim_reply){500, NULL, "Retry-After: 3\r\n", NULL});
	} else if (!sim.calm && sim_chance(10)) {
		ua->call->differs = ua->call->differs || nobody_asked(ua);
		reply(s, sim_chance(50) ? 488 : 500);
	} else {
		granted_headers(ua, &s->msg, headers, sizeof(headers));
		r.headers = headers;
		r.body = s->msg.body[0] ? sim_media_answer(ua, s->msg.body) : sim_media_offer(ua);
		sim_media_agree(ua, s->msg.body);
		ua->offered = !s->msg.body[0];
		s->ua = ua;
		ua->invited = s;
		learn_target(ua, &s->msg);
		sim_server_reply(s, &r);
	}
}

static void take_update(struct sim_ua *ua, struct sim_server *s)
{
	struct sim_reply r = {.status = 200};
	char headers[300];

	if (ua->no_update && !ua->call->tainted)
		sim_breach("an UPDATE to %s, who does not know that:\n%s", ua->host->name,
			   s->msg.text);
	if (ua->state == UA_DOWN) {
		reply(s, 481);
	} else if (s->msg.body[0] && (ua->offered || ua->update || ua->invite)) {
		sim_count(COVER_GLARE);
		reply(s, 491);
	} else if (s->msg.body[0] && ua->invited) {
		sim_server_reply(s, &(struct sim_reply){500, NULL, "Retry-After: 3\r\n", NULL});
	} else {
		granted_headers(ua, &s->msg, headers, sizeof(headers));
		r.headers = headers;
		if (s->msg.body[0])
			r.body = sim_media_answer(ua, s->msg.body);
		sim_media_agree(ua, s->msg.body);
		learn_target(ua, &s->msg);
		sim_server_reply(s, &r);
	}
}

void sim_ua_request(struct sim_ua *ua, struct sim_server *s)
{
	const char *method = s->msg.method;

	if (ua->remote_cseq && s->msg.cseq <= ua->remote_cseq) {
		reply(s, 500); /* overtaken */
		if (!strcmp(method, "NOTIFY"))
			ua->refer_open = false; /* it was told, and did not hear it */
		return;
	}
	ua->remote_cseq = s->msg.cseq;
	if (!strcmp(method, "BYE"))
		take_bye(ua, s);
	else if (!strcmp(method, "INVITE"))
		take_reinvite(ua, s);
	else if (!strcmp(method, "UPDATE"))
		take_update(ua, s);
	else if (!strcmp(method, "PRACK"))
		sim_ring_prack(ua, s);
	else if (!strcmp(method, "REFER"))
		sim_refer_request(ua, s);
	else if (!strcmp(method, "NOTIFY") && ua->state != UA_DOWN)
		sim_refer_notified(ua, s);
	else
		reply(s, ua->state == UA_DOWN ? 481 : 200);
}

void sim_ua_acked(struct sim_ua *ua, struct sim_server *s, const struct sim_msg *ack)
{
	sim_media_agree(ua, ack->body);
	if (ua->invited == s)
		ua->invited = NULL;
	ua->offered = ua->update != NULL;
	if (ua->state == UA_UP && !timer_running(&ua->act))
		sim_ua_act_later(ua);
}

void sim_ua_no_ack(struct sim_ua *ua, struct sim_server *s)
{
	if (ua->invited == s)
		ua->invited = NULL;
	ua->offered = false;
	sim_ua_bye(ua); /* RFC 3261 13.3.1.4 */
}
