/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/call/call_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/peer/peer_conf.h"
#include "sbe/policy/policy.h"
#include "sbe/sip/guard.h"

struct bed bed;

#define PEERS                                                                                      \
	"'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10']},"            \
	"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"        \
	"'next_hops':['sip:198.51.100.20','sip:198.51.100.21']},"                                  \
	"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"           \
	"'next_hops':['sip:198.51.100.30']}"
#define ROUTES                                                                                     \
	"{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]},"                                    \
	"{'name':'in','from':['bnet','cnet'],'to':[{'peer':'pbx'}]}"

/* ---- configuration ---- */

static const struct conf_field fields[] = {
	{.key = "peers",
	 .type = CONF_MAP,
	 .offset = offsetof(struct bed, peer_confs),
	 .fields = peer_conf_fields,
	 .item_bytes = sizeof(struct peer_conf)},
	{.key = "routes",
	 .type = CONF_ARRAY,
	 .offset = offsetof(struct bed, routes.routes),
	 .fields = route_conf_fields,
	 .item_bytes = sizeof(struct route_conf),
	 .check = route_conf_check},
	CONF_END,
};

static void configure(const char *peers, const char *routes)
{
	static const char *const domains[] = {"a.example"};
	static const struct call_realm realms[] = {{"core", "m-core"}, {"peering", "m-peering"}};
	struct conf_error err = {""};
	char json[8192];
	int n = snprintf(json, sizeof(json), "{'peers':{%s},'routes':[%s]}", peers ? peers : PEERS,
			 routes ? routes : ROUTES);

	assert_true(n > 0 && (size_t)n < sizeof(json));
	for (char *p = json; *p; p++)
		*p = (char)(*p == '\'' ? '"' : *p);
	if (conf_parse("t.json", json, (size_t)n, &bed.doc, &err) ||
	    conf_read(bed.doc, fields, &bed, &err) ||
	    peer_conf_check(bed.doc, "peers", &bed.peer_confs, &err) ||
	    policy_compile(bed.doc, &(struct conf_list){NULL, 0}, &bed.peer_confs, &err) ||
	    route_conf_check_all(bed.doc, &bed.routes, &bed.peer_confs, &err))
		fail_msg("%s", err.text);
	bed.config = (struct call_config){
		.node = "sbe1", .domains = domains, .ndomains = 1, .realms = realms, .nrealms = 2};
	assert_int_equal(peer_set_new(&bed.peer_confs, NULL, NULL, &bed.config.peers), 0);
	assert_int_equal(route_set_new(&bed.routes, NULL, bed.config.peers, &bed.config.routes), 0);
	route_set_seed(bed.config.routes, 1);
}

/* ---- network ---- */

static enum bed_who who_is(const struct addr *a)
{
	for (int i = 0; i < BED_UAS; i++) {
		if (addr_ip_equal(a, &bed.ua[i].at.to))
			return (enum bed_who)i;
	}
	if (!bed.nobody_ok)
		fail_msg("sent to nobody");
	return BED_UAS;
}

/* C6: nothing of the other realm; what we write can be read by anybody. */
static void check_message(enum bed_who to, const char *text, size_t n)
{
	static const char *const inner[] = {"10.0.0.", "pbx", "a-call", "a-tag", NULL};
	static const char *const outer[] = {"198.51.100.", "203.0.113.", "b-tag", NULL};
	const char *const *list = to == A ? outer : inner;
	unsigned long fail_at = mem_fail_left();
	struct guard_result verdict;
	struct wire_msg *m = NULL;
	const char *why = "";

	mem_fail_at(0);
	guard_check((const uint8_t *)text, n, false, &verdict);
	if (bed.large_ok && (verdict.reason == GUARD_LINES || verdict.reason == GUARD_LINE_LENGTH ||
			     verdict.reason == GUARD_VALUES))
		verdict = (struct guard_result){.verdict = GUARD_PASS, .len_bytes = n};
	if (verdict.verdict != GUARD_PASS || verdict.len_bytes != n)
		fail_msg("guard: %s:\n%s", guard_reason_name(verdict.reason), text);
	if (wire_parse((const uint8_t *)text, n, &m, &why))
		fail_msg("parser: %s:\n%s", why, text);
	mem_unref(m);
	mem_fail_at(fail_at);
	for (; *list && !bed.leaks_ok; list++) {
		if (strstr(text, *list))
			fail_msg("\"%s\" leaks to %s:\n%s", *list, bed.ua[to].name, text);
	}
}

