/* SPDX-License-Identifier: Apache-2.0 */
/* What is required and not agreed is named back, exactly; methods by the table (C16, K). */
#include "sbe/call/call_option.h"
#include "tests/unit/sbe/call/call_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

static void asks(const char *require, const char *unsupported)
{
	const char *m;

	bed.extra = require;
	bed_invite(A, SDP_A);
	m = bed_take(A, "SIP/2.0 420 ");
	assert_string_equal(bed_header(m, "Unsupported"), unsupported);
	bed_quiet(B);
}

static void only_what_is_not_supported_is_named(void **state)
{
	(void)state;
	asks("Require: foo\n", "foo");
	asks("Require: foo, Bar\nRequire: baz\n", "foo, Bar, baz");
	assert_int_equal(bed_cdr_count(), 2);
	bed.extra = "Require: \n";
	bed_invite(A, SDP_A); /* nothing is required */
	bed_take(B, "INVITE ");
	bed_reply(B, 486, NULL);
	bed_take(B, "ACK ");
	bed_take(A, "SIP/2.0 486 ");
}

/* More tags than we name: it is refused all the same, with what fits. */
static void many(void **state)
{
	char require[2000] = "Require: t";
	const char *m;
	size_t n;

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(require, ",tag9");
	strcat(require, "\n");
	bed.extra = require;
	bed_invite(A, SDP_A);
	m = bed_take(A, "SIP/2.0 420 ");
	n = strlen(bed_header(m, "Unsupported"));
	assert_true(n > 80 && n < 160);
	assert_string_equal(bed_header(m, "Unsupported") + n - 6, ", tag9");
}

static void in_a_dialog_too(void **state)
{
	(void)state;
	bed_connect();
	bed.extra = "Require: nonsense\n";
	bed_request(A, "INVITE", SDP_A);
	assert_string_equal(bed_header(bed_take(A, "SIP/2.0 420 "), "Unsupported"), "nonsense");
	bed_quiet(B);
	bed_hang_up(A, B);
}

static struct wire_msg *message(const char *allow)
{
	char text[512];
	struct wire_msg *m = NULL;
	const char *why = "";
	int n = snprintf(
		text, sizeof(text),
		"OPTIONS sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
		"From: <sip:a@b.example>;tag=1\r\nTo: <sip:a@b.example>\r\nCall-ID: 1\r\n"
		"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
		allow);

	assert_int_equal(wire_parse((const uint8_t *)text, (size_t)n, &m, &why), 0);
	return m;
}

static void what_the_peer_allows(void **state)
{
	struct wire_msg *m = message("Allow: INVITE, ACK\r\nAllow: update,UPDATEX, PRACK\r\n");

	(void)state;
	assert_true(call_option_peer_allows(m, "PRACK"));
	assert_true(call_option_peer_allows(m, "INVITE"));
	assert_false(call_option_peer_allows(m, "UPDATE")); /* methods have a case */
	assert_false(call_option_peer_allows(m, "BYE"));
	mem_unref(m);
	m = message("");
	assert_true(call_option_peer_allows(m, "BYE"));
	assert_false(call_option_peer_allows(m, "UPDATE"));
	mem_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(only_what_is_not_supported_is_named),
		BED_TEST(many),
		BED_TEST(in_a_dialog_too),
		BED_TEST(what_the_peer_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
