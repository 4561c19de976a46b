/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cli/cli_line.h"

#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/cli/cli_table.h"
#include "common/mem.h"

#define CLI_HISTORY_LINES 500
#define CLI_HISTORY_FILE ".speerctl_history"
#define CLI_LINE_MAX_BYTES 4096

/* ---------------------------------------------------------------- words */

/* Take the word at *from, writing it to `to` (never ahead of *from). @return 0, -EINVAL. */
static int cli_line_word(char **from, char *to)
{
	char *p = *from, quote = 0;

	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (quote && *p == quote)
			quote = 0;
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			*to++ = *++p;
		else
			*to++ = *p;
	}
	*from = *p ? p + 1 : p;
	*to = 0;
	return quote ? -EINVAL : 0;
}

int cli_line_split(char *line, const char **ret_words, size_t max, size_t *ret_nwords)
{
	size_t n = 0;
	char *p = line;

	for (;;) {
		char *word;

		while (isspace((unsigned char)*p))
			p++;
		if (!*p)
			break;
		if (n == max)
			return -E2BIG;
		word = p;
		if (cli_line_word(&p, word) < 0)
			return -EINVAL;
		ret_words[n++] = word;
	}
	*ret_nwords = n;
	return 0;
}

/* ---------------------------------------------------------------- completion */

static void cli_line_offer(struct cli_candidates *c, const char *word, size_t word_bytes,
			   const char *typed, size_t typed_bytes)
{
	if (word_bytes == 0 || word_bytes < typed_bytes || strncmp(word, typed, typed_bytes) != 0 ||
	    c->n == CLI_CANDIDATES_MAX)
		return;
	for (size_t i = 0; i < c->n; i++)
		if (strlen(c->words[i]) == word_bytes && memcmp(c->words[i], word, word_bytes) == 0)
			return;
	c->words[c->n] = strndup(word, word_bytes);
	if (c->words[c->n])
		c->n++;
}

/*
 * Noun and verb of a row, whose first cell is a usage like "call show CALL" or "lookup NUMBER|URI": a second word that
 * is not in small letters is an argument.
 */
static void cli_line_command(const json_t *row, char *buf, size_t size_bytes)
{
	const char *usage = json_string_value(json_array_get(row, 0));
	char *verb;

	snprintf(buf, size_bytes, "%s ", usage ? usage : "");
	verb = buf + strcspn(buf, " ");
	if (*verb)
		verb++;
	if (!islower((unsigned char)*verb))
		*verb = 0;
}

size_t cli_line_complete(const json_t *help, const char *line, size_t len_bytes,
			 struct cli_candidates *ret_candidates)
{
	const json_t *rows = json_object_get(help, "rows"), *row;
	size_t at = 0, noun_bytes, typed_bytes, i;
	const char *noun, *typed;

	ret_candidates->n = 0;
	while (at < len_bytes && line[at] == ' ')
		at++;
	noun = line + at;
	noun_bytes = strcspn(noun, " ");
	if (noun_bytes > len_bytes - at)
		noun_bytes = len_bytes - at;
	typed = noun + noun_bytes;
	while (typed < line + len_bytes && *typed == ' ')
		typed++;
	typed_bytes = (size_t)(line + len_bytes - typed);
	if (memchr(typed, ' ', typed_bytes))
		return 0; /* arguments: only the daemon knows */
	json_array_foreach(rows, i, row) {
		char command[128];
		size_t n;

		cli_line_command(row, command, sizeof(command));
		n = strcspn(command, " ");
		if (typed == noun + noun_bytes)
			cli_line_offer(ret_candidates, command, n, noun, noun_bytes);
		else if (n == noun_bytes && memcmp(command, noun, n) == 0)
			cli_line_offer(ret_candidates, command + n + 1,
				       strcspn(command + n + 1, " "), typed, typed_bytes);
	}
	return typed == noun + noun_bytes ? noun_bytes : typed_bytes;
}

void cli_line_forget(struct cli_candidates *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->words[i]);
	c->n = 0;
}

/* ---------------------------------------------------------------- prompt */

struct cli_prompt {
	EditLine *el;
	History *history;
	const json_t *help;
};

static const char *cli_line_prompt(EditLine *el)
{
	(void)el;
	return "speerctl> ";
}

