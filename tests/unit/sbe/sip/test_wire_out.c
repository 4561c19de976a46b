/* SPDX-License-Identifier: Apache-2.0 */
/* wire_out: what it writes is what was meant, and nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "sbe/sip/wire_out.h"

static void headers_are_written(void **state)
{
	(void)state;
	char buf[64];
	struct wire_out o;
	size_t n = 0;
	wire_out_init(&o, buf, sizeof(buf));
	wire_out_header(&o, "CSeq", "%u %s", 7U, "BYE");
	wire_out_header_text(&o, "To", WIRE_TEXT("<sip:a>"));
	wire_out_header_text(&o, "X", (struct wire_text){NULL, 0});
	assert_int_equal(wire_out_end(&o, &n), 0);
	assert_int_equal(n, strlen("CSeq: 7 BYE\r\nTo: <sip:a>\r\nX: \r\n"));
	assert_memory_equal(buf, "CSeq: 7 BYE\r\nTo: <sip:a>\r\nX: \r\n", n);
}

static void every_size_that_is_too_small_is_an_error(void **state)
{
	(void)state;
	char buf[32];
	struct wire_header h = {.line = WIRE_TEXT("A: b")};
	size_t whole = strlen("A: b\r\nA: b\r\nA: b\r\n"), n;
	for (size_t size = 0; size <= whole; size++) {
		struct wire_out o;
		memset(buf, '#', sizeof(buf));
		wire_out_init(&o, buf, size);
		wire_out_header(&o, "A", "%c", 'b');
		wire_out_header_text(&o, "A", WIRE_TEXT("b"));
		wire_out_line(&o, &h);
		n = 99;
		assert_int_equal(wire_out_end(&o, &n), size < whole ? -EMSGSIZE : 0);
		assert_int_equal(n, size < whole ? 99 : whole);
		assert_int_equal(buf[size], '#');
	}
}

/* A28: no header gets in by way of a value of ours. */
static void line_ends_in_values_are_refused(void **state)
{
	(void)state;
	static const struct wire_text bad[] = {WIRE_TEXT("a\r\nB: c"),
					       WIRE_TEXT("a\nb"),
					       WIRE_TEXT("a\r"),
					       {"a\0b", 3},
					       WIRE_TEXT("\r\n x")};
	static const struct wire_text bad_lines[] = {
		WIRE_TEXT("A: b\r\nB: c"), WIRE_TEXT("A: b\n c"), WIRE_TEXT("A: b\r c"),
		WIRE_TEXT("A: b\r\n"),     {"A: \0", 4},          WIRE_TEXT("A: b\r\n\r\n c")};
	char buf[64];
	struct wire_out o;
	size_t n;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wire_out_init(&o, buf, sizeof(buf));
		wire_out_header_text(&o, "A", bad[i]);
		wire_out_header(&o, "B", "ok");
		assert_int_equal(wire_out_end(&o, &n), -EINVAL);
	}
	wire_out_init(&o, buf, sizeof(buf));
	wire_out_header(&o, "A", "%s", "x\r\nB: y");
	assert_int_equal(wire_out_end(&o, &n), -EINVAL);
	/* wherever it stands, among whatever else */
	for (size_t at = 0; at < 23; at++) {
		for (int c = 0; c < 256; c++) {
			char value[24] = "an_ordinary\tvalue, \xc3\xbc.\x7f";
			bool breaks = c == '\r' || c == '\n' || c == 0;

			value[at] = (char)c;
			wire_out_init(&o, buf, sizeof(buf));
			wire_out_header_text(&o, "A", (struct wire_text){value, 23});
			assert_int_equal(wire_out_end(&o, &n), breaks ? -EINVAL : 0);
			if (!c)
				continue; /* a 0 ends the text */
			wire_out_init(&o, buf, sizeof(buf));
			wire_out_header(&o, "A", "%s", value);
			assert_int_equal(wire_out_end(&o, &n), breaks ? -EINVAL : 0);
		}
	}
	for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		struct wire_header h = {.line = bad_lines[i]};
		wire_out_init(&o, buf, sizeof(buf));
		wire_out_line(&o, &h);
		assert_int_equal(wire_out_end(&o, &n), -EINVAL);
	}
}

static bool keep_unknown(void *arg, const struct wire_header *h)
{
	(*(int *)arg)++;
	return strcmp(h->canonical, "via") != 0 && strcmp(h->canonical, "cseq") != 0;
}

static void received_headers_pass_byte_for_byte(void **state)
{
	(void)state;
	static const char text[] =
		"OPTIONS sip:d SIP/2.0\r\nV: SIP/2.0/UDP h;branch=z9hG4bKa\r\nf :  <sip:a@b>;tag=1\r\n"
		"t: <sip:c@d>\r\ni: x\r\nCSEQ: 1 OPTIONS\r\nX-A:  odd   spacing\t\r\nX-F: fold\r\n\tmore\r\n"
		"x-b:\r\nk: 100rel\r\nk: timer\r\n\r\n";
	static const char want[] =
		"f :  <sip:a@b>;tag=1\r\nt: <sip:c@d>\r\ni: x\r\nX-A:  odd   spacing\t\r\n"
		"X-F: fold\r\n\tmore\r\nx-b:\r\nk: 100rel\r\nk: timer\r\n";
	struct wire_msg *m = NULL;
	const char *why;
	struct wire_out o;
	char buf[512];
	size_t n = 0;
	int asked = 0;
	assert_int_equal(wire_parse((const uint8_t *)text, sizeof(text) - 1, &m, &why), 0);
	wire_out_init(&o, buf, sizeof(buf));
	wire_out_copy(&o, m, keep_unknown, &asked);
	assert_int_equal(wire_out_end(&o, &n), 0);
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(buf, want, n);
	assert_int_equal(asked, 10);
	mem_unref(m);
}

static void random_tokens_differ(void **state)
{
	(void)state;
	char a[33], b[33];
	wire_random_token(a, sizeof(a), 128);
	wire_random_token(b, sizeof(b), 128);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
	wire_random_token(a, sizeof(a), 8);
	assert_int_equal(strlen(a), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_written),
		cmocka_unit_test(every_size_that_is_too_small_is_an_error),
		cmocka_unit_test(line_ends_in_values_are_refused),
		cmocka_unit_test(received_headers_pass_byte_for_byte),
		cmocka_unit_test(random_tokens_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
