/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_options - the command line of speerctl: its own options, and the daemon's command.
 *
 * `-s -o -h --watch --version` are ours wherever they stand; any other `--name [VALUE]` goes to the
 * daemon, and all after `--` are words. Owner: the strings are those of argv. Thread: main.
 */
#ifndef COMMON_CLI_CLI_OPTIONS_H
#define COMMON_CLI_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_WORDS_MAX 10
#define CLI_OPTS_MAX 32
#define CLI_WATCH_DEFAULT_S 2
#define CLI_WATCH_MAX_S 3600
#define CLI_WHY_BYTES 256

/* Exit codes; 0 to 3 are those of the daemon's reply (enum admin_code). */
#define CLI_EXIT_USAGE 2
#define CLI_EXIT_UNREACHABLE 4

enum cli_output { CLI_TABLE, CLI_JSON };

struct cli_opt {
	const char *name; /* without the dashes; not 0-terminated */
	size_t name_bytes;
	const char *value; /* "true" for an option without a value */
};

struct cli_options {
	const char *socket; /* NULL = look for a daemon */
	enum cli_output output;
	uint32_t watch_s; /* 0 = once */
	bool help, version;
	const char *words[CLI_WORDS_MAX]; /* noun, verb, arguments */
	size_t nwords;
	struct cli_opt opts[CLI_OPTS_MAX];
	size_t nopts;
};

extern const char cli_usage[];

/** argv[0] is skipped. @return 0, -EINVAL with a sentence in ret_why. */
int cli_options_parse(int argc, const char *const *argv, struct cli_options *ret_options,
		      char ret_why[CLI_WHY_BYTES]);

/** The request line for the daemon, with '\n'. Free with mem_free. @return 0, -EINVAL (not UTF-8), -E2BIG, -ENOMEM. */
int cli_options_request(const struct cli_options *o, char **ret_line, size_t *ret_len_bytes);

/** Socket to talk to: -s, else the sbe's, else the dbe's if it alone exists in that directory. */
const char *cli_options_socket(const struct cli_options *o, const char *directory, char *buf,
			       size_t size_bytes);

#endif
