/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin - finds the command of a request line and wraps its answer.
 */
#include "common/admin.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/jtext.h"
#include "common/log_text.h"
#include "common/mem.h"

#define ADMIN_VERSION 1
#define ADMIN_TABLES_MAX 32
#define ADMIN_WORDS_MAX (2 + ADMIN_ARGS_MAX)

struct admin {
	struct {
		const struct admin_cmd *cmds;
		void *app;
	} tables[ADMIN_TABLES_MAX];
	size_t ntables;
};

/* Held by who asked and by the handler, each until it is done with it. */
struct admin_pending {
	admin_reply_h *fn; /* NULL: cancelled, or called */
	void *arg;
	bool handed;   /* admin_ask has given its reference to who asked */
	bool finished; /* fn has been called */
};

/* A request taken apart; the words belong to its JSON. */
struct admin_request {
	json_t *json;
	const char *words[ADMIN_WORDS_MAX];
	size_t nwords;
	const json_t *opts;
};

int admin_new(struct admin **ret_admin)
{
	struct admin *a = mem_zalloc(sizeof(*a), NULL);

	if (!a)
		return -ENOMEM;
	*ret_admin = a;
	return 0;
}

int admin_add(struct admin *a, const struct admin_cmd *cmds, void *app)
{
	if (a->ntables == ADMIN_TABLES_MAX)
		return -ENOSPC;
	a->tables[a->ntables].cmds = cmds;
	a->tables[a->ntables].app = app;
	a->ntables++;
	return 0;
}

void admin_free(struct admin *a)
{
	mem_unref(a);
}

int admin_error(struct admin_call *call, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(call->error, sizeof(call->error), fmt, ap);
	va_end(ap);
	return code;
}

const char *admin_opt(const struct admin_call *call, const char *name)
{
	return json_string_value(json_object_get(call->opts, name));
}

json_t *admin_table(const char *const *columns)
{
	json_t *names = json_array();

	for (; names && *columns; columns++) {
		if (json_array_append_new(names, json_string(*columns))) {
			json_decref(names);
			return NULL;
		}
	}
	/* a NULL value makes it fail */
	return json_pack("{s:o, s:[]}", "columns", names, "rows");
}

int admin_row(json_t *table, json_t *row)
{
	return json_array_append_new(json_object_get(table, "rows"), row) ? -ENOMEM : 0;
}

/* ---- help, the one command every table has */

static int admin_help_row(const struct admin_cmd *c, json_t *table)
{
	char usage[256];

	snprintf(usage, sizeof(usage), "%s%s%s%s%s", c->noun, *c->verb ? " " : "", c->verb,
		 c->args && *c->args ? " " : "", c->args ? c->args : "");
	return admin_row(table, json_pack("[ss]", usage, c->help ? c->help : ""));
}

/* "help" or "help NOUN". */
static int admin_help(void *app, struct admin_call *call, json_t **ret_data)
{
	static const char *const columns[] = {"command", "help", NULL};
	const struct admin *a = app;
	const char *noun = call->nargs > 0 ? call->args[0] : NULL;
	json_t *table = admin_table(columns);
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < a->ntables; i++) {
		for (const struct admin_cmd *c = a->tables[i].cmds; !err && c->noun; c++) {
			if (!noun || strcmp(noun, c->noun) == 0)
				err = admin_help_row(c, table);
		}
	}
	if (err) {
		json_decref(table);
		return admin_error(call, ADMIN_FAILED, "out of memory");
	}
	if (noun && json_array_size(json_object_get(table, "rows")) == 0) {
		json_decref(table);
		return admin_error(call, ADMIN_NOT_FOUND, "no command '%.40s'", noun);
	}
	*ret_data = table;
	return ADMIN_OK;
}

static const struct admin_cmd admin_help_cmd = {
	"help", "", "[NOUN]", 0, 1, "list the commands", admin_help,
};

/* ---- finding the command */

static bool admin_named(const struct admin_cmd *c, const struct admin_request *q, bool with_verb)
{
	if (strcmp(c->noun, q->words[0]) != 0 || (*c->verb != '\0') != with_verb)
		return false;
	return !with_verb || (q->nwords > 1 && strcmp(c->verb, q->words[1]) == 0);
}

/* A command with this verb, or else one of the noun alone, whose second word is an argument. */
static const struct admin_cmd *admin_find(struct admin *a, const struct admin_request *q,
					  void **ret_app)
{
	if (strcmp(q->words[0], admin_help_cmd.noun) == 0) {
		*ret_app = a;
		return &admin_help_cmd;
	}
	for (int with_verb = 1; with_verb >= 0; with_verb--) {
		for (size_t i = 0; i < a->ntables; i++) {
			for (const struct admin_cmd *c = a->tables[i].cmds; c->noun; c++) {
				if (admin_named(c, q, with_verb)) {
					*ret_app = a->tables[i].app;
					return c;
				}
			}
		}
	}
	return NULL;
}

