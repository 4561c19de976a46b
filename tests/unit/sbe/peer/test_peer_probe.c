/* SPDX-License-Identifier: Apache-2.0 */
/* OPTIONS to next hops, in simulated time: who is found down and up, and what is sent. */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "common/mem.h"
#include "common/timer.h"
#include "sbe/peer/peer_probe.h"
#include "sbe/sip/txn.h"

#define START_MS 100000U

/* What goes out is kept; a hop answers with status, 0 = not at all, a negative one fails the sending. */
static struct {
	uv_loop_t loop;
	struct transport *transport;
	struct timer_wheel *wheel;
	struct txn_layer *txns;
	struct peer_probe *probe;
	struct peer_set *set;
	uint64_t now_ms;
	unsigned sent;
	char text[2048];
	struct transport_target to;
	int status;
	bool no_listener;
} bed;

static void answer(const struct transport_target *to, int status)
{
	char text[4096], copy[2048], *line, *rest = copy;
	size_t n;
	struct wire_msg *m;
	const char *why;

	n = (size_t)snprintf(text, sizeof(text), "SIP/2.0 %d X\r\n", status);
	(void)snprintf(copy, sizeof(copy), "%s", bed.text);
	while ((line = strsep(&rest, "\n")) && line[0] != '\r') {
		if (strncmp(line, "Via", 3) && strncmp(line, "From", 4) && strncmp(line, "To", 2) &&
		    strncmp(line, "Call-ID", 7) && strncmp(line, "CSeq", 4))
			continue;
		line[strcspn(line, "\r")] = '\0';
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s\r\n", line,
				      strncmp(line, "To", 2) ? "" : ";tag=x");
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "Content-Length: 0\r\n\r\n");
	assert_int_equal(wire_parse((const uint8_t *)text, n, &m, &why), 0);
	txn_receive(bed.txns, m, to);
	mem_unref(m);
}

static int on_send(void *arg, const struct transport_target *to, const void *data, size_t len_bytes)
{
	(void)arg;
	assert_true(len_bytes < sizeof(bed.text));
	memcpy(bed.text, data, len_bytes);
	bed.text[len_bytes] = '\0';
	bed.to = *to;
	bed.sent++;
	return bed.status < 0 ? bed.status : 0;
}

static const struct transport_listener *on_listener(void *arg, const struct peer *p, size_t hop)
{
	(void)arg;
	return bed.no_listener ? NULL
			       : transport_find(bed.transport, p->conf->realm, p->hops[hop].proto,
						p->hops[hop].addr.family);
}

/* To the end of this time, a millisecond at a time; answers come at once. */
static void run_ms(uint64_t ms)
{
	for (uint64_t end = bed.now_ms + ms; bed.now_ms < end;) {
		unsigned before = bed.sent;

		timer_wheel_run(bed.wheel, ++bed.now_ms);
		if (bed.sent != before && bed.status > 0)
			answer(&bed.to, bed.status);
	}
}

static int up(void **state)
{
	static const struct txn_layer_handlers h = {.send = on_send};
	static const struct transport_handlers th = {0};
	struct transport_listen l = {.realm = "r", .proto = TRANSPORT_UDP};
	struct peer_probe_options o = {.listener = on_listener};

	(void)state;
	wire_setup();
	memset(&bed, 0, sizeof(bed));
	bed.now_ms = START_MS;
	assert_int_equal(addr_parse("127.0.0.1", &l.local), 0);
	assert_int_equal(uv_loop_init(&bed.loop), 0);
	assert_int_equal(transport_new(&bed.loop, &th, NULL, &bed.transport), 0);
	assert_int_equal(transport_listen(bed.transport, &l), 0);
	assert_int_equal(timer_wheel_new(bed.now_ms, &bed.wheel), 0);
	assert_int_equal(txn_layer_new(bed.wheel, NULL, &h, NULL, &bed.txns), 0);
	o.wheel = bed.wheel;
	o.txns = bed.txns;
	assert_int_equal(peer_probe_new(&o, &bed.probe), 0);
	return 0;
}

static int down(void **state)
{
	(void)state;
	peer_probe_free(bed.probe);
	peer_set_free(bed.set);
	txn_layer_free(bed.txns);
	timer_wheel_free(bed.wheel);
	transport_free(bed.transport);
	uv_run(&bed.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&bed.loop), 0);
	return 0;
}

static struct peer *watch(const char *text)
{
	struct peer_set *old = bed.set;

	bed.set = bed_set(text, old);
	assert_int_equal(peer_probe_watch(bed.probe, bed.set), 0);
	peer_set_free(old);
	return peer_find_name(bed.set, "p");
}

#define ONE(members) "{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1']," members "}}}"
#define EVERY_10_S "'probe':{'interval_s':10,'down_after':3,'up_after':2}"

static void down_after_three_and_up_after_two(void **state)
{
	(void)state;
	struct peer *p = watch(ONE(EVERY_10_S));

	run_ms(2000 + 5000); /* the first goes within 2 s, its answer has 5 s */
	assert_true(peer_usable(p));
	run_ms(10000);
	assert_true(peer_usable(p));
	run_ms(10000);
	assert_false(peer_usable(p));
	assert_int_equal(metric_get(&peer_metrics, PEER_DOWN), 1);
	bed.status = 200;
	run_ms(10000);
	assert_false(peer_usable(p));
	run_ms(10000);
	assert_true(peer_usable(p));
	assert_int_equal(metric_get(&peer_metrics, PEER_DOWN), 0);
}

