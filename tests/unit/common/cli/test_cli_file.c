/* SPDX-License-Identifier: Apache-2.0 */
/* Which commands take a file, and what may be in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cli/cli_file.h"
#include "common/mem.h"

static char path[] = "/tmp/speer-cli-file-XXXXXX";

static void write_file(const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int take(const char *a, const char *b, const char *c, struct cli_options *o, char **content,
		char *why)
{
	*o = (struct cli_options){.words = {a, b, c}, .nwords = 3};
	return cli_file_take(o, content, why);
}

static void contents(void **state)
{
	static char large[CLI_FILE_MAX_BYTES + 1];
	char why[CLI_WHY_BYTES] = "", *content = NULL;
	struct cli_options o;
	int fd = mkstemp(path);

	(void)state;
	assert_int_not_equal(fd, -1);
	close(fd);
	write_file("INVITE\r\nx", 9);
	assert_int_equal(take("policy", "test", path, &o, &content, why), 0);
	assert_string_equal(o.words[2], "INVITE\r\nx");
	mem_free(content);
	assert_int_equal(take("call", "show", path, &o, &content, why), 0);
	assert_null(content);
	assert_string_equal(o.words[2], path);
	write_file("a\0b", 3);
	assert_int_equal(take("policy", "test", path, &o, &content, why), -EINVAL);
	assert_non_null(strstr(why, "0 byte"));
	memset(large, 'x', sizeof(large));
	write_file(large, sizeof(large));
	assert_int_equal(take("policy", "test", path, &o, &content, why), -EINVAL);
	assert_non_null(strstr(why, "larger"));
	unlink(path);
	assert_int_equal(take("policy", "test", path, &o, &content, why), -EINVAL);
	assert_non_null(strstr(why, "No such file"));
	assert_int_equal(take("policy", "test", "/", &o, &content, why), -EINVAL);
	assert_null(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(contents)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
