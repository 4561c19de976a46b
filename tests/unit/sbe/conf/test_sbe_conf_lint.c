/* SPDX-License-Identifier: Apache-2.0 */
/* What is warned of: clear text where others may listen, and on-demand peers that nothing proves (G16, A11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "sbe/conf/sbe_conf_lint.h"

static char said[4096];

static void note(void *arg, const char *text)
{
	size_t at = strlen(said);

	(void)arg;
	snprintf(said + at, sizeof(said) - at, "%s\n", text);
}

/* Quotes are '. @return the warnings, a line each. */
static const char *lint(const char *text, size_t expected)
{
	char path[] = "/tmp/sbe-lint-XXXXXX";
	struct sbe_snapshot *s = NULL;
	struct conf_error error = {""};
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	assert_non_null(f);
	for (; *text; text++)
		fputc(*text == '\'' ? '"' : *text, f);
	fclose(f);
	if (sbe_conf_load(path, NULL, &s, &error))
		fail_msg("%s", error.text);
	said[0] = '\0';
	assert_int_equal(sbe_conf_lint(s, note, NULL), expected);
	mem_unref(s);
	unlink(path);
	return said;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void clear_text(void **state)
{
	const char *text;

	(void)state;
	text = lint("{'node':'s',\n'realms':{'core':{'listen':['udp:10.0.0.1']},\n"
		    "'peering':{'listen':['udp:203.0.113.1','tcp:203.0.113.1']}}}",
		    3);
	has(text, ":2: realms.core.listen[0]: clear text in a realm that is neither");
	has(text, ":3: realms.peering.listen[0]: ");
	has(text, ":3: realms.peering.listen[1]: ");
}

static void nobody_else_there(void **state)
{
	(void)state;
	lint("{'node':'s','realms':{'core':{'listen':['udp:10.0.0.1'],'colocated':true},"
	     "'lab':{'listen':['udp:127.0.0.1','tcp:[::1]']}}}",
	     0);
}

#define ANYONE(members)                                                                             \
	"{'node':'s','realms':{'p':{'listen':['udp:10.0.0.1']}},"                                   \
	"'peers':{'anyone':{'realm':'p','mode':'on-demand','limits':{'sessions':1,'cps':1}" members \
	"}}}"

static void anybody_in_clear(void **state)
{
	(void)state;
	has(lint(ANYONE(""), 2), "peers.anyone.mode: takes anybody in clear");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clear_text),
		cmocka_unit_test(nobody_else_there),
		cmocka_unit_test(anybody_in_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
