/* SPDX-License-Identifier: Apache-2.0 */
/* exchange: two of them over a pipe that can cut, lose and repeat, in virtual time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "proto/exchange.h"
#include "proto/frame.h"
#include "proto/result.h"

#define QUEUE_MAX 512

struct end {
	struct gate_exchange *x;
	struct end *to;
	struct {
		uint8_t *bytes;
		size_t len;
	} queue[QUEUE_MAX]; /* frames under way to `to` */
	size_t nqueue;
	bool hold;     /* requests are not answered at once */
	bool deaf;     /* what is sent here is lost */
	uint32_t held; /* the last request's id */
	size_t executed, late, silent, duplicates;
	int err;       /* of the last answer */
	uint16_t code; /* of the last answer */
	size_t answers;
};

static struct timer_wheel *wheel;
static struct end a, b; /* a: asks, b: executes */
static struct gate_message reply;

static void on_send(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct end *e = arg;

	assert_true(e->nqueue < QUEUE_MAX);
	e->queue[e->nqueue].bytes = malloc(len_bytes);
	memcpy(e->queue[e->nqueue].bytes, bytes, len_bytes);
	e->queue[e->nqueue++].len = len_bytes;
}

static void answer(struct end *e, uint32_t transaction)
{
	gate_message_clear(&reply);
	reply.action.context = (uint32_t)e->executed;
	gate_exchange_reply(e->x, transaction, &reply);
}

static void on_request(void *arg, const struct gate_message *m)
{
	struct end *e = arg;

	e->executed++;
	e->held = m->transaction;
	if (!e->hold)
		answer(e, m->transaction);
}

static void on_late(void *arg, const struct gate_message *m)
{
	struct end *e = arg;

	assert_int_equal(m->body, GATE_BODY_REPLY);
	e->late++;
}

static void on_silent(void *arg)
{
	struct end *e = arg;

	e->silent++;
	gate_exchange_detach(e->x);
}

static void on_answer(void *arg, int err, const struct gate_message *m)
{
	struct end *e = arg;

	e->answers++;
	e->err = err;
	e->code = err ? 0 : m->code;
	assert_true(err ? !m : !!m);
}

static int open_end(struct end *e, struct end *to, const char *node, uint64_t epoch)
{
	const struct gate_exchange_handlers h = {
		.send = on_send, .request = on_request, .late = on_late, .silent = on_silent};
	const struct gate_exchange_options o = {node, epoch, 300};

	memset(e, 0, sizeof(*e));
	e->to = to;
	return gate_exchange_new(&o, &h, e, wheel, &e->x);
}

static void lose(struct end *e)
{
	while (e->nqueue)
		free(e->queue[--e->nqueue].bytes);
}

/* Deliver one frame of e to the other end, times over. */
static int deliver(struct end *e, size_t times)
{
	uint8_t *bytes = e->queue[0].bytes;
	size_t len = e->queue[0].len;
	int err = 0;

	memmove(&e->queue[0], &e->queue[1], --e->nqueue * sizeof(e->queue[0]));
	while (times-- && !e->to->deaf)
		err = gate_exchange_frame(e->to->x, bytes + GATE_FRAME_HEAD_BYTES,
					  len - GATE_FRAME_HEAD_BYTES);
	free(bytes);
	return err;
}

static void flow(void)
{
	while (a.nqueue || b.nqueue) {
		if (a.nqueue)
			assert_int_equal(deliver(&a, 1), 0);
		if (b.nqueue)
			assert_int_equal(deliver(&b, 1), 0);
	}
}

static void pass_ms(uint64_t ms)
{
	while (ms--) {
		clock_advance_ms(1);
		timer_wheel_run(wheel, clock_now_ms());
		flow();
	}
}

static void connect_ends(void)
{
	gate_exchange_attach(a.x);
	gate_exchange_attach(b.x);
	gate_exchange_identify(a.x, "b", 2);
	gate_exchange_identify(b.x, "a", 1);
	gate_exchange_associate(b.x, 1);
	gate_exchange_associate(a.x, 1);
}

