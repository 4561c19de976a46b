/* SPDX-License-Identifier: Apache-2.0 */
/* pb_out: each kind of field to the byte, lengths of more than one byte, and never a byte beyond the buffer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/pb_out.h"

static uint8_t buf[1024];
static struct pb_out o;

static int setup(void **state)
{
	(void)state;
	memset(buf, 0xee, sizeof(buf));
	pb_out_init(&o, buf, sizeof(buf));
	return 0;
}

static void wrote(const void *bytes, size_t n)
{
	assert_int_equal(o.err, 0);
	assert_int_equal(o.used_bytes, n);
	assert_memory_equal(buf, bytes, n);
}

static void numbers_are_varints(void **state)
{
	(void)state;
	pb_out_number(&o, 1, 0);
	pb_out_number_if(&o, 2, 0);
	pb_out_number(&o, 2, 127);
	pb_out_number_if(&o, 15, 128);
	pb_out_number(&o, 16, 300);
	pb_out_number(&o, 1, UINT64_MAX);
	wrote("\x08\x00\x10\x7f\x78\x80\x01\x80\x01\xac\x02"
	      "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	      22);
}

static void fixed_bytes_and_text(void **state)
{
	(void)state;
	pb_out_fixed64(&o, 3, 0x0102030405060708U);
	pb_out_bytes(&o, 4, (const uint8_t *)"xyz", 3);
	pb_out_bytes(&o, 4, NULL, 0);
	pb_out_text(&o, 5, "");
	pb_out_text(&o, 5, "ab");
	wrote("\x19\x08\x07\x06\x05\x04\x03\x02\x01\x22\x03xyz\x22\x00\x2a\x02"
	      "ab",
	      20);
}

static void a_message_in_a_message_of_any_length(void **state)
{
	uint8_t filler[126] = {0};
	size_t outer, inner;

	(void)state;
	outer = pb_out_begin(&o, 1);
	inner = pb_out_begin(&o, 2);
	pb_out_end(&o, inner);
	inner = pb_out_begin(&o, 3);
	pb_out_bytes(&o, 4, filler, sizeof(filler));
	pb_out_end(&o, inner);
	pb_out_end(&o, outer);
	/* 2 + 126 = 128: two bytes of length; the empty one has one. */
	assert_int_equal(o.err, 0);
	assert_int_equal(o.used_bytes, 3 + 2 + 3 + 128);
	assert_memory_equal(buf, "\x0a\x85\x01\x12\x00\x1a\x80\x01\x22\x7e", 10);
	assert_memory_equal(buf + 10, filler, sizeof(filler));
}

static void a_packed_field(void **state)
{
	size_t at;

	(void)state;
	at = pb_out_begin(&o, 6);
	pb_out_element(&o, 3);
	pb_out_element(&o, 270);
	pb_out_end(&o, at);
	wrote("\x32\x03\x03\x8e\x02", 5);
}

static void put_some(void)
{
	uint8_t filler[130] = {0};
	size_t at = pb_out_begin(&o, 1);

	pb_out_number(&o, 2, 300);
	pb_out_fixed64(&o, 3, 1);
	pb_out_bytes(&o, 4, filler, sizeof(filler));
	pb_out_end(&o, at);
}

static void a_full_buffer_is_told_and_not_passed(void **state)
{
	size_t need, size;

	(void)state;
	put_some();
	need = o.used_bytes;
	for (size = 0; size < need; size++) {
		memset(buf, 0xee, sizeof(buf));
		pb_out_init(&o, buf, size);
		put_some();
		assert_int_equal(o.err, -EMSGSIZE);
		assert_int_equal(buf[size], 0xee);
	}
	pb_out_init(&o, buf, need);
	put_some();
	assert_int_equal(o.err, 0);
	assert_int_equal(o.used_bytes, need);
}

static void the_first_error_stays_and_ends_the_writing(void **state)
{
	(void)state;
	pb_out_fail(&o, -EINVAL);
	pb_out_fail(&o, -ENOMEM);
	put_some();
	assert_int_equal(o.err, -EINVAL);
	assert_int_equal(o.used_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(numbers_are_varints, setup),
		cmocka_unit_test_setup(fixed_bytes_and_text, setup),
		cmocka_unit_test_setup(a_message_in_a_message_of_any_length, setup),
		cmocka_unit_test_setup(a_packed_field, setup),
		cmocka_unit_test_setup(a_full_buffer_is_told_and_not_passed, setup),
		cmocka_unit_test_setup(the_first_error_stays_and_ends_the_writing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
