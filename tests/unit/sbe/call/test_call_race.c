/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CANCEL and 2xx, BYE and everything, at every millisecond (A9, A11, A12, S4): two user agents that keep the rules, a
 * network that takes its time, and a plan of who does what when.
 *
 * What must hold after each race: nobody is left in a call alone, every request of theirs has its answer, no gate is
 * left, one record. A failing seed is printed; CALL_SEED=n runs it alone.
 */
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#ifndef RACES
#define RACES 10000U
#endif
#define NEVER 1000000U
#define TODO_MAX 64U
#define PER_BED 100U /* races between two looks for leftovers */

static uint64_t random_state;
static unsigned seed_now;

static unsigned pick(unsigned n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(random_state >> 33) % n;
}

/* Times in ms after the INVITE; those of B after it has come there. */
struct plan {
	unsigned delay[2]; /* of the network, each way, on the side of A and of B */
	unsigned ring, answer, fork, cancel, cancel_again, bye[2], ack;
	int status; /* what B answers */
	bool twice; /* BYEs come twice */
};

enum deed { RING, ANSWER, FORK, ANSWER_AGAIN, REFUSE, REPLY, CANCEL, ACK_IT, BYE };

struct todo {
	uint64_t at_ms;
	enum bed_who who;
	enum deed deed;
	char *request; /* what is answered */
};

static struct race {
	struct plan plan;
	uint64_t start_ms;
	struct todo todo[TODO_MAX];
	unsigned ntodo;
	char invite[BED_MESSAGE_MAX];
	char tag[64];
	struct {
		bool up, over, cancelled, confirmed, refused;
		unsigned byes, answers; /* its own BYEs, and their answers */
	} at[2];
	unsigned fork_byes;
	bool forked;
} race;

/* How the races of a test have gone. */
static struct {
	unsigned cancelled, answered;
	unsigned crossed_above; /* A had sent CANCEL and got a 2xx */
	unsigned crossed_below; /* B had sent a 2xx and got CANCEL */
} seen;

static void later(uint64_t after_ms, enum bed_who who, enum deed deed, const char *request)
{
	struct todo *t = &race.todo[race.ntodo++];

	assert_true(race.ntodo <= TODO_MAX);
	*t = (struct todo){clock_now_ms() + after_ms, who, deed, request ? strdup(request) : NULL};
}

static void reply_to(enum bed_who who, const char *request, int status, const char *body)
{
	strcpy(bed.ua[who].request, request);
	bed_reply(who, status, body);
}

static void fork_answers(void)
{
	char tag[64];

	strcpy(tag, bed.ua[B].tag);
	strcpy(bed.ua[B].tag, "b-tag-f2");
	reply_to(B, race.invite, 200, BED_SDP("198.51.100.23", "7000"));
	strcpy(bed.ua[B].tag, tag);
	race.forked = true;
}

static void b_answers(bool again)
{
	if (again ? race.at[B].confirmed || race.at[B].over : race.at[B].cancelled)
		return;
	reply_to(B, race.invite, race.plan.status, race.plan.status == 200 ? SDP_B : NULL);
	if (race.plan.status != 200) {
		race.at[B].refused = true;
		return;
	}
	race.at[B].up = true;
	if (!race.at[B].over)
		later(500, B, ANSWER_AGAIN, NULL);
}

static void hang_up(enum bed_who who)
{
	if (race.at[who].over || !strstr(bed.ua[who].remote, ";tag=") || !bed.ua[who].target[0])
		return;
	if (who == B && !race.at[B].up)
		return; /* the callee may not, before it has answered */
	race.at[who].byes++;
	bed_request(who, "BYE", NULL);
	race.at[who].over = race.at[who].up;
}

/* Something a user agent does, as it arrives here. */
static void act(const struct todo *t)
{
	switch (t->deed) {
	case RING:
		if (!race.at[B].up && !race.at[B].refused && !race.at[B].cancelled)
			reply_to(B, race.invite, 180, NULL);
		break;
	case ANSWER:
	case ANSWER_AGAIN:
		b_answers(t->deed == ANSWER_AGAIN);
		break;
	case FORK:
		if (race.plan.status == 200)
			fork_answers();
		break;
	case REFUSE:
		if (!race.at[B].up && !race.at[B].refused)
			reply_to(B, race.invite, 487, NULL);
		break;
	case REPLY:
		reply_to(t->who, t->request, 200, NULL);
		break;
	case CANCEL:
		if (race.at[A].up || race.at[A].over)
			break;
		race.at[A].cancelled = true;
		bed_send_cancel(A);
		break;
	case ACK_IT:
		bed_ack(A, NULL);
		if (race.at[A].cancelled)
			later(1, A, BYE, NULL);
		break;
	case BYE:
		hang_up(t->who);
		break;
	}
}