static void cut(void)
{
	lose(&a);
	lose(&b);
	gate_exchange_detach(a.x);
	gate_exchange_detach(b.x);
}

static int setup(void **state)
{
	(void)state;
	clock_fake(5000000, 1700000000000);
	if (timer_wheel_new(clock_now_ms(), &wheel) || open_end(&a, &b, "a", 1) ||
	    open_end(&b, &a, "b", 2))
		return -1;
	connect_ends();
	flow();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lose(&a);
	lose(&b);
	gate_exchange_free(a.x);
	gate_exchange_free(b.x);
	assert_int_equal(timer_wheel_count(wheel), 0);
	timer_wheel_free(wheel);
	clock_real();
	return mem_live() ? -1 : 0;
}

static uint32_t ask_ms(uint32_t deadline_ms)
{
	struct gate_message *m = gate_exchange_compose(a.x, GATE_REF_ID, 1);
	struct gate_command *c = gate_action_add(&m->action, GATE_SUBTRACT, GATE_REF_ALL);
	uint32_t transaction = 0;

	assert_non_null(c);
	assert_int_equal(gate_exchange_request(a.x, m, deadline_ms, on_answer, &a, &transaction),
			 0);
	return transaction;
}

static uint32_t ask(void)
{
	return ask_ms(500);
}

static void a_request_gets_one_answer(void **state)
{
	(void)state;
	ask();
	ask();
	assert_int_equal(a.answers, 0);
	flow();
	assert_int_equal(a.answers, 2);
	assert_int_equal(a.err, 0);
	assert_int_equal(b.executed, 2);
	pass_ms(1000);
	assert_int_equal(a.answers, 2);
}

/* J4, C4: the same request 500 times: executed once, the same bytes each time */
static void duplicates_get_the_same_bytes(void **state)
{
	size_t i;

	(void)state;
	ask();
	deliver(&a, 500);
	assert_int_equal(b.executed, 1);
	assert_int_equal(b.nqueue, 500);
	for (i = 1; i < 500; i++) {
		assert_int_equal(b.queue[i].len, b.queue[0].len);
		assert_memory_equal(b.queue[i].bytes, b.queue[0].bytes, b.queue[0].len);
	}
	flow();
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.late, 499);
}

/* C4: cut after it was executed, before the reply arrived; then sent again over the next connection */
static void cut_before_the_reply_executes_once(void **state)
{
	struct gate_exchange_counts n;

	(void)state;
	ask();
	deliver(&a, 1);
	assert_int_equal(b.executed, 1);
	cut();
	assert_int_equal(a.answers, 0);
	connect_ends();
	flow();
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.err, 0);
	assert_int_equal(b.executed, 1);
	gate_exchange_count(a.x, &n);
	assert_int_equal(n.resent, 1);
	gate_exchange_count(b.x, &n);
	assert_int_equal(n.duplicates, 1);
}

static void requests_wait_for_the_association_and_keep_their_order(void **state)
{
	uint32_t first, second;

	(void)state;
	cut();
	first = ask();
	second = ask();
	assert_true(second > first);
	assert_int_equal(a.nqueue, 0);
	connect_ends();
	flow();
	assert_int_equal(a.answers, 2);
	assert_int_equal(b.held, second);
}

static void a_deadline_ends_what_waits(void **state)
{
	(void)state;
	cut();
	ask();
	pass_ms(499);
	assert_int_equal(a.answers, 0);
	pass_ms(2);
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.err, -ETIMEDOUT);
	connect_ends();
	flow();
	assert_int_equal(b.executed, 0);
}

/* C11: the reply comes after the deadline: not an answer any more, but not lost either */
static void a_late_reply_is_told(void **state)
{
	uint32_t transaction;

	(void)state;
	b.hold = true;
	ask_ms(100);
	pass_ms(150);
	assert_int_equal(a.err, -ETIMEDOUT);
	answer(&b, b.held);
	flow();
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.late, 1);

	transaction = ask_ms(100);
	flow();
	gate_exchange_forget(a.x, transaction);
	answer(&b, b.held);
	flow();
	pass_ms(200);
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.late, 2);
}

