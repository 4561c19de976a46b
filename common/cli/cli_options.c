/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cli/cli_options.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/admin.h"
#include "common/mem.h"

const char cli_usage[] =
	"usage: speerctl [-s SOCKET] [-o table|json] [--watch[=SECONDS]] NOUN [VERB] [ARGS] [--OPTION VALUE]\n"
	"       speerctl help       all commands of the daemon\n"
	"       speerctl            on a terminal: a prompt with completion and history\n"
	"SOCKET is /run/speermint/sbe.sock, or dbe.sock there if it is the only one.\n"
	"exit: 0 done, 1 refused or failed, 2 usage, 3 not found, 4 daemon not reachable\n";

/* Where the parser stands. */
struct cli_cursor {
	int argc, at;
	const char *const *argv;
	struct cli_options *o;
	char *why;
};

static int cli_wrong(struct cli_cursor *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int cli_wrong(struct cli_cursor *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, CLI_WHY_BYTES, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int cli_add_word(struct cli_cursor *c, const char *word)
{
	if (c->o->nwords == CLI_WORDS_MAX)
		return cli_wrong(c, "more than %d words", CLI_WORDS_MAX);
	c->o->words[c->o->nwords++] = word;
	return 0;
}

static int cli_take_watch(struct cli_cursor *c, const char *value)
{
	char *end;
	unsigned long s;

	if (!value) {
		c->o->watch_s = CLI_WATCH_DEFAULT_S;
		return 0;
	}
	errno = 0;
	s = strtoul(value, &end, 10);
	if (errno || *end || end == value || value[0] == '-' || s < 1 || s > CLI_WATCH_MAX_S)
		return cli_wrong(c, "--watch=%s: give seconds, 1 to %d", value, CLI_WATCH_MAX_S);
	c->o->watch_s = (uint32_t)s;
	return 0;
}

static int cli_take_output(struct cli_cursor *c, const char *value)
{
	if (strcmp(value, "table") == 0)
		c->o->output = CLI_TABLE;
	else if (strcmp(value, "json") == 0)
		c->o->output = CLI_JSON;
	else
		return cli_wrong(c, "-o %s: table or json", value);
	return 0;
}

/* "-s VALUE" or "-sVALUE" */
static int cli_take_short(struct cli_cursor *c, const char *arg)
{
	const char *value = arg[2] ? arg + 2 : NULL;

	if (strcmp(arg, "-h") == 0) {
		c->o->help = true;
		return 0;
	}
	if (arg[1] != 's' && arg[1] != 'o')
		return cli_wrong(c, "%s: no such option", arg);
	if (!value && c->at + 1 >= c->argc)
		return cli_wrong(c, "%s: needs a value", arg);
	if (!value)
		value = c->argv[++c->at];
	if (arg[1] == 'o')
		return cli_take_output(c, value);
	if (!*value)
		return cli_wrong(c, "-s: needs a path");
	c->o->socket = value;
	return 0;
}

/* An option of the daemon's command; without a value it means yes. */
static int cli_take_opt(struct cli_cursor *c, const char *name, size_t name_bytes,
			const char *value)
{
	struct cli_opt *opt;

	if (name_bytes == 0)
		return cli_wrong(c, "--%s: an option needs a name", name);
	for (size_t i = 0; i < c->o->nopts; i++)
		if (c->o->opts[i].name_bytes == name_bytes &&
		    memcmp(c->o->opts[i].name, name, name_bytes) == 0)
			return cli_wrong(c, "--%.*s: given twice", (int)name_bytes, name);
	if (c->o->nopts == CLI_OPTS_MAX)
		return cli_wrong(c, "more than %d options", CLI_OPTS_MAX);
	if (!value && c->at + 1 < c->argc && strncmp(c->argv[c->at + 1], "--", 2) != 0)
		value = c->argv[++c->at];
	opt = &c->o->opts[c->o->nopts++];
	opt->name = name;
	opt->name_bytes = name_bytes;
	opt->value = value ? value : "true";
	return 0;
}

static int cli_take_long(struct cli_cursor *c, const char *arg)
{
	const char *name = arg + 2, *equals = strchr(name, '=');
	const char *value = equals ? equals + 1 : NULL;
	size_t name_bytes = equals ? (size_t)(equals - name) : strlen(name);

	if (strcmp(name, "help") == 0)
		c->o->help = true;
	else if (strcmp(name, "version") == 0)
		c->o->version = true;
	else if (name_bytes == 5 && strncmp(name, "watch", 5) == 0)
		return cli_take_watch(c, value);
	else
		return cli_take_opt(c, name, name_bytes, value);
	return 0;
}

int cli_options_parse(int argc, const char *const *argv, struct cli_options *ret_options,
		      char ret_why[CLI_WHY_BYTES])
{
	struct cli_options o = {0};
	struct cli_cursor c = {.argc = argc, .at = 1, .argv = argv, .o = &o, .why = ret_why};
	bool words_only = false;
	int err = 0;

	ret_why[0] = 0;
	for (; c.at < argc && !err; c.at++) {
		const char *arg = argv[c.at];

		if (words_only || arg[0] != '-' || arg[1] == 0)
			err = cli_add_word(&c, arg);
		else if (strcmp(arg, "--") == 0)
			words_only = true;
		else if (arg[1] == '-')
			err = cli_take_long(&c, arg);
		else
			err = cli_take_short(&c, arg);
	}
	if (err)
		return err;
	*ret_options = o;
	return 0;
}

static json_t *cli_request_json(const struct cli_options *o)
{
	json_t *cmd = json_array(), *opts = json_object();
	int err = 0;

	for (size_t i = 0; i < o->nwords; i++)
		err |= json_array_append_new(cmd, json_string(o->words[i]));
	for (size_t i = 0; i < o->nopts; i++) {
		const struct cli_opt *opt = &o->opts[i];
		char name[64];

		if (opt->name_bytes >= sizeof(name)) {
			err = -1;
			break;
		}
		memcpy(name, opt->name, opt->name_bytes);
		name[opt->name_bytes] = 0;
		err |= json_object_set_new(opts, name, json_string(opt->value));
	}
	if (err) {
		json_decref(cmd);
		json_decref(opts);
		return NULL;
	}
	return json_pack("{s:i,s:o,s:o}", "v", 1, "cmd", cmd, "opts", opts);
}

int cli_options_request(const struct cli_options *o, char **ret_line, size_t *ret_len_bytes)
{
	json_t *request = cli_request_json(o);
	size_t len_bytes;
	char *line;

	if (!request)
		return -EINVAL;
	len_bytes = json_dumpb(request, NULL, 0, JSON_COMPACT);
	if (len_bytes == 0 || len_bytes > ADMIN_LINE_MAX_BYTES) {
		json_decref(request);
		return -E2BIG;
	}
	line = mem_buffer(len_bytes + 2);
	if (!line) {
		json_decref(request);
		return -ENOMEM;
	}
	json_dumpb(request, line, len_bytes, JSON_COMPACT);
	json_decref(request);
	line[len_bytes] = '\n';
	line[len_bytes + 1] = 0;
	*ret_line = line;
	*ret_len_bytes = len_bytes + 1;
	return 0;
}

const char *cli_options_socket(const struct cli_options *o, const char *directory, char *buf,
			       size_t size_bytes)
{
	if (o->socket)
		return o->socket;
	snprintf(buf, size_bytes, "%s/sbe.sock", directory);
	if (access(buf, F_OK) == 0)
		return buf;
	snprintf(buf, size_bytes, "%s/dbe.sock", directory);
	if (access(buf, F_OK) == 0)
		return buf;
	/* Neither: name the one we would have liked in the error. */
	snprintf(buf, size_bytes, "%s/sbe.sock", directory);
	return buf;
}
