/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_sdp - see the header.
 *
 * The text is cut into lines, m= lines and formats are counted, and what is over a limit is refused; so one
 * block of the right size holds everything. Then the lines are read into it.
 */
#include <errno.h>
#include <string.h>
#include "common/mem.h"
#include "sbe/sdp/body_media.h"
#include "sbe/sdp/body_sdp.h"

struct counts {
	unsigned lines, media, formats;
};

/* Where the next line is, and its text without the end. */
static struct body_text next_line(const char *text, size_t len, size_t *off)
{
	const char *at = text + *off;
	const char *end = memchr(at, '\n', len - *off);
	struct body_text line = {.at = at};

	line.len = (uint32_t)(end ? (size_t)(end - at) : len - *off);
	*off += line.len + (end ? 1 : 0);
	/* the CR of CRLF; also that of a last line which was cut between CR and LF */
	if (line.len && at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int refuse(const char *why, int error, const char **ret_why)
{
	if (ret_why)
		*ret_why = why;
	return error;
}

/* Is the rest of the text nothing but line ends? */
static bool only_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\r' && text[i] != '\n')
			return false;
	}
	return true;
}

static int check_line(struct body_text line, const char **ret_why)
{
	if (line.len > BODY_MAX_LINE_BYTES)
		return refuse("a line is too long", -E2BIG, ret_why);
	if (line.len < 2 || !letter(line.at[0]) || line.at[1] != '=')
		return refuse("a line is not of the form x=value", -EBADMSG, ret_why);
	/* Other parsers may take a CR alone for a line end and see lines that we did not. */
	if (memchr(line.at, '\r', line.len))
		return refuse("a CR stands inside a line", -EBADMSG, ret_why);
	return 0;
}

static unsigned count_words(struct body_text t)
{
	unsigned n = 0;

	while (body_text_word(&t).len)
		n++;
	return n;
}

static int count(const char *text, size_t len, struct counts *n, struct body_line *lines,
		 const char **ret_why)
{
	bool tail = false; /* in the blank lines at the end: nothing else follows */

	if (memchr(text, 0, len))
		return refuse("a NUL byte is in the text", -EBADMSG, ret_why);
	for (size_t off = 0; off < len;) {
		size_t start = off;
		struct body_text line = next_line(text, len, &off);
		struct body_line *at = &lines[n->lines];
		int err;

		if (++n->lines > BODY_MAX_LINES)
			return refuse("too many lines", -E2BIG, ret_why);
		*at = (struct body_line){.off = (uint32_t)start, .len = (uint16_t)line.len};
		tail = tail || (!line.len && only_blank(text + start, len - start));
		if (tail)
			continue;
		err = check_line(line, ret_why);
		if (err)
			return err;
		at->type = line.at[0];
		if (line.at[0] != 'm')
			continue;
		if (++n->media > BODY_MAX_MEDIA)
			return refuse("too many m= lines", -E2BIG, ret_why);
		n->formats += count_words(line);
	}
	return 0;
}

/* One block: the struct, then its arrays by falling alignment, then the text. */
struct build {
	struct body_sdp *sdp;
	struct body_media *media;
	struct body_format *formats; /* the next free one */
	struct body_line *lines;
	struct body_media_reader reader;
	bool has_origin, has_fingerprint, has_ufrag;
};

static int allocate(struct build *b, const struct counts *n, const struct body_line *lines,
		    const char *text, size_t len)
{
	size_t at_media = sizeof(struct body_sdp);
	size_t at_formats = at_media + n->media * sizeof(struct body_media);
	size_t at_lines = at_formats + n->formats * sizeof(struct body_format);
	size_t at_text = at_lines + n->lines * sizeof(struct body_line);
	char *block;

	_Static_assert(sizeof(struct body_sdp) % 8 == 0 && sizeof(struct body_media) % 8 == 0 &&
			       sizeof(struct body_format) % 8 == 0,
		       "arrays follow each other in one block");
	block = mem_zalloc(at_text + len + 1, NULL);
	if (!block)
		return -ENOMEM;
	b->sdp = (struct body_sdp *)(void *)block;
	b->media = (struct body_media *)(void *)(block + at_media);
	b->formats = (struct body_format *)(void *)(block + at_formats);
	b->lines = (struct body_line *)(void *)(block + at_lines);
	memcpy(b->lines, lines, n->lines * sizeof(*lines));
	memcpy(block + at_text, text, len);
	b->sdp->text = block + at_text;
	b->sdp->len_bytes = len;
	b->sdp->lines = b->lines;
	b->sdp->media = b->media;
	b->sdp->written = BODY_SENDRECV;
	return 0;
}

