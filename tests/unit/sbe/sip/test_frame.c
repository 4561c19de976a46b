/* SPDX-License-Identifier: Apache-2.0 */
/* frame: messages out of a byte stream, however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "common/mem.h"
#include "sbe/sip/frame.h"
#include "sbe/sip/guard.h"

#define A "INFO sip:d SIP/2.0\r\nVia: x\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
#define B "SIP/2.0 200 OK\r\nl :\r\n 0\r\nX: Content-Length: 9\r\n\r\n"
#define BAD "INFO sip:d SIP/2.0\r\nVia: x\r\n\r\n"

static char log_text[4096];

/* Feed in pieces of `step`, write down all that comes out. */
static const char *run(const char *s, size_t n, size_t step)
{
	struct frame *f = NULL;
	int r = 0;
	log_text[0] = 0;
	assert_int_equal(frame_new(&f), 0);
	for (size_t at = 0; at < n && r >= 0; at += step) {
		size_t part = n - at < step ? n - at : step;
		uint8_t *copy = malloc(part);
		memcpy(copy, s + at, part);
		assert_int_equal(frame_feed(f, copy, part), 0);
		free(copy);
		do {
			const uint8_t *data = NULL;
			size_t bytes = 0, at_log = strlen(log_text);
			r = frame_next(f, &data, &bytes);
			assert_true((r == 1 || r == -EBADMSG) == (data != NULL));
			if (r != 0)
				snprintf(log_text + at_log, sizeof(log_text) - at_log, "%d[%.*s]",
					 r, (int)bytes, data ? (const char *)data : "");
		} while (r > 0);
	}
	frame_free(f);
	return log_text;
}

static void messages_come_out_whole(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{A B A, "1[" A "]1[" B "]1[" A "]"},
		{"\r\n" A "\r\n" B "\r\n\r\n" A "\r\n", "1[" A "]1[" B "]2[]1[" A "]"},
		{"\r\n\r\n\r\n\r\n\r\n", "2[]2[]"},
		{"\r\r\n\r\n\n\r\n\r\n", "2[]2[]"},
		{A BAD B, "1[" A "]-74[" BAD "]"},
		{"x\r\n\r\n", "-74[x\r\n\r\n]"},
		{"x\r\nContent-Length: -1\r\n\r\n", "-74[x\r\nContent-Length: -1\r\n\r\n]"},
		{"x\r\nl: 1\r\nContent-Length: 1\r\n\r\n",
		 "-74[x\r\nl: 1\r\nContent-Length: 1\r\n\r\n]"},
		{"x\r\n Content-Length: 1\r\n\r\n", "-74[x\r\n Content-Length: 1\r\n\r\n]"},
		{"Content-Length: 1\r\n\r\n", "-74[Content-Length: 1\r\n\r\n]"},
		/* A28: where the headers end must not be a matter of taste */
		{"x\nl: 0\n\nrest", "-74[x\nl: 0\n\n]"},
		{"x\r\nl: 0\n\r\nrest", "-74[x\r\nl: 0\n\r\n]"},
		{"x\r\nl: 0\r\n\nrest", "-74[x\r\nl: 0\r\n\n]"},
		{"x\nl: 0\r\n\r\n", "1[x\nl: 0\r\n\r\n]"}, /* the guard's business */
		{"x\r\nl: 65536\r\n\r\n", "-90[]"},
		{"x\r\nl: 99999999999999999999\r\n\r\n", "-90[]"},
		{"x\r\nl: 65530\r\n\r\n", "-90[]"},
		{"x\r\nl: 5\r\n\r\nab", ""},
		{"INFO sip", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step <= strlen(cases[i].in); step++)
			if (strcmp(run(cases[i].in, strlen(cases[i].in), step), cases[i].out) != 0)
				fail_msg("case %zu step %zu: %s", i, step, log_text);
}

