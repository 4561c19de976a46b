/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire.h"

#define RECORDS 8192U /* a power of two; a seed uses some hundreds */
#define MADE 48U
#define INVITES_MAX 10U

struct record {
	uint64_t key;
	uint32_t serial; /* of the seed that uses it */
	uint32_t cseq;   /* dialog: the highest */
	uint64_t bytes;  /* hash of the final response, or of the request */
	uint64_t at_ms, until_ms;
	const struct sim_host *host; /* a request of ours went there */
	int status;                  /* final; of a request of ours: last delivered response */
	bool delivered, bye, acked, due, invite;
	bool same; /* each copy of the request was the same */
	bool odd;  /* it is not quite what its sender has made */
	char call_id[128];
};

static struct record records[RECORDS];
static uint32_t serial, used;
static uint32_t dues[1024], ndues;
static uint32_t outs[4096], nouts;
static struct sim_made made[MADE];
static unsigned nmade;
static uint64_t last_2xx_age_ms; /* of the last one that came: since it came first */
static bool garbled[SIM_HOSTS];  /* unreadable messages came from there */

static struct record *find(uint64_t key, bool make)
{
	uint32_t i = (uint32_t)(key ^ key >> 32) & (RECORDS - 1);

	for (;; i = (i + 1) & (RECORDS - 1)) {
		struct record *r = &records[i];

		if (r->serial != serial) {
			if (!make)
				return NULL;
			if (++used > RECORDS / 2)
				sim_breach("the simulator has no room for more transactions");
			memset(r, 0, sizeof(*r));
			r->serial = serial;
			r->key = key;
			return r;
		}
		if (r->key == key)
			return r;
	}
}

enum kind { IN = 1, OUT, DIALOG, TWO_XX, ATTEMPT };

static uint64_t key_of(enum kind kind, const void *host, const char *a, const char *b)
{
	uint64_t h = sim_hash_text(a, (uint64_t)kind * 7919 + (uintptr_t)host);

	return sim_hash_text(b, h);
}

static uint64_t in_key(const struct sim_host *h, const char *branch, const char *method)
{
	return key_of(IN, NULL, branch, method) + (uint64_t)(h - sim_hosts);
}

static uint64_t dialog_key(const struct sim_msg *m)
{
	return sim_hash_text(m->to_tag, key_of(DIALOG, NULL, m->call_id, m->from_tag));
}

static uint64_t two_xx_key(const struct sim_msg *m)
{
	return sim_hash_text(m->to_tag, key_of(TWO_XX, NULL, m->call_id, "")) + m->cseq;
}

void sim_check_up(void)
{
	serial++;
	used = ndues = nouts = 0;
	memset(garbled, 0, sizeof(garbled));
}

/* ---- each message alone */

static void check_readable(const char *text, size_t n)
{
	struct guard_result verdict;
	struct wire_msg *m = NULL;
	const char *why = "";

	guard_check((const uint8_t *)text, n, false, &verdict);
	if (verdict.verdict != GUARD_PASS || verdict.len_bytes != n)
		sim_breach("our own guard refuses what we send: %s\n%s",
			   guard_reason_name(verdict.reason), text);
	if (wire_parse((const uint8_t *)text, n, &m, &why))
		sim_breach("our own parser refuses what we send: %s\n%s", why, text);
	mem_unref(m);
}

/* U6 */
static void check_hidden(const struct sim_host *to, const char *text)
{
	static const char *const inner[] = {"10.0.0.", "pbx", "inner.a.example", NULL};
	static const char *const outer[] = {"198.51.100.", "203.0.113.", "out-tag",
					    "out-call",    "carrier",    NULL};
	const char *const *list = to->core ? outer : inner;

	for (; *list; list++) {
		if (strstr(text, *list))
			sim_breach("\"%s\" of the other side leaves to %s:\n%s", *list, to->name,
				   text);
	}
}

/* ---- responses */

/* The guard answers what the parser shall not see from the bytes as they are; the place of a lost line end may be seen. */
static bool is_of_guard(int status)
{
	return status == 400 || status == 414 || status == 505 || status == 513;
}

