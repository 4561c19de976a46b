/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin - operators' command table and its line protocol, sans-I/O.
 *
 * Request: one JSON line {"v":1,"cmd":["call","show","abc"],"opts":{"from":"pbx"}} (at most 64 KiB).
 * Reply:   one JSON line {"v":1,"code":0,"error":"...","data":{...}}; code is the CLI's exit code:
 *          0 done, 1 refused or failed, 2 usage, 3 not found.
 * data of a list is {"columns":["name",...],"rows":[[...],...]} so that the CLI can print a table
 * without knowing the command; data of a show is an object.
 * Owner: the table is const; a handler gives the reference of *ret_data to the caller. Thread: loop.
 */
#ifndef COMMON_ADMIN_H
#define COMMON_ADMIN_H

#include <jansson.h>
#include <stddef.h>

#define ADMIN_LINE_MAX_BYTES (64U * 1024)
#define ADMIN_ARGS_MAX 8

enum admin_code { ADMIN_OK = 0, ADMIN_FAILED = 1, ADMIN_USAGE = 2, ADMIN_NOT_FOUND = 3 };
#define ADMIN_LATER 100 /* a handler's only: it has deferred the answer */

struct admin_pending; /* an answer that is not there yet */

struct admin_call {
	const char *args[ADMIN_ARGS_MAX]; /* after noun and verb */
	size_t nargs;
	const json_t *opts; /* object, may be empty, never NULL */
	char error[256];    /* set when the code is not ADMIN_OK */
	/* private to admin.c: for admin_defer */
	void (*reply)(void *arg, const char *reply, size_t len_bytes);
	void *reply_arg;
	struct admin_pending *pending;
};

/** Run a command. @param app what admin_new was given. @return enum admin_code. */
typedef int(admin_h)(void *app, struct admin_call *call, json_t **ret_data);

struct admin_cmd {
	const char *noun, *verb; /* verb may be "" (status, version) */
	const char *args;        /* usage, e.g. "CALL" or "--from PEER --to URI" */
	size_t min_args, max_args;
	const char *help; /* one sentence */
	admin_h *fn;
};

struct admin;

/** @param cmds NULL-noun-terminated tables; a table may be added later (each layer has its own). */
int admin_new(struct admin **ret_admin);
int admin_add(struct admin *a, const struct admin_cmd *cmds, void *app);
void admin_free(struct admin *a);

/** Answer one request line. "help" is built in and lists the tables. @return 0 and an allocated reply line with
 *  '\n' (free with mem_free), or -ENOMEM. */
int admin_answer(struct admin *a, const char *line, size_t len_bytes, char **ret_reply,
		 size_t *ret_len_bytes);

/** Takes the reply line (borrowed, with '\n'); NULL: out of memory. */
typedef void(admin_reply_h)(void *arg, const char *reply, size_t len_bytes);
/**
 * The same for commands that may take a while: fn gets the reply, in this call or later.
 * @return NULL when fn has been called; else a handle, good until fn is called or admin_cancel.
 */
struct admin_pending *admin_ask(struct admin *a, const char *line, size_t len_bytes,
				admin_reply_h *fn, void *arg);
/** Who asked does not want the reply any more: fn is not called. NULL is fine. @return NULL */
struct admin_pending *admin_cancel(struct admin_pending *p);

/**
 * In a handler that will answer later and returns ADMIN_LATER (its call is gone then): admin_finish must then be called exactly once, also if
 * nobody wants the answer any more (it may come before the handler returns, and after the table is freed). With any other
 * code the handle is void.
 * @return NULL: out of memory, or whoever asks cannot wait (admin_answer); call->error is set, return ADMIN_FAILED.
 */
struct admin_pending *admin_defer(struct admin_call *call);
/** @param code enum admin_code. @param error why it is not ADMIN_OK, else NULL. @param data taken; may be NULL. */
void admin_finish(struct admin_pending *p, int code, const char *error, json_t *data);

/** Option as text, or NULL. */
const char *admin_opt(const struct admin_call *call, const char *name);
/** Set call->error and return code. */
int admin_error(struct admin_call *call, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** {"columns":[...],"rows":[]} from a NULL-terminated list; add rows with json_array_append_new on "rows". */
json_t *admin_table(const char *const *columns);
int admin_row(json_t *table, json_t *row);

#endif
