/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jtext - JSON text to values and back, right or not at all when memory ends.
 *
 * Owner: the caller owns values (json_decref) and texts (mem_free). Thread: any.
 */
#ifndef COMMON_JTEXT_H
#define COMMON_JTEXT_H

#include <jansson.h>
#include <stddef.h>

/**
 * Parse a whole text. @param flags of jansson, e.g. JSON_DECODE_ANY. @param ret_error may be NULL; line and text are set with -EINVAL.
 * @return 0, -EINVAL (not valid JSON), -ENOMEM.
 */
int jtext_load(const char *text, size_t len_bytes, size_t flags, json_t **ret_json,
	       json_error_t *ret_error);

/**
 * Print a value. @param flags of jansson, e.g. JSON_COMPACT. @param end is put behind it, e.g. "\n".
 * @return 0 and a text that ends with a 0 (not counted in the length), or -ENOMEM.
 */
int jtext_dump(const json_t *json, size_t flags, const char *end, char **ret_text,
	       size_t *ret_len_bytes);

#endif