/* A peer that says again what it said long ago, or something else in its place, gets an answer to that. */
static bool is_tainted(const struct sim_msg *m)
{
	const struct sim_call *call = sim_call_of_id(m->call_id);

	return !call || call->tainted;
}

/* It is answered from the INVITE's transaction for as long as that lives. */
static bool cancel_is_late(const struct sim_host *to, const struct sim_msg *m)
{
	const struct record *invite;

	if (strcmp(m->method, "CANCEL"))
		return false;
	invite = find(in_key(to, m->branch, "INVITE"), false);
	return invite && invite->status && clock_now_ms() >= invite->until_ms;
}

static void check_response(const struct sim_host *to, const struct sim_msg *m)
{
	struct record *r = find(in_key(to, m->branch, m->method), false);
	uint64_t bytes = sim_hash(m->text, m->n, 1);

	if ((!r || !r->delivered) && (garbled[to - sim_hosts] || is_of_guard(m->status)))
		return; /* perhaps an answer to what we could not read */
	if (!r || !r->delivered)
		sim_breach("a response to %s, who asked nothing like that:\n%s", to->name, m->text);
	if (is_tainted(m) || (r->status && clock_now_ms() >= r->until_ms) || cancel_is_late(to, m))
		return; /* a copy that came after all has been forgotten is a new request */
	if (r->status && m->status < 200 && !to->stranger)
		sim_breach("a provisional response after the final %d:\n%s", r->status, m->text);
	if (m->status < 200)
		return;
	if (!r->same || (is_of_guard(m->status) && garbled[to - sim_hosts]))
		return;
	/* strangers are answered without state: what is or was a call at one copy only is seen as merged at that one */
	if (r->status && r->status != m->status &&
	    !(to->stranger && (m->status == 482 || r->status == 482)))
		sim_breach("a second final response, %d after %d:\n%s", m->status, r->status,
			   m->text);
	if (r->status && r->bytes != bytes && !to->stranger)
		sim_breach("a repeated final response is not the same:\n%s", m->text);
	if (r->status)
		sim_count(COVER_SBE_AGAIN);
	if (!r->status)
		r->until_ms = clock_now_ms() + 63 * sim.plan.t1_ms;
	r->status = m->status;
	r->bytes = bytes;
}

/* ---- requests */

static void check_cancel(const struct sim_msg *m)
{
	struct record *invite = find(key_of(OUT, NULL, m->branch, "INVITE"), false);

	if (!invite)
		sim_breach("CANCEL of nothing:\n%s", m->text);
	if (!invite->status)
		sim_breach("CANCEL before any provisional response:\n%s", m->text);
	if (invite->status >= 200 && !is_tainted(m))
		sim_breach("CANCEL after the final response %d:\n%s", invite->status, m->text);
}

static void check_ack(const struct sim_msg *m)
{
	struct record *invite = find(key_of(OUT, NULL, m->branch, "INVITE"), false);
	struct record *two;

	if (invite) { /* of a refusal: same branch */
		if (invite->status < 300)
			sim_breach("ACK in the transaction, but the response was %d:\n%s",
				   invite->status, m->text);
		return;
	}
	two = find(two_xx_key(m), false);
	if (!two && is_tainted(m))
		return;
	if (!two)
		sim_breach("ACK of a 2xx that has not come:\n%s", m->text);
	two->acked = true;
}

static void check_order(const struct sim_msg *m)
{
	struct record *d = find(dialog_key(m), true);
	bool in_dialog = m->to_tag[0] != '\0';

	if (is_tainted(m))
		return;
	if (!strcmp(m->start, "BYE") && !in_dialog)
		sim_breach("BYE outside a dialog:\n%s", m->text);
	if (d->bye && last_2xx_age_ms >= 63 * sim.plan.t1_ms)
		return; /* a 2xx came again when even its transaction was over */
	if (d->bye)
		sim_breach("%s after BYE:\n%s", m->start, m->text);
	if (d->cseq && m->cseq <= d->cseq)
		sim_breach("CSeq %u after %u:\n%s", m->cseq, d->cseq, m->text);
	d->cseq = m->cseq;
	d->bye = !strcmp(m->start, "BYE");
}

