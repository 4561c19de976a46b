/* SPDX-License-Identifier: Apache-2.0 */
/* The SDP inside a multipart body (RFC 2046 5.1), and the hostile boundaries of A4. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/mem.h"
#include "sbe/sdp/body_multipart.h"
#include "tests/unit/sbe/sdp/examples.h"

#define MIXED "multipart/mixed;boundary=b1"
#define SDP "Content-Type: application/sdp\r\n\r\nv=0\r\n"
#define OTHER "Content-Type: application/pidf+xml\r\nContent-ID: <x@y>\r\n\r\n<geo/>\r\n"

static int find(const char *type, const char *body, struct body_part *part)
{
	const char *why = NULL;
	int err = body_multipart_find(type, body, strlen(body), part, &why);

	assert_true((why != NULL) == (err != 0));
	return err;
}

static void test_what_is_found_A4(void **state)
{
	static const struct {
		const char *type, *body;
		int result;
		const char *sdp;
	} rows[] = {
		{"application/sdp", "v=0\r\n", 0, "v=0\r\n"},
		{" Application/SDP ; charset=utf-8", "v=0\r\n", 0, "v=0\r\n"},
		{"text/plain", "v=0\r\n", -ENOENT, NULL},
		{"", "v=0\r\n", -ENOENT, NULL},
		{MIXED, "--b1\r\n" SDP "\r\n--b1--\r\n", 0, "v=0\r\n"},
		{MIXED, "--b1\r\n" SDP "--b1--", 0, "v=0"},
		{MIXED, "--b1\n" SDP "\n--b1--\n", 0, "v=0\r\n"},
		{MIXED, "pre\r\n--b1 \t\r\n" OTHER "--b1\r\n" SDP "\r\n--b1--\r\npost", 0,
		 "v=0\r\n"},
		{"multipart/mixed; a=\";\"; Boundary=\"b 1\"", "--b 1\r\n" SDP "\r\n--b 1--", 0,
		 "v=0\r\n"},
		{"multipart/related; x; boundary = b1", "--b1\r\n" SDP "\r\n--b1--", 0, "v=0\r\n"},
		{MIXED, "--b1\r\nc: application/sdp\r\nl: 5\r\n\r\nv=0\r\n\r\n--b1--", 0,
		 "v=0\r\n"},
		{MIXED, "--b1\r\nContent-Type:\r\n application/sdp\r\n\r\nv=0\r\n\r\n--b1--", 0,
		 "v=0\r\n"},
		{MIXED, "--b1\r\n" SDP "--b12\r\n--b1x--\r\n\r\n--b1--", 0,
		 "v=0\r\n--b12\r\n--b1x--\r\n"},
		{MIXED, "--b1\r\nContent-Type: application/sdp\r\n\r\n--b1--", 0, ""},
		{MIXED,
		 "--b1\r\nContent-Disposition: session;handling=required\r\n" SDP "\r\n--b1--", 0,
		 "v=0\r\n"},
		{MIXED, "--b1\r\nContent-Transfer-Encoding: 8BIT\r\n" SDP "\r\n--b1--", 0,
		 "v=0\r\n"},
		/* no SDP */
		{MIXED, "--b1\r\n" OTHER "--b1--", -ENOENT, NULL},
		{MIXED, "--b1\r\n\r\nContent-Type: application/sdp\r\n\r\n--b1--", -ENOENT, NULL},
		/* nested: opaque */
		{MIXED,
		 "--b1\r\nContent-Type: multipart/mixed;boundary=in\r\n\r\n--in\r\n" SDP
		 "\r\n--in--\r\n--b1--",
		 -ENOENT, NULL},
		/* broken */
		{"multipart/mixed", "--b1\r\n" SDP "\r\n--b1--", -EBADMSG, NULL},
		{"multipart/mixed;boundary=", "--b1\r\n" SDP "\r\n--b1--", -EBADMSG, NULL},
		{"multipart/mixed;boundary=\"\"", "--\r\n" SDP "\r\n----", -EBADMSG, NULL},
		{"multipart/mixed;boundary=\"b \"", "--b \r\n" SDP "\r\n--b --", -EBADMSG, NULL},
		{"multipart/mixed;boundary=\"b1", "--b1\r\n" SDP "\r\n--b1--", -EBADMSG, NULL},
		{"multipart/mixed;boundary=b\x01", "--b\x01\r\n" SDP "\r\n--b\x01--", -EBADMSG,
		 NULL},
		{MIXED, "", -EBADMSG, NULL},
		{MIXED, "--b1--", -EBADMSG, NULL},
		{MIXED, "--b1\r\n" SDP, -EBADMSG, NULL},
		{MIXED, "--b1\r\n" SDP "\r\n--b1\r\n", -EBADMSG, NULL},
		{MIXED, "--b1\r\nContent-Type: application/sdp\r\n--b1--", -EBADMSG, NULL},
		/* what we cannot edit without leaving another SDP behind */
		{MIXED, "--b1\r\n" SDP "\r\n--b1\r\n" SDP "\r\n--b1--", -ENOTSUP, NULL},
		{MIXED, "--b1\r\nContent-Disposition: early-session\r\n" SDP "\r\n--b1--", -ENOTSUP,
		 NULL},
		{MIXED, "--b1\r\nContent-Transfer-Encoding: base64\r\n" SDP "\r\n--b1--", -ENOTSUP,
		 NULL},
		{MIXED, "--b1\r\nContent-Encoding: gzip\r\n" SDP "\r\n--b1--", -ENOTSUP, NULL},
		{MIXED, "--b1\r\nContent-Type: text/plain\r\n" SDP "\r\n--b1--", -ENOTSUP, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct body_part part = {.n_parts = 99};
		int err = find(rows[i].type, rows[i].body, &part);

		if (err != rows[i].result)
			fail_msg("row %zu: %d", i, err);
		if (err)
			assert_int_equal(part.n_parts, 99);
		else
			assert_text((struct body_text){.at = rows[i].body + part.off,
						       .len = (uint32_t)part.len_bytes},
				    rows[i].sdp);
	}
}

