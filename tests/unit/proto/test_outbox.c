/* SPDX-License-Identifier: Apache-2.0 */
/* Frames leave in order and whole, however many are together; without memory nothing is lost in silence. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/outbox.h"

struct sink {
	uint8_t bytes[64 * 1024];
	size_t used_bytes;
	unsigned writes;
};

static struct sink sink;

static void on_write(void *arg, const uint8_t *bytes, size_t len_bytes)
{
	struct sink *s = arg;

	memcpy(s->bytes + s->used_bytes, bytes, len_bytes);
	s->used_bytes += len_bytes;
	s->writes++;
}

static int setup(void **state)
{
	(void)state;
	memset(&sink, 0, sizeof(sink));
	return 0;
}

static void add(struct gate_outbox *o, const char *text)
{
	assert_int_equal(gate_outbox_add(o, (const uint8_t *)text, strlen(text)), 0);
}

static void test_several_leave_with_one_write_in_order(void **state)
{
	struct gate_outbox o = {0};

	(void)state;
	gate_outbox_flush(&o, on_write, &sink);
	assert_int_equal(sink.writes, 0);
	add(&o, "one ");
	add(&o, "two ");
	add(&o, "three");
	gate_outbox_flush(&o, on_write, &sink);
	assert_int_equal(sink.writes, 1);
	assert_memory_equal(sink.bytes, "one two three", 13);
	add(&o, " four");
	gate_outbox_flush(&o, on_write, &sink);
	gate_outbox_flush(&o, on_write, &sink);
	assert_int_equal(sink.writes, 2);
	assert_int_equal(sink.used_bytes, 18);
	gate_outbox_reset(&o);
	assert_int_equal(mem_live(), 0);
}

static void test_it_grows_and_says_when_it_is_full(void **state)
{
	static uint8_t frame[1000];
	struct gate_outbox o = {0};
	unsigned n = 0;

	(void)state;
	while (!gate_outbox_full(&o)) {
		memset(frame, (int)n++, sizeof(frame));
		assert_int_equal(gate_outbox_add(&o, frame, sizeof(frame)), 0);
	}
	assert_int_equal(n, 17); /* 16 KiB */
	gate_outbox_flush(&o, on_write, &sink);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(sink.bytes[i * sizeof(frame)], i);
	assert_int_equal(mem_live(), 0); /* so much is not kept */
}

static void test_what_is_reset_never_leaves(void **state)
{
	struct gate_outbox o = {0};

	(void)state;
	add(&o, "old");
	gate_outbox_reset(&o);
	gate_outbox_flush(&o, on_write, &sink);
	assert_int_equal(sink.writes, 0);
	assert_int_equal(mem_live(), 0);
}

static void test_without_memory_what_is_in_it_stays(void **state)
{
	static uint8_t big[4096];
	struct gate_outbox o = {0};

	(void)state;
	add(&o, "first");
	mem_fail_at(1);
	assert_int_equal(gate_outbox_add(&o, big, sizeof(big)), -ENOMEM);
	gate_outbox_flush(&o, on_write, &sink);
	assert_int_equal(sink.used_bytes, 5);
	gate_outbox_reset(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_several_leave_with_one_write_in_order, setup),
		cmocka_unit_test_setup(test_it_grows_and_says_when_it_is_full, setup),
		cmocka_unit_test_setup(test_what_is_reset_never_leaves, setup),
		cmocka_unit_test_setup(test_without_memory_what_is_in_it_stays, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
