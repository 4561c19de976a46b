/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jtext - parses twice and believes jansson when it says the same thing twice.
 *
 * WHY: jansson 2.14 does not look whether its token buffer could grow. When it could not, characters
 * are missing from a token, so that "127.0.0.1:5060" is read as "127.0.0.1:506" without an error, or
 * a good text is called wrong. Our texts are short and rare; a wrong port or call id is not worth
 * the time saved.
 */
#include "common/jtext.h"

#include <errno.h>

int jtext_load(const char *text, size_t len_bytes, json_t **ret_json, json_error_t *ret_error)
{
	json_error_t error;
	json_t *first = json_loadb(text, len_bytes, 0, &error);
	json_t *second = json_loadb(text, len_bytes, 0, first ? NULL : &error);

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
