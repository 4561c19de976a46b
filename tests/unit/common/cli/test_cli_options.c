/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cli/cli_options.h"
#include "common/mem.h"

#define ARGS_MAX 48

static int parse(const char *const *args, struct cli_options *o, char *why)
{
	const char *argv[ARGS_MAX] = {"speerctl"};
	int argc = 1;

	while (args[argc - 1]) {
		argv[argc] = args[argc - 1];
		argc++;
	}
	return cli_options_parse(argc, argv, o, why);
}

/* What is sent, as JSON; shows words and options at once. */
static void test_requests(void **state)
{
	static const struct {
		const char *args[16];
		const char *request;
	} rows[] = {
		{{"status"}, "{\"v\":1,\"cmd\":[\"status\"],\"opts\":{}}\n"},
		{{"call", "show", "abc"},
		 "{\"v\":1,\"cmd\":[\"call\",\"show\",\"abc\"],\"opts\":{}}\n"},
		{{"route", "test", "--from", "pbx", "--to", "sip:1@b.example"},
		 "{\"v\":1,\"cmd\":[\"route\",\"test\"],\"opts\":{\"from\":\"pbx\",\"to\":\"sip:1@b.example\"}}\n"},
		{{"route", "test", "--from=pbx", "--to=a=b"},
		 "{\"v\":1,\"cmd\":[\"route\",\"test\"],\"opts\":{\"from\":\"pbx\",\"to\":\"a=b\"}}\n"},
		{{"call", "kill", "x", "--force"},
		 "{\"v\":1,\"cmd\":[\"call\",\"kill\",\"x\"],\"opts\":{\"force\":\"true\"}}\n"},
		{{"call", "list", "--all", "--peer", "p"},
		 "{\"v\":1,\"cmd\":[\"call\",\"list\"],\"opts\":{\"all\":\"true\",\"peer\":\"p\"}}\n"},
		{{"x", "--n", "-5"}, "{\"v\":1,\"cmd\":[\"x\"],\"opts\":{\"n\":\"-5\"}}\n"},
		{{"x", "--n="}, "{\"v\":1,\"cmd\":[\"x\"],\"opts\":{\"n\":\"\"}}\n"},
		{{"-o", "json", "call", "list", "-s", "/x"},
		 "{\"v\":1,\"cmd\":[\"call\",\"list\"],\"opts\":{}}\n"},
		{{"lookup", "--", "--from", "-s"},
		 "{\"v\":1,\"cmd\":[\"lookup\",\"--from\",\"-s\"],\"opts\":{}}\n"},
		{{"lookup", "-"}, "{\"v\":1,\"cmd\":[\"lookup\",\"-\"],\"opts\":{}}\n"},
		{{"lookup", "a\"b\n"},
		 "{\"v\":1,\"cmd\":[\"lookup\",\"a\\\"b\\n\"],\"opts\":{}}\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cli_options o;
		char why[CLI_WHY_BYTES], *line = NULL;
		size_t len_bytes = 0;

		assert_int_equal(parse(rows[i].args, &o, why), 0);
		assert_string_equal(why, "");
		assert_int_equal(cli_options_request(&o, &line, &len_bytes), 0);
		assert_string_equal(line, rows[i].request);
		assert_int_equal(len_bytes, strlen(line));
		mem_free(line);
	}
}

static void test_own_options(void **state)
{
	static const struct {
		const char *args[8];
		const char *socket;
		enum cli_output output;
		unsigned watch_s;
		bool help, version;
	} rows[] = {
		{{"status"}, NULL, CLI_TABLE, 0, false, false},
		{{"-s", "/a", "status"}, "/a", CLI_TABLE, 0, false, false},
		{{"-s/a", "status"}, "/a", CLI_TABLE, 0, false, false},
		{{"status", "-o", "json"}, NULL, CLI_JSON, 0, false, false},
		{{"-ojson", "-o", "table"}, NULL, CLI_TABLE, 0, false, false},
		{{"--watch", "status"}, NULL, CLI_TABLE, 2, false, false},
		{{"--watch=10", "status"}, NULL, CLI_TABLE, 10, false, false},
		{{"status", "--help"}, NULL, CLI_TABLE, 0, true, false},
		{{"-h"}, NULL, CLI_TABLE, 0, true, false},
		{{"--version"}, NULL, CLI_TABLE, 0, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cli_options o;
		char why[CLI_WHY_BYTES];

		assert_int_equal(parse(rows[i].args, &o, why), 0);
		if (rows[i].socket)
			assert_string_equal(o.socket, rows[i].socket);
		else
			assert_null(o.socket);
		assert_int_equal(o.output, rows[i].output);
		assert_int_equal(o.watch_s, rows[i].watch_s);
		assert_int_equal(o.help, rows[i].help);
		assert_int_equal(o.version, rows[i].version);
		assert_int_equal(o.nopts, 0);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *args[16];
		const char *part;
	} rows[] = {
		{{"-o", "xml"}, "table or json"},
		{{"-o"}, "needs a value"},
		{{"-s"}, "needs a value"},
		{{"-s", ""}, "needs a path"},
		{{"-x"}, "no such option"},
		{{"-hx"}, "no such option"},
		{{"--watch=0"}, "1 to 3600"},
		{{"--watch=-1"}, "1 to 3600"},
		{{"--watch=3601"}, "1 to 3600"},
		{{"--watch=2s"}, "1 to 3600"},
		{{"--watch="}, "1 to 3600"},
		{{"--watch=99999999999999999999"}, "1 to 3600"},
		{{"--=x"}, "needs a name"},
		{{"--a", "1", "--a", "2"}, "given twice"},
		{{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}, "more than 10 words"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cli_options o = {.socket = "untouched"};
		char why[CLI_WHY_BYTES];

		assert_int_equal(parse(rows[i].args, &o, why), -EINVAL);
		if (!strstr(why, rows[i].part))
			fail_msg("row %zu: %s", i, why);
		assert_string_equal(o.socket, "untouched");
	}
}

static void test_too_many_options(void **state)
{
	const char *args[ARGS_MAX] = {0};
	static char names[CLI_OPTS_MAX + 1][16];
	struct cli_options o;
	char why[CLI_WHY_BYTES];

	(void)state;
	for (int i = 0; i <= CLI_OPTS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "--o%d=1", i);
		args[i] = names[i];
	}
	assert_int_equal(parse(args, &o, why), -EINVAL);
	assert_non_null(strstr(why, "more than 32 options"));
	args[CLI_OPTS_MAX] = NULL;
	assert_int_equal(parse(args, &o, why), 0);
	assert_int_equal(o.nopts, CLI_OPTS_MAX);
}

/* A30: nothing that the daemon would have to refuse leaves us. */
static void test_requests_that_cannot_be_sent(void **state)
{
	static char big[70000];
	char long_name[100] = "--";
	struct cli_options o;
	char why[CLI_WHY_BYTES], *line = NULL;
	size_t len_bytes, live = mem_live();

	(void)state;
	assert_int_equal(parse((const char *[]){"lookup", "\xff\xfe", NULL}, &o, why), 0);
	assert_int_equal(cli_options_request(&o, &line, &len_bytes), -EINVAL);
	memset(long_name + 2, 'n', 90);
	assert_int_equal(parse((const char *[]){"x", long_name, NULL}, &o, why), 0);
	assert_int_equal(cli_options_request(&o, &line, &len_bytes), -EINVAL);
	memset(big, 'x', sizeof(big) - 1);
	assert_int_equal(parse((const char *[]){"lookup", big, NULL}, &o, why), 0);
	assert_int_equal(cli_options_request(&o, &line, &len_bytes), -E2BIG);
	assert_null(line);
	mem_fail_at(1);
	assert_int_equal(parse((const char *[]){"status", NULL}, &o, why), 0);
	assert_int_equal(cli_options_request(&o, &line, &len_bytes), -ENOMEM);
	mem_fail_at(0);
	assert_int_equal(mem_live(), live);
}

static void touch(const char *dir, const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
}

static void test_default_socket(void **state)
{
	char dir[] = "/tmp/speermint-cli-XXXXXX", buf[128], sbe[64], dbe[64];
	struct cli_options o = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sbe, sizeof(sbe), "%s/sbe.sock", dir);
	snprintf(dbe, sizeof(dbe), "%s/dbe.sock", dir);
	assert_string_equal(cli_options_socket(&o, dir, buf, sizeof(buf)), sbe);
	touch(dir, "dbe.sock");
	assert_string_equal(cli_options_socket(&o, dir, buf, sizeof(buf)), dbe);
	touch(dir, "sbe.sock");
	assert_string_equal(cli_options_socket(&o, dir, buf, sizeof(buf)), sbe);
	o.socket = "/given";
	assert_string_equal(cli_options_socket(&o, dir, buf, sizeof(buf)), "/given");
	unlink(sbe);
	unlink(dbe);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_own_options),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many_options),
		cmocka_unit_test(test_requests_that_cannot_be_sent),
		cmocka_unit_test(test_default_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
