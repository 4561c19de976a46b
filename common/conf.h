/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf - JSON configuration read through field tables: one table is parser, default, check and doc.
 *
 * Keys that start with '#' are comments anywhere. Unknown and duplicate keys are errors. Every error
 * names FILE:LINE: path.to.key: what is wrong, what is allowed - and nothing has been changed then.
 * Owner: strings and arrays written into a struct by conf_read belong to the document and live until
 * conf_doc_free; a snapshot keeps its document. Thread: any one.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define CONF_FILE_MAX_BYTES (16U * 1024 * 1024)

struct conf_doc;

/** Collects the text of the first error. */
struct conf_error {
	char text[512];
};

enum conf_type {
	CONF_BOOL,     /* bool */
	CONF_UINT,     /* uint32_t, min..max */
	CONF_STRING,   /* const char *, at most max bytes (0 = 255) */
	CONF_NAME,     /* const char *: 1-63 of [A-Za-z0-9_.-], starting with a letter or digit */
	CONF_ENUM,     /* int: index into words[] */
	CONF_ADDR,     /* struct addr, "ip:port" (port needed if min = 1) */
	CONF_IP,       /* struct addr, no port */
	CONF_PREFIX,   /* struct addr_prefix */
	CONF_RANGE,    /* struct conf_range, "16384-20479" (ports) */
	CONF_STRINGS,  /* struct conf_list of const char * */
	CONF_PREFIXES, /* struct conf_list of struct addr_prefix */
	CONF_OBJECT,   /* embedded struct, read with .fields */
	CONF_ARRAY,    /* struct conf_list of structs of .item_bytes, each read with .fields */
	CONF_MAP, /* struct conf_list of structs; .fields; the key is stored as const char * in the FIRST member and obeys NAME */
	CONF_CUSTOM, /* .custom is called with the JSON value */
};

struct conf_range {
	uint32_t low, high;
};
struct conf_list {
	void *items; /* array of n items, in file order */
	size_t n;
};

struct conf_reader;
/** Custom parser: writes into out. On failure call conf_fail and return its value. */
typedef int(conf_custom_h)(struct conf_reader *r, const json_t *value, void *out);
/** Check of a whole object after its fields are read (cross-field rules). Same error rule. */
typedef int(conf_check_h)(struct conf_reader *r, void *object);

struct conf_field {
	const char *key;
	enum conf_type type;
	size_t offset; /* offsetof in the target struct */
	bool required;
	uint32_t min, max; /* UINT value, STRING bytes, lists: number of items (max 0 = 4096) */
	/* default as text: "10", "true", word of an enum; lists as JSON: "[\"PCMA\"]"; NULL = zero/empty */
	const char *def;
	const char *const *words;        /* ENUM: NULL-terminated */
	const struct conf_field *fields; /* OBJECT, ARRAY, MAP: NULL-key-terminated table */
	size_t item_bytes; /* ARRAY, MAP: of one item; CUSTOM: of the member, so that it is zeroed */
	conf_custom_h *custom;
	conf_check_h *check; /* OBJECT, ARRAY, MAP: after each object that is there */
	const char *text;    /* one sentence for the reference and the schema */
};
/* clang-format off */
#define CONF_END {.key = NULL}
/* clang-format on */

/** Load a file / parse text (name is used in errors). @return 0 or -errno with err->text set. */
int conf_load(const char *path, struct conf_doc **ret_doc, struct conf_error *err);
int conf_parse(const char *name, const char *text, size_t len_bytes, struct conf_doc **ret_doc,
	       struct conf_error *err);
void conf_doc_free(struct conf_doc *d);

/**
 * Read the whole document into out (all members that are in the table are zeroed first). An OBJECT that is absent and
 * not required gets the defaults of its fields: what is required in it is not asked for, its check is not called.
 * @return 0, -EINVAL with err set, -ENOMEM.
 */
int conf_read(struct conf_doc *d, const struct conf_field *fields, void *out,
	      struct conf_error *err);

/* Values that an object gets where it has none itself. */
struct conf_layer {
	const char *path;     /* where they stand, for errors: "federations.eu.rules" */
	const json_t *values; /* an object of the same document, or NULL */
};
/**
 * Before conf_read: put layers under the object `name` of the map `map`. Its own members stand, objects are mixed member
 * by member, lists are values; errors in what was mixed in are shown where it was written.
 * @return 0, -EINVAL with err set: two layers differ in what the object does not say, -ENOMEM.
 */
int conf_mix(struct conf_doc *d, const char *map, const char *name, const struct conf_layer *layers,
	     size_t nlayers, struct conf_error *err);

/** Inside custom and check handlers: report "FILE:LINE: path: text". key may name a member below ("cps", "to[1].peer"),
 *  or be NULL. @return -EINVAL. */
int conf_fail(struct conf_reader *r, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Inside handlers: memory that lives with the document. @return NULL when out of memory. */
void *conf_alloc(struct conf_reader *r, size_t size_bytes);

/** After conf_read: error for a dotted path ("peers.bnet.realm"), for checks across objects. @return -EINVAL. */
int conf_fail_at(const struct conf_doc *d, const char *path, struct conf_error *err,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** JSON Schema (draft 2020-12) of a table. Caller owns the reference. */
json_t *conf_schema(const struct conf_field *fields, const char *title);
/** The document as read, comments removed (for `config show`). Borrowed. Secrets are the caller's to mask. */
const json_t *conf_json(const struct conf_doc *d);

#endif
