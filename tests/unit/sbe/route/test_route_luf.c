/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookup servers, in simulated time: a SIP server that answers 3xx (A6, D3, E4), what is kept for how long, who may ask how
 * much (C1, C4), and input that means harm (C3).
 */
#include "tests/unit/sbe/route/route_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/peer/peer_lookup.h"
#include "sbe/route/route_luf.h"
#include "sbe/sip/transport_private.h"

#define LUF "'lookup':[{'type':'redirect','peer':'luf','secure':false,'timeout_ms':1000}"
#define PEERS "'location':[{'type':'peers'}]"
#define UP LUF "]," PEERS

static struct bed bed;
static struct timer_wheel *wheel;
static struct txn_layer *txns;
static struct transport transport;
static struct transport_listener listener;
static struct route_luf *luf;
static unsigned invites, acks, hung_up;
static char last[4096];     /* the last INVITE */
static const char *respond; /* "302 Moved" and header lines; NULL = silence */

static int on_send(void *arg, const struct transport_target *to, const void *data, size_t len_bytes)
{
	(void)arg;
	(void)to;
	if (!strncmp(data, "ACK ", 4)) {
		acks++;
		return 0;
	}
	if (strncmp(data, "INVITE ", 7) != 0)
		return 0;
	invites++;
	assert_true(len_bytes < sizeof(last));
	memcpy(last, data, len_bytes);
	last[len_bytes] = '\0';
	return 0;
}

/* The lines of the request that a response repeats. */
static size_t repeat(char *out, size_t n, size_t size, const char *name)
{
	const char *at = strstr(last, name), *end = at ? strstr(at, "\r\n") : NULL;

	assert_non_null(end);
	n += (size_t)snprintf(out + n, size - n, "%.*s%s", (int)(end - at), at,
			      strcmp(name, "To:") ? "\r\n" : ";tag=luf\r\n");
	return n;
}

static void response(void)
{
	struct transport_target from = {.proto = TRANSPORT_UDP, .listener = &listener};
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text), "SIP/2.0 %.*s\r\n",
				    (int)strcspn(respond, "\n"), respond);
	struct wire_msg *m;
	const char *why;

	n = repeat(text, n, sizeof(text), "Via:");
	n = repeat(text, n, sizeof(text), "From:");
	n = repeat(text, n, sizeof(text), "To:");
	n = repeat(text, n, sizeof(text), "Call-ID:");
	n = repeat(text, n, sizeof(text), "CSeq:");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "%sContent-Length: 0\r\n\r\n",
			      strchr(respond, '\n') ? strchr(respond, '\n') + 1 : "");
	assert_int_equal(addr_parse("127.0.0.60:5060", &from.to), 0);
	assert_int_equal(wire_parse((const uint8_t *)text, n, &m, &why), 0);
	txn_receive(txns, m, &from);
	mem_unref(m);
}

static void run_ms(uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 10) {
		clock_advance_ms(10);
		timer_wheel_run(wheel, clock_now_ms());
	}
}

/* Whoever waits hears something. */
static void answer(struct bed *b)
{
	unsigned seen = 0;

	for (int i = 0; i < 1000 && !b->planned; i++) {
		run_ms(10);
		if (respond && invites > seen && !b->planned && txn_count_client(txns)) {
			seen = invites;
			response();
		}
	}
}

static const struct transport_listener *listener_of(void *arg, const struct peer *p, size_t hop)
{
	(void)arg;
	assert_string_equal(p->name, "luf");
	assert_int_equal(hop, 0);
	return &listener;
}

static void hang_up(void *arg, const struct wire_msg *m, const struct transport_target *to)
{
	(void)arg;
	(void)to;
	assert_int_equal(wire_status(m), 200);
	hung_up++;
}

