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

/* The long names by length: every line of every message is looked up more than once, and few names share a
 * length. A row ends with WIRE_NAME_UNKNOWN. */
#define SAME_LENGTH_MAX 8
static const uint8_t of_length[][SAME_LENGTH_MAX] = {
	[2] = {WIRE_NAME_TO},
	[3] = {WIRE_NAME_VIA},
	[4] = {WIRE_NAME_FROM, WIRE_NAME_CSEQ, WIRE_NAME_RACK, WIRE_NAME_RSEQ, WIRE_NAME_DATE},
	[5] = {WIRE_NAME_ROUTE, WIRE_NAME_ALLOW, WIRE_NAME_EVENT},
	[6] = {WIRE_NAME_MIN_SE, WIRE_NAME_SERVER, WIRE_NAME_REASON, WIRE_NAME_ACCEPT},
	[7] = {WIRE_NAME_CALL_ID, WIRE_NAME_CONTACT, WIRE_NAME_REQUIRE, WIRE_NAME_PRIVACY,
	       WIRE_NAME_EXPIRES, WIRE_NAME_SUBJECT},
	[8] = {WIRE_NAME_REFER_TO, WIRE_NAME_REPLACES, WIRE_NAME_IDENTITY},
	[9] = {WIRE_NAME_SUPPORTED},
	[10] = {WIRE_NAME_USER_AGENT},
	[11] = {WIRE_NAME_REFERRED_BY},
	[12] = {WIRE_NAME_MAX_FORWARDS, WIRE_NAME_CONTENT_TYPE, WIRE_NAME_RECORD_ROUTE,
		WIRE_NAME_ALLOW_EVENTS},
	[13] = {WIRE_NAME_PROXY_REQUIRE, WIRE_NAME_AUTHORIZATION, WIRE_NAME_IDENTITY_INFO},
	[14] = {WIRE_NAME_CONTENT_LENGTH, WIRE_NAME_ACCEPT_CONTACT, WIRE_NAME_REJECT_CONTACT},
	[15] = {WIRE_NAME_SESSION_EXPIRES},
	[16] = {WIRE_NAME_CONTENT_ENCODING},
	[19] = {WIRE_NAME_P_ASSERTED_IDENTITY, WIRE_NAME_PROXY_AUTHORIZATION,
		WIRE_NAME_CONTENT_DISPOSITION, WIRE_NAME_REQUEST_DISPOSITION},
	[20] = {WIRE_NAME_P_PREFERRED_IDENTITY},
};

static enum wire_name find_compact(char c)
{
	char letter = (char)(c | 0x20);
	for (int i = 1; i < WIRE_NAME_COUNT && c >= 'A'; i++)
		if (known[i].compact == letter)
			return (enum wire_name)i;
	return WIRE_NAME_UNKNOWN;
}

enum wire_name wire_name_find(struct wire_text name)
{
	if (name.n == 1)
		return find_compact(name.s[0]);
	if (name.n == 0 || name.n >= sizeof(of_length) / sizeof(of_length[0]))
		return WIRE_NAME_UNKNOWN;
	const uint8_t *row = of_length[name.n];
	char first = (char)(name.s[0] | 0x20); /* lower case is enough: strncasecmp decides */
	for (; *row; row++)
		if (known[*row].text[0] == first &&
		    strncasecmp(known[*row].text, name.s, name.n) == 0)
			return (enum wire_name) * row;
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
	/* Mostly there is one value: no comma at all, so no matter which ones count. */
	if (rest->n > 0 && !memchr(rest->s, ',', rest->n)) {
		struct wire_text only = wire_trim(*rest);
		rest->s += rest->n;
		rest->n = 0;
		if (only.n > 0)
			*ret_value = only;
		return only.n > 0;
	}
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

size_t wire_semicolon(struct wire_text t)
{
	const char *semi = t.n ? memchr(t.s, ';', t.n) : NULL;
	size_t n = semi ? (size_t)(semi - t.s) : t.n, i;
	bool quoted = false;

	if (!n || !memchr(t.s, '"', n)) /* as good as always */
		return n;
	for (i = 0; i < t.n; i++) {
		if (t.s[i] == '\\' && quoted)
			i++;
		else if (t.s[i] == '"')
			quoted = !quoted;
		else if (t.s[i] == ';' && !quoted)
			break;
	}
	return i < t.n ? i : t.n;
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
static const uint8_t in_token[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['-'] = 1, ['.'] = 1,
	['!'] = 1,         ['%'] = 1,         ['*'] = 1,         ['_'] = 1, ['+'] = 1,
	['`'] = 1,         ['\''] = 1,        ['~'] = 1,
};

bool wire_is_token(struct wire_text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (!in_token[(unsigned char)t.s[i]])
			return false;
	return t.n > 0;
}
