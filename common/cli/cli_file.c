/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cli/cli_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

/* Noun and verb; the third word is the file. */
static const char *const commands[][2] = {
	{"policy", "test"},
	{"peering", "import"},
};

static bool takes_file(const struct cli_options *o)
{
	for (size_t i = 0; o->nwords == 3 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(o->words[0], commands[i][0]) && !strcmp(o->words[1], commands[i][1]))
			return true;
	}
	return false;
}

int cli_file_take(struct cli_options *o, char **ret_content, char ret_why[CLI_WHY_BYTES])
{
	const char *name, *wrong = NULL;
	char *content;
	size_t n;
	FILE *f;

	*ret_content = NULL;
	if (!takes_file(o))
		return 0;
	name = o->words[2];
	f = strcmp(name, "-") ? fopen(name, "rb") : stdin;
	if (!f) {
		snprintf(ret_why, CLI_WHY_BYTES, "%.150s: %s", name, strerror(errno));
		return -EINVAL;
	}
	content = mem_buffer(CLI_FILE_MAX_BYTES + 2);
	n = content ? fread(content, 1, CLI_FILE_MAX_BYTES + 1, f) : 0;
	if (!content || ferror(f))
		wrong = "cannot be read";
	else if (n > CLI_FILE_MAX_BYTES)
		wrong = "is larger than 48 KiB";
	else if (memchr(content, 0, n))
		wrong = "has a 0 byte";
	if (f != stdin)
		fclose(f);
	if (wrong) {
		snprintf(ret_why, CLI_WHY_BYTES, "%.150s: %s", name, wrong);
		mem_free(content);
		return -EINVAL;
	}
	content[n] = '\0';
	o->words[2] = content;
	*ret_content = content;
	return 0;
}
