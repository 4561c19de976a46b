/* SPDX-License-Identifier: Apache-2.0 */
/* body_writer - see the header: output, and the questions that decide about a line. */
#include <string.h>
#include "common/mem.h"
#include "sbe/sdp/body_writer.h"

bool body_room(struct body_writer *w, size_t more)
{
	size_t cap = w->cap * 2;
	char *bigger;

	if (w->failed)
		return false;
	if (w->cap - w->len > more)
		return true;
	while (cap - w->len <= more)
		cap *= 2;
	bigger = mem_resize(w->buf, cap);
	if (!bigger) {
		w->failed = true;
		return false;
	}
	w->buf = bigger;
	w->cap = cap;
	return true;
}

void body_put(struct body_writer *w, const char *bytes, size_t len)
{
	if (!body_room(w, len) || !len)
		return;
	memcpy(w->buf + w->len, bytes, len);
	w->len += len;
}

void body_put_text(struct body_writer *w, struct body_text t)
{
	body_put(w, t.at, t.len);
}

void body_put_line(struct body_writer *w, struct body_text line)
{
	body_put_text(w, line);
	body_put(w, "\r\n", 2);
}

void body_put_word(struct body_writer *w, const char *word)
{
	body_put(w, word, strlen(word));
}

void body_put_number(struct body_writer *w, unsigned number)
{
	char digits[12];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	body_put(w, digits + at, sizeof(digits) - at);
}

bool body_is_hidden(const struct body_writer *w, unsigned i)
{
	const struct body_stream_out *s;

	if (!w->rw->media)
		return false;
	s = &w->rw->media[i];
	/* a switched-off stream still names an address; it must not be the hole in a relayed session */
	return s->relay || s->refused || (w->any_relay && !w->in->media[i].port);
}

bool body_is_carried(const struct body_writer *w, unsigned i)
{
	const struct body_stream_out *s = w->rw->media ? &w->rw->media[i] : NULL;

	return s && s->relay && !s->refused && w->in->media[i].port;
}

static struct addr any_of(uint8_t family)
{
	return (struct addr){.family = family == ADDR_V6 ? ADDR_V6 : ADDR_V4};
}

/* Our address for a hidden stream's c= line. */
struct addr body_stream_address(const struct body_writer *w, unsigned i)
{
	const struct body_stream_out *s = &w->rw->media[i];

	if (body_is_carried(w, i)) {
		bool hold = w->in->media[i].hold_zero && !s->hold_modern;

		return hold ? any_of(s->rtp.family) : s->rtp;
	}
	if (w->rw->address.family != ADDR_NONE)
		return w->rw->address;
	for (unsigned k = 0; k < w->rw->n_media; k++) {
		if (body_is_carried(w, k))
			return w->rw->media[k].rtp;
	}
	return any_of(ADDR_V4);
}

struct body_text body_print_own(const struct addr *a, char *buf)
{
	return (struct body_text){.at = buf,
				  .len = (uint32_t)body_address_print(a, buf, BODY_ADDRESS_BYTES)};
}

static bool in_list(struct body_text name, const char *const *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		size_t len;

		/* the first letter tells nearly always (the lists are lower case) */
		if (name.len && list[i][0] != '*' && (name.at[0] | 0x20) != (list[i][0] | 0x20))
			continue;
		len = strlen(list[i]);
		if (len && list[i][len - 1] == '*') { /* "ice-*" */
			struct body_text head = {.at = list[i], .len = (uint32_t)len - 1};
			struct body_text front = {.at = name.at, .len = head.len};

			if (name.len >= head.len && body_text_equal(front, head))
				return true;
		} else if (body_text_is(name, list[i])) {
			return true;
		}
	}
	return false;
}

/* Attributes that exist to name addresses. They describe the inner side of a relay: nobody outside can use
 * them, and ICE is either left alone or ended here, never mixed (RFC 7584 4). */
bool body_names_addresses(struct body_text name)
{
	static const char *const list[] = {"candidate", "end-of-candidates", "remote-candidates",
					   "ice-*",     "source-filter",     "altc",
					   "ccap"};

	return in_list(name, list, sizeof(list) / sizeof(list[0]));
}

/* Count a line that names an inner address. @return true: it must go. */
bool body_line_leaks(struct body_writer *w, struct body_text line)
{
	if (!body_leak_in(w->inner, line))
		return false;
	if (!w->out.leaks++) {
		size_t n = line.len < sizeof(w->out.first_leak) - 1 ? line.len
								    : sizeof(w->out.first_leak) - 1;

		for (size_t i = 0; i < n; i++)
			w->out.first_leak[i] =
				line.at[i] >= ' ' && line.at[i] < 127 ? line.at[i] : '?';
	}
	return w->rw->strip_leaks;
}

void body_pass_line(struct body_writer *w, struct body_text line)
{
	if (!body_line_leaks(w, line))
		body_put_line(w, line);
}

bool body_is_stripped(struct body_writer *w, struct body_text name, const char *const *list,
		      unsigned n)
{
	if (!in_list(name, list, n))
		return false;
	w->out.stripped++;
	return true;
}

bool body_is_personal(const struct body_writer *w, char type)
{
	return w->rw->hide && (type == 'u' || type == 'e' || type == 'p');
}
