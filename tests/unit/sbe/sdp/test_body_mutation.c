/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded random damage to the examples, checked against the invariants of tests/fuzz (A4). The seed
 * is fixed, so a failure repeats; BODY_MUTATIONS=n sets another number of rounds.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/fuzz/body_invariants.h"
#include "tests/unit/sbe/sdp/examples.h"

#define ROUNDS 100000
#define SPACE 4096

static uint64_t random_state = 0x5eed;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

static const char *const tokens[] = {
	"\r\n",
	"\r",
	"\n",
	"a=",
	"c=IN IP4 ",
	"10.1.1.1",
	"0.0.0.0",
	"m=",
	"m=audio 0 RTP/AVP 0\r\n",
	"65535",
	"65536",
	"-1",
	"4000000000",
	"::",
	"fe80::1%lo",
	"IP6",
	"a=rtpmap:96 ",
	"a=rtcp:9 ",
	"a=path:msrp://10.1.1.1:1/x;tcp\r\n",
	"a=inactive\r\n",
	"a=candidate",
	"/",
	":",
	" ",
	"=",
	"2001:db8:1::1",
	"pbx.inner.example",
	"--b1\r\n",
	"--b1--\r\n",
	"Content-Type: application/sdp\r\n",
	"\r\n\r\n",
	"\xff",
	"\"",
	";",
};

static size_t insert(char *text, size_t len, size_t at, const char *what, size_t n)
{
	if (len + n > SPACE)
		return len;
	memmove(text + at + n, text + at, len - at);
	memcpy(text + at, what, n);
	return len + n;
}

static size_t damage(char *text, size_t len)
{
	size_t at = draw((uint32_t)len + 1), n;
	const char *token, *other;

	switch (draw(7)) {
	case 0: /* one bit */
		if (at < len)
			text[at] = (char)(text[at] ^ (1 << draw(8)));
		return len;
	case 1: /* one byte, NUL among them */
		if (at < len)
			text[at] = (char)draw(256);
		return len;
	case 2:
	case 3:
		token = tokens[draw(sizeof(tokens) / sizeof(tokens[0]))];
		return insert(text, len, at, token, strlen(token));
	case 4: /* lose a piece */
		n = draw(40);
		n = n > len - at ? len - at : n;
		memmove(text + at, text + at + n, len - at - n);
		return len - n;
	case 5: /* a piece of another example */
		other = examples[draw((uint32_t)n_examples)].text;
		n = strlen(other);
		other += draw((uint32_t)n);
		n = draw(80);
		return insert(text, len, at, other, strnlen(other, n));
	default: /* cut short, rarely */
		return draw(10) ? len : at;
	}
}

static unsigned long rounds(void)
{
	const char *asked = getenv("BODY_MUTATIONS");

	return asked ? strtoul(asked, NULL, 10) : ROUNDS;
}

static void test_damaged_descriptions_A4(void **state)
{
	static char text[SPACE];
	size_t live = mem_live();

	(void)state;
	for (unsigned long i = 0; i < rounds(); i++) {
		const char *seed = examples[i % n_examples].text;
		size_t len = strlen(seed);
		char *exact;

		memcpy(text, seed, len);
		for (uint32_t n = 1 + draw(4); n > 0; n--)
			len = damage(text, len);
		/* a block of just this size, so that a read behind its end is seen */
		exact = malloc(len ? len : 1);
		assert_non_null(exact);
		memcpy(exact, text, len);
		check_sdp(exact, len);
		free(exact);
	}
	assert_int_equal(mem_live(), live);
}

static void test_damaged_multiparts_A4(void **state)
{
	static const char seed[] =
		"multipart/mixed;boundary=b1\npreamble\r\n--b1\r\n"
		"Content-Type: text/plain\r\n\r\nhello\r\n--b1\r\n"
		"Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n\r\n"
		"--b1\r\nContent-ID: <a@b>\r\n\r\n\r\n--b1--\r\n";
	static char text[SPACE];
	size_t live = mem_live();

	(void)state;
	for (unsigned long i = 0; i < rounds(); i++) {
		size_t len = sizeof(seed) - 1;
		char *exact;

		memcpy(text, seed, len);
		for (uint32_t n = 1 + draw(3); n > 0; n--)
			len = damage(text, len);
		exact = malloc(len ? len : 1);
		assert_non_null(exact);
		memcpy(exact, text, len);
		check_multipart(exact, len);
		free(exact);
	}
	assert_int_equal(mem_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged_descriptions_A4),
		cmocka_unit_test(test_damaged_multiparts_A4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
