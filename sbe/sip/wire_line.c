/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sip/wire_line.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct known {
	const char *text;
	uint8_t len;
	char compact;
	bool vital;
} known[WIRE_NAME_COUNT] = {[WIRE_NAME_UNKNOWN] = {NULL, 0, 0, false},
#define NAME_ROW(id, text, compact, vital) [id] = {text, sizeof(text) - 1, compact, vital},
			    WIRE_NAMES(NAME_ROW)
#undef NAME_ROW
};

enum wire_name wire_name_find(struct wire_text name)
{
	if (name.n == 0)
		return WIRE_NAME_UNKNOWN;
	char first = (char)(name.s[0] | 0x20); /* lower case is enough: strncasecmp decides */
	for (int i = 1; i < WIRE_NAME_COUNT; i++) {
		if (name.n == 1) {
			if (known[i].compact == first && name.s[0] >= 'A')
				return (enum wire_name)i;
			continue;
		}
		if (known[i].len == name.n && known[i].text[0] == first &&
		    strncasecmp(known[i].text, name.s, name.n) == 0)
			return (enum wire_name)i;
	}
	return WIRE_NAME_UNKNOWN;
}

const char *wire_name_text(enum wire_name id)
{
	return (unsigned)id < WIRE_NAME_COUNT ? known[id].text : NULL;
}

bool wire_name_is_vital(enum wire_name id)
{
	return (unsigned)id < WIRE_NAME_COUNT && known[id].vital;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct wire_text wire_trim(struct wire_text t)
{
	while (t.n > 0 && is_space(t.s[0])) {
		t.s++;
		t.n--;
	}
	while (t.n > 0 && is_space(t.s[t.n - 1]))
		t.n--;
	return t;
}

/* Length of the logical line at s with its folds and its line end; *ret_text without that end. */
static size_t line_length(const char *s, size_t n, size_t *ret_text, bool *ret_folded)
{
	size_t at = 0;
	*ret_folded = false;
	for (;;) {
		const char *lf = memchr(s + at, '\n', n - at);
		if (!lf) {
			*ret_text = n;
			return n;
		}
		at = (size_t)(lf - s) + 1;
		/* RFC 3261 7.3.1: a line that starts with white space continues the one before. */
		if (at < n && (s[at] == ' ' || s[at] == '\t')) {
			*ret_folded = true;
			continue;
		}
		size_t text = at - 1;
		if (text > 0 && s[text - 1] == '\r')
			text--;
		*ret_text = text;
		return at;
	}
}

bool wire_line_next(struct wire_text *rest, struct wire_line *ret_line)
{
	if (rest->n == 0) {
		rest->s = NULL;
		return false;
	}
	size_t text;
	bool folded;
	size_t whole = 0;
	/* The empty line ends the headers even when the body starts with white space. */
	if (rest->s[0] == '\n')
		whole = 1;
	else if (rest->n > 1 && rest->s[0] == '\r' && rest->s[1] == '\n')
		whole = 2;
	if (whole > 0) {
		rest->s += whole;
		rest->n -= whole;
		return false;
	}
	whole = line_length(rest->s, rest->n, &text, &folded);
	struct wire_line l = {.line = {rest->s, text}, .folded = folded};
	rest->s += whole;
	rest->n -= whole;

	const char *colon = memchr(l.line.s, ':', l.line.n);
	if (colon) {
		l.name.s = l.line.s;
		l.name.n = (size_t)(colon - l.line.s);
		/* HCOLON = *( SP / HTAB ) ":" SWS: "Name :" is the same header as "Name:". */
		while (l.name.n > 0 &&
		       (l.name.s[l.name.n - 1] == ' ' || l.name.s[l.name.n - 1] == '\t'))
			l.name.n--;
		struct wire_text value = {colon + 1, l.line.n - (size_t)(colon + 1 - l.line.s)};
		l.value = wire_trim(value);
		l.id = wire_name_find(l.name);
	}
	*ret_line = l;
	return true;
}

bool wire_list_next(struct wire_text *rest, struct wire_text *ret_value)
{
	while (rest->n > 0) {
		bool quoted = false, bracket = false;
		size_t i;
		for (i = 0; i < rest->n; i++) {
			char c = rest->s[i];
			if (quoted) {
				if (c == '\\' && i + 1 < rest->n)
					i++;
				else if (c == '"')
					quoted = false;
			} else if (c == '"') {
				quoted = true;
			} else if (c == '<') {
				bracket = true;
			} else if (c == '>') {
				bracket = false;
			} else if (c == ',' && !bracket) {
				break;
			}
		}
		struct wire_text value = wire_trim((struct wire_text){rest->s, i});
		size_t used = i < rest->n ? i + 1 : i;
		rest->s += used;
		rest->n -= used;
		if (value.n > 0) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

int wire_number(struct wire_text value, uint32_t max, uint32_t *ret_number)
{
	struct wire_text t = wire_trim(value);
	uint64_t number = 0;
	if (t.n == 0)
		return -EINVAL;
	bool over = false;
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return -EINVAL;
		number = number * 10 + (uint64_t)(t.s[i] - '0');
		if (number > max) {
			over = true;
			number = max;
		}
	}
	if (over)
		return -ERANGE;
	*ret_number = (uint32_t)number;
	return 0;
}

/* alphanum and - . ! % * _ + ` ' ~ */
static const uint32_t token_bits[8] = {
	[1] = 0x03FF6CA2U, /* ! % ' * + - . 0-9 */
	[2] = 0x87FFFFFEU, /* A-Z _ */
	[3] = 0x47FFFFFFU, /* ` a-z ~ */
};

bool wire_is_token(struct wire_text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.s[i];
		if (!(token_bits[c >> 5] >> (c & 31) & 1U))
			return false;
	}
	return t.n > 0;
}