static int setup(void **state)
{
	static const struct txn_layer_handlers h = {.send = on_send};
	struct route_luf_options o = {.listener = listener_of, .hang_up = hang_up};

	(void)state;
	wire_setup();
	clock_fake(1000000000, 1767225600000);
	STAILQ_INIT(&transport.listeners);
	listener = (struct transport_listener){.transport = &transport,
					       .proto = TRANSPORT_UDP,
					       .realm = (char *)(uintptr_t) "peering",
					       .sent_by = (char *)(uintptr_t) "127.0.0.1:5060"};
	assert_int_equal(timer_wheel_new(clock_now_ms(), &wheel), 0);
	timer_wheel_set_clock(wheel, clock_now_ms);
	assert_int_equal(txn_layer_new(wheel, NULL, &h, NULL, &txns), 0);
	o.wheel = wheel;
	o.txns = txns;
	assert_int_equal(route_luf_new(&o, &luf), 0);
	invites = acks = hung_up = 0;
	respond = NULL;
	memset(&bed, 0, sizeof(bed));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_down(&bed);
	route_luf_free(luf);
	txn_layer_free(txns);
	assert_int_equal(timer_wheel_count(wheel), 0);
	timer_wheel_free(wheel);
	clock_real();
	return 0;
}

static void up(const char *members)
{
	bed_down(&bed);
	if (bed_up(&bed, members))
		fail_msg("%s", bed.error.text);
	bed.env.luf = luf;
	bed.answer = answer;
}

static const char *plan(const char *from, const char *user)
{
	return bed_plan(&bed, from, user, "a.example", 0);
}

/* ---- what it says ---- */

static void a_redirect_names_the_target(void **state)
{
	(void)state;
	up(UP);
	respond =
		"302 Moved\nContact: <sip:low@c.example>;q=0.1, <sip:bob@d.example>;q=0.9;expires=60\r\n";
	assert_string_equal(plan("pbx", "+4420"), "lookup redirect: dnet/0");
	assert_string_equal(bed.plan.found->user, "bob");
	assert_string_equal(bed.plan.found->host, "d.example");
	assert_null(bed.plan.candidates[0].sed);
	assert_true(bed.plan.looked_up);
	assert_in_range(bed.plan.ttl_s, 59, 60);
	assert_int_equal(acks, 1);
	assert_int_equal(strncmp(last, "INVITE sip:+4420@127.0.0.60:5060 SIP/2.0\r\n", 41), 0);
	assert_null(strstr(last, "a.example")); /* nothing of the caller */
	/* B9: the second time nobody is asked */
	assert_string_equal(plan("pbx", "+44-20"), "lookup redirect: dnet/0");
	assert_int_equal(invites, 1);
	/* but when its time is over */
	clock_advance_ms(61000);
	respond = "302 Moved\nContact: <sip:bob@c.example>\r\n";
	assert_string_equal(plan("pbx", "+4420"), "lookup redirect: cnet/0");
	assert_int_equal(invites, 2);
	/* without expires it was good for that one time (RFC 3261 21.3) */
	assert_string_equal(plan("pbx", "+4420"), "lookup redirect: cnet/0");
	assert_int_equal(invites, 3);
}

/* B5: target and next hop: the Request-URI is the target's, the Route leads to the peer. */
static void with_a_route_set(void **state)
{
	(void)state;
	up(UP);
	respond = "302 Moved\nContact: <sip:bob@t.example?Route=%3Csip:sbe.d.example;lr%3E>\r\n";
	up("'lookup':[{'type':'redirect','peer':'luf','secure':false}],'location':[{'type':'peers'}],"
	   "'routes':[]");
	respond =
		"302 Moved\nContact: <sip:bob@t.example?Route=%3Csip:d.example%3Blr%3E%2C%3Csip:x.d.example%3E>\r\n";
	assert_string_equal(plan("pbx", "1"), "lookup redirect: dnet/0");
	assert_string_equal(bed.plan.found->host, "t.example");
	assert_string_equal(bed.plan.candidates[0].sed->routes,
			    "<sip:d.example;lr>, <sip:x.d.example;lr>");
}

static void contacts_that_are_no_target(void **state)
{
	static const char *const contacts[] = {
		"<tel:+44>",
		"<sip:bob@c.example?Subject=x>",
		"<sip:bob@c.example?Route=%3Csip:d.example%3E&To=x>",
		"<sip:bob@c.example?Route=sip:d.example>",
		"<sip:bob@c.example?Route=%3Cmailto:x%3E>",
		"<sip:bob@c.example?Route=%3Csip:d.example%0d%0aEvil:%3E>"};
	char text[300];

	(void)state;
	up(UP);
	for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
		char user[8];

		snprintf(text, sizeof(text), "302 Moved\nContact: %s\r\n", contacts[i]);
		snprintf(user, sizeof(user), "+44%zu", i);
		respond = text;
		assert_string_equal(plan("pbx", user), "503 lookup failed");
	}
	respond = "302 Moved\n";
	assert_string_equal(plan("pbx", "+4499"), "503 lookup failed");
}