static void test_other_parts_are_known(void **state)
{
	struct body_part part;

	(void)state;
	assert_int_equal(find(MIXED, "--b1\r\n" SDP "\r\n--b1--", &part), 0);
	assert_int_equal(part.n_parts, 1);
	assert_false(part.has_opaque || part.whole);
	assert_int_equal(find(MIXED, "--b1\r\n" SDP "\r\n--b1\r\n" OTHER "--b1--", &part), 0);
	assert_int_equal(part.n_parts, 2);
	assert_true(part.has_opaque);
}

static void test_boundary_lengths_A4(void **state)
{
	static const struct {
		size_t len;
		int result;
	} rows[] = {{1, 0}, {70, 0}, {71, -EBADMSG}, {4096, -EBADMSG}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		static char type[5000], body[10000];
		static char boundary[4097];
		struct body_part part;

		memset(boundary, 'b', rows[i].len);
		boundary[rows[i].len] = 0;
		snprintf(type, sizeof(type), "multipart/mixed;boundary=%s", boundary);
		snprintf(body, sizeof(body), "--%s\r\n%s\r\n--%s--", boundary, SDP, boundary);
		assert_int_equal(find(type, body, &part), rows[i].result);
	}
}

static void test_limits_A4(void **state)
{
	struct body_part part;
	char *body = malloc(20000);

	(void)state;
	strcpy(body, "--b1\r\n" SDP);
	for (int i = 1; i < 16; i++)
		strcat(body, "\r\n--b1\r\n" OTHER);
	strcat(body, "--b1--");
	assert_int_equal(find(MIXED, body, &part), 0);
	assert_int_equal(part.n_parts, 16);
	body[strlen(body) - 2] = 0;
	strcat(body, "\r\n" OTHER "--b1--");
	assert_int_equal(find(MIXED, body, &part), -EBADMSG);

	strcpy(body, "--b1\r\nX-Long: ");
	memset(body + strlen(body), 'x', 5000);
	body[5000] = 0;
	strcat(body, "\r\n" SDP "\r\n--b1--");
	assert_int_equal(find(MIXED, body, &part), -EBADMSG);
	free(body);
}

static void replaced(const char *type, const char *body, const char *sdp, const char *golden)
{
	struct body_part part;
	char *out = NULL;
	size_t len = 0;
	struct body_text t = {.at = sdp, .len = (uint32_t)strlen(sdp)};

	assert_int_equal(find(type, body, &part), 0);
	assert_int_equal(body_multipart_replace(body, strlen(body), &part, t, &out, &len), 0);
	assert_string_equal(out, golden);
	assert_int_equal(len, strlen(golden));
	mem_free(out);
}

static void test_replacement(void **state)
{
	(void)state;
	replaced("application/sdp", "v=0\r\n", "v=0\r\ns=x\r\n", "v=0\r\ns=x\r\n");
	replaced(MIXED, "pre\n--b1\r\n" OTHER "--b1\r\n" SDP "\r\n--b1\r\n" OTHER "--b1--\r\npost",
		 "v=0\r\ns=longer\r\n",
		 "pre\n--b1\r\n" OTHER "--b1\r\n" SDP "s=longer\r\n\r\n--b1\r\n" OTHER
		 "--b1--\r\npost");
	replaced(
		MIXED,
		"--b1\r\nContent-Length:  5 \r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1--",
		"v=0\r\ns=123456\r\n",
		"--b1\r\nContent-Length:  15 \r\nContent-Type: application/sdp\r\n\r\n"
		"v=0\r\ns=123456\r\n\r\n--b1--");
	replaced(MIXED, "--b1\r\nl: 5\r\nl: 6\r\n" SDP "\r\n--b1--", "",
		 "--b1\r\nl: 0\r\nl: 6\r\nContent-Type: application/sdp\r\n\r\n\r\n--b1--");
}

static void test_replacement_is_checked(void **state)
{
	const struct body_part bad[] = {
		{.off = 6},
		{.off = 2, .len_bytes = 4},
		{.off = 2, .len_bytes = (size_t)-1},
		{.off = 2, .length_off = 3},
		{.off = 2, .length_off = 1, .length_len = 2},
	};
	struct body_part good = {.len_bytes = 5};
	char *out = NULL;
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(body_multipart_replace("v=0\r\n", 5, &bad[i],
							(struct body_text){0}, &out, &len),
				 -EINVAL);
	assert_int_equal(body_multipart_replace("v=0\r\n", 5, &good,
						(struct body_text){.at = "", .len = 2u << 20}, &out,
						&len),
			 -E2BIG);
	mem_fail_at(1);
	assert_int_equal(
		body_multipart_replace("v=0\r\n", 5, &good, (struct body_text){0}, &out, &len),
		-ENOMEM);
	mem_fail_at(0);
	assert_null(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_found_A4),
		cmocka_unit_test(test_other_parts_are_known),
		cmocka_unit_test(test_boundary_lengths_A4),
		cmocka_unit_test(test_limits_A4),
		cmocka_unit_test(test_replacement),
		cmocka_unit_test(test_replacement_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