static void a_hears(const char *text)
{
	unsigned d = race.plan.delay[0];

	if (!strncmp(text, "BYE ", 4)) {
		race.at[A].over = true;
		later(d, A, REPLY, text);
	} else if (strstr(bed_header(text, "CSeq"), "BYE")) {
		assert_true(!strncmp(text, "SIP/2.0 200", 11) || !strncmp(text, "SIP/2.0 481", 11));
		race.at[A].answers++;
		race.at[A].over |= race.at[A].up;
	} else if (strstr(bed_header(text, "CSeq"), "INVITE") && atoi(text + 8) >= 200) {
		if (atoi(text + 8) >= 300) {
			race.at[A].over = true;
			return;
		}
		race.at[A].up = true;
		race.at[A].over |= race.at[A].answers > 0; /* its BYE has crossed the 2xx */
		if (race.plan.ack != NEVER)
			later(d + race.plan.ack, A, ACK_IT, NULL);
	}
}

static void b_hears_bye(const char *text)
{
	if (strstr(bed_header(text, "To"), "b-tag-f2"))
		race.fork_byes++;
	else
		race.at[B].over = true;
	later(race.plan.delay[1], B, REPLY, text);
}

static void b_hears(const char *text)
{
	unsigned d = race.plan.delay[1];

	if (!strncmp(text, "INVITE ", 7)) {
		if (race.invite[0])
			return;
		strcpy(race.invite, text);
		if (race.plan.ring != NEVER)
			later(d + race.plan.ring, B, RING, NULL);
		later(d + race.plan.answer, B, ANSWER, NULL);
		if (race.plan.fork != NEVER)
			later(d + race.plan.fork, B, FORK, NULL);
		later(d + race.plan.bye[1], B, BYE, NULL);
	} else if (!strncmp(text, "CANCEL ", 7)) {
		later(d, B, REPLY, text);
		seen.crossed_below += race.at[B].up;
		if (!race.at[B].up && !race.at[B].refused) {
			race.at[B].cancelled = true;
			later(d, B, REFUSE, NULL);
		}
	} else if (!strncmp(text, "ACK ", 4)) {
		if (race.at[B].refused || race.at[B].cancelled)
			race.at[B].over = true;
		else if (!strstr(bed_header(text, "To"), "b-tag-f2"))
			race.at[B].confirmed = true;
	} else if (!strncmp(text, "BYE ", 4)) {
		b_hears_bye(text);
	} else if (strstr(bed_header(text, "CSeq"), "BYE")) {
		assert_true(!strncmp(text, "SIP/2.0 200", 11) || !strncmp(text, "SIP/2.0 481", 11));
		race.at[B].answers++;
	}
}

/* What was sent to it long enough ago. */
static void deliver(enum bed_who who)
{
	for (unsigned i = 0; i < bed.nsent; i++) {
		struct bed_sent *s = &bed.sent[i];
		const char *text;

		if (s->taken || s->to != who)
			continue;
		if (s->at_ms + race.plan.delay[who] > clock_now_ms())
			return;
		text = bed_take_any(who);
		if (text && who == A)
			a_hears(text);
		else if (text)
			b_hears(text);
		i = (unsigned)-1; /* the list may have been packed */
	}
}

static void step(unsigned ms)
{
	bed_run_ms(ms);
	deliver(A);
	deliver(B);
	for (unsigned i = 0; i < race.ntodo;) {
		struct todo t = race.todo[i];

		if (t.at_ms > clock_now_ms()) {
			i++;
			continue;
		}
		race.ntodo--;
		memmove(&race.todo[i], &race.todo[i + 1], (race.ntodo - i) * sizeof(race.todo[0]));
		act(&t);
		free(t.request);
	}
}

static bool is_over(void)
{
	return call_count(bed.core) == 0 && race.at[A].over && race.at[B].over && !race.ntodo;
}

static void run(void)
{
	unsigned cdrs = bed_cdr_count();

	race.start_ms = clock_now_ms();
	bed_invite(A, SDP_A);
	later(race.plan.cancel, A, CANCEL, NULL);
	later(race.plan.cancel_again, A, CANCEL, NULL);
	later(race.plan.bye[0], A, BYE, NULL);
	if (race.plan.twice) {
		later(race.plan.bye[0], A, BYE, NULL);
		race.todo[race.ntodo - 1].at_ms++;
	}
	for (unsigned ms = 0; ms < 400 && !is_over(); ms++)
		step(1);
	/* what was planned for never: forget it, and let whoever is up hang up */
	for (unsigned i = 0; i < race.ntodo; i++) {
		if (race.todo[i].at_ms > race.start_ms + NEVER / 2)
			race.todo[i].at_ms =
				clock_now_ms() + (race.todo[i].deed == CANCEL ? NEVER : 0);
	}
	for (unsigned n = 0; n < 3000 && !is_over(); n++) {
		if (race.at[A].up && !race.at[A].over && race.plan.ack != NEVER)
			hang_up(A);
		for (unsigned i = 0; i < race.ntodo; i++) {
			if (race.todo[i].deed == CANCEL &&
			    race.todo[i].at_ms > clock_now_ms() + 60000)
				race.todo[i--] = race.todo[--race.ntodo];
		}
		step(20);
	}
	if (!is_over())
		fail_msg("calls %zu, a %d b %d, todo %u", call_count(bed.core), race.at[A].over,
			 race.at[B].over, race.ntodo);
	for (unsigned i = 0; i < 10; i++)
		step(50);
	assert_int_equal(bed.gate.now, 0);
	assert_int_equal(bed_cdr_count(), cdrs + 1);
	assert_int_equal(race.at[A].byes, race.at[A].answers);
	assert_int_equal(race.at[B].byes, race.at[B].answers);
	assert_int_equal(race.fork_byes, race.forked); /* it never wins here: the loser is told */
}