static void what_is_pending_is_known(void **state)
{
	(void)state;
	struct frame *f = NULL;
	const uint8_t *data;
	size_t n;
	assert_int_equal(frame_new(&f), 0);
	assert_int_equal(frame_pending(f), 0);
	assert_int_equal(frame_feed(f, (const uint8_t *)"\r\n", 2), 0);
	assert_int_equal(frame_next(f, &data, &n), 0);
	assert_int_equal(frame_pending(f), 0); /* a lone pong is no unfinished message */
	assert_int_equal(frame_feed(f, (const uint8_t *)A "\r\nIN", strlen(A "\r\nIN")), 0);
	assert_int_equal(frame_next(f, &data, &n), 1);
	assert_int_equal(frame_pending(f), 2);
	assert_int_equal(frame_next(f, &data, &n), 0);
	assert_int_equal(frame_pending(f), 2);
	assert_int_equal(frame_feed(f, (const uint8_t *)"FO", 2), 0);
	assert_int_equal(frame_pending(f), 4);
	frame_free(f);
	frame_free(NULL);
}

/* A5, C2: sizes have limits and no input makes it slow. */
static void size_and_work_are_bounded(void **state)
{
	(void)state;
	static uint8_t big[5 * GUARD_MESSAGE_MAX_BYTES];
	const uint8_t *data;
	size_t n;
	struct frame *f = NULL;
	memset(big, 'x', sizeof(big));
	int head = snprintf((char *)big, 64, "x\r\nl: %u\r\n\r\n", GUARD_MESSAGE_MAX_BYTES - 15);
	assert_int_equal(head, 15);
	big[head] = 'x';
	assert_int_equal(frame_new(&f), 0);
	assert_int_equal(frame_feed(f, big, GUARD_MESSAGE_MAX_BYTES), 0);
	assert_int_equal(frame_next(f, &data, &n), 1);
	assert_int_equal(n, GUARD_MESSAGE_MAX_BYTES);
	assert_int_equal(frame_next(f, &data, &n), 0);
	assert_int_equal(frame_feed(f, big, sizeof(big)), -EMSGSIZE);
	frame_free(f);

	/* headers without an end, byte by byte: each is looked at once */
	assert_int_equal(frame_new(&f), 0);
	clock_t t0 = clock();
	int r = 0;
	for (n = 0; n <= GUARD_MESSAGE_MAX_BYTES && r == 0; n++) {
		size_t bytes;
		big[0] = n % 3 == 0 ? '\r' : n % 3 == 1 ? '\n' : 'a';
		if (n == 0)
			big[0] = 'I';
		assert_int_equal(frame_feed(f, big, 1), 0);
		r = frame_next(f, &data, &bytes);
	}
	assert_int_equal(r, -EMSGSIZE);
	assert_int_equal(n, GUARD_MESSAGE_MAX_BYTES + 1);
	assert_true((double)(clock() - t0) / CLOCKS_PER_SEC < 0.5);
	assert_int_equal(frame_next(f, &data, &n), -EMSGSIZE); /* and it stays broken */
	frame_free(f);
	assert_int_equal(mem_live(), 0);
}

static void running_out_of_memory_is_reported(void **state)
{
	(void)state;
	struct frame *f = NULL;
	mem_fail_at(1);
	assert_int_equal(frame_new(&f), -ENOMEM);
	mem_fail_at(0);
	assert_int_equal(frame_new(&f), 0);
	mem_fail_at(1);
	assert_int_equal(frame_feed(f, (const uint8_t *)"x", 1), -ENOMEM);
	mem_fail_at(0);
	assert_int_equal(frame_feed(f, (const uint8_t *)"x", 1), 0);
	assert_int_equal(frame_pending(f), 1);
	frame_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_out_whole),
		cmocka_unit_test(what_is_pending_is_known),
		cmocka_unit_test(size_and_work_are_bounded),
		cmocka_unit_test(running_out_of_memory_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
