/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is, from its bytes (C22, E7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sbe/sip/guard.h"
#include "sbe/sip/guard_head.h"

static struct guard_head head_of(const char *text)
{
	struct guard_head h;

	assert_int_equal(guard_head_read((const uint8_t *)text, strlen(text), &h), 0);
	return h;
}

/* Texts of several turns: the slices of a head point into them. */
static const char *request(const char *method, const char *uri, const char *to, const char *more)
{
	static char texts[4][1024];
	static unsigned turn;
	char *text = texts[turn++ % 4];

	(void)snprintf(text, sizeof(texts[0]),
		       "%s %s SIP/2.0\r\nv: SIP/2.0/UDP h:5070;branch=z9hG4bKa, SIP/2.0/UDP x\r\n"
		       "f: <sip:a@b>;tag=1\r\nTo: %s\r\ni: call\r\nCSeq: 7 %s\r\n%s\r\nbody: x",
		       method, uri, to, method, more);
	return text;
}

static void parts_are_found(void **state)
{
	(void)state;
	struct guard_head h = head_of(request("INVITE", "sip:c@d", "<sip:c@d>", ""));

	assert_int_equal(h.method, WIRE_INVITE);
	assert_true(wire_text_is(h.uri, "sip:c@d"));
	assert_true(wire_text_is(h.via, "SIP/2.0/UDP h:5070;branch=z9hG4bKa"));
	assert_true(wire_text_is(h.call_id.value, "call"));
	assert_true(wire_text_is(h.cseq.value, "7 INVITE"));
	assert_true(wire_text_is(h.from.value, "<sip:a@b>;tag=1"));
	assert_int_equal(guard_head_to_tag(&h).n, 0);
	assert_false(h.priority);
	h = head_of(request("BYE", "sip:c@d", "\"x;tag=no\" <sip:c@d;tag=no>;tag=yes", ""));
	assert_int_equal(h.method, WIRE_BYE);
	assert_true(wire_text_is(guard_head_to_tag(&h), "yes"));
	h = head_of(request("INVITE", "sip:c@d", "<sip:c@d>", "Resource-PRIORITY: ets.0\r\n"));
	assert_true(h.priority);
	/* what is behind the empty line is no header */
	h = head_of(request("INVITE", "sip:c@d", "<sip:c@d>", "\r\nResource-Priority: ets.0\r\n"));
	assert_false(h.priority);
}

/* A To that cannot be read is left to the parser, so it must not look like a new call. */
static void a_broken_to_is_not_new(void **state)
{
	(void)state;
	struct guard_head h =
		head_of(request("INVITE", "sip:c@d", "\"unbalanced <sip:c@d>;a=b", ""));

	assert_true(guard_head_to_tag(&h).n > 0);
}

static void what_is_cut_short_is_refused(void **state)
{
	(void)state;
	const char *text = request("INVITE", "sip:c@d", "<sip:c@d>", "");
	size_t whole = (size_t)(strstr(text, "CSeq") - text);
	struct guard_head h;

	for (size_t n = 0; n < whole; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, text, n);
		assert_int_equal(guard_head_read(copy, n, &h), -EBADMSG);
		free(copy);
	}
}

static void emergencies_are_known(void **state)
{
	(void)state;
	const char *const numbers[] = {"112", "911"};
	struct conf_list list = {(void *)(uintptr_t)numbers, 2}, none = {NULL, 0};
	static const struct {
		const char *uri;
		bool emergency;
	} cases[] = {
		{"urn:service:sos", true},           {"URN:Service:SOS.fire", true},
		{"urn:service:sosumi", false},       {"urn:service:counseling", false},
		{"sip:112@b.example", true},         {"sip:911;phone-context=x@b.example", true},
		{"tel:112;phone-context=+44", true}, {"tel:911", true},
		{"sip:1121@b.example", false},       {"sip:b@112", false},
		{"sip:+112@b.example", false},       {"nonsense", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guard_head h = head_of(request("INVITE", cases[i].uri, "<sip:c@d>", ""));

		assert_int_equal(guard_head_is_emergency(&h, &list), cases[i].emergency);
	}
	struct guard_head h = head_of(request("INVITE", "sip:112@b", "<sip:c@d>", ""));

	assert_false(guard_head_is_emergency(&h, &none));
	assert_false(guard_head_is_emergency(&h, NULL));
}

static uint16_t port_of(const char *via)
{
	struct guard_head h = {.via = {via, strlen(via)}};

	return guard_head_reply_port(&h);
}

/* RFC 3261 18.2.2, RFC 3581. */
static void the_answer_goes_where_via_says(void **state)
{
	(void)state;
	assert_int_equal(port_of("SIP/2.0/UDP h:5070;branch=z9hG4bKa"), 5070);
	assert_int_equal(port_of("SIP/2.0/UDP h;branch=z9hG4bKa"), 5060);
	assert_int_equal(port_of("SIP/2.0/UDP h:5070;branch=z9hG4bKa;rport"), 0);
	assert_int_equal(port_of("SIP/2.0/UDP h:5070;RPORT=1;branch=z9hG4bKa"), 0);
	assert_int_equal(port_of("SIP/2.0/UDP [2001:db8::1]:5071;branch=z9hG4bKa"), 5071);
	assert_int_equal(port_of("SIP/2.0/UDP [2001:db8::1]"), 5060);
	assert_int_equal(port_of("SIP/2.0/UDP h:99999"), 0);
}

static bool ours(const char *method, const char *to)
{
	const char *text = request(method, "sip:c@d", to, "");

	return guard_is_our_ack((const uint8_t *)text, strlen(text));
}

static void acks_of_our_own_answers_are_known(void **state)
{
	(void)state;
	assert_true(ours("ACK", "<sip:c@d>;tag=0g-123456789abcd"));
	assert_false(ours("BYE", "<sip:c@d>;tag=0g-123456789abcd"));
	assert_false(ours("ACK", "<sip:c@d>;tag=0g"));
	assert_false(ours("ACK", "<sip:c@d>"));
	assert_false(ours(
		"ACK",
		"<sip:c@d;tag=0g-123456789abcd>;tag=other")); /* it is the tag of To that counts */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(a_broken_to_is_not_new),
		cmocka_unit_test(what_is_cut_short_is_refused),
		cmocka_unit_test(emergencies_are_known),
		cmocka_unit_test(the_answer_goes_where_via_says),
		cmocka_unit_test(acks_of_our_own_answers_are_known),
	};

	return cmocka_run_group_tests_name("sbe/sip/guard_head", tests, NULL, NULL);
}
