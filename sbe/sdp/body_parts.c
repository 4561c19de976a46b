/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sdp/body_parts.h"

#include <errno.h>
#include <string.h>

enum delimiter { DELIMITER_NONE, DELIMITER_NEXT, DELIMITER_LAST };

/* Line without its end, and where the next one begins. */
static struct body_text line_at(struct body_text body, uint32_t off, uint32_t *ret_next)
{
	const char *lf = memchr(body.at + off, '\n', body.len - off);
	struct body_text line = {.at = body.at + off,
				 .len = lf ? (uint32_t)(lf - body.at) - off : body.len - off};

	*ret_next = lf ? (uint32_t)(lf - body.at) + 1 : body.len;
	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static enum delimiter kind_of(struct body_text line, struct body_text boundary)
{
	enum delimiter kind = DELIMITER_NEXT;

	if (line.len < boundary.len + 2 || line.at[0] != '-' || line.at[1] != '-' ||
	    memcmp(line.at + 2, boundary.at, boundary.len) != 0)
		return DELIMITER_NONE;
	line.at += boundary.len + 2;
	line.len -= boundary.len + 2;
	if (line.len >= 2 && line.at[0] == '-' && line.at[1] == '-') {
		line.at += 2;
		line.len -= 2;
		kind = DELIMITER_LAST;
	}
	return body_text_trim(line).len ? DELIMITER_NONE : kind;
}

/* Head and body of what stands between two delimiter lines. */
static struct body_piece piece_of(struct body_text all)
{
	struct body_piece p = {.head = {.at = all.at}};
	uint32_t off = 0, next;

	if (all.len && all.at[all.len - 1] == '\n')
		all.len--;
	if (all.len && all.at[all.len - 1] == '\r')
		all.len--;
	while (off < all.len) {
		struct body_text line = line_at(all, off, &next);

		if (!line.len) {
			p.body = (struct body_text){.at = all.at + next, .len = all.len - next};
			return p;
		}
		off = next;
		p.head.len = off;
	}
	p.body = (struct body_text){.at = all.at + all.len};
	return p;
}

static bool only_blank(struct body_text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.at[i] != '\r' && t.at[i] != '\n')
			return false;
	}
	return true;
}

int body_parts_split(struct body_text body, struct body_text boundary, struct body_parts *ret_parts)
{
	struct body_parts p = {0};
	uint32_t next, start = 0;
	bool inside = false;

	for (uint32_t off = 0; off < body.len; off = next) {
		enum delimiter kind = kind_of(line_at(body, off, &next), boundary);

		if (kind == DELIMITER_NONE)
			continue;
		if (!inside && !only_blank((struct body_text){.at = body.at, .len = off}))
			p.outside = true;
		if (inside && p.n == BODY_MAX_PARTS)
			return -EBADMSG;
		if (inside)
			p.part[p.n++] = piece_of(
				(struct body_text){.at = body.at + start, .len = off - start});
		inside = true;
		start = next;
		if (kind == DELIMITER_LAST) {
			p.outside |= !only_blank(
				(struct body_text){.at = body.at + next, .len = body.len - next});
			if (!p.n)
				return -EBADMSG;
			*ret_parts = p;
			return 0;
		}
	}
	return -EBADMSG;
}

bool body_parts_header(struct body_text *head, struct body_text *ret_line,
		       struct body_text *ret_name, struct body_text *ret_value)
{
	struct body_text value;
	uint32_t end = 0, next;
	const char *colon;

	if (!head->len)
		return false;
	line_at(*head, 0, &next);
	end = next;
	while (end < head->len && (head->at[end] == ' ' || head->at[end] == '\t')) {
		line_at(*head, end, &next); /* RFC 5322 2.2.3: it goes on */
		end = next;
	}
	*ret_line = (struct body_text){.at = head->at, .len = end};
	*head = (struct body_text){.at = head->at + end, .len = head->len - end};
	value = *ret_line;
	colon = memchr(value.at, ':', value.len);
	*ret_name = (struct body_text){.at = value.at};
	*ret_value = (struct body_text){.at = value.at + value.len};
	if (!colon)
		return true;
	ret_name->len = (uint32_t)(colon - value.at);
	*ret_name = body_text_trim(*ret_name);
	value = (struct body_text){.at = colon + 1,
				   .len = value.len - (uint32_t)(colon + 1 - value.at)};
	while (value.len && (value.at[value.len - 1] == '\n' || value.at[value.len - 1] == '\r' ||
			     value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\t'))
		value.len--;
	while (value.len &&
	       (*value.at == ' ' || *value.at == '\t' || *value.at == '\r' || *value.at == '\n')) {
		value.at++;
		value.len--;
	}
	*ret_value = value;
	return true;
}
