/* SPDX-License-Identifier: Apache-2.0 */
/* body_text - see the header. No locale, no libc classification: peers choose the bytes. */
#include <string.h>
#include "sbe/sdp/body_text.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool body_text_same(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

bool body_text_begins(struct body_text t, const char *word)
{
	size_t len = strlen(word);

	return t.len >= len && body_text_same(t.at, word, len);
}

bool body_text_equal(struct body_text a, struct body_text b)
{
	return a.len == b.len && body_text_same(a.at, b.at, a.len);
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

struct body_text body_text_word(struct body_text *rest)
{
	struct body_text word;

	while (rest->len && blank(*rest->at)) {
		rest->at++;
		rest->len--;
	}
	word = (struct body_text){.at = rest->at, .len = 0};
	while (word.len < rest->len && !blank(word.at[word.len]))
		word.len++;
	if (word.len) {
		rest->at += word.len;
		rest->len -= word.len;
	}
	return word;
}

struct body_text body_text_until(struct body_text *rest, char sep)
{
	struct body_text head = *rest;
	const char *cut = rest->len ? memchr(rest->at, sep, rest->len) : NULL;

	if (!cut) {
		if (rest->len)
			rest->at += rest->len;
		rest->len = 0;
		return head;
	}
	head.len = (uint32_t)(cut - head.at);
	rest->at = cut + 1;
	rest->len -= head.len + 1;
	return head;
}

bool body_text_number(struct body_text t, uint64_t max, uint64_t *ret_number)
{
	uint64_t n = 0;

	if (!t.len)
		return false;
	for (uint32_t i = 0; i < t.len; i++) {
		unsigned digit = (unsigned)(unsigned char)t.at[i] - '0';

		if (digit > 9)
			return false;
		/* leading zeros may be any number of them; the value may not run over max */
		if (n > max / 10 || (n == max / 10 && digit > max % 10))
			return false;
		n = n * 10 + digit;
	}
	*ret_number = n;
	return true;
}

struct body_text body_text_trim(struct body_text t)
{
	while (t.len && blank(*t.at)) {
		t.at++;
		t.len--;
	}
	while (t.len && blank(t.at[t.len - 1]))
		t.len--;
	return t;
}
