/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_screen.h"

#include <errno.h>
#include <string.h>

#include "sbe/call/call_loop.h"
#include "sbe/sip/wire_line.h"

#define ACCEPT "Accept: application/sdp, multipart/mixed\r\n"
#define ACCEPT_ENCODING "Accept-Encoding: identity\r\n"

/* ---- numbers ---- */

const struct call_screened *call_screen_numbers(const struct wire_msg *m)
{
	static const struct call_screened breadth = {400, "Bad Max-Breadth", "max_breadth", NULL,
						     NULL};

	return call_breadth(m) == -EINVAL ? &breadth : NULL;
}

/* ---- how far ---- */

const struct call_screened *call_screen_hops(const uint64_t secret[2], uint64_t key,
					     const struct wire_msg *m)
{
	static const struct call_screened hops = {483, NULL, "too_many_hops", NULL, NULL},
					  breadth = {440, NULL, "max_breadth", NULL, NULL},
					  loop = {482, NULL, "loop", NULL, NULL};

	if (wire_max_forwards(m) == 0)
		return &hops;
	if (call_breadth(m) == 0)
		return &breadth;
	return call_loop_found(secret, key, m) ? &loop : NULL;
}

/* ---- content ---- */

/* A value of a list without its parameters. */
static struct wire_text word_of(struct wire_text value)
{
	const char *semicolon = memchr(value.s, ';', value.n);

	if (semicolon)
		value.n = (size_t)(semicolon - value.s);
	return wire_trim(value);
}

/* Is one of these words in any line of the header? */
static bool lists(const struct wire_msg *m, const char *canonical, const char *const *words)
{
	struct wire_text rest, value;
	struct wire_header h;

	for (void *it = NULL; wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, canonical))
			continue;
		rest = h.value;
		while (wire_list_next(&rest, &value)) {
			for (size_t i = 0; words[i]; i++) {
				if (wire_text_is_nocase(word_of(value), words[i]))
					return true;
			}
		}
	}
	return false;
}

bool call_screen_encoded(const struct wire_msg *m)
{
	struct wire_text rest, value;
	struct wire_header h;

	if (!wire_body(m).n || !wire_header_find(m, "content-encoding", &h))
		return false;
	rest = h.value;
	while (wire_list_next(&rest, &value)) {
		if (!wire_text_is_nocase(word_of(value), "identity"))
			return true;
	}
	return false;
}

/* Without an Accept it takes session descriptions (RFC 3261 20.1). */
static bool takes_sdp(const struct wire_msg *m)
{
	static const char *const words[] = {"application/sdp", "application/*", "*/*", NULL};
	struct wire_header h;

	return !wire_header_find(m, "accept", &h) || lists(m, "accept", words);
}

const struct call_screened *call_screen_content(const struct wire_msg *m)
{
	static const struct call_screened no_sdp = {406, NULL, "accept", NULL, NULL},
					  encoded = {415, NULL, "body_encoding", NULL,
						     ACCEPT_ENCODING};

	if (!takes_sdp(m))
		return &no_sdp;
	return call_screen_encoded(m) && !call_screen_optional(m) ? &encoded : NULL;
}

const char *call_screen_taken(const struct wire_msg *m)
{
	return call_screen_encoded(m) ? ACCEPT_ENCODING : ACCEPT;
}

bool call_screen_optional(const struct wire_msg *m)
{
	struct wire_text v;
	struct wire_header h;
	const char *params;

	if (!wire_header_find(m, "content-disposition", &h))
		return false;
	params = memchr(h.value.s, ';', h.value.n);
	return params &&
	       wire_param(
		       (struct wire_text){params + 1, (size_t)(h.value.s + h.value.n - params - 1)},
		       "handling", &v) &&
	       wire_text_is_nocase(v, "optional");
}
