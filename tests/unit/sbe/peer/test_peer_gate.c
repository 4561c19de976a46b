/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before it is parsed, and what never (C22, A22, A24, E7, S10). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/peer/peer_gate.h"

static struct peer_set *set;
static struct peer *peer;
static struct peer_gate gate;
static struct guard_reply reply;
static uint16_t port;
static const char *const emergency[] = {"112"};
static struct overload_sample sample;

static void start_options(const char *members, struct peer_gate_options o)
{
	char text[512];

	clock_fake(5000000, 1700000000000);
	(void)snprintf(text, sizeof(text),
		       "{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1']%s%s}}}",
		       members[0] ? "," : "", members);
	set = bed_set(text, NULL);
	peer = peer_find_name(set, "p");
	o.emergency = (struct conf_list){(void *)(uintptr_t)emergency, 1};
	peer_gate_init(&gate, &o);
	sample = (struct overload_sample){.now_us = clock_now_us()};
}

static void start(const char *members)
{
	start_options(members, (struct peer_gate_options){.cps = 0});
}

static int down(void **state)
{
	(void)state;
	peer_set_free(set);
	set = NULL;
	clock_real();
	return 0;
}

static void tick(void)
{
	clock_advance_ms(OVERLOAD_TICK_MS);
	sample.now_us = clock_now_us();
	sample.idle_us += OVERLOAD_TICK_MS * 1000;
	peer_gate_tick(&gate, set, &sample);
}

static void shed(unsigned percent)
{
	overload_force(&gate.overload, percent);
	tick();
}

struct ask {
	const char *method, *uri, *to, *via, *more;
	unsigned nth;
	bool response;
};

static enum guard_verdict offer_waited(struct peer *p, struct ask a, uint64_t waited_us)
{
	static char text[2048];
	struct transport_target from = {.proto = TRANSPORT_UDP};
	struct transport_offer o = {.from = &from, .waited_us = waited_us};
	static struct guard_head head;

	(void)snprintf(
		text, sizeof(text),
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP h:5070;branch=z9hG4bK%u%s\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: %s\r\nCall-ID: call-%u\r\nCSeq: 1 %s\r\n%s\r\n",
		a.method, a.uri ? a.uri : "sip:+44@d", a.nth, a.via ? a.via : "",
		a.to ? a.to : "<sip:c@d>", a.nth, a.method, a.more ? a.more : "");
	o.data = (const uint8_t *)text;
	o.len_bytes = strlen(text);
	if (!a.response) {
		assert_int_equal(guard_head_read(o.data, o.len_bytes, &head), 0);
		o.head = &head;
	}
	port = 0;
	reply = (struct guard_reply){.status = 0};
	return peer_gate_take(&gate, p, &o, &reply, &port);
}

static enum guard_verdict offer(struct ask a)
{
	return offer_waited(peer, a, 0);
}

static const struct ask invite = {.method = "INVITE"};

static void without_limit_or_overload_all_passes(void **state)
{
	(void)state;
	start("");
	for (unsigned i = 0; i < 5000; i++) {
		assert_int_equal(offer((struct ask){.method = "INVITE", .nth = i}), GUARD_PASS);
		if (i % 500 == 0)
			tick();
	}
	assert_int_equal(offer((struct ask){.method = "OPTIONS"}), GUARD_PASS);
	assert_int_equal(offer_waited(NULL, invite, 0), GUARD_PASS); /* a stranger gets his 403 */
	assert_int_equal(peer->state->limited, 0);
}

