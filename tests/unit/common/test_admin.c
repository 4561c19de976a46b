/* SPDX-License-Identifier: Apache-2.0 */
/* admin: commands are found, wrong requests are told what is right, replies are one line (A29). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin.h"
#include "tests/lib/oom.h"

static int call_list(void *app, struct admin_call *call, json_t **ret_data)
{
	static const char *const columns[] = {"id", "from", NULL};
	json_t *table = admin_table(columns);
	const char *from = admin_opt(call, "from");

	if (table && !admin_row(table, json_pack("[ss]", (const char *)app, from ? from : "-"))) {
		*ret_data = table;
		return ADMIN_OK;
	}
	json_decref(table);
	return -ENOMEM;
}

static int call_show(void *app, struct admin_call *call, json_t **ret_data)
{
	(void)app;
	if (strcmp(call->args[0], "gone") == 0)
		return admin_error(call, ADMIN_NOT_FOUND, "no call '%s'", call->args[0]);
	if (strcmp(call->args[0], "evil") == 0)
		return admin_error(call, ADMIN_FAILED, "peer said \x1b[2J\xff");
	*ret_data = json_pack("{s:s, s:i}", "id", call->args[0], "nargs", (int)call->nargs);
	return *ret_data ? ADMIN_OK : -ENOMEM;
}

static int call_mute(void *app, struct admin_call *call, json_t **ret_data)
{
	(void)app, (void)ret_data;
	assert_non_null(call->opts);
	return call->nargs == 0 ? -EIO : ADMIN_FAILED;
}

/* What the command that answers later left. */
static struct admin_pending *left;

static int call_ask(void *app, struct admin_call *call, json_t **ret_data)
{
	struct admin_pending *p = admin_defer(call);

	(void)app, (void)ret_data;
	if (!p)
		return ADMIN_FAILED;
	if (strcmp(call->args[0], "gone") == 0)
		return admin_error(call, ADMIN_NOT_FOUND, "no call 'gone'");
	if (strcmp(call->args[0], "now") == 0)
		admin_finish(p, ADMIN_OK, NULL, json_pack("{s:s}", "id", "now"));
	else
		left = p;
	return ADMIN_LATER;
}

static int call_lie(void *app, struct admin_call *call, json_t **ret_data)
{
	(void)app, (void)call, (void)ret_data;
	return ADMIN_LATER; /* and nothing was deferred */
}

static const struct admin_cmd calls[] = {
	{"call", "list", "[--from PEER]", 0, 0, "list calls", call_list},
	{"call", "show", "CALL [MORE]", 1, 2, "show one call", call_show},
	{"status", "", "", 0, 1, "how it is", call_mute},
	{"status", "list", "", 0, 0, "a verb wins over an argument", call_list},
	{.noun = NULL},
};
static const struct admin_cmd peers[] = {
	{"peer", "list", NULL, 0, 0, NULL, call_list},
	{"call", "kill", "CALL", 1, 1, "end a call", call_mute},
	{.noun = NULL},
};
static const struct admin_cmd slow[] = {
	{"slow", "ask", "CALL", 1, 1, "answers later", call_ask},
	{"slow", "lie", "", 0, 0, "never", call_lie},
	{.noun = NULL},
};

static struct admin *admin;

static int make_admin(void **state)
{
	(void)state;
	assert_int_equal(admin_new(&admin), 0);
	assert_int_equal(admin_add(admin, calls, (void *)(uintptr_t) "c1"), 0);
	assert_int_equal(admin_add(admin, peers, (void *)(uintptr_t) "p1"), 0);
	return 0;
}

static int drop_admin(void **state)
{
	(void)state;
	admin_free(admin);
	return 0;
}

static void answers_bytes(const char *line, size_t len, const char *expected)
{
	char *reply = NULL;
	size_t n = 0;

	assert_int_equal(admin_answer(admin, line, len, &reply, &n), 0);
	assert_int_equal(n, strlen(reply));
	assert_int_equal(reply[n - 1], '\n');
	reply[n - 1] = '\0';
	assert_null(strchr(reply, '\n'));
	assert_string_equal(reply, expected);
	mem_free(reply);
}

static void answers(const char *line, const char *expected)
{
	answers_bytes(line, strlen(line), expected);
}