static void one(unsigned seed, const struct plan *plan)
{
	seed_now = seed;
	memset(&race, 0, sizeof(race));
	race.plan = *plan;
	run();
	seen.answered += race.at[A].up;
	seen.cancelled += race.at[A].cancelled && !race.at[A].up;
	seen.crossed_above += race.at[A].cancelled && race.at[A].up;
}

static void many(void (*make)(struct plan *p))
{
	const char *only = getenv("CALL_SEED");

	for (unsigned seed = 0; seed < RACES; seed++) {
		struct plan plan = {.ring = NEVER,
				    .fork = NEVER,
				    .cancel = NEVER,
				    .cancel_again = NEVER,
				    .bye = {NEVER, NEVER},
				    .status = 200};

		if (only && seed != (unsigned)atoi(only))
			continue;
		random_state = seed * 2654435761ULL + 1;
		make(&plan);
		one(seed, &plan);
		if (seed % PER_BED == PER_BED - 1) {
			bed.idle_unchecked = true;
			bed_down();
			bed_up(NULL, NULL);
		}
	}
	bed.idle_unchecked = true;
}

/* A9: before the 100, crossing the 2xx, after it, twice; a fork answers too; or B refuses at that moment. */
static void cancel_plan(struct plan *p)
{
	p->delay[0] = pick(25);
	p->delay[1] = pick(25);
	p->ring = pick(4) ? pick(40) : NEVER;
	p->answer = pick(100);
	/* around the moment at which the 2xx is here */
	p->cancel = pick(3) ? p->answer + 2 * p->delay[1] + pick(50) - 25 * !!(p->answer > 25)
			    : pick(150);
	p->cancel_again = pick(4) ? NEVER : p->cancel + pick(10);
	p->fork = pick(4) ? NEVER : p->answer + pick(20);
	p->status = pick(6) ? 200 : 486;
	p->ack = pick(3) ? 0 : pick(40);
}

static void cancel_races(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	many(cancel_plan);
	if (!getenv("CALL_SEED")) { /* the plans do reach all that they are meant to reach */
		assert_true(seen.cancelled > RACES / 10);
		assert_true(seen.answered > RACES / 10);
		assert_true(seen.crossed_above > RACES / 50 && seen.crossed_below > RACES / 50);
	}
}

/* A12: BYE early, before the 2xx has come, before the ACK, from both at once, twice; or the ACK never comes (A11). */
static void bye_plan(struct plan *p)
{
	unsigned answered;

	p->delay[0] = pick(25);
	p->delay[1] = pick(25);
	p->ring = pick(4) ? pick(20) : NEVER;
	p->answer = pick(60);
	p->ack = pick(8) ? pick(30) : NEVER;
	answered = p->answer + 2 * p->delay[1];
	p->bye[0] = pick(5) ? answered + pick(80) : pick(answered + 1);
	p->bye[1] = pick(5) ? p->answer + pick(80) : NEVER;
	if (!pick(6))
		p->bye[0] = NEVER;
	p->twice = !pick(4);
	p->fork = pick(8) ? NEVER : p->answer + pick(20);
}

static void bye_races(void **state)
{
	(void)state;
	many(bye_plan);
}

/* A9 as it is written: 0 to 50 ms apart, each millisecond. */
static void cancel_sweep(void **state)
{
	(void)state;
	for (unsigned delay = 0; delay <= 20; delay += 5) {
		for (unsigned ms = 0; ms <= 50; ms++) {
			struct plan p = {.delay = {delay, delay},
					 .ring = 1,
					 .answer = 40,
					 .fork = NEVER,
					 .cancel = 2 * delay + 15 + ms,
					 .cancel_again = NEVER,
					 .bye = {NEVER, NEVER},
					 .status = 200};

			one(delay * 100 + ms, &p);
		}
		bed_run_ms(40000);
		bed_skip(A);
		bed_skip(B);
	}
	bed.idle_unchecked = true;
}

static int tell_seed(void **state)
{
	print_message("last seed: %u\n", seed_now);
	return bed_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(cancel_sweep),
		cmocka_unit_test_setup_teardown(cancel_races, bed_setup, tell_seed),
		cmocka_unit_test_setup_teardown(bye_races, bed_setup, tell_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