static void a_limit_refuses_from_the_bytes(void **state)
{
	(void)state;
	start("'limits':{'cps_in':2},'overload':{'retry_after_s':9}");
	assert_int_equal(peer_take(peer, PEER_IN, clock_now_us()), PEER_LIMIT_NONE);
	assert_int_equal(peer_take(peer, PEER_IN, clock_now_us()), PEER_LIMIT_NONE);
	assert_int_equal(offer(invite), GUARD_ANSWER);
	assert_int_equal(reply.status, 503);
	assert_int_equal(port, 5070); /* where its Via says */
	assert_string_equal(reply.headers,
			    "Retry-After: 9\r\nReason: SIP;cause=503;text=\"call rate "
			    "limit of the peer\"\r\n");
	assert_null(reply.oc);
	assert_int_equal(peer->state->limited_by[PEER_LIMIT_CPS], 1);
	assert_int_equal(peer->state->attempts[PEER_IN], 3);
	/* asking took no token: the next second has two again */
	clock_advance_ms(1000);
	assert_int_equal(offer(invite), GUARD_PASS);
	/* inside of a dialog no limit of calls applies */
	peer_block(peer, true);
	assert_int_equal(offer((struct ask){.method = "INVITE", .to = "<sip:c@d>;tag=2"}),
			 GUARD_PASS);
	assert_int_equal(offer(invite), GUARD_ANSWER);
	assert_non_null(strstr(reply.headers, "blocked by the operator"));
}

static void open_transactions_are_a_limit(void **state)
{
	(void)state;
	start("'limits':{'transactions':3}");
	peer->state->transactions.open = 2;
	assert_int_equal(offer(invite), GUARD_PASS);
	peer->state->transactions.open = 3;
	assert_int_equal(offer(invite), GUARD_ANSWER);
	assert_non_null(strstr(reply.headers, "transaction limit of the peer"));
	assert_int_equal(offer((struct ask){.method = "BYE", .to = "<sip:c@d>;tag=2"}), GUARD_PASS);
	assert_int_equal(peer_take(peer, PEER_OUT, 1),
			 PEER_LIMIT_NONE); /* it is theirs, not ours */
	/* without a key a peer can have half of the node's */
	peer_set_free(set);
	start("");
	peer->state->transactions.open = PEER_TRANSACTIONS;
	assert_int_equal(offer(invite), GUARD_ANSWER);
}

/* Calls stop at three quarters, the rest is for what belongs to calls that are up; then nothing is read. */
static void messages_per_second_are_a_limit(void **state)
{
	unsigned passed = 0;

	(void)state;
	start("'limits':{'messages_per_s':40}");
	for (unsigned i = 0; i < 100; i++)
		passed += offer((struct ask){.method = "INVITE", .nth = i}) == GUARD_PASS;
	assert_int_equal(passed, 30);
	assert_int_equal(peer->state->limited_by[PEER_LIMIT_MESSAGES], 70);
	assert_non_null(strstr(reply.headers, "message rate limit"));
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(offer((struct ask){.method = "BYE", .to = "<sip:c@d>;tag=2"}),
				 GUARD_PASS);
	assert_int_equal(offer((struct ask){.method = "BYE", .to = "<sip:c@d>;tag=2"}), GUARD_DROP);
	assert_int_equal(offer((struct ask){.method = "SIP/2.0", .response = true}), GUARD_DROP);
	clock_advance_ms(25);
	assert_int_equal(offer((struct ask){.method = "SIP/2.0", .response = true}), GUARD_PASS);
}

static void the_node_has_a_rate(void **state)
{
	(void)state;
	start_options("", (struct peer_gate_options){.cps = 3});
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(offer(invite), GUARD_PASS);
	assert_int_equal(offer(invite), GUARD_ANSWER);
	assert_int_equal(peer->state->limited_by[PEER_LIMIT_NODE_CPS], 1);
	assert_int_equal(offer((struct ask){.method = "INVITE", .uri = "urn:service:sos"}),
			 GUARD_PASS);
}

static unsigned passed_of_1000(struct ask a)
{
	unsigned n = 0;

	for (a.nth = 0; a.nth < 1000; a.nth++)
		n += offer(a) == GUARD_PASS;
	return n;
}