/* J4: an executing duplicate gets Pending, which gives more time, but not for ever */
static void pending_extends_the_deadline(void **state)
{
	int i;

	(void)state;
	b.hold = true;
	ask_ms(100);
	for (i = 0; i < 10 && !a.answers; i++) {
		if (a.nqueue)
			deliver(&a, 2);
		/* as a resend would */
		pass_ms(60);
		cut();
		connect_ends();
		flow();
	}
	assert_int_equal(b.executed, 1);
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.err, -ETIMEDOUT);
	assert_true(i >= 5);
}

static void another_life_of_the_peer_fails_open_requests(void **state)
{
	(void)state;
	b.hold = true;
	ask();
	flow();
	cut();
	gate_exchange_attach(a.x);
	gate_exchange_identify(a.x, "b", 3);
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.err, -EHOSTDOWN);
	/* and its ids start again */
	gate_exchange_attach(b.x);
	gate_exchange_identify(b.x, "a", 9);
	b.hold = false;
	b.executed = 0;
	assert_int_equal(gate_exchange_request(a.x, gate_exchange_compose(a.x, GATE_REF_ID, 1), 10,
					       on_answer, &a, NULL),
			 -ENOTCONN);
}

/* J11, C7, C14: an older epoch or another sender on the connection */
static void strangers_and_older_lives_are_refused(void **state)
{
	(void)state;
	ask();
	/* b has heard of a later life of a: the old one's frame is under way still */
	gate_exchange_identify(b.x, "a", 5);
	deliver(&a, 1);
	assert_int_equal(b.executed, 0);
	flow();
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.code, GATE_ERR_FOREIGN);

	gate_exchange_identify(b.x, "c", 1);
	ask();
	flow();
	assert_int_equal(a.answers, 2);
	assert_int_equal(a.code, GATE_ERR_FOREIGN);
	assert_int_equal(b.executed, 0);
}

/* J9f: before ServiceChange nothing is executed */
static void before_the_association_it_is_505(void **state)
{
	(void)state;
	gate_exchange_detach(b.x);
	gate_exchange_attach(b.x);
	ask();
	flow();
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.code, GATE_ERR_BEFORE_CHANGE);
	assert_int_equal(b.executed, 0);
	/* it left no trace: the same id would be executed after the association */
	gate_exchange_identify(b.x, "a", 1);
	gate_exchange_associate(b.x, 1);
	ask();
	flow();
	assert_int_equal(b.executed, 1);
}

static void heartbeats_notice_a_silent_peer(void **state)
{
	struct gate_exchange_counts n;

	(void)state;
	pass_ms(5000);
	assert_int_equal(a.silent + b.silent, 0);
	gate_exchange_count(a.x, &n);
	assert_int_equal(n.errors, 0);
	b.deaf = true;
	a.deaf = true;
	pass_ms(1201);
	assert_int_equal(a.silent, 1);
	assert_int_equal(b.silent, 1);
	pass_ms(5000);
	assert_int_equal(a.silent, 1);
}

/* One pause of our own process is one missed beat, not three. */
static void a_pause_of_our_own_is_not_the_peers_silence(void **state)
{
	(void)state;
	pass_ms(100);
	clock_advance_ms(60000);
	timer_wheel_run(wheel, clock_now_ms());
	flow();
	pass_ms(2000);
	assert_int_equal(a.silent + b.silent, 0);
}

static void acknowledgements_free_the_peers_copies(void **state)
{
	struct gate_exchange_counts n;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		ask();
		flow();
	}
	gate_exchange_count(b.x, &n);
	assert_true(n.cached <= 64);
	pass_ms(300);
	gate_exchange_count(b.x, &n);
	assert_int_equal(n.cached, 0);
}