/* D3: "you may not know" is an answer of its own, is kept, ends the search, and looks like any other to the caller. */
static void denied(void **state)
{
	char *why;

	(void)state;
	up(LUF ",{'type':'uri'}]," PEERS);
	respond = "403 Forbidden\n";
	assert_string_equal(bed_plan(&bed, "pbx", "x", "d.example", 0), "404 no route");
	assert_string_equal(bed.plan.cause, "lookup_denied");
	assert_string_equal(bed.plan.reason, "no route");
	why = bed_why(&bed, "pbx", "x", "d.example");
	assert_non_null(
		strstr(why, "lookup lookup redirect: denied: we have no permission to know"));
	free(why);
	assert_int_equal(invites, 1);
	/* not there: the next source is asked, and that is kept too */
	respond = "404 Not Found\n";
	assert_string_equal(bed_plan(&bed, "pbx", "y", "d.example", 0), "lookup uri: dnet/0");
	assert_string_equal(bed_plan(&bed, "pbx", "y", "d.example", 0), "lookup uri: dnet/0");
	assert_int_equal(invites, 2);
}

static void servers_that_fail(void **state)
{
	static const char *const bad[] = {"500 Oops\n", "503 Busy\n", "486 Busy\n",
					  "200 OK\nContact: <sip:x@y>\r\n", "401 Who\n"};

	(void)state;
	up(LUF ",{'type':'uri'}]," PEERS);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char user[8];

		respond = bad[i];
		snprintf(user, sizeof(user), "u%zu", i);
		assert_string_equal(bed_plan(&bed, "pbx", user, "d.example", 0),
				    "lookup uri: dnet/0");
	}
	assert_int_equal(hung_up, 1);
	run_ms(40000);
	assert_int_equal(txn_count_client(txns), 0);
}

/* The server is dead: what was known serves on; what was not is over after its deadline, with 503: it may be there (D3, C4). */
static void stale(void **state)
{
	uint64_t from_ms;

	(void)state;
	up(UP);
	respond = "302 Moved\nContact: <sip:bob@d.example>;expires=10\r\n";
	assert_string_equal(plan("pbx", "+44"), "lookup redirect: dnet/0");
	clock_advance_ms(11000);
	respond = NULL;
	from_ms = clock_now_ms();
	assert_string_equal(plan("pbx", "+44"), "lookup redirect: dnet/0");
	assert_true(bed.plan.stale);
	assert_in_range(clock_now_ms() - from_ms, 900, 1100);
	from_ms = clock_now_ms();
	assert_string_equal(plan("pbx", "+45"), "503 lookup failed");
	assert_in_range(clock_now_ms() - from_ms, 900, 1100);
	clock_advance_ms(3700 * 1000);
	assert_string_equal(plan("pbx", "+44"), "503 lookup failed");
	run_ms(40000);
}

/* ---- who may ask ---- */

static void only_for_some(void **state)
{
	(void)state;
	up("'lookup':[{'type':'redirect','peer':'luf','secure':false,'from':['bnet']},{'type':'uri'}]," PEERS);
	respond = "302 Moved\nContact: <sip:bob@c.example>;expires=10\r\n";
	assert_string_equal(bed_plan(&bed, "pbx", "x", "d.example", 0), "lookup uri: dnet/0");
	assert_int_equal(invites, 0);
	assert_string_equal(bed_plan(&bed, "bnet", "x", "d.example", 0), "lookup redirect: cnet/0");
}