static void only_failures_in_a_row_count(void **state)
{
	(void)state;
	struct peer *p = watch(ONE(EVERY_10_S));

	for (int i = 0; i < 4; i++) {
		bed.status = 0;
		run_ms(20000);
		bed.status = 200;
		run_ms(10000);
		assert_true(peer_usable(p));
	}
}

/* Any final answer shows that somebody is there, except 503 and 408. */
static void what_counts_as_alive(void **state)
{
	(void)state;
	static const struct {
		int status;
		bool alive;
	} cases[] = {{200, true}, {404, true}, {405, true},  {483, true},  {500, true},
		     {501, true}, {603, true}, {503, false}, {408, false}, {-ECONNREFUSED, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *p = watch(ONE("'probe':{'interval_s':1,'down_after':1}"));

		bed.status = cases[i].status;
		run_ms(2500);
		if (peer_usable(p) != cases[i].alive)
			fail_msg("status %d", cases[i].status);
		bed.status = 200;
		run_ms(2500);
		assert_true(peer_usable(p));
	}
}

static void a_provisional_is_no_answer(void **state)
{
	(void)state;
	struct peer *p = watch(ONE("'probe':{'interval_s':1,'down_after':1}"));

	bed.status = 100;
	run_ms(3000);
	assert_false(peer_usable(p));
}

static void header(const char *name, char *buf, size_t size)
{
	const char *p = strstr(bed.text, name);

	assert_non_null(p);
	p += strlen(name);
	(void)snprintf(buf, size, "%.*s", (int)strcspn(p, "\r"), p);
}

static void what_is_sent(void **state)
{
	(void)state;
	char call_id[64], other[64], from[128], contact[128], we[64];
	const struct transport_listener *l =
		transport_find(bed.transport, "r", TRANSPORT_UDP, ADDR_V4);

	bed.status = 200;
	(void)watch(ONE("'probe':{'interval_s':1}"));
	run_ms(1100);
	(void)snprintf(we, sizeof(we), "<sip:%s>", transport_sent_by(l));
	assert_int_equal(strncmp(bed.text, "OPTIONS sip:192.0.2.1 SIP/2.0\r\n", 31), 0);
	header("\r\nMax-Forwards: ", other, sizeof(other));
	assert_string_equal(other, "70");
	header("\r\nTo: ", other, sizeof(other));
	assert_string_equal(other, "<sip:192.0.2.1>");
	header("\r\nContact: ", contact, sizeof(contact));
	assert_string_equal(contact, we);
	header("\r\nFrom: ", from, sizeof(from));
	assert_int_equal(strncmp(from, we, strlen(we)), 0);
	assert_non_null(strstr(from, ";tag="));
	header("\r\nCSeq: ", other, sizeof(other));
	assert_string_equal(other, "1 OPTIONS");
	header("\r\nCall-ID: ", call_id, sizeof(call_id));
	run_ms(1100);
	header("\r\nCall-ID: ", other, sizeof(other));
	assert_string_not_equal(call_id, other);
	assert_int_equal(bed.to.to.port, 5060);
}

static void each_hop_on_its_own(void **state)
{
	(void)state;
	struct peer *p =
		watch("{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1','sip:192.0.2.2'],"
		      "'probe':{'interval_s':2,'down_after':1}}}}");

	for (int i = 0; i < 4000; i++) { /* only the second one answers */
		unsigned before = bed.sent;

		timer_wheel_run(bed.wheel, ++bed.now_ms);
		if (bed.sent != before && bed.to.to.ip[3] == 2)
			answer(&bed.to, 200);
	}
	assert_true(p->hops[0].down);
	assert_false(p->hops[1].down);
	assert_true(peer_usable(p));
}

static void without_a_listener(void **state)
{
	(void)state;
	struct peer *p = watch(ONE("'probe':{'interval_s':1,'down_after':2}"));

	bed.no_listener = true;
	run_ms(3000);
	assert_false(peer_usable(p));
	assert_int_equal(bed.sent, 0);
}

static void not_asked_for(void **state)
{
	(void)state;
	struct peer *p = watch("{'peers':{'p':{'realm':'r','next_hops':['sip:192.0.2.1']}}}");

	run_ms(60000);
	assert_int_equal(bed.sent, 0);
	assert_true(peer_usable(p));
}

/* A reload while a probe is out: its end must not touch what is gone, and health stays. */
static void watch_again(void **state)
{
	(void)state;
	struct peer *p = watch(ONE("'probe':{'interval_s':1,'down_after':1}"));

	run_ms(2500);
	assert_false(peer_usable(p));
	p = watch(ONE("'probe':{'interval_s':10,'down_after':1}"));
	assert_false(peer_usable(p));
	bed.status = 200;
	run_ms(12000);
	assert_true(peer_usable(p));
	(void)watch("{}");
	bed.sent = 0;
	run_ms(40000);
	assert_int_equal(bed.sent, 0);
	assert_int_equal(txn_count_client(bed.txns), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(down_after_three_and_up_after_two, up, down),
		cmocka_unit_test_setup_teardown(only_failures_in_a_row_count, up, down),
		cmocka_unit_test_setup_teardown(what_counts_as_alive, up, down),
		cmocka_unit_test_setup_teardown(a_provisional_is_no_answer, up, down),
		cmocka_unit_test_setup_teardown(what_is_sent, up, down),
		cmocka_unit_test_setup_teardown(each_hop_on_its_own, up, down),
		cmocka_unit_test_setup_teardown(without_a_listener, up, down),
		cmocka_unit_test_setup_teardown(not_asked_for, up, down),
		cmocka_unit_test_setup_teardown(watch_again, up, down),
	};

	return cmocka_run_group_tests_name("sbe/peer_probe", tests, NULL, NULL);
}
