/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jtext - JSON text to values, with memory failures told apart from wrong text.
 *
 * Owner: the caller owns the value. Thread: any.
 */
#ifndef COMMON_JTEXT_H
#define COMMON_JTEXT_H

#include <jansson.h>

/**
 * Parse a whole text. @param ret_error may be NULL; line and text are set with -EINVAL.
 * @return 0, -EINVAL (not valid JSON), -ENOMEM.
 */
int jtext_load(const char *text, size_t len_bytes, json_t **ret_json, json_error_t *ret_error);

#endif