static void commands_are_run(void **state)
{
	(void)state;
	answers("{\"v\":1,\"cmd\":[\"call\",\"list\"]}",
		"{\"v\":1,\"code\":0,\"data\":{\"columns\":[\"id\",\"from\"],\"rows\":[[\"c1\",\"-\"]]}}");
	answers("{\"v\":1,\"cmd\":[\"peer\",\"list\"],\"opts\":{\"from\":\"pbx\"}}",
		"{\"v\":1,\"code\":0,\"data\":{\"columns\":[\"id\",\"from\"],\"rows\":[[\"p1\",\"pbx\"]]}}");
	answers("{\"v\":1,\"cmd\":[\"call\",\"show\",\"x\",\"y\"]}",
		"{\"v\":1,\"code\":0,\"data\":{\"id\":\"x\",\"nargs\":2}}");
	answers("{\"v\":1,\"cmd\":[\"status\",\"list\"]}",
		"{\"v\":1,\"code\":0,\"data\":{\"columns\":[\"id\",\"from\"],\"rows\":[[\"c1\",\"-\"]]}}");
}

static void failures_carry_code_and_reason(void **state)
{
	(void)state;
	answers("{\"v\":1,\"cmd\":[\"call\",\"show\",\"gone\"]}",
		"{\"v\":1,\"code\":3,\"error\":\"no call 'gone'\"}");
	answers("{\"v\":1,\"cmd\":[\"call\",\"show\",\"evil\"]}",
		"{\"v\":1,\"code\":1,\"error\":\"peer said \\\\x1b[2J\\\\xff\"}");
	answers("{\"v\":1,\"cmd\":[\"call\",\"kill\",\"x\"]}",
		"{\"v\":1,\"code\":1,\"error\":\"failed\"}");
	/* an errno slipped through: still one of the four codes */
	answers("{\"v\":1,\"cmd\":[\"status\"]}", "{\"v\":1,\"code\":1,\"error\":\"failed\"}");
}

static void wrong_commands_name_the_right_ones(void **state)
{
	(void)state;
	answers("{\"v\":1,\"cmd\":[\"cal\",\"list\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"unknown command 'cal', there is: call, status, peer, help\"}");
	answers("{\"v\":1,\"cmd\":[\"\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"unknown command '', there is: call, status, peer, help\"}");
	answers("{\"v\":1,\"cmd\":[\"call\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"call: what? There is: list, show, kill\"}");
	answers("{\"v\":1,\"cmd\":[\"call\",\"stop\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"call: unknown 'stop', there is: list, show, kill\"}");
	answers("{\"v\":1,\"cmd\":[\"call\",\"show\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"usage: call show CALL [MORE]\"}");
	answers("{\"v\":1,\"cmd\":[\"call\",\"list\",\"x\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"usage: call list [--from PEER]\"}");
	answers("{\"v\":1,\"cmd\":[\"peer\",\"list\",\"x\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"usage: peer list\"}");
}

