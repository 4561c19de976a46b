/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jtext - guards against places where jansson 2.14 loses characters, mostly when memory ends.
 *
 * Reading: it does not look whether its token buffer could grow. When it could not, characters are
 * missing from a token, so that "127.0.0.1:5060" is read as "127.0.0.1:506" without an error, or a
 * good text is called wrong. So a text is parsed twice, and believed when it says the same twice.
 * Our texts are short and rare; a wrong port or call id is not worth the time saved.
 *
 * It also steps over some 0 bytes as if they were not there, so those are refused first.
 *
 * Printing: it ignores the answer of its callback for parts of strings. So a failure is remembered
 * here.
 */
#include "common/jtext.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/mem.h"

struct jtext_out {
	char *text;
	size_t used_bytes, size_bytes;
	bool failed;
};

static int jtext_refuse_zero(const char *text, const char *zero, json_error_t *ret_error)
{
	if (ret_error) {
		*ret_error = (json_error_t){.line = 1};
		for (; text < zero; text++)
			ret_error->line += *text == '\n';
		strcpy(ret_error->text, "a 0 byte is not allowed");
	}
	return -EINVAL;
}

int jtext_load(const char *text, size_t len_bytes, size_t flags, json_t **ret_json,
	       json_error_t *ret_error)
{
	const char *zero = memchr(text, '\0', len_bytes);
	json_t *first, *second;
	json_error_t error;

	if (zero)
		return jtext_refuse_zero(text, zero, ret_error);
	first = json_loadb(text, len_bytes, flags, &error);
	second = json_loadb(text, len_bytes, flags, first ? NULL : &error);
	if (first && second && json_equal(first, second)) {
		json_decref(second);
		*ret_json = first;
		return 0;
	}
	/* Wrong both times, with a reason: then it is the text. */
	if (!first && !second && error.text[0] &&
	    json_error_code(&error) != json_error_out_of_memory) {
		if (ret_error)
			*ret_error = error;
		return -EINVAL;
	}
	json_decref(first);
	json_decref(second);
	return -ENOMEM;
}

static int jtext_append(const char *bytes, size_t n, void *arg)
{
	struct jtext_out *o = arg;

	if (n > o->size_bytes - o->used_bytes) {
		size_t least = o->used_bytes + n, twice = 2 * o->size_bytes;
		size_t size = least > twice ? least : twice;
		char *more = o->failed ? NULL : mem_resize(o->text, size);

		if (!more) {
			o->failed = true;
			return -1;
		}
		o->text = more;
		o->size_bytes = size;
	}
	memcpy(o->text + o->used_bytes, bytes, n);
	o->used_bytes += n;
	return 0;
}

int jtext_dump(const json_t *json, size_t flags, const char *end, char **ret_text,
	       size_t *ret_len_bytes)
{
	struct jtext_out o = {.size_bytes = 0};

	if (json_dump_callback(json, jtext_append, &o, flags) ||
	    jtext_append(end, strlen(end) + 1, &o) || o.failed) {
		mem_free(o.text);
		return -ENOMEM;
	}
	*ret_text = o.text;
	*ret_len_bytes = o.used_bytes - 1;
	return 0;
}
