/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_refer - peers that transfer calls: REFER to somebody else (the number of the call once more) or to the far end of
 * another call, INVITE in the place of a call of theirs, and what they say when they are asked for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

/* ---- asking */

/* Another call of this host that is up, and has not been joined with one yet. */
static struct sim_ua *another(const struct sim_ua *ua)
{
	struct sim_ua *other;

	LIST_FOREACH(other, &sim_uas, link)
		if (other->host == ua->host && other->call != ua->call && other->state == UA_UP &&
		    other->remote_tag[0] && !other->call->joined)
			return other;
	return NULL;
}

static size_t add_escaped(char *buf, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += sim_print(buf + n, size - n, strchr("@;=?&%", *text) ? "%%%02X" : "%c",
			       (unsigned char)*text);
	return n;
}

static void join_calls(struct sim_call *a, struct sim_call *b)
{
	a->joined = b;
	b->joined = a;
	b->referred = true;
}

size_t sim_replaces(struct sim_ua *ua, char *buf, size_t size)
{
	struct sim_ua *other = NULL;

	if (sim.plan.refer && !sim.plan.clean && sim_chance(25))
		other = another(ua);
	if (!other)
		return 0;
	ua->replaces = ua->call->referred = true;
	join_calls(ua->call, other->call);
	sim_count(COVER_REPLACES);
	return sim_print(buf, size, "Require: replaces\r\nReplaces: %s;to-tag=%s;from-tag=%s\r\n",
			 other->call_id, other->remote_tag, other->local_tag);
}

void sim_refer(struct sim_ua *ua)
{
	struct sim_ua *other = ua->call->joined || sim_chance(50) ? NULL : another(ua);
	char headers[900], value[400];
	struct sim_send s = {.method = "REFER", .uri = ua->target, .headers = headers};
	size_t n = sim_print(headers, sizeof(headers), "Refer-To: <sip:%s@%s",
			     other ? other->call->number : ua->call->number,
			     ua->host->core ? "b.example" : "a.example");

	ua->call->referred = true;
	ua->call->invites = 0;
	if (other) {
		sim_print(value, sizeof(value), "%s;to-tag=%s;from-tag=%s", other->call_id,
			  other->remote_tag, other->local_tag);
		n += sim_print(headers + n, sizeof(headers) - n, "?Replaces=");
		n += add_escaped(headers + n, sizeof(headers) - n, value);
		join_calls(ua->call, other->call);
		sim_count(COVER_ATTENDED);
	}
	sim_print(headers + n, sizeof(headers) - n, ">\r\nReferred-By: <sip:user@%s>\r\n",
		  ua->host->core ? "a.example" : "b.example");
	s.cseq = ua->refer_cseq = ++ua->cseq;
	ua->refer_open = true;
	sim_count(COVER_REFERS);
	sim_client_send(ua, &s);
}

void sim_refer_response(struct sim_ua *ua, const struct sim_client *c, const struct sim_msg *m)
{
	if (m && m->status < 300) {
		sim_count(COVER_REFERS_TAKEN);
		return;
	}
	if (c->cseq == ua->refer_cseq)
		ua->refer_open = false;
}

void sim_refer_notified(struct sim_ua *ua, struct sim_server *s)
{
	char state[80], event[40], want[40];

	sim_header(s->msg.text, "Subscription-State", state, sizeof(state));
	sim_header(s->msg.text, "Event", event, sizeof(event));
	sim_print(want, sizeof(want), "refer;id=%u", ua->refer_cseq);
	sim_count(COVER_NOTIFIED);
	if (!ua->refer_cseq && !ua->call->tainted)
		sim_breach("a NOTIFY to %s, who has asked for nothing:\n%s", ua->host->name,
			   s->msg.text);
	if (!strncmp(state, "terminated", 10) &&
	    (!strcmp(event, "refer") || !strcmp(event, want))) {
		ua->refer_open = false;
		if (strstr(s->msg.body, "SIP/2.0 200"))
			sim_count(COVER_TRANSFERRED);
	}
	sim_server_reply(s, &(struct sim_reply){200, NULL, NULL, NULL});
}

/* ---- being asked: it says that it does, and how it went */

static void notify(struct sim_ua *ua, bool last, const char *frag)
{
	struct sim_send s = {
		.method = "NOTIFY",
		.uri = ua->target,
		.headers =
			last ? "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n"
			     : "Event: refer\r\nSubscription-State: active;expires=60\r\n",
		.body = frag,
		.type = "message/sipfrag"};

	s.cseq = ++ua->cseq;
	sim_client_send(ua, &s);
}

void sim_refer_request(struct sim_ua *ua, struct sim_server *s)
{
	static const char *const ends[] = {"SIP/2.0 200 OK\r\n", "SIP/2.0 486 Busy\r\n",
					   "SIP/2.0 503 No\r\n"};
	char contact[80];

	if (ua->state != UA_UP || sim_chance(30)) {
		sim_server_reply(
			s, &(struct sim_reply){ua->state == UA_UP ? 603 : 481, NULL, NULL, NULL});
		return;
	}
	sim_print(contact, sizeof(contact), "Contact: <sip:user%u@%s:5060>\r\n", ua->call->index,
		  ua->host->ip);
	sim_server_reply(s, &(struct sim_reply){202, NULL, contact, NULL});
	notify(ua, false, "SIP/2.0 100 Trying\r\n");
	notify(ua, true, ends[sim_pick(3)]);
}