/* Room for more: what was taken is of no use any more. */
static void forget_taken(void)
{
	unsigned left = 0;

	for (unsigned i = 0; i < bed.nsent; i++) {
		if (bed.sent[i].taken)
			free(bed.sent[i].text);
		else
			bed.sent[left++] = bed.sent[i];
	}
	bed.nsent = left;
}

static int on_send(void *arg, const struct transport_target *to, const void *data, size_t len_bytes)
{
	enum bed_who who = who_is(&to->to);
	struct bed_sent *s;

	(void)arg;
	if (who == BED_UAS)
		return 0;
	if (bed.send_err[who])
		return bed.send_err[who];
	if (bed.nsent == BED_SENT_MAX)
		forget_taken();
	s = &bed.sent[bed.nsent];
	assert_true(bed.nsent < BED_SENT_MAX);
	assert_true(len_bytes < BED_MESSAGE_MAX);
	assert_ptr_equal(to->listener->transport, &bed.transport);
	assert_int_equal(to->listener->proto, to->proto);
	s->text = malloc(len_bytes + 1);
	assert_non_null(s->text);
	memcpy(s->text, data, len_bytes);
	s->text[len_bytes] = '\0';
	s->at_ms = clock_now_ms();
	s->to = who;
	s->taken = bed.lossy[who];
	bed.nsent++;
	check_message(who, s->text, len_bytes);
	return 0;
}

static void on_request(void *arg, struct txn_server *s, const struct wire_msg *m)
{
	(void)arg;
	call_on_request(bed.core, s, m);
}

static void on_ack(void *arg, const struct wire_msg *m, const struct transport_target *from)
{
	(void)arg;
	call_on_ack(bed.core, m, from);
}

static void on_stray(void *arg, const struct wire_msg *m, const struct transport_target *from,
		     bool again)
{
	(void)arg;
	call_on_stray_2xx(bed.core, m, from, again);
}

static struct transport_listener *listen_at(unsigned i, const char *realm, int proto,
					    const char *local)
{
	struct transport_listener *l = &bed.listeners[i];

	l->transport = &bed.transport;
	l->proto = (uint8_t)proto;
	l->realm = (char *)(uintptr_t)realm;
	l->sent_by = (char *)(uintptr_t)local;
	assert_int_equal(addr_parse(local, &l->local), 0);
	STAILQ_INSERT_TAIL(&bed.transport.listeners, l, next);
	return l;
}

static void place(enum bed_who who, const char *name, const char *ip,
		  const struct transport_listener *l)
{
	struct bed_ua *u = &bed.ua[who];
	char text[64];

	*u = (struct bed_ua){.name = name, .ip = ip};
	snprintf(text, sizeof(text), "%s:5060", ip);
	u->at = (struct transport_target){
		.proto = l->proto, .listener = l, .known = u != &bed.ua[S]};
	assert_int_equal(addr_parse(text, &u->at.to), 0);
}

/* ---- life ---- */

void bed_up(const char *peers, const char *routes)
{
	static const struct txn_layer_handlers h = {
		.send = on_send, .request = on_request, .ack = on_ack, .stray_2xx = on_stray};
	struct call_options o = {.cdr = (struct cdr_writer *)&bed};
	const struct transport_listener *core, *peering;

	memset(&bed, 0, sizeof(bed));
	wire_setup();
	clock_fake(1000000000, 1767225600000); /* 2026-01-01 */
	bed.live = mem_live();
	bed.cdrs = json_array();
	STAILQ_INIT(&bed.transport.listeners);
	core = listen_at(0, "core", TRANSPORT_UDP, "10.0.0.1:5060");
	peering = listen_at(1, "peering", TRANSPORT_UDP, "203.0.113.1:5060");
	listen_at(2, "peering", TRANSPORT_TCP, "203.0.113.1:5060");
	place(A, "a", "10.0.0.10", core);
	place(B, "b", "198.51.100.20", peering);
	place(C, "c", "198.51.100.21", peering);
	place(X, "x", "198.51.100.30", peering);
	place(S, "s", "198.51.100.99", peering);
	configure(peers, routes);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &bed.wheel), 0);
	timer_wheel_set_clock(bed.wheel, clock_now_ms);
	assert_int_equal(txn_layer_new(bed.wheel, NULL, &h, NULL, &bed.txns), 0);
	o.wheel = bed.wheel;
	o.transport = &bed.transport;
	o.txns = bed.txns;
	o.gates = (struct gate_pool *)&bed;
	assert_int_equal(call_core_new(&o, &bed.config, &bed.core), 0);
	bed.live_up = mem_live();
}

