/* SPDX-License-Identifier: Apache-2.0 */
/* The overload parameters of a Via (RFC 7339 4; S10), what is hostile among them too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sbe/sip/wire_oc.h"

static int parse(const char *params, struct wire_oc *oc)
{
	char *via;
	int err;

	assert_true(asprintf(&via, "SIP/2.0/UDP h:5060;branch=z9hG4bK1%s", params) > 0);
	err = wire_oc_parse((struct wire_text){via, strlen(via)}, oc);
	free(via);
	return err;
}

static struct wire_oc good(const char *params)
{
	struct wire_oc oc;

	assert_int_equal(parse(params, &oc), 0);
	return oc;
}

static void an_offer_is_read(void **state)
{
	(void)state;
	struct wire_oc oc = good(WIRE_OC_OFFER);

	assert_true(oc.offered);
	assert_false(oc.has_value);
	assert_true(oc.loss);
	oc = good(";oc-algo=\"rate,LOSS\";OC;x=\"a;oc=5\"");
	assert_true(oc.offered && oc.loss && !oc.has_value);
	assert_false(good(";oc;oc-algo=\"rate\"").loss);
	assert_true(good(";oc ; oc-algo = loss").loss); /* without quotes */
	assert_false(good("").offered);
	assert_false(good(";occ=1;xoc;o").offered);
}

static void feedback_is_read(void **state)
{
	(void)state;
	struct wire_oc oc = good(";oc=20;oc-algo=\"loss\";oc-validity=700;oc-seq=1282321615.782");

	assert_true(oc.offered && oc.has_value && oc.has_seq && oc.loss);
	assert_int_equal(oc.percent, 20);
	assert_int_equal(oc.validity_ms, 700);
	assert_int_equal(oc.seq, 128232161578200);
	assert_int_equal(good(";oc=0").validity_ms, 500);
	assert_int_equal(good(";oc=0;oc-validity=0").validity_ms, 0);
	assert_false(good(";oc=5").has_seq);
	/* a fraction is one of a decimal number */
	assert_true(good(";oc=1;oc-seq=7.5").seq > good(";oc=1;oc-seq=7.10").seq);
	assert_true(good(";oc=1;oc-seq=8").seq > good(";oc=1;oc-seq=7.99999").seq);
	assert_int_equal(good(";oc=1;oc-seq=999999999999.99999").seq, 99999999999999999ULL);
}

static void half_understood_is_not_understood(void **state)
{
	static const char *const bad[] = {
		";oc=101",
		";oc=-1",
		";oc=",
		";oc=1e1",
		";oc=4294967297",
		";oc=99999999999999999999999",
		";oc=20;oc=30",
		";oc=20;OC=30",
		";oc;oc",
		";oc=\"20\"",
		";oc=20;oc-validity=",
		";oc=20;oc-validity",
		";oc=20;oc-validity=-5",
		";oc=20;oc-validity=99999999999",
		";oc=20;oc-validity=600001",
		";oc=20;oc-seq=1;oc-seq=2",
		";oc=20;oc-seq=",
		";oc=20;oc-seq=.5",
		";oc=20;oc-seq=1.123456",
		";oc=20;oc-seq=1234567890123.1",
		";oc=20;oc-seq=1.2.3",
		";oc=20;oc-seq=12a",
		";oc=20;oc-algo=",
		";oc=20;oc-algo",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_oc oc = {.percent = 77};

		if (parse(bad[i], &oc) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(oc.percent, 77); /* untouched */
	}
	struct wire_oc oc;

	assert_int_equal(wire_oc_parse((struct wire_text){NULL, 0}, &oc), -EINVAL);
	assert_int_equal(wire_oc_parse((struct wire_text){"", 0}, &oc), -EINVAL);
	/* quotes that do not end hide what is behind them */
	assert_false(good(";x=\"a;oc=5").offered);
	assert_false(good(";x=\"a\\").offered);
}

static void they_are_stripped(void **state)
{
	static const char via[] =
		"SIP/2.0/UDP h;oc;branch=z9hG4bK1;oc-algo=\"loss,a;b\";x=\"oc=1;oc\";rport;OC-Seq=1.1";
	char buf[sizeof(via)];
	size_t n = 0, room;

	(void)state;
	assert_int_equal(
		wire_oc_strip((struct wire_text){via, sizeof(via) - 1}, buf, sizeof(buf), &n), 0);
	assert_int_equal(n, strlen("SIP/2.0/UDP h;branch=z9hG4bK1;x=\"oc=1;oc\";rport"));
	assert_memory_equal(buf, "SIP/2.0/UDP h;branch=z9hG4bK1;x=\"oc=1;oc\";rport", n);
	room = n;
	for (size_t size = 0; size < room; size++)
		assert_int_equal(
			wire_oc_strip((struct wire_text){via, sizeof(via) - 1}, buf, size, &n),
			-EMSGSIZE);
	assert_true(wire_oc_is_param((struct wire_text){"oc-validity=5", 13}));
	assert_true(wire_oc_is_param((struct wire_text){"Oc", 2}));
	assert_false(wire_oc_is_param((struct wire_text){"ocx", 3}));
	assert_false(wire_oc_is_param((struct wire_text){"", 0}));
}

static void what_is_written_is_read_again(void **state)
{
	char text[WIRE_OC_TEXT_BYTES];
	uint64_t before = 0;

	(void)state;
	assert_string_equal(wire_oc_print(20, 500, 1282321615782, text, sizeof(text)),
			    ";oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1282321615.782");
	for (uint64_t ms = 1700000000998; ms < 1700000001003; ms++) {
		struct wire_oc oc = good(wire_oc_print(100, 0, ms, text, sizeof(text)));

		assert_int_equal(oc.percent, 100);
		assert_int_equal(oc.validity_ms, 0);
		assert_true(oc.seq > before);
		before = oc.seq;
	}
	wire_oc_print(4294967295U, 4294967295U, UINT64_MAX, text, sizeof(text));
	assert_true(strlen(text) < sizeof(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offer_is_read),
		cmocka_unit_test(feedback_is_read),
		cmocka_unit_test(half_understood_is_not_understood),
		cmocka_unit_test(they_are_stripped),
		cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests_name("sbe/sip/wire_oc", tests, NULL, NULL);
}
