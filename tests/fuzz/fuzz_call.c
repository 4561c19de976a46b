/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions and calls, with a call up: any bytes and almost right messages from both sides of it and from others, time
 * passing, dbes that refuse. Whatever happens, what we send can be read, no number of calls exceeds the INVITEs, and when
 * everybody has gone nothing is left: no call, gate, transaction, timer, memory; and there is one record for each attempt.
 *
 * The input is a list of steps: who and what (1 byte), a number (1 byte), length of the text (2 bytes), text.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/unit/sbe/call/call_bed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define STEPS_MAX 24

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return setenv("CMOCKA_TEST_ABORT", "1", 1); /* an assertion of the bed is a finding */
}

static char text[140000];

static const char *const methods[] = {"INVITE", "ACK",       "BYE",     "CANCEL", "OPTIONS",
				      "PRACK",  "UPDATE",    "INFO",    "REFER",  "MESSAGE",
				      "NOTIFY", "SUBSCRIBE", "PUBLISH", "FOO",    "REGISTER"};

struct step {
	uint8_t what, number;
	const char *more; /* header lines, or all of it */
	size_t n;
};

/* header lines of the input end our own; it may bring its own empty line and a body */
static void send_text(enum bed_who from, size_t at, const struct step *s)
{
	memcpy(text + at, s->more, s->n);
	at += s->n;
	if (!memmem(text, at, "\r\n\r\n", 4))
		at += (size_t)sprintf(text + at, "%s\r\n",
				      at > 1 && text[at - 1] == '\n' ? "" : "\r\n");
	(void)bed_raw(from, text, at);
}

static void request(enum bed_who from, const struct step *s, bool in_dialog)
{
	struct bed_ua *u = &bed.ua[from];
	const char *method = methods[s->number % (sizeof(methods) / sizeof(methods[0]))];
	bool old = !strcmp(method, "ACK") || !strcmp(method, "CANCEL");
	unsigned cseq = old ? u->invite_cseq : ++u->cseq;
	char branch[80], fresh[16];
	size_t at;

	if (!strcmp(method, "INVITE")) {
		u->invite_cseq = cseq;
		snprintf(u->branch, sizeof(u->branch), "z9hG4bK-f%u", ++bed.branches);
	}
	if (old || !strcmp(method, "INVITE"))
		snprintf(branch, sizeof(branch), "%s", u->branch);
	else
		snprintf(branch, sizeof(branch), "z9hG4bK-g%u", ++bed.branches);
	snprintf(fresh, sizeof(fresh), "new%u", s->number % 8U);
	in_dialog = in_dialog && u->call_id[0] && u->remote[0] && u->target[0];
	at = (size_t)snprintf(
		text, 8000,
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=%s\r\nMax-Forwards: 70\r\n"
		"From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
		method, in_dialog ? u->target : "sip:+441@a.example", u->ip, branch,
		in_dialog ? u->local : "<sip:u@h>;tag=t",
		in_dialog ? u->remote : "<sip:+441@a.example>", in_dialog ? u->call_id : fresh,
		cseq, method);
	assert(at < 8000);
	send_text(from, at, s);
}

/* An answer to the last request it got, with this status. */
static void respond(enum bed_who from, const struct step *s)
{
	static const int statuses[] = {100, 180, 183, 199, 200, 202, 300, 302, 400, 401, 407,
				       408, 422, 481, 486, 487, 488, 491, 500, 503, 600, 699};
	const struct bed_ua *u = &bed.ua[from];
	const char *to;
	size_t at;

	if (!u->request[0])
		return;
	to = bed_header(u->request, "To");
	at = (size_t)snprintf(
		text, 12000,
		"SIP/2.0 %d x\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n",
		statuses[s->number % (sizeof(statuses) / sizeof(statuses[0]))],
		bed_header(u->request, "Via"), bed_header(u->request, "From"), to,
		strstr(to, ";tag=") ? "" : ";tag=", strstr(to, ";tag=") ? "" : u->tag,
		bed_header(u->request, "Call-ID"), bed_header(u->request, "CSeq"));
	assert(at < 12000);
	send_text(from, at, s);
}

/* Requests are kept to be answered; what is said to an earlier step is not looked at. */
static void take_all(void)
{
	const char *got;

	for (int i = 0; i < BED_UAS; i++) {
		while ((got = bed_next((enum bed_who)i))) {
			if (strncmp(got, "SIP/2.0 ", 8) != 0 && strncmp(got, "ACK ", 4) != 0 &&
			    strncmp(got, "CANCEL ", 7) != 0)
				snprintf(bed.ua[i].request, sizeof(bed.ua[i].request), "%s", got);
		}
	}
}

static void play(const struct step *s)
{
	enum bed_who who = (enum bed_who)(s->what % BED_UAS);

	switch (s->what / BED_UAS % 6) {
	case 0:
		memcpy(text, s->more, s->n);
		(void)bed_raw(who, text, s->n);
		break;
	case 1:
		request(who, s, true);
		break;
	case 2:
		request(who, s, false);
		break;
	case 3:
		respond(who, s);
		break;
	case 4:
		bed_run_ms((uint64_t)s->number * s->number);
		break;
	default:
		bed.gate.open_err = s->number & 1 ? -ENOSPC : 0;
		bed.gate.modify_err = s->number & 2 ? -EPROTO : 0;
		bed.gate.refuse_code = s->number & 4 ? 421 : 0;
		bed.gate.hold = s->number & 8;
		break;
	}
	take_all();
}

static void stopped(void *arg)
{
	*(bool *)arg = true;
}

/* Nobody answers any more, all timers run out, and what is still up is ended as a stop of the sbe would. */
static void let_go(void)
{
	static bool done;

	bed.gate.hold = false;
	bed.gate.open_err = bed.gate.modify_err = 0;
	bed.gate.refuse_code = 0;
	for (int i = 0; i < BED_UAS; i++)
		bed.lossy[i] = true;
	bed_run_ms(400000);
	done = false;
	call_shutdown(bed.core, stopped, &done);
	bed_run_ms(100000);
	assert(done && call_count(bed.core) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;

	bed_up(NULL, NULL);
	bed.leaks_ok = bed.large_ok = bed.nobody_ok = bed.idle_unchecked = true;
	bed_connect();
	for (int i = 0; i < STEPS_MAX && size >= 4; i++) {
		s = (struct step){
			.what = data[0], .number = data[1], .n = data[2] * 256U + data[3]};
		data += 4;
		size -= 4;
		s.n = s.n < size ? s.n : size;
		s.more = (const char *)data;
		data += s.n;
		size -= s.n;
		play(&s);
	}
	let_go();
	bed_down();
	assert(mem_live() == 0);
	return 0;
}