/* A27: whatever callees say, a call does not become many. */
static void count_invite(const struct sim_msg *m)
{
	struct sim_call *call = sim_call_of_number(m->text);

	if (call && ++call->invites > INVITES_MAX && !call->tainted)
		sim_breach("%u INVITEs for call %s:\n%s", call->invites, call->number, m->text);
}

static void check_request(const struct sim_host *to, const struct sim_msg *m)
{
	uint64_t key = key_of(OUT, NULL, m->branch, m->method);
	uint64_t bytes = sim_hash(m->text, m->n, 2) + (uint64_t)(to - sim_hosts);
	struct record *r;

	if (to->stranger)
		sim_breach("a request to a stranger:\n%s", m->text);
	if (!strcmp(m->start, "ACK")) {
		check_ack(m);
		return;
	}
	r = find(key, true);
	if (r->bytes) {
		if (r->bytes != bytes)
			sim_breach("a repeated request is not the same:\n%s", m->text);
		sim_count(COVER_SBE_AGAIN);
		return;
	}
	r->bytes = bytes;
	r->host = to;
	if (!strcmp(m->start, "INVITE") && !m->to_tag[0])
		count_invite(m);
	r->invite = !strcmp(m->start, "INVITE");
	snprintf(r->call_id, sizeof(r->call_id), "%s", m->call_id);
	if (nouts < sizeof(outs) / sizeof(outs[0]))
		outs[nouts++] = (uint32_t)(r - records);
	if (!strcmp(m->start, "CANCEL"))
		check_cancel(m);
	else
		check_order(m);
}

static bool is_host(const struct addr *a)
{
	for (unsigned i = 0; i < SIM_HOSTS; i++) {
		if (addr_ip_equal(&sim_hosts[i].at, a))
			return true;
	}
	return false;
}

/* An answer shows what it answers. */
static bool is_odd(const struct sim_host *to, const struct sim_msg *m)
{
	const struct record *r = find(in_key(to, m->branch, m->method), false);

	return !r || r->odd;
}

void sim_check_sent(const struct addr *local, const struct addr *to, const char *text, size_t n)
{
	static char copy[SIM_MESSAGE_MAX];
	const struct sim_host *h = sim_host_at(to);
	struct sim_msg m;

	if (n >= sizeof(copy))
		sim_breach("a message of %zu bytes", n);
	memcpy(copy, text, n);
	copy[n] = '\0';
	sim_count(COVER_SBE_MESSAGES);
	/* a response goes to the port that a Via names, whatever that is; a changed Contact too may name any of its host */
	if (!h && is_host(to) &&
	    (!strncmp(copy, "SIP/2.0 ", 8) || (sim_msg_read(copy, n, &m) && is_tainted(&m))))
		return;
	if (!h || !addr_equal(&h->sbe, local))
		sim_breach("sent to %s, which nobody has authorised:\n%s", sim_net_name(to), copy);
	if (!strncmp(copy, "SIP/2.0 ", 8) && !sim_msg_read(copy, n, &m))
		return; /* answers to what could not be read */
	check_hidden(h, copy);
	if (!sim_msg_read(copy, n, &m))
		sim_breach("a message without what all have:\n%s", copy);
	if (!m.status || (!is_odd(h, &m) && !is_of_guard(m.status)))
		check_readable(copy, n);
	if (m.status)
		check_response(h, &m);
	else
		check_request(h, &m);
}

/* ---- what arrives */

static void delivered_request(const struct sim_host *h, const struct sim_msg *m)
{
	struct record *r = find(in_key(h, m->branch, m->method), true);

	/* a message changed on its way may come in the place of another: then nothing is compared */
	if (!r->delivered)
		r->same = true;
	else if (r->at_ms != sim_hash(m->text, m->n, 3))
		r->same = false;
	r->at_ms = sim_hash(m->text, m->n, 3);
	r->delivered = true;
	if (!strcmp(m->start, "INVITE") && !m->to_tag[0] && !h->stranger) {
		struct record *attempt = find(key_of(ATTEMPT, NULL, m->call_id, ""), true);

		if (!attempt->cseq++)
			attempt->at_ms = clock_now_ms();
		attempt->until_ms = clock_now_ms();
	}
	if (!sim_client_reached(h, m))
		r->odd = true;
}