/* Append ", word" unless it is in the list already. */
static void admin_list_word(char *list, size_t size_bytes, const char *word)
{
	size_t n = strlen(list), len = strlen(word);

	if (len == 0)
		return;
	for (const char *p = list; (p = strstr(p, word)); p += len) {
		bool whole = (p == list || p[-1] == ' ') && (!p[len] || p[len] == ',');

		if (whole)
			return;
	}
	snprintf(list + n, size_bytes - n, "%s%s", n > 0 ? ", " : "", word);
}

/* Unknown noun: name the nouns. Known noun: name its verbs. */
static int admin_unknown(struct admin *a, const struct admin_request *q, struct admin_call *call)
{
	char nouns[160] = "", verbs[160] = "";
	const char *noun = q->words[0];

	for (size_t i = 0; i < a->ntables; i++) {
		for (const struct admin_cmd *c = a->tables[i].cmds; c->noun; c++) {
			admin_list_word(nouns, sizeof(nouns), c->noun);
			if (strcmp(c->noun, noun) == 0)
				admin_list_word(verbs, sizeof(verbs), c->verb);
		}
	}
	admin_list_word(nouns, sizeof(nouns), "help");
	if (!verbs[0])
		return admin_error(call, ADMIN_USAGE, "unknown command '%.40s', there is: %s", noun,
				   nouns);
	if (q->nwords < 2)
		return admin_error(call, ADMIN_USAGE, "%s: what? There is: %s", noun, verbs);
	return admin_error(call, ADMIN_USAGE, "%s: unknown '%.40s', there is: %s", noun,
			   q->words[1], verbs);
}

static int admin_run(struct admin *a, const struct admin_request *q, struct admin_call *call,
		     json_t **ret_data)
{
	const struct admin_cmd *c;
	void *app = NULL;
	size_t skip;
	int code;

	c = admin_find(a, q, &app);
	if (!c)
		return admin_unknown(a, q, call);
	skip = *c->verb ? 2 : 1; /* words that are the command's name */
	call->nargs = q->nwords - skip;
	if (call->nargs < c->min_args || call->nargs > c->max_args || call->nargs > ADMIN_ARGS_MAX)
		return admin_error(call, ADMIN_USAGE, "usage: %s%s%s%s%s", c->noun,
				   *c->verb ? " " : "", c->verb, c->args && *c->args ? " " : "",
				   c->args ? c->args : "");
	for (size_t i = 0; i < call->nargs; i++)
		call->args[i] = q->words[skip + i];
	call->opts = q->opts;
	code = c->fn(app, call, ret_data);
	if (code == -ENOMEM || (code == ADMIN_LATER && call->pending))
		return code;
	if (code < ADMIN_OK || code > ADMIN_NOT_FOUND) /* a handler forgot to translate */
		code = ADMIN_FAILED;
	if (code != ADMIN_OK && !call->error[0])
		admin_error(call, code, "failed");
	return code;
}

/* ---- lines */

/* Take the line apart. @return enum admin_code; on failure call->error says why. -ENOMEM. */
static int admin_take(const char *line, size_t len_bytes, struct admin_request *q,
		      struct admin_call *call)
{
	const json_t *cmd, *word;
	json_error_t e;
	size_t i;
	int err;

	if (len_bytes > ADMIN_LINE_MAX_BYTES)
		return admin_error(call, ADMIN_USAGE, "a request is at most %u bytes",
				   ADMIN_LINE_MAX_BYTES);
	err = jtext_load(line, len_bytes, 0, &q->json, &e);
	if (err == -ENOMEM)
		return err;
	if (err)
		return admin_error(call, ADMIN_USAGE, "not valid JSON: %s", e.text);
	if (json_integer_value(json_object_get(q->json, "v")) != ADMIN_VERSION)
		return admin_error(call, ADMIN_USAGE,
				   "this daemon speaks version %d of the "
				   "protocol (\"v\")",
				   ADMIN_VERSION);
	cmd = json_object_get(q->json, "cmd");
	q->opts = json_object_get(q->json, "opts");
	q->nwords = json_array_size(cmd);
	if (q->nwords == 0)
		return admin_error(call, ADMIN_USAGE, "\"cmd\" must be a list of words");
	if (q->nwords > ADMIN_WORDS_MAX)
		return admin_error(call, ADMIN_USAGE, "more than %d words", ADMIN_WORDS_MAX);
	json_array_foreach(cmd, i, word) {
		q->words[i] = json_string_value(word);
		if (!q->words[i])
			return admin_error(call, ADMIN_USAGE, "\"cmd\" must be a list of words");
	}
	if (q->opts && !json_is_object(q->opts))
		return admin_error(call, ADMIN_USAGE, "\"opts\" must be an object");
	return ADMIN_OK;
}

