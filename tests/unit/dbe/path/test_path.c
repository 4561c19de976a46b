/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the conformance cases on each data plane of this build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/dbe/path/conformance.h"

struct run {
	const struct conformance_driver *driver;
	const struct conformance_case *test;
	char name[160];
};

static void test_case(void **state)
{
	const struct run *r = *state;

	bed_run(r->driver, r->test);
}

int main(void)
{
	static const struct conformance_driver *const drivers[] = {&driver_fake, &driver_socket,
								   &driver_socket_busy};
	const size_t ndrivers = sizeof(drivers) / sizeof(drivers[0]);
	size_t n = 0, all = ndrivers * conformance_ncases;
	struct CMUnitTest *tests = calloc(all, sizeof(*tests));
	struct run *runs = calloc(all, sizeof(*runs));
	int failed;

	if (!tests || !runs)
		return 1;
	for (size_t d = 0; d < ndrivers; d++) {
		for (size_t i = 0; i < conformance_ncases; i++, n++) {
			runs[n].driver = drivers[d];
			runs[n].test = &conformance_cases[i];
			snprintf(runs[n].name, sizeof(runs[n].name), "%s: %s", drivers[d]->name,
				 conformance_cases[i].name);
			tests[n].name = runs[n].name;
			tests[n].test_func = test_case;
			tests[n].initial_state = &runs[n];
		}
	}
	failed = _cmocka_run_group_tests("conformance", tests, n, NULL, NULL);
	free(tests);
	free(runs);
	return failed;
}
