/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_private - what the files of conf share; nobody else includes it.
 *
 * conf_doc.c owns documents, errors and memory; conf_scan.c finds places in the text; conf.c walks
 * field tables; conf_mix.c mixes shared values in; conf_value.c reads single values; conf_schema.c turns tables into a JSON Schema.
 */
#ifndef COMMON_CONF_PRIVATE_H
#define COMMON_CONF_PRIVATE_H

#include <stdarg.h>

#include "common/conf.h"

#define CONF_DEPTH_MAX 16
#define CONF_LIST_MAX 4096  /* items, unless the field says another number */
#define CONF_STRING_MAX 255 /* bytes, likewise */
#define CONF_NAME_MAX 63    /* bytes */
#define CONF_PATH_BYTES 320
#define CONF_NAME_RULE "1 to 63 of A-Z a-z 0-9 _ . -, starting with a letter or digit"

struct conf_block;

struct conf_doc {
	char *name; /* of the file, for errors */
	char *text; /* kept to find the line of an error */
	size_t len_bytes;
	json_t *json;
	json_t *defaults; /* lists made from default texts: what was read may point into them */
	json_t *origins;  /* path of a mixed value: path where it was written (conf_mix.c) */
	struct conf_block *blocks;
};

/* "peers.bnet.sources[2]"; what does not fit is cut off, and so is the search for its line. */
struct conf_path {
	char text[CONF_PATH_BYTES];
	size_t len_bytes;
};

struct conf_reader {
	struct conf_doc *doc;
	struct conf_error *err;
	struct conf_path path;
};

/** Go down. @return what conf_path_cut needs to come back. */
size_t conf_path_key(struct conf_path *p, const char *key);
size_t conf_path_index(struct conf_path *p, size_t i);
void conf_path_cut(struct conf_path *p, size_t len_bytes);

/** Where a value was written that may have been mixed in. */
void conf_mix_origin(const struct conf_doc *d, const char *path, struct conf_path *ret);

/** Line of a path in valid JSON text, or of the last part of it that is there. */
unsigned conf_scan_line(const char *text, size_t len_bytes, const char *path);
/** @return 0, -EEXIST (key at ret_path is there twice), -ELOOP (too deep), -ENOMEM; the line is set then. */
int conf_scan_check(const char *text, size_t len_bytes, struct conf_path *ret_path,
		    unsigned *ret_line);

/** Write "NAME:LINE: path: text", made safe to show, unless there is an error already. */
void conf_set_error(struct conf_error *err, const char *name, unsigned line, const char *path,
		    const char *text);

/** "must be WHAT, not VALUE". @return -EINVAL. */
int conf_expect(struct conf_reader *r, const struct conf_field *f, const json_t *value);
/** Read one value that is neither object nor list of objects. @return 0, -EINVAL. */
int conf_value_read(struct conf_reader *r, const struct conf_field *f, const json_t *value,
		    void *out);
bool conf_name_ok(const char *name);
/** Bytes a field takes in its struct; 0: unknown (CUSTOM without item_bytes). */
size_t conf_value_bytes(const struct conf_field *f);
/** Limits with their defaults filled in. */
uint32_t conf_value_max(const struct conf_field *f);

/** A default as a JSON value (new reference), NULL when out of memory. */
json_t *conf_default_json(const struct conf_field *f);

#endif