/* B9: no SIP packet for a question of the operator's; what is known is told. */
static void without_sip(void **state)
{
	const struct route_env *env = &bed.env;
	struct route_query q = {.user = "+44", .host = "", .ours = true, .no_sip = true};

	(void)env;
	(void)state;
	up(UP);
	bed.no_sip = true;
	respond = "302 Moved\nContact: <sip:bob@c.example>;expires=10\r\n";
	assert_string_equal(plan(NULL, q.user), "404 no route");
	assert_int_equal(invites, 0);
	bed.no_sip = false;
	assert_string_equal(plan(NULL, q.user), "lookup redirect: cnet/0");
	bed.no_sip = true;
	assert_string_equal(plan(NULL, q.user), "lookup redirect: cnet/0");
	assert_int_equal(invites, 1);
}

/* C1: 10,000 different questions from one peer: the limiter trips, refuses all alike, and others are not touched. */
static void harvesting(void **state)
{
	unsigned refused = 0, asked;
	char user[16];

	(void)state;
	up(UP);
	respond = "404 Not Found\n";
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(user, sizeof(user), "+44%05u", i);
		refused += !strcmp(plan("bnet", user), "503 too many lookups");
	}
	asked = invites;
	assert_int_equal(asked + refused, 10000);
	/* 500 at once and 50 a second: each question takes 10 ms here */
	assert_in_range(asked, 500, 500 + 100 * 50);
	assert_true(refused > 4000);
	/* an answer that is known is not given either: there and not there look the same */
	while (peer_lookup_admit(bed_peer(&bed, "bnet"), clock_now_us()))
		peer_lookup_spend(bed_peer(&bed, "bnet"), clock_now_us());
	assert_string_equal(plan("bnet", "+4400001"), "503 too many lookups");
	assert_string_equal(bed.plan.cause, "lookup_limit");
	assert_string_equal(plan("bnet", "+4400000000"), "503 too many lookups");
	/* somebody else has his own */
	assert_string_equal(plan("cnet", "+4400001"), "404 no route");
	clock_advance_ms(2000);
	assert_string_equal(plan("bnet", "+4400001"), "404 no route");
	run_ms(40000);
}

static unsigned told;
static void on_plan(void *arg, const struct route_plan *p)
{
	(void)arg;
	(void)p;
	told++;
}

/* C4: 100,000 questions that nobody answers: bounded, and another peer is served. */
static void stalled(void **state)
{
	struct route_asking **asking = calloc(100000, sizeof(*asking));
	const struct route_asker asker = {.fn = on_plan};
	struct route_env env = {.luf = luf};
	unsigned waiting = 0;
	char user[16];

	(void)state;
	assert_non_null(asking);
	up(UP);
	told = 0;
	for (unsigned i = 0; i < 100000; i++) {
		struct route_query q = {
			.from = bed_peer(&bed, "bnet"), .user = user, .host = "", .ours = true};

		snprintf(user, sizeof(user), "+1%07u", i);
		route_ask(bed.routes, &env, &q, &asker, &asking[i]);
		waiting += asking[i] != NULL;
	}
	assert_int_equal(waiting, 500);
	assert_int_equal(told, 100000 - 500);
	assert_int_equal(bed_peer(&bed, "bnet")->state->lookups.pending, 500);
	respond = "302 Moved\nContact: <sip:bob@d.example>;expires=10\r\n";
	assert_string_equal(plan("pbx", "+44"), "lookup redirect: dnet/0");
	run_ms(1100);
	assert_int_equal(told, 100000);
	assert_int_equal(bed_peer(&bed, "bnet")->state->lookups.pending, 0);
	free(asking);
	run_ms(40000);
}

/* C3: what is no user part of an honest number is escaped, never interpreted. */
static void input_that_means_harm(void **state)
{
	static const struct {
		const char *user, *sent;
	} table[] = {
		{"';--", "'%3B--"},        {"%00", "%2500"},
		{"$(x)", "%24(x)"},        {"a b\r\nEvil: 1", "a%20b%0D%0AEvil%3A%201"},
		{"<>\"@", "%3C%3E%22%40"},
	};
	char start[200];

	(void)state;
	up(UP);
	respond = "404 Not Found\n";
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_string_equal(plan("pbx", table[i].user), "404 no route");
		snprintf(start, sizeof(start), "INVITE sip:%s@127.0.0.60:5060 SIP/2.0\r\n",
			 i ? table[i].sent : "'" /* what stands behind ; is cut as a parameter */);
		if (strncmp(last, start, strlen(start)))
			fail_msg("%s became %.100s", table[i].user, last);
	}
}

