/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speerctl - asks a daemon over its unix socket and prints the answer.
 *
 * Data goes to stdout, everything else to stderr; the exit code is the daemon's reply code, or 4 if
 * there was no reply. It knows no command of the daemons except help and version.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/admin.h"
#include "common/cli/cli_connect.h"
#include "common/cli/cli_file.h"
#include "common/cli/cli_line.h"
#include "common/cli/cli_options.h"
#include "common/cli/cli_view.h"
#include "common/clock.h"
#include "common/mem.h"
#include "version.h"

#define MAIN_DIRECTORY "/run/speermint"
#define MAIN_PATH_BYTES 128

static void main_complain(const char *text)
{
	fputs("speerctl: ", stderr);
	cli_view_text(stderr, text);
	fputc('\n', stderr);
}

static bool main_has_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

/* @return 0 with a reply, or the exit code after saying why */
static int main_ask(const struct cli_options *o, json_t **ret_reply)
{
	char path[MAIN_PATH_BYTES], why[CLI_WHY_BYTES];
	size_t len_bytes;
	char *line;
	int err = cli_options_request(o, &line, &len_bytes);

	if (err) {
		main_complain(
			err == -E2BIG ? "the command is too long"
			: err == -ENOMEM
				? "out of memory"
				: "the command is not valid UTF-8, or an option's name is too long");
		return err == -ENOMEM ? ADMIN_FAILED : CLI_EXIT_USAGE;
	}
	err = cli_connect_ask(cli_options_socket(o, MAIN_DIRECTORY, path, sizeof(path)), line,
			      len_bytes, CLI_TIMEOUT_MS, ret_reply, why);
	mem_free(line);
	if (!err)
		return 0;
	main_complain(why);
	return err == -EPROTO || err == -ENOMEM ? ADMIN_FAILED : CLI_EXIT_UNREACHABLE;
}

/* Print a reply. @return exit code */
static int main_show(const struct cli_options *o, const json_t *reply)
{
	json_int_t code = json_integer_value(json_object_get(reply, "code"));
	const char *error = json_string_value(json_object_get(reply, "error"));
	int err;

	if (o->output == CLI_JSON)
		err = cli_view_json(stdout, reply);
	else
		err = cli_view_print(stdout, json_object_get(reply, "data"), main_has_colour());
	if (code != ADMIN_OK && error && *error)
		main_complain(error);
	if (fflush(stdout) == EOF || err) {
		main_complain("cannot write the answer");
		return ADMIN_FAILED;
	}
	return code >= ADMIN_OK && code <= ADMIN_NOT_FOUND ? (int)code : ADMIN_FAILED;
}

static int main_once(const struct cli_options *o)
{
	json_t *reply = NULL;
	int code = main_ask(o, &reply);

	if (code)
		return code;
	code = main_show(o, reply);
	json_decref(reply);
	return code;
}

/* Until interrupted. A daemon that restarts meanwhile is waited for; one that never was there is an error. */
static int main_watch(const struct cli_options *o)
{
	bool screen = isatty(STDOUT_FILENO) && o->output == CLI_TABLE, seen = false;
	char now[32];

	for (;;) {
		int code;

		if (screen) {
			clock_print(clock_wall_ms(), now, sizeof(now));
			printf("\033[H\033[2Jevery %u s, %s\n\n", o->watch_s, now);
		}
		code = main_once(o);
		if (code != ADMIN_OK && !(seen && code == CLI_EXIT_UNREACHABLE))
			return code;
		seen = true;
		fflush(stdout);
		nanosleep(&(struct timespec){.tv_sec = o->watch_s}, NULL);
	}
}

/* Ours always, the daemon's if it is there. */
static int main_version(struct cli_options *o)
{
	char path[MAIN_PATH_BYTES], why[CLI_WHY_BYTES];
	json_t *reply = NULL, *data = json_pack("{s:s}", "speerctl", SPEERMINT_VERSION), *theirs;
	size_t len_bytes;
	char *line;
	int code = ADMIN_FAILED;

	o->nwords = 1;
	o->words[0] = "version";
	if (data && cli_options_request(o, &line, &len_bytes) == 0) {
		(void)cli_connect_ask(cli_options_socket(o, MAIN_DIRECTORY, path, sizeof(path)),
				      line, len_bytes, CLI_TIMEOUT_MS, &reply, why);
		mem_free(line);
	}
	theirs = json_object_get(reply, "data");
	if (theirs)
		json_object_set(data, "daemon", theirs);
	json_decref(reply);
	reply = json_pack("{s:i,s:i,s:o}", "v", 1, "code", ADMIN_OK, "data", data);
	if (reply)
		code = main_show(o, reply);
	json_decref(reply);
	return code;
}

static int main_command(struct cli_options *o)
{
	char why[CLI_WHY_BYTES], *content;
	int code;

	if (cli_file_take(o, &content, why) < 0) {
		main_complain(why);
		return CLI_EXIT_USAGE;
	}
	code = o->watch_s ? main_watch(o) : main_once(o);
	mem_free(content);
	return code;
}

static int main_run(struct cli_options *o)
{
	if (o->help) {
		fputs(cli_usage, stdout);
		return ADMIN_OK;
	}
	if (o->version || (o->nwords == 1 && strcmp(o->words[0], "version") == 0))
		return main_version(o);
	if (o->nwords == 0) {
		fputs(cli_usage, stderr);
		return CLI_EXIT_USAGE;
	}
	return main_command(o);
}

/* A line of the prompt: the same grammar as the command line, with the socket and format given there. */
static int main_on_line(char *line, void *arg)
{
	const struct cli_options *base = arg;
	const char *words[1 + CLI_WORDS_MAX + 2 * CLI_OPTS_MAX] = {"speerctl"};
	char why[CLI_WHY_BYTES];
	struct cli_options o;
	size_t n;

	if (cli_line_split(line, words + 1, sizeof(words) / sizeof(words[0]) - 1, &n) < 0) {
		main_complain("a quote is not closed, or there are too many words");
		return 0;
	}
	if (cli_options_parse((int)n + 1, words, &o, why) < 0) {
		main_complain(why);
		return 0;
	}
	if (!o.socket)
		o.socket = base->socket;
	if (base->output == CLI_JSON)
		o.output = CLI_JSON;
	main_run(&o);
	return 0;
}

static int main_prompt(struct cli_options *o)
{
	struct cli_options ask = *o;
	json_t *help = NULL;
	int code, err;

	ask.words[0] = "help";
	ask.nwords = 1;
	ask.nopts = 0;
	code = main_ask(&ask, &help);
	if (code)
		return code;
	err = cli_line_run(json_object_get(help, "data"), main_on_line, o);
	json_decref(help);
	return err ? ADMIN_FAILED : ADMIN_OK;
}

int main(int argc, char **argv)
{
	struct cli_options o;
	char why[CLI_WHY_BYTES];

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN); /* `speerctl call list | head`: an error to report, not a death */
	if (cli_options_parse(argc, (const char *const *)argv, &o, why) < 0) {
		main_complain(why);
		fputs(cli_usage, stderr);
		return CLI_EXIT_USAGE;
	}
	if (o.nwords == 0 && !o.help && !o.version && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return main_prompt(&o);
	return main_run(&o);
}
