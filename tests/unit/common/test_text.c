/* SPDX-License-Identifier: Apache-2.0 */
/* text: in a buffer of any size the same bytes as snprintf. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/text.h"

static void copies_are_cut_to_size(void **state)
{
	char ours[12], theirs[12];

	(void)state;
	for (size_t size = 0; size <= sizeof(ours); size++) {
		memset(ours, 'x', sizeof(ours));
		memset(theirs, 'x', sizeof(theirs));
		text_copy(ours, size, "12345678");
		snprintf(theirs, size, "%s", "12345678");
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
}

static void pieces_are_cut_to_size(void **state)
{
	static const unsigned long long numbers[] = {0, 9, 10, 65535, ULLONG_MAX};
	char ours[64], theirs[64];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		for (size_t size = 1; size <= sizeof(ours); size++) {
			struct text_out t;

			memset(ours, 'x', sizeof(ours));
			memset(theirs, 'x', sizeof(theirs));
			text_start(&t, ours, size);
			assert_int_equal(ours[0], 0);
			text_add(&t, "");
			text_add(&t, "core");
			text_add_bytes(&t, "/net", 1);
			text_add_number(&t, numbers[i]);
			snprintf(theirs, size, "core/%llu", numbers[i]);
			assert_memory_equal(ours, theirs, sizeof(ours));
			assert_int_equal(t.len_bytes, strlen(theirs));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_cut_to_size),
		cmocka_unit_test(pieces_are_cut_to_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
