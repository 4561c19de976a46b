/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_edit - see the header.
 *
 * One walk over the lines of the received text: the session block here, the media sections in
 * body_section.c. The o= line goes in last, because its version depends on whether all the rest
 * differs from what was sent before.
 */
#include <errno.h>
#include <string.h>
#include "common/mem.h"
#include "common/text.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_writer.h"

static int check(const struct body_sdp *in, const struct body_rewrite *rw)
{
	if (rw->origin && rw->address.family == ADDR_NONE)
		return -EINVAL;
	if (!rw->media)
		return 0;
	if (rw->n_media != in->n_media)
		return -EINVAL;
	for (unsigned i = 0; i < rw->n_media; i++) {
		const struct body_stream_out *s = &rw->media[i];

		if (s->relay && !s->refused && in->media[i].port &&
		    (s->rtp.family == ADDR_NONE || !s->rtp.port))
			return -EINVAL;
	}
	return 0;
}

/* Addresses that must not show up any more: those behind the lines we replace. */
static void collect_inner(struct body_writer *w)
{
	const struct body_sdp *in = w->in;

	if (w->rw->origin)
		body_leak_add(w->inner, &in->origin.address);
	if (w->session_hidden)
		body_leak_add(w->inner, &in->address);
	for (unsigned i = 0; i < in->n_media; i++) {
		if (!body_is_hidden(w, i) || !(w->session_hidden || in->media[i].address_is_own))
			continue;
		body_leak_add(w->inner, &in->media[i].address);
		body_leak_add_ip(w->inner, &in->media[i].rtcp);
	}
	body_leak_allow_ip(w->inner, &w->rw->address);
	for (unsigned i = 0; i < in->n_media; i++) {
		if (w->rw->media)
			body_leak_allow_ip(w->inner, &w->rw->media[i].rtp);
		if (body_is_hidden(w, i))
			continue;
		/* the media of this stream goes past us: its addresses are meant to be seen */
		body_leak_allow(w->inner, &in->media[i].address);
		body_leak_allow_ip(w->inner, &in->media[i].rtcp);
	}
}

static void plan(struct body_writer *w)
{
	const struct body_sdp *in = w->in;
	unsigned passed = 0, first = 0;
	struct addr a = w->rw->address;

	for (unsigned i = 0; i < in->n_media; i++)
		w->any_relay = w->any_relay || body_is_carried(w, i);
	for (unsigned i = in->n_media; i-- > 0;) {
		if (body_is_hidden(w, i))
			first = i;
		else
			passed++;
	}
	/* The session block belongs to us when we carry something, or when nobody else's stream is left. */
	w->session_hidden = w->any_relay || (!passed && (in->n_media || a.family != ADDR_NONE));
	collect_inner(w);
	for (unsigned i = 0; i < in->n_session_lines; i++) {
		struct body_text line = body_sdp_line(in, i);

		if (in->lines[i].type != 'c' || w->received_c.at)
			continue;
		w->received_c = (struct body_text){.at = line.at + 2, .len = line.len - 2};
	}
	w->session_c = w->received_c;
	if (!w->session_hidden || !w->received_c.at)
		return;
	if (in->n_media)
		a = body_stream_address(w, first);
	w->session_c = body_print_own(&a, w->session_buf);
}

static void session_attribute(struct body_writer *w, struct body_text line)
{
	struct body_text value = {.at = line.at + 2, .len = line.len - 2};
	struct body_text name = body_text_until(&value, ':');

	if (body_is_stripped(w, name, w->rw->strip, w->rw->n_strip))
		return;
	if (w->session_hidden && (body_names_addresses(name) || body_text_is(name, "rtcp")))
		return;
	body_pass_line(w, line);
}

static void session_block(struct body_writer *w)
{
	bool c_done = false;

	for (unsigned i = 0; i < w->in->n_session_lines; i++) {
		struct body_text line = body_sdp_line(w->in, i);
		char type = w->in->lines[i].type;

		if (!type || body_is_personal(w, type))
			continue;
		if (type == 'o' && w->rw->origin) {
			w->origin_at = w->len;
		} else if (type == 'c' && w->session_hidden) {
			if (!c_done) {
				body_put(w, "c=", 2);
				body_put_line(w, w->session_c);
			}
			c_done = true;
		} else if (type == 'c') {
			body_put_line(w, line); /* not a leak: the media goes there, past us */
		} else if (type == 'a') {
			session_attribute(w, line);
		} else if (type == 's' && body_line_leaks(w, line)) {
			body_put(w, "s=-\r\n", 5);       /* the line must exist (RFC 8866 5.3) */
		} else if (type == 's' || type == 'o') { /* o= was asked to stay */
			body_put_line(w, line);
		} else {
			body_pass_line(w, line);
		}
	}
}

static void put_origin(struct body_writer *w)
{
	char line[160], where[BODY_ADDRESS_BYTES];
	struct text_out t;
	size_t len;

	w->out.origin = body_origin_next(w->rw->origin, body_origin_hash(w->buf, w->len));
	body_address_print(&w->rw->address, where, sizeof(where));
	/* username "-": the inner user's name is nobody's business (C6) */
	text_start(&t, line, sizeof(line));
	text_add(&t, "o=- ");
	text_add_number(&t, w->out.origin.sess_id);
	text_add(&t, " ");
	text_add_number(&t, w->out.origin.version);
	text_add(&t, " ");
	text_add(&t, where);
	text_add(&t, "\r\n");
	len = t.len_bytes;
	if (!body_room(w, len))
		return;
	memmove(w->buf + w->origin_at + len, w->buf + w->origin_at, w->len - w->origin_at);
	memcpy(w->buf + w->origin_at, line, len);
	w->len += len;
}

int body_sdp_write(const struct body_sdp *in, const struct body_rewrite *rw,
		   struct body_written *ret_out)
{
	struct body_leak_set inner;
	struct body_writer w = {.in = in, .rw = rw, .inner = &inner};
	unsigned blank;
	int err = check(in, rw);

	if (err)
		return err;
	body_leak_clear(&inner);
	w.cap = in->len_bytes + in->n_lines + 256 + 128 * (size_t)in->n_media;
	w.buf = mem_buffer(w.cap);
	if (!w.buf)
		return -ENOMEM;
	plan(&w);
	session_block(&w);
	for (unsigned i = 0; i < in->n_media; i++)
		body_section_write(&w, i);
	/* Blank lines at the end are no SDP; they only stay in a text that is not ours. */
	for (blank = in->n_lines; !rw->origin && blank > 0 && !in->lines[blank - 1].type;)
		blank--;
	for (; !rw->origin && blank < in->n_lines; blank++)
		body_put_line(&w, body_sdp_line(in, blank));
	if (rw->origin && !w.failed)
		put_origin(&w);
	if (!body_room(&w, 1)) {
		mem_free(w.buf);
		return -ENOMEM;
	}
	w.buf[w.len] = 0;
	w.out.text = w.buf;
	w.out.len_bytes = w.len;
	*ret_out = w.out;
	return 0;
}