static void wrong_lines_are_refused(void **state)
{
	static const char words[] = "{\"v\":1,\"cmd\":\"call\"}";

	(void)state;
	answers("{\"v\":2,\"cmd\":[\"call\",\"list\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"this daemon speaks version 1 of the protocol (\\\"v\\\")\"}");
	answers("[1]",
		"{\"v\":1,\"code\":2,\"error\":\"this daemon speaks version 1 of the protocol (\\\"v\\\")\"}");
	answers("",
		"{\"v\":1,\"code\":2,\"error\":\"not valid JSON: '[' or '{' expected near end of file\"}");
	answers(words, "{\"v\":1,\"code\":2,\"error\":\"\\\"cmd\\\" must be a list of words\"}");
	answers("{\"v\":1,\"cmd\":[]}",
		"{\"v\":1,\"code\":2,\"error\":\"\\\"cmd\\\" must be a list of words\"}");
	answers("{\"v\":1}",
		"{\"v\":1,\"code\":2,\"error\":\"\\\"cmd\\\" must be a list of words\"}");
	answers("{\"v\":1,\"cmd\":[\"call\",5]}",
		"{\"v\":1,\"code\":2,\"error\":\"\\\"cmd\\\" must be a list of words\"}");
	answers("{\"v\":1,\"cmd\":[\"call\"],\"opts\":[]}",
		"{\"v\":1,\"code\":2,\"error\":\"\\\"opts\\\" must be an object\"}");
	answers("{\"v\":1,\"cmd\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\"]}",
		"{\"v\":1,\"code\":2,\"error\":\"more than 10 words\"}");
}

static void huge_and_binary_lines_are_refused(void **state)
{
	static char big[ADMIN_LINE_MAX_BYTES + 1];
	char *reply = NULL;
	size_t n = 0;

	(void)state;
	memset(big, ' ', sizeof(big));
	answers_bytes(big, sizeof(big),
		      "{\"v\":1,\"code\":2,\"error\":\"a request is at most 65536 bytes\"}");
	memset(big, '[', sizeof(big)); /* A30: nesting */
	assert_int_equal(admin_answer(admin, big, sizeof(big) - 1, &reply, &n), 0);
	assert_non_null(strstr(reply, "\"code\":2"));
	mem_free(reply);
	assert_int_equal(admin_answer(admin, "\0\xff\x1b\n", 4, &reply, &n), 0);
	assert_non_null(strstr(reply, "\"code\":2"));
	assert_ptr_equal(strchr(reply, '\n'), reply + n - 1);
	mem_free(reply);
	/* 250 bytes of a noun are not echoed whole */
	memset(big, 'x', sizeof(big));
	n = (size_t)sprintf(big, "{\"v\":1,\"cmd\":[\"%0250d\"]}", 7);
	assert_int_equal(admin_answer(admin, big, n, &reply, &n), 0);
	assert_non_null(strstr(reply, "unknown command '0000"));
	assert_true(n < 200);
	mem_free(reply);
}

static void help_lists_the_tables(void **state)
{
	(void)state;
	answers("{\"v\":1,\"cmd\":[\"help\"]}",
		"{\"v\":1,\"code\":0,\"data\":{\"columns\":[\"command\",\"help\"],\"rows\":["
		"[\"call list [--from PEER]\",\"list calls\"],[\"call show CALL [MORE]\",\"show one call\"],"
		"[\"status\",\"how it is\"],[\"status list\",\"a verb wins over an argument\"],"
		"[\"peer list\",\"\"],[\"call kill CALL\",\"end a call\"]]}}");
	answers("{\"v\":1,\"cmd\":[\"help\",\"peer\"]}",
		"{\"v\":1,\"code\":0,\"data\":{\"columns\":[\"command\",\"help\"],\"rows\":[[\"peer list\",\"\"]]}}");
	answers("{\"v\":1,\"cmd\":[\"help\",\"pear\"]}",
		"{\"v\":1,\"code\":3,\"error\":\"no command 'pear'\"}");
}

static void tables_are_capped(void **state)
{
	int err, n = 0;

	(void)state;
	while (!(err = admin_add(admin, calls, NULL)))
		n++;
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(n, 30); /* two are in */
	admin_free(NULL);
}

/* ---- answers that come later */

struct heard {
	int n;
	char line[512]; /* "" = out of memory */
};

static void hear(void *arg, const char *reply, size_t len)
{
	struct heard *h = arg;

	h->n++;
	h->line[0] = '\0';
	if (!reply)
		return;
	assert_int_equal(len, strlen(reply));
	assert_int_equal(reply[len - 1], '\n');
	snprintf(h->line, sizeof(h->line), "%.*s", (int)len - 1, reply);
}

static struct admin_pending *ask(const char *call, struct heard *h)
{
	char line[100];
	int n = snprintf(line, sizeof(line), "{\"v\":1,\"cmd\":[\"slow\",\"ask\",\"%s\"]}", call);

	*h = (struct heard){.n = 0};
	return admin_ask(admin, line, (size_t)n, hear, h);
}

static int make_slow_admin(void **state)
{
	return make_admin(state) || admin_add(admin, slow, NULL);
}

static void answers_come_later(void **state)
{
	struct heard h, other;
	struct admin_pending *first;

	(void)state;
	assert_non_null(ask("x", &h));
	first = left;
	assert_non_null(ask("y", &other));
	assert_int_equal(h.n + other.n, 0);
	admin_finish(left, ADMIN_OK, NULL, json_pack("{s:s}", "id", "y"));
	assert_string_equal(other.line, "{\"v\":1,\"code\":0,\"data\":{\"id\":\"y\"}}");
	assert_int_equal(h.n, 0);
	admin_finish(first, ADMIN_NOT_FOUND, "it is gone \x1b", NULL);
	assert_string_equal(h.line, "{\"v\":1,\"code\":3,\"error\":\"it is gone \\\\x1b\"}");
	assert_int_equal(h.n + other.n, 2);
	assert_non_null(ask("z", &h));
	admin_finish(left, -EIO, NULL, NULL); /* a code that is none, without a reason */
	assert_string_equal(h.line, "{\"v\":1,\"code\":1,\"error\":\"failed\"}");
}

/* Nobody is told twice, and nothing is left of a command that answers in its handler or fails. */
static void answers_that_are_there_already(void **state)
{
	static const char list[] = "{\"v\":1,\"cmd\":[\"call\",\"show\",\"x\"]}";
	struct heard h;

	(void)state;
	assert_null(ask("now", &h));
	assert_string_equal(h.line, "{\"v\":1,\"code\":0,\"data\":{\"id\":\"now\"}}");
	assert_int_equal(h.n, 1);
	assert_null(ask("gone", &h));
	assert_string_equal(h.line, "{\"v\":1,\"code\":3,\"error\":\"no call 'gone'\"}");
	assert_int_equal(h.n, 1);
	assert_null(admin_ask(admin, list, strlen(list), hear, &h));
	assert_string_equal(h.line, "{\"v\":1,\"code\":0,\"data\":{\"id\":\"x\",\"nargs\":1}}");
	answers("{\"v\":1,\"cmd\":[\"slow\",\"lie\"]}",
		"{\"v\":1,\"code\":1,\"error\":\"failed\"}");
}

/* Who asked went away: the command ends all the same, and nobody is told. */
static void answers_nobody_wants(void **state)
{
	struct admin_pending *p;
	struct heard h;

	(void)state;
	p = ask("x", &h);
	assert_null(admin_cancel(p));
	admin_finish(left, ADMIN_OK, NULL, json_object());
	assert_int_equal(h.n, 0);
	assert_null(admin_cancel(NULL));
}

static void answers_after_the_table_is_gone(void **state)
{
	struct heard h;

	(void)state;
	assert_non_null(ask("x", &h));
	admin_free(admin);
	admin = NULL;
	admin_finish(left, ADMIN_OK, NULL, NULL);
	assert_string_equal(h.line, "{\"v\":1,\"code\":0}");
}

static void who_cannot_wait_is_told(void **state)
{
	(void)state;
	answers("{\"v\":1,\"cmd\":[\"slow\",\"ask\",\"x\"]}",
		"{\"v\":1,\"code\":1,\"error\":\"this command cannot be answered at once\"}");
}

static int ask_one(void *arg)
{
	struct heard h;
	struct admin_pending *p = ask(arg, &h);

	if (p)
		admin_finish(left, ADMIN_OK, NULL, NULL);
	assert_int_equal(h.n, 1);
	return h.line[0] && !strstr(h.line, "out of memory") ? 0 : -ENOMEM;
}

static int answer_one(void *arg)
{
	char *reply = NULL;
	size_t n;
	int err = admin_answer(admin, arg, strlen(arg), &reply, &n);

	if (err)
		assert_null(reply);
	else if (strstr(reply, "\"code\":1,\"error\":\"out of memory\""))
		err = -ENOMEM; /* help says so itself */
	else
		assert_non_null(strstr(reply, "\"code\":0"));
	mem_free(reply);
	return err;
}

static int new_one(void *arg)
{
	struct admin *a;
	int err = admin_new(&a);

	(void)arg;
	if (!err)
		admin_free(a);
	return err;
}

static void out_of_memory_leaks_nothing(void **state)
{
	static char list[] = "{\"v\":1,\"cmd\":[\"call\",\"list\"],\"opts\":{\"from\":\"a peer\"}}";
	static char plain[] = "{\"v\":1,\"cmd\":[\"call\",\"list\"]}";
	static char help[] = "{\"v\":1,\"cmd\":[\"help\"]}";

	(void)state;
	assert_int_equal(oom_each(new_one, NULL), 1);
	assert_true(oom_each(answer_one, list) > 20);
	assert_true(oom_each(answer_one, plain) > 20);
	assert_true(oom_each(answer_one, help) > 20);
	assert_int_equal(admin_add(admin, slow, NULL), 0);
	assert_true(oom_each(ask_one, (void *)(uintptr_t) "x") > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands_are_run, make_admin, drop_admin),
		cmocka_unit_test_setup_teardown(failures_carry_code_and_reason, make_admin,
						drop_admin),
		cmocka_unit_test_setup_teardown(wrong_commands_name_the_right_ones, make_admin,
						drop_admin),
		cmocka_unit_test_setup_teardown(wrong_lines_are_refused, make_admin, drop_admin),
		cmocka_unit_test_setup_teardown(huge_and_binary_lines_are_refused, make_admin,
						drop_admin),
		cmocka_unit_test_setup_teardown(help_lists_the_tables, make_admin, drop_admin),
		cmocka_unit_test_setup_teardown(answers_come_later, make_slow_admin, drop_admin),
		cmocka_unit_test_setup_teardown(answers_that_are_there_already, make_slow_admin,
						drop_admin),
		cmocka_unit_test_setup_teardown(answers_nobody_wants, make_slow_admin, drop_admin),
		cmocka_unit_test_setup_teardown(answers_after_the_table_is_gone, make_slow_admin,
						drop_admin),
		cmocka_unit_test_setup_teardown(who_cannot_wait_is_told, make_slow_admin,
						drop_admin),
		cmocka_unit_test_setup_teardown(tables_are_capped, make_admin, drop_admin),
		cmocka_unit_test_setup_teardown(out_of_memory_leaks_nothing, make_admin,
						drop_admin),
	};

	json_set_alloc_funcs(mem_buffer, mem_free);
	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