static void delivered_response(const struct sim_host *h, const struct sim_msg *m)
{
	struct record *r = find(key_of(OUT, NULL, m->branch, m->method), false), *two;

	if (!r || r->host != h) /* who knows a branch is not yet who was asked */
		return;
	if (r->status < 200 || is_tainted(m)) /* with a changed one the sbe may have found fault */
		r->status = m->status;
	two = m->status == 401 && !strcmp(m->method, "BYE") ? find(dialog_key(m), false) : NULL;
	if (two)
		two->bye = false; /* it may come once more, with credentials */
	if (strcmp(m->method, "INVITE") || m->status / 100 != 2)
		return;
	two = find(two_xx_key(m), true);
	last_2xx_age_ms = two->due ? clock_now_ms() - two->at_ms : 0;
	if (two->due)
		return;
	two->due = true;
	two->at_ms = clock_now_ms();
	snprintf(two->call_id, sizeof(two->call_id), "%s", m->call_id);
	if (ndues < sizeof(dues) / sizeof(dues[0]))
		dues[ndues++] = (uint32_t)(two - records);
}

void sim_check_delivered(const struct sim_host *h, enum sim_way way, const char *text, size_t n)
{
	struct sim_msg m;
	struct record *r;

	if (!h)
		return;
	if (!sim_msg_read(text, n, &m)) {
		garbled[h - sim_hosts] = true;
		return;
	}
	if (way == SIM_FROM_SBE) {
		r = m.status ? NULL : find(key_of(OUT, NULL, m.branch, m.method), false);
		if (r)
			r->delivered = true;
	} else if (m.status) {
		delivered_response(h, &m);
	} else {
		delivered_request(h, &m);
	}
}

void sim_check_made(const struct sim_host *h, const char *text, size_t n)
{
	struct sim_made *slot = &made[nmade++ % MADE];

	free(slot->text);
	slot->host = h;
	slot->n = n;
	slot->text = malloc(n + 1);
	if (!slot->text)
		abort();
	memcpy(slot->text, text, n);
	slot->text[n] = '\0';
}

const struct sim_made *sim_check_pick(bool core)
{
	unsigned n = nmade < MADE ? nmade : MADE, from = sim_pick(n);

	for (unsigned i = 0; i < n; i++) {
		const struct sim_made *m = &made[(from + i) % n];

		if (m->host->core == core)
			return m;
	}
	return NULL;
}

void sim_check_down(void)
{
	for (unsigned i = 0; i < MADE; i++)
		free(made[i].text);
	memset(made, 0, sizeof(made));
	nmade = 0;
}

/* ---- when all is quiet */

void sim_check_settled(void)
{
	for (uint32_t i = 0; i < ndues; i++) {
		const struct record *r = &records[dues[i]];
		const struct sim_call *call = sim_call_of_id(r->call_id);

		if (!r->acked && call && !call->tainted)
			sim_breach("no ACK for the 2xx that came at %llu ms, Call-ID %s",
				   (unsigned long long)r->at_ms, r->call_id);
	}
}

bool sim_check_unheard(const char *call_id)
{
	for (uint32_t i = 0; i < nouts; i++) {
		if (!records[outs[i]].delivered && !strcmp(records[outs[i]].call_id, call_id))
			return true;
	}
	return false;
}

bool sim_check_unanswered(const char *call_id)
{
	for (uint32_t i = 0; i < nouts; i++) {
		const struct record *r = &records[outs[i]];

		if (r->invite && r->delivered && !r->status && !strcmp(r->call_id, call_id))
			return true;
	}
	return false;
}

bool sim_check_late_copy(const char *call_id)
{
	const struct record *r = find(key_of(ATTEMPT, NULL, call_id, ""), false);

	return r && r->until_ms - r->at_ms >= 62 * sim.plan.t1_ms;
}

unsigned sim_check_attempts(const char *call_id)
{
	const struct record *r = find(key_of(ATTEMPT, NULL, call_id, ""), false);

	return r ? r->cseq : 0;
}
