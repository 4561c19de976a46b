/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few hundred seeds of the simulation (docs/simulation.md) with every check: F19, U1, U3-U7. It fails also when one of
 * the things it is for has not happened in any of them. SIM_SEEDS=FROM-TO takes others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void seeds(void **state)
{
	const char *range = getenv("SIM_SEEDS"), *build = getenv("BUILD");
	char program[512];
	int status;
	pid_t pid;

	(void)state;
	snprintf(program, sizeof(program), "%s/tests/sim/sim", build ? build : "build");
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(2, 1);
		execl(program, program, "--seeds", range ? range : "0-499", "--jobs", "2",
		      (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(seeds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