/* o=username sess-id version IN IP4 address. Read from the right: some put spaces into the username. */
static const char *read_origin(struct build *b, struct body_text value)
{
	struct body_origin_line *o = &b->sdp->origin;
	struct body_text words[6], rest = value, last = {0};
	unsigned n = 0;

	if (b->has_origin)
		return "more than one o= line";
	b->has_origin = true;
	for (struct body_text w; (w = body_text_word(&rest)).len; n++) {
		if (n >= 6)
			memmove(words, words + 1, 5 * sizeof(words[0]));
		words[n < 6 ? n : 5] = w;
		last = w;
	}
	if (n < 6)
		return "o= line with too few fields";
	o->username = body_text_trim(
		(struct body_text){.at = value.at, .len = (uint32_t)(words[1].at - value.at)});
	o->sess_id_text = words[1];
	o->version_text = words[2];
	o->numeric = body_text_number(words[1], UINT64_MAX, &o->sess_id) &&
		     body_text_number(words[2], UINT64_MAX, &o->version);
	if (!o->numeric)
		o->sess_id = o->version = 0;
	o->address = body_address_parse(words[3].at, (size_t)(last.at + last.len - words[3].at));
	return NULL;
}

static const char *session_line(struct build *b, char type, struct body_text value)
{
	struct body_sdp *s = b->sdp;
	struct body_text name;

	switch (type) {
	case 'v':
		return "more than one v= line";
	case 'o':
		return read_origin(b, value);
	case 's':
		if (!s->name.at)
			s->name = value;
		break;
	case 'c':
		if (s->address.state == BODY_ADDRESS_ABSENT)
			s->address = body_address_parse(value.at, value.len);
		break;
	case 'b':
		body_media_bandwidth(value, &s->as_kbps, &s->tias_bps);
		break;
	case 'a':
		name = body_text_until(&value, ':');
		body_media_direction(name, &s->written);
		b->has_fingerprint = b->has_fingerprint || body_text_is(name, "fingerprint");
		b->has_ufrag = b->has_ufrag || body_text_is(name, "ice-ufrag");
		break;
	default:
		break;
	}
	return NULL;
}

static void close_section(struct build *b)
{
	if (b->sdp->n_media)
		body_media_close(&b->reader, b->sdp, b->has_fingerprint, b->has_ufrag);
}

static const char *media_line(struct build *b, unsigned index, char type, struct body_text value)
{
	struct body_media *m;
	const char *why;

	if (type == 'm') {
		close_section(b);
		m = &b->media[b->sdp->n_media++];
		m->first_line = index;
		m->n_lines = 1;
		why = body_media_open(&b->reader, value, m, b->formats);
		b->formats += m->n_formats;
		return why;
	}
	if (type == 'o' || type == 'v')
		return "o= or v= inside a media section";
	b->media[b->sdp->n_media - 1].n_lines++;
	body_media_line(&b->reader, type, value);
	return NULL;
}

static const char *fill(struct build *b, unsigned n_lines)
{
	struct body_sdp *s = b->sdp;
	const char *why = NULL;

	while (s->n_lines < n_lines && !why) {
		struct body_line *line = &b->lines[s->n_lines];
		struct body_text t = body_sdp_line(s, s->n_lines), value = {0};

		if (line->type) /* count() saw to it that it has two bytes; blank lines have none */
			value = (struct body_text){.at = t.at + 2, .len = t.len - 2};
		if (s->n_lines == 0 && !(t.len == 3 && memcmp(t.at, "v=0", 3) == 0))
			return "the first line is not v=0";
		if (line->type && (s->n_media || line->type == 'm'))
			why = media_line(b, s->n_lines, line->type, value);
		else if (line->type && s->n_lines)
			why = session_line(b, line->type, value);
		if (!s->n_media)
			s->n_session_lines++;
		s->n_lines++;
	}
	if (why)
		return why;
	close_section(b);
	return b->has_origin ? NULL : "no o= line";
}

int body_sdp_parse(const char *text, size_t len_bytes, struct body_sdp **ret_sdp,
		   const char **ret_why)
{
	struct body_line lines[BODY_MAX_LINES];
	struct counts n = {0};
	struct build b = {0};
	const char *why;
	int err;

	if (!len_bytes)
		return refuse("empty session description", -EBADMSG, ret_why);
	if (len_bytes > BODY_MAX_BYTES)
		return refuse("session description too large", -E2BIG, ret_why);
	err = count(text, len_bytes, &n, lines, ret_why);
	if (err)
		return err;
	err = allocate(&b, &n, lines, text, len_bytes);
	if (err)
		return refuse("out of memory", err, ret_why);
	why = fill(&b, n.lines);
	if (why) {
		mem_unref(b.sdp);
		return refuse(why, -EBADMSG, ret_why);
	}
	*ret_sdp = b.sdp;
	return 0;
}

struct body_text body_sdp_line(const struct body_sdp *sdp, unsigned line)
{
	return (struct body_text){.at = sdp->text + sdp->lines[line].off,
				  .len = sdp->lines[line].len};
}

struct body_text body_sdp_attribute(const struct body_sdp *sdp, const struct body_media *m,
				    const char *name)
{
	unsigned first = m ? m->first_line : 0;
	unsigned n = m ? m->n_lines : sdp->n_session_lines;

	for (unsigned i = first; i < first + n; i++) {
		struct body_text value = body_sdp_line(sdp, i), found;

		if (sdp->lines[i].type != 'a')
			continue;
		value.at += 2;
		value.len -= 2;
		found = body_text_until(&value, ':');
		if (body_text_is(found, name))
			return value;
	}
	return (struct body_text){0};
}