static void a_share_of_new_calls_is_shed(void **state)
{
	unsigned n;

	(void)state;
	start("");
	shed(40);
	n = passed_of_1000(invite);
	assert_in_range(n, 540, 660);
	/* a retransmission has the fate of the first */
	tick();
	for (unsigned i = 0; i < 200; i++) {
		struct ask a = {.method = "INVITE", .nth = i};
		enum guard_verdict first = offer(a);

		assert_int_equal(offer(a), first);
	}
	assert_null(strstr(reply.headers ? reply.headers : "", "Retry-After"));
	shed(100);
	assert_int_equal(passed_of_1000(invite), 0);
	assert_true(peer->state->limited_by[PEER_LIMIT_OVERLOAD] > 1000);
	shed(0);
	assert_int_equal(passed_of_1000(invite), 1000);
	overload_force(&gate.overload, 100); /* at once, not with the next tick */
	assert_int_equal(passed_of_1000(invite), 0);
}

/* E7: all of them, while all others are shed. */
static void emergency_and_priority_calls_pass(void **state)
{
	static const struct ask urgent[] = {
		{.method = "INVITE", .uri = "urn:service:sos.police"},
		{.method = "INVITE", .uri = "sip:112@b.example;user=phone"},
		{.method = "INVITE", .uri = "tel:112"},
		{.method = "INVITE", .more = "Resource-Priority: esnet.1\r\n"},
	};

	(void)state;
	start("'limits':{'cps':1,'sessions':1}");
	shed(100);
	for (size_t i = 0; i < sizeof(urgent) / sizeof(urgent[0]); i++)
		assert_int_equal(passed_of_1000(urgent[i]), 1000);
	assert_int_equal(passed_of_1000(invite), 0);
	peer_set_free(set);
	start("'overload':{'priority':false}");
	shed(100);
	assert_int_equal(passed_of_1000(urgent[0]), 1000);
	assert_int_equal(passed_of_1000(urgent[3]), 0); /* not believed from this peer */
	/* what the operator has blocked is blocked */
	peer_block(peer, true);
	assert_int_equal(passed_of_1000(urgent[0]), 0);
}

static void what_belongs_to_calls_passes(void **state)
{
	static const char *const methods[] = {"ACK",  "BYE",    "CANCEL", "PRACK", "UPDATE",
					      "INFO", "INVITE", "NOTIFY", "REFER", "OPTIONS"};

	(void)state;
	start("");
	shed(100);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		assert_int_equal(
			passed_of_1000((struct ask){.method = methods[i], .to = "<sip:c@d>;tag=2"}),
			1000);
	assert_int_equal(offer((struct ask){.method = "CANCEL"}), GUARD_PASS);
	assert_int_equal(offer((struct ask){.method = "SIP/2.0", .response = true}), GUARD_PASS);
}

/* OPTIONS of a peer are how it sees that we live, so some are answered; those of strangers are not heard. */
static void options_in_overload(void **state)
{
	(void)state;
	start("");
	shed(100);
	assert_int_equal(passed_of_1000((struct ask){.method = "OPTIONS"}), PEER_PROBES_PER_S);
	assert_int_equal(passed_of_1000((struct ask){.method = "REGISTER"}), 0);
	assert_int_equal(reply.status, 0); /* dropped, not answered */
	assert_int_equal(offer_waited(NULL, (struct ask){.method = "OPTIONS"}, 0), GUARD_DROP);
	assert_int_equal(offer_waited(NULL, invite, 0), GUARD_DROP);
}

/* S10: who takes part gets 503 without Retry-After, with oc; in the Via of others nothing is written. */
static void participants_are_told(void **state)
{
	static const struct ask part = {.method = "INVITE", .via = ";oc;oc-algo=\"loss\""};
	struct wire_oc oc;
	uint64_t seq = 0;

	(void)state;
	start("'overload':{'consent':true,'retry_after_s':5}");
	shed(100);
	for (int i = 0; i < 3; i++) {
		char via[256];

		assert_int_equal(offer(part), GUARD_ANSWER);
		assert_null(strstr(reply.headers, "Retry-After"));
		assert_non_null(reply.oc);
		(void)snprintf(via, sizeof(via), "SIP/2.0/UDP h%s", reply.oc);
		assert_int_equal(wire_oc_parse((struct wire_text){via, strlen(via)}, &oc), 0);
		assert_int_equal(oc.percent, 100);
		assert_int_equal(oc.validity_ms, 500);
		assert_true(oc.seq > seq);
		seq = oc.seq;
	}
	/* the same peer without the offer in this request */
	assert_int_equal(offer(invite), GUARD_ANSWER);
	assert_null(reply.oc);
	assert_non_null(strstr(reply.headers, "Retry-After: 5\r\n"));
	peer_set_free(set);
	start("");
	shed(100);
	assert_int_equal(offer(part), GUARD_ANSWER);
	assert_null(reply.oc); /* not agreed */
	/* when all is well control ends */
	peer_set_free(set);
	start("'overload':{'consent':true}");
	assert_non_null(strstr(peer_gate_oc(&gate, peer), ";oc=0;oc-algo=\"loss\";oc-validity=0;"));
}