/* Bytes all candidates have in common. */
static size_t cli_line_common(const struct cli_candidates *c)
{
	size_t n = strlen(c->words[0]);

	for (size_t i = 1; i < c->n; i++)
		for (size_t k = 0; k < n; k++)
			if (c->words[i][k] != c->words[0][k])
				n = k;
	return n;
}

static unsigned char cli_line_on_tab(EditLine *el, wint_t key)
{
	struct cli_prompt *p = NULL;
	const LineInfo *li = el_line(el);
	struct cli_candidates c;
	unsigned char result = CC_ERROR;
	size_t typed_bytes, common;
	char add[CLI_LINE_MAX_BYTES];

	(void)key;
	el_get(el, EL_CLIENTDATA, &p);
	typed_bytes = cli_line_complete(p->help, li->buffer, (size_t)(li->cursor - li->buffer), &c);
	if (c.n == 0)
		return CC_ERROR;
	common = cli_line_common(&c);
	if (common > typed_bytes || c.n == 1) {
		snprintf(add, sizeof(add), "%.*s%s", (int)(common - typed_bytes),
			 c.words[0] + typed_bytes, c.n == 1 ? " " : "");
		if (el_insertstr(el, add) == 0)
			result = CC_REFRESH;
	} else {
		fputc('\n', stdout);
		for (size_t i = 0; i < c.n; i++) {
			cli_table_escaped(stdout, c.words[i]);
			fputs("  ", stdout);
		}
		fputc('\n', stdout);
		result = CC_REDISPLAY;
	}
	cli_line_forget(&c);
	return result;
}

static const char *cli_line_history_path(char *buf, size_t size_bytes)
{
	const char *home = getenv("HOME");

	if (!home || !*home)
		return NULL;
	snprintf(buf, size_bytes, "%s/" CLI_HISTORY_FILE, home);
	return buf;
}

static int cli_line_open(struct cli_prompt *p)
{
	char path[512];
	HistEvent e;

	p->history = history_init();
	p->el = el_init("speerctl", stdin, stdout, stderr);
	if (!p->history || !p->el)
		return -ENOMEM;
	history(p->history, &e, H_SETSIZE, CLI_HISTORY_LINES);
	history(p->history, &e, H_SETUNIQUE, 1);
	if (cli_line_history_path(path, sizeof(path)))
		history(p->history, &e, H_LOAD, path);
	el_set(p->el, EL_CLIENTDATA, p);
	el_set(p->el, EL_PROMPT, cli_line_prompt);
	el_set(p->el, EL_EDITOR, "emacs");
	el_set(p->el, EL_SIGNAL, 1);
	el_set(p->el, EL_HIST, history, p->history);
	/* The wide form keeps our literals; the narrow one makes copies that it never frees. */
	el_wset(p->el, EL_ADDFN, L"speerctl-complete", L"complete a noun or a verb",
		cli_line_on_tab);
	el_set(p->el, EL_BIND, "^I", "speerctl-complete", NULL);
	return 0;
}

static void cli_line_close(struct cli_prompt *p)
{
	char path[512];
	HistEvent e;

	if (p->history && cli_line_history_path(path, sizeof(path)))
		history(p->history, &e, H_SAVE, path);
	if (p->history)
		history_end(p->history);
	if (p->el)
		el_end(p->el);
}

static bool cli_line_ends(const char *line)
{
	return strcmp(line, "exit") == 0 || strcmp(line, "quit") == 0;
}

int cli_line_run(const json_t *help, cli_line_h *fn, void *arg)
{
	struct cli_prompt p = {.help = help};
	int err = cli_line_open(&p), n;
	const char *got;

	while (!err && (got = el_gets(p.el, &n)) && n > 0) {
		char line[CLI_LINE_MAX_BYTES];
		HistEvent e;

		if ((size_t)n >= sizeof(line)) {
			fputs("line is too long\n", stderr);
			continue;
		}
		memcpy(line, got, (size_t)n);
		line[n] = 0;
		line[strcspn(line, "\n")] = 0;
		if (line[strspn(line, " \t")] == 0)
			continue;
		history(p.history, &e, H_ENTER, line);
		if (cli_line_ends(line) || fn(line, arg) != 0)
			break;
	}
	cli_line_close(&p);
	return err;
}
