/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdr_text - writes one record as a JSON object straight into a buffer.
 *
 * A record is some forty members written once and never looked at again: building a tree of JSON values for it took
 * a third of all the CPU a call cost. Members come in the order they are put.
 * Owner: the caller's buffer. Overflow is remembered: see err. Thread: any.
 */
#ifndef SBE_CDR_CDR_TEXT_H
#define SBE_CDR_CDR_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define CDR_TEXT_BYTES 16384 /* a record with all streams is about half of it */

struct cdr_text {
	char *buf;
	size_t size_bytes, len_bytes;
	int err; /* 0, -EMSGSIZE */
};

/** Begin an object. */
void cdr_text_init(struct cdr_text *t, char *buf, size_t size_bytes);

/** "key":"value". NULL or empty = no member. Control characters are escaped, a byte that is no UTF-8 becomes '?'. */
void cdr_text_string(struct cdr_text *t, const char *key, const char *value);
/** "key":value */
void cdr_text_number(struct cdr_text *t, const char *key, uint64_t value);
/** "key":{ or "key":[ ; key NULL inside a list. bracket is '{' or '['. */
void cdr_text_open(struct cdr_text *t, const char *key, char bracket);
/** '}' or ']'. The outermost '}' too. */
void cdr_text_close(struct cdr_text *t, char bracket);

#endif