/* ---- JSON ---- */

static void json(int status, const char *body, enum route_luf_result result, const char *what)
{
	struct route_luf_answer *a = route_luf_read_json(status, body, strlen(body));

	assert_non_null(a);
	if (a->result != result)
		fail_msg("%d %s: %d %s", status, body, a->result, a->why);
	if (result == ROUTE_LUF_FAILED && !strstr(a->why, what))
		fail_msg("%s: %s", body, a->why);
	mem_unref(a);
}

static void json_is_read_strictly(void **state)
{
	struct route_luf_answer *a;
	const char *full =
		"{\"target\":\"sip:+4420@t.example\",\"route\":[\"sip:i.example.org;lr\"],"
		"\"next_hop\":\"example.org\",\"ttl_s\":7}";

	(void)state;
	a = route_luf_read_json(200, full, strlen(full));
	assert_int_equal(a->result, ROUTE_LUF_FOUND);
	assert_string_equal(a->user, "+4420");
	assert_string_equal(a->host, "t.example");
	assert_string_equal(a->next, "example.org");
	assert_string_equal(a->sed->routes, "<sip:i.example.org;lr>");
	assert_int_equal(a->ttl_s, 7);
	mem_unref(a);
	json(404, "", ROUTE_LUF_NONE, "");
	json(403, "x", ROUTE_LUF_DENIED, "");
	json(401, "", ROUTE_LUF_DENIED, "");
	json(500, "", ROUTE_LUF_FAILED, "it answered 500");
	json(302, "", ROUTE_LUF_FAILED, "it answered 302");
	json(200, "", ROUTE_LUF_FAILED, "no JSON object");
	json(200, "[]", ROUTE_LUF_FAILED, "no JSON object");
	json(200, "{\"target\":\"sip:a@b\",\"target\":\"sip:c@d\"}", ROUTE_LUF_FAILED, "no JSON");
	json(200, "{}", ROUTE_LUF_FAILED, "\"target\" is no sip URI");
	json(200, "{\"target\":\"tel:+44\"}", ROUTE_LUF_FAILED, "\"target\"");
	json(200, "{\"target\":\"sip:a@b?Route=x\"}", ROUTE_LUF_FAILED, "\"target\"");
	json(200, "{\"target\":\"sip:a\\u0000@b\"}", ROUTE_LUF_FAILED, "");
	json(200, "{\"target\":\"sip:a@b\",\"route\":\"sip:x\"}", ROUTE_LUF_FAILED, "\"route\"");
	json(200, "{\"target\":\"sip:a@b\",\"route\":[\"sip:x>,<sip:y\"]}", ROUTE_LUF_FAILED,
	     "\"route\"");
	json(200, "{\"target\":\"sip:a@b\",\"route\":[1,2,3,4,5,6,7,8,9]}", ROUTE_LUF_FAILED,
	     "\"route\"");
	json(200, "{\"target\":\"sip:a@b\",\"next_hop\":\"x y\"}", ROUTE_LUF_FAILED,
	     "\"next_hop\"");
	json(200, "{\"target\":\"sip:a@b\",\"ttl_s\":-1}", ROUTE_LUF_FAILED, "\"ttl_s\"");
	json(200, "{\"target\":\"sip:a@b\",\"ttl_s\":1e9}", ROUTE_LUF_FAILED, "\"ttl_s\"");
	json(200, "{\"target\":\"sip:a@b\",\"ttl_s\":86401}", ROUTE_LUF_FAILED, "\"ttl_s\"");
	json(200, "{\"target\":\"sip:a@b\",\"more\":[]}", ROUTE_LUF_FOUND, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_redirect_names_the_target),
		TEST(with_a_route_set),
		TEST(contacts_that_are_no_target),
		TEST(denied),
		TEST(servers_that_fail),
		TEST(stale),
		TEST(only_for_some),
		TEST(without_sip),
		TEST(harvesting),
		TEST(stalled),
		TEST(input_that_means_harm),
		cmocka_unit_test(json_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
