/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_text - makes any bytes safe to show: one line, no terminal commands, valid UTF-8.
 *
 * Pure functions. Thread: any.
 */
#ifndef COMMON_LOG_TEXT_H
#define COMMON_LOG_TEXT_H

#include <stddef.h>

/**
 * Append text to buf, from used_bytes on, with control characters, invalid UTF-8 and characters
 * that change the direction of text written as \xNN (line ends and tabs as \n \r \t). What does not
 * fit is left out at a character's edge and marked with "...". No 0 byte is appended.
 * @return the new number of bytes used, at most size_bytes.
 */
size_t log_text_append(char *buf, size_t size_bytes, size_t used_bytes, const char *text,
		       size_t len_bytes);

#endif
