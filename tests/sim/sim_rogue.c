/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rogue - who plays by no rules: strangers with the right identifiers, peers with wrong ones, answers nobody has
 * asked for, requests at the wrong time, changed and cut messages, garbage.
 *
 * What a stranger does must change nothing; a call whose own peers misbehave is marked, and only what holds for
 * every call is asked of it.
 */
#include "tests/sim/sim_rogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

static void taint(const char *text, const struct sim_host *h)
{
	char id[128];
	struct sim_call *call = sim_call_of_id(sim_header(text, "Call-ID", id, sizeof(id)));

	if (!call) /* its callee has not been asked yet, but for credentials */
		call = sim_call_of_number(text);
	if (call && !h->stranger)
		call->tainted = true;
	if (h->stranger)
		sim_count(COVER_STRANGER);
	else
		sim_count(COVER_ROGUE);
}

static struct sim_ua *some_ua(bool core)
{
	struct sim_ua *ua;
	unsigned n = 0, i;

	LIST_FOREACH(ua, &sim_uas, link)
		n += ua->host->core == core;
	if (!n)
		return NULL;
	i = sim_pick(n);
	LIST_FOREACH(ua, &sim_uas, link)
		if (ua->host->core == core && !i--)
			return ua;
	return NULL;
}

/* A Contact where somebody else lives, who shall get our BYE. */
static void mislead(char *text, const struct sim_host *from)
{
	char *contact = strstr(text, "\r\nContact: <sip:user"),
	     *host = contact ? strstr(contact, from->ip) : NULL;

	if (host) /* the same length: 10.0.0.10 -> 10.0.0.70 */
		host[strlen(from->ip) - 2] = '7';
}

/* A request in somebody's dialog, something wrong about it. */
static void forge_request(struct sim_host *from)
{
	static const char *const methods[] = {"BYE",     "BYE",    "INVITE",  "UPDATE", "INFO",
					      "PRACK",   "ACK",    "OPTIONS", "REFER",  "SUBSCRIBE",
					      "MESSAGE", "NOTIFY", "FOO"};
	static char text[SIM_MESSAGE_MAX];
	struct sim_ua *ua = some_ua(from ? from->core : sim_chance(50)), forged;
	struct sim_send s = {.method = methods[sim_pick(13)], .uri = "sip:x@a.example"};
	char branch[64];
	size_t n;

	if (!ua)
		return;
	forged = *ua;
	if (!from)
		from = ua->host;
	forged.host = from;
	s.cseq = ua->cseq + sim_pick(5);
	if (ua->target[0])
		s.uri = ua->target;
	if (from == ua->host) { /* the right one, saying the wrong thing */
		switch (sim_pick(4)) {
		case 0:
			snprintf(forged.remote_tag, sizeof(forged.remote_tag), "wrong");
			break;
		case 1:
			snprintf(forged.local_tag, sizeof(forged.local_tag), "other-wrong");
			break;
		case 2:
			s.cseq = 1;
			break;
		default:
			break;
		}
	}
	if (!strcmp(s.method, "PRACK"))
		s.headers = "RAck: 1 1 INVITE\r\n";
	if (sim_chance(30))
		s.body = sim_chance(50) ? "v=0\r\nnonsense\r\n"
					: "v=0\r\no=- 1 1 IN IP4 192.0.2.66\r\ns=-\r\n"
					  "c=IN IP4 192.0.2.66\r\nt=0 0\r\nm=audio 6 RTP/AVP 0\r\n";
	if (from->core)
		sim_print(branch, sizeof(branch), "z9hG4bK-rogue%08x", sim_pick(UINT32_MAX));
	else
		sim_print(branch, sizeof(branch), "z9hG4bKr%08x", sim_pick(UINT32_MAX));
	n = sim_request(&forged, &s, branch, text, sizeof(text));
	if (sim_chance(15))
		mislead(text, from);
	taint(text, from);
	sim_host_send(from, text, n);
}

/* An old message again, from its sender or somebody else, another status in it. */
static void forge_response(struct sim_host *from)
{
	static const int statuses[] = {100, 180, 183, 200, 200, 302, 401, 404, 486, 487, 503, 603};
	bool core = from ? from->core : sim_chance(50);
	const struct sim_made *like = NULL;
	char *text;

	for (int i = 0; i < 20 && (!like || strncmp(like->text, "SIP/2.0 ", 8)); i++)
		like = sim_check_pick(core);
	if (!like || strncmp(like->text, "SIP/2.0 ", 8))
		return;
	text = strdup(like->text);
	if (!text)
		abort();
	if (!from)
		from = (struct sim_host *)(uintptr_t)like->host;
	if (sim_chance(80)) {
		char status[4];

		sim_print(status, sizeof(status), "%d", statuses[sim_pick(12)]);
		memcpy(text + 8, status, 3);
	}
	if (sim_chance(20) && strstr(text, ";branch=z9hG4bK"))
		strstr(text, ";branch=z9hG4bK")[16] ^= 1; /* of nothing */
	taint(text, from);
	sim_host_send(from, text, like->n);
	free(text);
}

static void flip_bytes(char *text, size_t *n)
{
	unsigned flips = 1 + sim_pick(6);

	for (unsigned i = 0; i < flips; i++)
		text[sim_pick((unsigned)*n)] = (char)sim_pick(256);
	if (sim_chance(20))
		*n = sim_pick((unsigned)*n);
}

/* Swap, double or drop a line. */
static void shuffle_lines(char *text, size_t n)
{
	char *a = strstr(text, "\r\n"),
	     *b = a ? strstr(a + 2 + sim_pick((unsigned)n / 3), "\r\n") : NULL;

	if (a && b && b[2]) {
		size_t len = strcspn(b + 2, "\r\n"), to = strcspn(a + 2, "\r\n");

		memcpy(a + 2, b + 2, len < to ? len : to);
	}
}

static void garbage(struct sim_host *from)
{
	const struct sim_made *like = sim_check_pick(from ? from->core : sim_chance(50));
	struct sim_msg m;
	char *text;
	size_t n;

	if (!like)
		return;
	text = malloc(like->n + 1);
	if (!text)
		abort();
	memcpy(text, like->text, like->n + 1);
	n = like->n;
	if (!from)
		from = (struct sim_host *)(uintptr_t)like->host;
	taint(text, from);
	if (sim_chance(60))
		flip_bytes(text, &n);
	else
		shuffle_lines(text, n);
	text[n] = '\0';
	if (sim_msg_read(text, n, &m))
		taint(text, from);
	sim_count(COVER_GARBAGE);
	sim_host_send(from, text, n);
	free(text);
}

void sim_rogue_act(void)
{
	struct sim_host *from = NULL;

	if (sim.plan.strangers && (!sim.plan.rogue || sim_chance(50)))
		from = &sim_hosts[sim_chance(50) ? STRANGER_CORE : STRANGER_PEERING];
	else if (!sim.plan.rogue)
		return;
	else if (sim_chance(15)) /* another peer */
		from = &sim_hosts[sim_pick(STRANGER_CORE)];
	switch (sim_pick(5)) {
	case 0:
	case 1:
		forge_request(from);
		break;
	case 2:
	case 3:
		forge_response(from);
		break;
	default:
		garbage(from);
		break;
	}
}