/* The reply as text. Takes data. */
static int admin_reply(const struct admin_call *call, int code, json_t *data, char **ret_reply,
		       size_t *ret_len_bytes)
{
	json_t *reply = json_pack("{s:i, s:i}", "v", ADMIN_VERSION, "code", code);
	int err = -ENOMEM;

	if (!reply)
		goto out;
	if (code != ADMIN_OK) {
		/* It may quote the request or a peer, and is shown on a terminal. */
		char safe[2 * sizeof(call->error)];
		size_t n = log_text_append(safe, sizeof(safe), 0, call->error, strlen(call->error));

		if (json_object_set_new(reply, "error", json_stringn(safe, n)))
			goto out;
	}
	if (data && json_object_set(reply, "data", data))
		goto out;
	err = jtext_dump(reply, JSON_COMPACT, "\n", ret_reply, ret_len_bytes);
out:
	json_decref(reply);
	json_decref(data);
	return err;
}

/* Run a line. @return enum admin_code and data, ADMIN_LATER with call->pending, -ENOMEM. */
static int admin_perform(struct admin *a, const char *line, size_t len_bytes,
			 struct admin_call *call, json_t **ret_data)
{
	struct admin_request q = {.json = NULL};
	json_t *no_opts = NULL;
	int code = admin_take(line, len_bytes, &q, call);

	if (code == ADMIN_OK && !q.opts) {
		q.opts = no_opts = json_object();
		if (!no_opts)
			code = -ENOMEM;
	}
	if (code == ADMIN_OK)
		code = admin_run(a, &q, call, ret_data);
	json_decref(q.json);
	json_decref(no_opts);
	return code;
}

int admin_answer(struct admin *a, const char *line, size_t len_bytes, char **ret_reply,
		 size_t *ret_len_bytes)
{
	struct admin_call call = {.nargs = 0};
	json_t *data = NULL;
	int code = admin_perform(a, line, len_bytes, &call, &data);

	if (code == -ENOMEM)
		return -ENOMEM;
	return admin_reply(&call, code, data, ret_reply, ret_len_bytes);
}

/* ---- answers that come later */

static void admin_deliver(admin_reply_h *fn, void *arg, const struct admin_call *call, int code,
			  json_t *data)
{
	char *reply = NULL;
	size_t n = 0;
	int err = code == -ENOMEM ? code : admin_reply(call, code, data, &reply, &n);

	fn(arg, err ? NULL : reply, n);
	mem_free(reply);
}

struct admin_pending *admin_ask(struct admin *a, const char *line, size_t len_bytes,
				admin_reply_h *fn, void *arg)
{
	struct admin_call call = {.reply = fn, .reply_arg = arg};
	json_t *data = NULL;
	int code = admin_perform(a, line, len_bytes, &call, &data);
	struct admin_pending *p = call.pending;

	if (p && p->finished) /* by the handler itself */
		return mem_unref(p);
	if (p && code == ADMIN_LATER) {
		p->handed = true;
		return p;
	}
	/* The handler's reference and ours: it does not finish what it did not leave for later. */
	mem_unref(p);
	mem_unref(p);
	admin_deliver(fn, arg, &call, code, data);
	return NULL;
}

struct admin_pending *admin_cancel(struct admin_pending *p)
{
	if (p)
		p->fn = NULL;
	return mem_unref(p);
}

struct admin_pending *admin_defer(struct admin_call *call)
{
	struct admin_pending *p;

	if (!call->reply || call->pending) {
		admin_error(call, ADMIN_FAILED, "this command cannot be answered at once");
		return NULL;
	}
	p = mem_zalloc(sizeof(*p), NULL);
	if (!p) {
		admin_error(call, ADMIN_FAILED, "out of memory");
		return NULL;
	}
	p->fn = call->reply;
	p->arg = call->reply_arg;
	call->pending = p;
	return mem_ref(p);
}

void admin_finish(struct admin_pending *p, int code, const char *error, json_t *data)
{
	struct admin_call call = {.nargs = 0};
	admin_reply_h *fn = p->fn;

	if (code < ADMIN_OK || code > ADMIN_NOT_FOUND)
		code = ADMIN_FAILED;
	if (code != ADMIN_OK)
		admin_error(&call, code, "%s", error && *error ? error : "failed");
	p->fn = NULL;
	if (!fn) {
		json_decref(data);
		mem_unref(p);
		return;
	}
	p->finished = true;
	admin_deliver(fn, p->arg, &call, code, data);
	if (p->handed)
		mem_unref(p);
	mem_unref(p);
}
