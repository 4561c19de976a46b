/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a multipart body as slices: line ends of both kinds, folded headers, what is no multipart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sbe/sdp/body_parts.h"

static struct body_parts parts;

static int split(const char *text, const char *boundary)
{
	memset(&parts, 0, sizeof(parts));
	return body_parts_split(
		(struct body_text){.at = text, .len = (uint32_t)strlen(text)},
		(struct body_text){.at = boundary, .len = (uint32_t)strlen(boundary)}, &parts);
}

static void is(struct body_text t, const char *want)
{
	if (t.len != strlen(want) || memcmp(t.at, want, t.len))
		fail_msg("got '%.*s', not '%s'", (int)t.len, t.at, want);
}

static void pieces(void **state)
{
	(void)state;
	assert_int_equal(
		split("--b\r\nA: 1\r\nB: 2\r\n\r\none\r\n\r\n--b\r\n\r\ntwo\r\n--b--\r\n", "b"), 0);
	assert_int_equal(parts.n, 2);
	assert_false(parts.outside);
	is(parts.part[0].head, "A: 1\r\nB: 2\r\n");
	is(parts.part[0].body, "one\r\n");
	is(parts.part[1].head, "");
	is(parts.part[1].body, "two");
	assert_int_equal(split("--b\nA: 1\n\none\n--b-x\n--b \n\n--b--", "b"), 0);
	is(parts.part[0].body, "one\n--b-x");
	is(parts.part[1].body, "");
	assert_int_equal(split("\r\n--b\r\nno end of headers\r\n--b--\r\n\r\n", "b"), 0);
	assert_false(parts.outside); /* blank lines say nothing */
	is(parts.part[0].body, "");
	assert_int_equal(split("before\r\n--b\r\n\r\nx\r\n--b--\r\n", "b"), 0);
	assert_true(parts.outside);
	assert_int_equal(split("--b\r\n\r\nx\r\n--b--\r\nbehind", "b"), 0);
	assert_true(parts.outside);
}

static void no_multipart(void **state)
{
	static char many[8192];

	(void)state;
	assert_int_equal(split("", "b"), -EBADMSG);
	assert_int_equal(split("--b--\r\n", "b"), -EBADMSG);
	assert_int_equal(split("--b\r\n\r\nx\r\n", "b"), -EBADMSG);
	for (unsigned i = 0; i <= BODY_MAX_PARTS; i++)
		strcat(many, "--b\r\n\r\nx\r\n");
	strcat(many, "--b--\r\n");
	assert_int_equal(split(many, "b"), -EBADMSG);
}

static void headers(void **state)
{
	const char *text = "A : 1 \r\n\t2\r\nno colon\r\nB:\r\n";
	struct body_text head = {.at = text, .len = (uint32_t)strlen(text)}, line, name, value;

	(void)state;
	assert_true(body_parts_header(&head, &line, &name, &value));
	is(line, "A : 1 \r\n\t2\r\n");
	is(name, "A");
	is(value, "1 \r\n\t2");
	assert_true(body_parts_header(&head, &line, &name, &value));
	is(name, "");
	assert_true(body_parts_header(&head, &line, &name, &value));
	is(name, "B");
	is(value, "");
	assert_false(body_parts_header(&head, &line, &name, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces),
		cmocka_unit_test(no_multipart),
		cmocka_unit_test(headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