static void what_came_too_late_is_shed(void **state)
{
	(void)state;
	start("");
	assert_int_equal(offer_waited(peer, invite, 400000),
			 GUARD_PASS); /* the loop was not busy */
	for (int i = 0; i < 2; i++) { /* busy and late for some ticks in a row */
		overload_waited(&gate.overload, 500000U * (unsigned)(i + 1));
		clock_advance_ms(OVERLOAD_TICK_MS);
		sample.now_us = clock_now_us();
		peer_gate_tick(&gate, set, &sample);
	}
	assert_int_equal(offer_waited(peer, invite, 400000), GUARD_ANSWER);
	assert_int_equal(offer_waited(peer, invite, 10000), GUARD_PASS);
	assert_int_equal(offer_waited(peer, (struct ask){.method = "BYE"}, 400000), GUARD_PASS);
}

/* ---- records */

static char *read_all(const char *dir)
{
	static char text[262144];
	struct dirent *e;
	size_t n = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d))) {
		char path[512];
		FILE *f;

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		f = fopen(path, "r");
		assert_non_null(f);
		n += fread(text + n, 1, sizeof(text) - 1 - n, f);
		fclose(f);
		unlink(path);
	}
	closedir(d);
	rmdir(dir);
	text[n] = '\0';
	return text;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* U5: each refused call is in the records, in a flood by number. */
static void each_refusal_is_in_a_record(void **state)
{
	char dir[] = "/tmp/speermint-gate.XXXXXX";
	struct cdr_options o = {.directory = dir, .node = "n"};
	struct cdr_writer *w = NULL;
	const char *text;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(cdr_start(&o, &w), 0);
	start_options("", (struct peer_gate_options){.cdr = w});
	shed(100);
	assert_int_equal(passed_of_1000(invite), 0);
	for (int i = 0; i < 20; i++)
		tick();
	cdr_stop(w);
	text = read_all(dir);
	assert_int_equal(count(text, "\"cause\":\"overload\""), PEER_RECORDS_PER_S + 1);
	assert_int_equal(count(text, "\"a_call_id\":\"call-7\""), 1);
	assert_int_equal(count(text, "\"called\":\"sip:+44@d\""), PEER_RECORDS_PER_S);
	assert_int_equal(count(text, "\"calling\":\"sip:a@b\""), PEER_RECORDS_PER_S);
	assert_int_equal(count(text, "\"count\":900"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(without_limit_or_overload_all_passes, down),
		cmocka_unit_test_teardown(a_limit_refuses_from_the_bytes, down),
		cmocka_unit_test_teardown(open_transactions_are_a_limit, down),
		cmocka_unit_test_teardown(messages_per_second_are_a_limit, down),
		cmocka_unit_test_teardown(the_node_has_a_rate, down),
		cmocka_unit_test_teardown(a_share_of_new_calls_is_shed, down),
		cmocka_unit_test_teardown(emergency_and_priority_calls_pass, down),
		cmocka_unit_test_teardown(what_belongs_to_calls_passes, down),
		cmocka_unit_test_teardown(options_in_overload, down),
		cmocka_unit_test_teardown(participants_are_told, down),
		cmocka_unit_test_teardown(what_came_too_late_is_shed, down),
		cmocka_unit_test_teardown(each_refusal_is_in_a_record, down),
	};

	return cmocka_run_group_tests_name("sbe/peer/peer_gate", tests, NULL, NULL);
}
