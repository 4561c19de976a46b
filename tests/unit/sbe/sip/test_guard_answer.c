/* SPDX-License-Identifier: Apache-2.0 */
/* guard_answer: what a request that is not parsed gets back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire.h"

static const char request[] =
	"OPTIONS sip:service@d.example.com SIP/7.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
	"Max-Forwards: 70\r\nFrom : <sip:a@b>;tag=1\r\nTo: \"C;tag=\" <sip:c@d;tag=no>\r\n"
	"Via: SIP/2.0/TCP\r\n  h2\r\nCall-ID: x\r\nCSEQ: 1 OPTIONS\r\nTo: <sip:second>\r\nX-Own: y\r\n"
	"Contact: <sip:inner@192.0.2.9>\r\nContent-Length: 4\r\n\r\nbody";

static int answer(const char *s, size_t n, char *buf, size_t size)
{
	uint8_t *copy = malloc(n ? n : 1);
	memcpy(copy, s, n);
	struct guard_reply reply = {.status = 400, .phrase = "Bad Request"};
	int r = guard_answer(copy, n, &reply, buf, size);
	free(copy);
	return r;
}

static void the_answer_is_a_response_to_it(void **state)
{
	(void)state;
	static const char before[] =
		"SIP/2.0 400 Bad Request\r\nv: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
		"From : <sip:a@b>;tag=1\r\nTo: \"C;tag=\" <sip:c@d;tag=no>;tag=";
	static const char after[] =
		"\r\nVia: SIP/2.0/TCP\r\n  h2\r\nCall-ID: x\r\nCSEQ: 1 OPTIONS\r\n"
		"Content-Length: 0\r\n\r\n";
	char a[1024], b[1024];
	int n = answer(request, sizeof(request) - 1, a, sizeof(a));
	assert_int_equal(n, sizeof(before) - 1 + 16 + sizeof(after) - 1);
	assert_memory_equal(a, before, sizeof(before) - 1);
	assert_memory_equal(a + sizeof(before) - 1 + 16, after, sizeof(after) - 1);
	/* RFC 3261 8.2.7: a retransmission gets the very same answer */
	assert_int_equal(answer(request, sizeof(request) - 1, b, sizeof(b)), n);
	assert_memory_equal(a, b, (size_t)n);
	struct wire_msg *m = NULL;
	const char *why;
	assert_int_equal(wire_parse((const uint8_t *)a, (size_t)n, &m, &why), 0);
	assert_int_equal(wire_status(m), 400);
	assert_int_equal(wire_via_count(m), 2);
	mem_unref(m);
}

static void a_tag_of_theirs_is_kept(void **state)
{
	(void)state;
	static const char *const tos[] = {"<sip:c@d>;tag=t", "\"unbalanced <sip:c@d> ;x;TAG=t",
					  "sip:c@d;tag=t"};
	for (size_t i = 0; i < sizeof(tos) / sizeof(tos[0]); i++) {
		char text[512], buf[512];
		int n = snprintf(
			text, sizeof(text),
			"INFO sip:d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nTo: %s\r\nMax-Forwards: 70\r\n"
			"Content-Length: 0\r\n\r\n",
			tos[i]);
		n = answer(text, (size_t)n, buf, sizeof(buf));
		assert_true(n > 0);
		buf[n] = 0;
		char want[128];
		snprintf(want, sizeof(want), "\r\nTo: %s\r\n", tos[i]);
		assert_non_null(strstr(buf, want));
	}
}

/* A24: an answer is never larger than what asked for it. */
static void it_never_amplifies(void **state)
{
	(void)state;
	char buf[1024];
	for (size_t n = 0; n < sizeof(request); n++) {
		int r = answer(request, n, buf, sizeof(buf));
		assert_true(r <= (int)n);
		assert_true(r > 0 || r == -ENOENT || r == -EMSGSIZE);
	}
	static const char small[] = "A b SIP/2.0\r\nv:x\r\n\r\n";
	assert_int_equal(answer(small, sizeof(small) - 1, buf, sizeof(buf)), -EMSGSIZE);
	int whole = answer(request, sizeof(request) - 1, buf, sizeof(buf));
	for (int size = 0; size < whole; size++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(answer(request, sizeof(request) - 1, buf, (size_t)size),
				 -EMSGSIZE);
		assert_int_equal(buf[size], '#');
	}
	assert_int_equal(answer(request, sizeof(request) - 1, buf, (size_t)whole), whole);
}

static void without_via_there_is_none(void **state)
{
	(void)state;
	static const char text[] =
		"INFO sip:d SIP/2.0\r\nTo: <sip:x>\r\nFrom: <sip:a>\r\n\r\nVia: SIP/2.0/UDP h\r\n";
	char buf[512];
	assert_int_equal(answer(text, sizeof(text) - 1, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(answer("", 0, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(answer("x", 1, buf, sizeof(buf)), -ENOENT);
}

/* A28: lone CR and LF do not come back as line ends. */
static void odd_line_ends_do_not_come_back(void **state)
{
	(void)state;
	static const char text[] =
		"INFO sip:d SIP/2.0\nVia: SIP/2.0/UDP h\nTo: <sip:x>\r;a\nFrom: a\n b\r\n\tc\n"
		"Call-ID: 1\nCSeq: 1 INFO\nMax-Forwards: 70\nContent-Length: 0\nX-Filler: enough room for the answer\n\n";
	char buf[512];
	int n = answer(text, sizeof(text) - 1, buf, sizeof(buf));
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (buf[i] == '\r')
			assert_int_equal(buf[i + 1], '\n');
		if (buf[i] == '\n')
			assert_int_equal(buf[i - 1], '\r');
	}
	buf[n] = 0;
	assert_non_null(strstr(buf, "\r\nTo: <sip:x> ;a;tag="));
	assert_non_null(strstr(buf, "\r\nFrom: a  b\r\n\tc\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_is_a_response_to_it),
		cmocka_unit_test(a_tag_of_theirs_is_kept),
		cmocka_unit_test(it_never_amplifies),
		cmocka_unit_test(without_via_there_is_none),
		cmocka_unit_test(odd_line_ends_do_not_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
