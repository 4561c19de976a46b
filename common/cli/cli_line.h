/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_line - the prompt: editing and history by libedit, words with quotes, completion of nouns and
 * verbs from the daemon's help. Owner: caller. Thread: main.
 */
#ifndef COMMON_CLI_CLI_LINE_H
#define COMMON_CLI_CLI_LINE_H

#include <jansson.h>
#include <stddef.h>

#define CLI_CANDIDATES_MAX 128

/**
 * Split a line at blanks, in place; '...' and "..." keep blanks, \ takes the next byte as it is (not inside '...').
 * @return 0, -EINVAL (a quote is not closed), -E2BIG (more than max words).
 */
int cli_line_split(char *line, const char **ret_words, size_t max, size_t *ret_nwords);

struct cli_candidates {
	char *words[CLI_CANDIDATES_MAX]; /* freed by cli_line_forget */
	size_t n;
};

/**
 * What may stand where the line ends: nouns, or verbs of the noun typed. help is the data of the daemon's help, NULL
 * gives nothing. @return bytes of the last word typed so far.
 */
size_t cli_line_complete(const json_t *help, const char *line, size_t len_bytes,
			 struct cli_candidates *ret_candidates);
void cli_line_forget(struct cli_candidates *c);

/** Run a line; non-0 ends the prompt. */
typedef int(cli_line_h)(char *line, void *arg);

/** Prompt until end of file, "exit" or "quit". help may be NULL. @return 0, -EIO (no terminal), -ENOMEM. */
int cli_line_run(const json_t *help, cli_line_h *fn, void *arg);

#endif
