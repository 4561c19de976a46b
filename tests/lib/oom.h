/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oom - runs a piece of code again and again with its 1st, 2nd, 3rd ... allocation failing.
 *
 * The code under test must answer -ENOMEM and leak nothing each time, until an allocation that far
 * no longer happens and it succeeds. Include after cmocka.h.
 */
#ifndef TESTS_LIB_OOM_H
#define TESTS_LIB_OOM_H

#include <errno.h>

#include "common/mem.h"

/** Build and take down again. @return 0 or -ENOMEM. */
typedef int(oom_run_h)(void *arg);

/** @return how many allocations were made to fail, so that the test can insist on some. */
static inline unsigned long oom_each(oom_run_h *fn, void *arg)
{
	for (unsigned long n = 1;; n++) {
		size_t before = mem_live();
		unsigned long left;
		int err;

		mem_fail_at(n);
		err = fn(arg);
		left = mem_fail_left();
		mem_fail_at(0);
		assert_int_equal(mem_live(), before);
		if (left > 0) { /* fewer than n allocations: nothing failed this time */
			assert_int_equal(err, 0);
			return n - 1;
		}
		assert_int_equal(err, -ENOMEM);
	}
}

#endif