static int no_sessions(struct peer *p, void *arg)
{
	(void)arg;
	assert_int_equal(p->state->sessions[PEER_IN], 0);
	assert_int_equal(p->state->sessions[PEER_OUT], 0);
	return 0;
}

static void check_idle(void)
{
	assert_int_equal(call_count(bed.core), 0);
	assert_int_equal(table_count(bed.core->dialogs), 0);
	assert_int_equal(bed.gate.now, 0);
	assert_int_equal(txn_count_client(bed.txns), 0);
	assert_int_equal(txn_count_server(bed.txns), 0);
	assert_int_equal(timer_wheel_count(bed.wheel), 0);
	peer_each(bed.config.peers, no_sessions, NULL);
	assert_int_equal(mem_live(), bed.live_up);
}

void bed_down(void)
{
	bed_settle();
	for (int i = 0; i < BED_UAS && !bed.idle_unchecked; i++)
		bed_quiet((enum bed_who)i);
	bed_run_ms(40000);
	check_idle();
	call_core_free(bed.core);
	txn_layer_free(bed.txns);
	timer_wheel_free(bed.wheel);
	route_set_free(bed.config.routes);
	peer_set_free(bed.config.peers);
	policy_free(&bed.peer_confs);
	conf_doc_free(bed.doc);
	for (unsigned i = 0; i < bed.nsent; i++)
		free(bed.sent[i].text);
	json_decref(bed.cdrs);
	bed_gate_reset();
	assert_int_equal(mem_live(), bed.live);
	memset(&bed, 0, sizeof(bed));
	clock_real();
}

int bed_setup(void **state)
{
	(void)state;
	bed_up(NULL, NULL);
	return 0;
}

int bed_teardown(void **state)
{
	(void)state;
	bed_down();
	return 0;
}

/* ---- time ---- */

void bed_settle(void)
{
	for (int i = 0; i < 1000; i++) {
		bool more = bed_gate_answer();

		if (timer_wheel_next_ms(bed.wheel, clock_now_ms()) == 0) {
			timer_wheel_run(bed.wheel, clock_now_ms());
			more = true;
		}
		if (!more)
			return;
	}
	fail_msg("it never settles");
}

void bed_run_ms(uint64_t ms)
{
	uint64_t until_ms = clock_now_ms() + ms;
	int64_t wait_ms;

	bed_settle();
	while ((wait_ms = timer_wheel_next_ms(bed.wheel, clock_now_ms())) >= 0 &&
	       clock_now_ms() + (uint64_t)wait_ms <= until_ms) {
		clock_advance_ms((uint64_t)wait_ms);
		timer_wheel_run(bed.wheel, clock_now_ms());
		bed_settle();
	}
	clock_advance_ms(until_ms - clock_now_ms());
}

/* ---- what was sent ---- */

const char *bed_next(enum bed_who to)
{
	for (unsigned i = 0; i < bed.nsent; i++) {
		struct bed_sent *s = &bed.sent[i];

		if (s->taken || s->to != to)
			continue;
		s->taken = true;
		if (strncmp(s->text, "SIP/2.0 100 ", 12))
			return s->text;
	}
	return NULL;
}

void bed_quiet(enum bed_who to)
{
	const char *text = bed_next(to);

	if (text)
		fail_msg("nobody expected %s to get\n%s", bed.ua[to].name, text);
}

unsigned bed_skip(enum bed_who to)
{
	unsigned n = 0;

	while (bed_next(to))
		n++;
	return n;
}

const char *bed_header(const char *text, const char *name)
{
	static char values[8][2048];
	static unsigned turn;
	char *value = values[turn++ % 8], mark[80];
	const char *at, *end = strstr(text, "\r\n\r\n");

	snprintf(mark, sizeof(mark), "\r\n%s: ", name);
	at = strstr(text, mark);
	value[0] = '\0';
	if (at && (!end || at < end)) {
		at += strlen(mark);
		snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at, "\r"), at);
	}
	return value;
}

const char *bed_body(const char *text)
{
	return strstr(text, "\r\n\r\n") + 4;
}

void bed_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in\n%s", part, text);
}

void bed_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in\n%s", part, text);
}

void bed_origin(const char *text, unsigned long long *ret_id, unsigned long long *ret_version)
{
	const char *at = strstr(text, "\r\no=- ");

	assert_non_null(at);
	assert_int_equal(sscanf(at + 6, "%llu %llu", ret_id, ret_version), 2);
}