static void garbage_closes_and_bad_requests_are_answered(void **state)
{
	struct gate_exchange_counts n;
	static struct gate_message m;
	uint8_t wire[512];
	size_t len;

	(void)state;
	assert_int_equal(gate_exchange_frame(b.x, (const uint8_t *)"\xff\xff\xff", 3), -EPROTO);
	/* a request with a mistake in it: answered with its code, the connection stays */
	gate_message_clear(&m);
	m.version = 1;
	strcpy(m.sender, "a");
	m.epoch = 1;
	m.body = GATE_BODY_REQUEST;
	m.transaction = 900;
	m.action.context_ref = GATE_REF_ROOT;
	assert_non_null(gate_action_add(&m.action, GATE_SUBTRACT, GATE_REF_ALL));
	assert_int_equal(gate_message_encode(&m, wire, sizeof(wire), &len), 0);
	assert_int_equal(gate_exchange_frame(b.x, wire, len), 0);
	assert_int_equal(b.executed, 0);
	gate_exchange_count(b.x, &n);
	assert_int_equal(n.errors, 2);
	assert_int_equal(b.nqueue, 2);
	flow();
}

/* J9g */
static void versions(void **state)
{
	(void)state;
	assert_int_equal(gate_version_choose(1, 1), 1);
	assert_int_equal(gate_version_choose(1, 10), GATE_VERSION_MAX);
	assert_int_equal(gate_version_choose(GATE_VERSION_MAX + 1, GATE_VERSION_MAX + 2), 0);
	assert_int_equal(gate_version_choose(0, 0), 0);
	/* a request in another version than the chosen one */
	gate_exchange_associate(a.x, 2);
	ask();
	flow();
	assert_int_equal(a.code, GATE_ERR_VERSION);
	assert_int_equal(b.executed, 0);
}

/* Loss, cuts and repetition at random: every request ends once, none is executed twice. */
static void chaos(void **state)
{
	uint32_t seed = 42;
	size_t asked = 0, i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		seed = seed * 1664525 + 1013904223;
		switch ((seed >> 16) % 8) {
		case 0:
		case 1:
			ask();
			asked++;
			break;
		case 2:
		case 3:
			if (a.nqueue)
				deliver(&a, 1 + (seed >> 24) % 3);
			break;
		case 4:
		case 5:
			if (b.nqueue)
				deliver(&b, 1);
			break;
		case 6:
			clock_advance_ms((seed >> 20) % 20);
			timer_wheel_run(wheel, clock_now_ms());
			break;
		default:
			if ((seed >> 20) % 40 == 0) {
				cut();
				connect_ends();
			}
			break;
		}
		if (a.nqueue > 400 || b.nqueue > 400)
			flow();
	}
	pass_ms(2000);
	assert_int_equal(a.answers, asked);
	assert_true(b.executed <= asked);
	assert_true(b.executed > asked / 2);
}

static void no_memory_leaves_nothing_behind(void **state)
{
	struct gate_message *m;
	unsigned long n;
	int err = -1;

	(void)state;
	for (n = 1; err; n++) {
		m = gate_exchange_compose(a.x, GATE_REF_ID, 1);
		assert_non_null(gate_action_add(&m->action, GATE_SUBTRACT, GATE_REF_ALL));
		mem_fail_at(n);
		err = gate_exchange_request(a.x, m, 100, on_answer, &a, NULL);
		mem_fail_at(0);
		assert_true(!err || err == -ENOMEM);
	}
	flow();
	assert_int_equal(a.answers, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_gets_one_answer),
		TEST(duplicates_get_the_same_bytes),
		TEST(cut_before_the_reply_executes_once),
		TEST(requests_wait_for_the_association_and_keep_their_order),
		TEST(a_deadline_ends_what_waits),
		TEST(a_late_reply_is_told),
		TEST(pending_extends_the_deadline),
		TEST(another_life_of_the_peer_fails_open_requests),
		TEST(strangers_and_older_lives_are_refused),
		TEST(before_the_association_it_is_505),
		TEST(heartbeats_notice_a_silent_peer),
		TEST(a_pause_of_our_own_is_not_the_peers_silence),
		TEST(acknowledgements_free_the_peers_copies),
		TEST(garbage_closes_and_bad_requests_are_answered),
		TEST(versions),
		TEST(chaos),
		TEST(no_memory_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
