/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_section - write one media section. Interface: body_writer.h.
 *
 * Every line is kept, dropped or replaced by ours; what the received section lacks (c= of a stream
 * with another address, a=rtcp, a direction) is added where RFC 8866 5 wants it.
 */
#include <string.h>
#include "sbe/sdp/body_media.h"
#include "sbe/sdp/body_writer.h"

/* State of one media section while it is written. */
struct section {
	unsigned index;
	const struct body_media *m;
	const struct body_stream_out *s; /* never NULL */
	bool hidden, carried;            /* carried: relayed with a port */
	bool c_done, rtcp_done, direction_done;
	bool c_wanted, rtcp_wanted, direction_wanted;
	enum body_direction direction;
	uint16_t rtcp_port;
	struct body_text c;
	char c_buf[BODY_ADDRESS_BYTES];
};

static const struct body_stream_out keep_stream;

static bool payload_kept(const struct body_payloads *p, uint64_t payload)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->list[i] == payload)
			return true;
	}
	return false;
}

static const struct body_payloads *filter_of(const struct section *x)
{
	const struct body_payloads *p = x->s->payloads;

	return x->m->is_rtp && x->m->port && !x->s->refused && p && p->n ? p : NULL;
}

/* The formats, when the line cannot be copied as it is. */
static void put_formats(struct body_writer *w, const struct section *x, bool drop_leaks)
{
	const struct body_payloads *p = filter_of(x);
	unsigned written = 0;

	for (unsigned i = 0; p && i < p->n; i++) {
		if (!body_media_has_payload(x->m, p->list[i]))
			continue;
		body_put(w, " ", 1);
		body_put_number(w, p->list[i]);
		written++;
	}
	for (unsigned i = 0; !p && i < x->m->n_formats; i++) {
		if (drop_leaks && body_leak_in(w->inner, x->m->formats[i].token))
			continue;
		body_put(w, " ", 1);
		body_put_text(w, x->m->formats[i].token);
		written++;
	}
	if (!written)
		body_put(w, " *", 2); /* at least one is needed to stay an m= line */
}

static void media_m(struct body_writer *w, const struct section *x)
{
	struct body_text line = body_sdp_line(w->in, x->m->first_line);
	const char *type_end = x->m->type.at + x->m->type.len;
	const char *proto_end = x->m->proto.at + x->m->proto.len;
	bool drop_leaks = body_line_leaks(w, line);

	if (!x->carried && !x->s->refused) {
		/* the port stays, and with it "port/count" */
		body_put(w, line.at, (size_t)(proto_end - line.at));
	} else {
		body_put(w, line.at, (size_t)(type_end - line.at));
		body_put(w, " ", 1);
		body_put_number(w, x->carried ? x->s->rtp.port : 0u);
		body_put(w, " ", 1);
		body_put_text(w, x->m->proto);
	}
	if (filter_of(x) || drop_leaks)
		put_formats(w, x, drop_leaks);
	else
		body_put(w, proto_end, (size_t)(line.at + line.len - proto_end));
	body_put(w, "\r\n", 2);
}

/* a=path (RFC 4975 8.1): the last URI names the session; we are its only hop now. */
static void media_path(struct body_writer *w, const struct section *x, struct body_text value)
{
	struct body_text uri = {0}, scheme, ignored;
	char host[ADDR_TEXT_BYTES];
	uint32_t end = 0;

	for (struct body_text word; (word = body_text_word(&value)).len;)
		uri = word;
	scheme = body_text_until(&uri, ':');
	if (!x->carried || uri.len < 2 || uri.at[0] != '/' || uri.at[1] != '/')
		return;
	uri.at += 2;
	uri.len -= 2;
	while (end < uri.len && uri.at[end] != '/' && uri.at[end] != ';')
		end++;
	ignored = (struct body_text){.at = uri.at + end, .len = uri.len - end};
	if (body_leak_in(w->inner, ignored) || body_leak_in(w->inner, scheme))
		return;
	body_put(w, "a=path:", 7);
	body_put_text(w, scheme);
	body_put(w, "://", 3);
	body_put_word(w, addr_print(&x->s->rtp, host, sizeof(host)));
	body_put_line(w, ignored);
}

static void put_direction(struct body_writer *w, struct section *x)
{
	static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	if (x->direction_wanted && !x->direction_done) {
		body_put(w, "a=", 2);
		body_put_word(w, names[x->direction & BODY_SENDRECV]);
		body_put(w, "\r\n", 2);
	}
	x->direction_done = true;
}

static void put_rtcp(struct body_writer *w, struct section *x)
{
	/* no address: it is that of the c= line (RFC 3605 2.1), which is ours */
	if (x->rtcp_wanted && !x->rtcp_done) {
		body_put(w, "a=rtcp:", 7);
		body_put_number(w, x->rtcp_port);
		body_put(w, "\r\n", 2);
	}
	x->rtcp_done = true;
}

static void put_c(struct body_writer *w, struct section *x)
{
	if (x->c_wanted && !x->c_done) {
		body_put(w, "c=", 2);
		body_put_line(w, x->c);
	}
	x->c_done = true;
}

/* Does the line describe a payload that was filtered out? */
static bool of_dropped_payload(const struct section *x, struct body_text name,
			       struct body_text value)
{
	const struct body_payloads *p = filter_of(x);
	uint64_t n;

	if (!p || !(body_text_is(name, "rtpmap") || body_text_is(name, "fmtp") ||
		    body_text_is(name, "rtcp-fb")))
		return false;
	if (!body_text_number(body_text_word(&value), 127, &n))
		return false;
	return body_media_has_payload(x->m, (unsigned)n) && !payload_kept(p, n);
}

static void media_attribute(struct body_writer *w, struct section *x, struct body_text line)
{
	struct body_text value = {.at = line.at + 2, .len = line.len - 2};
	struct body_text name = body_text_until(&value, ':');
	enum body_direction ignored;

	if (body_is_stripped(w, name, w->rw->strip, w->rw->n_strip) ||
	    body_is_stripped(w, name, x->s->strip, x->s->n_strip))
		return;
	if (x->hidden && body_names_addresses(name))
		return;
	if (of_dropped_payload(x, name, value))
		return;
	if (x->hidden && body_text_is(name, "rtcp"))
		put_rtcp(w, x);
	else if (x->hidden && body_text_is(name, "path"))
		media_path(w, x, value);
	else if (x->direction_wanted && body_media_direction(name, &ignored))
		put_direction(w, x);
	else
		body_pass_line(w, line);
}

/* What this section needs besides its own lines. */
static void section_plan(struct body_writer *w, struct section *x)
{
	const struct body_media *m = x->m;
	const struct body_stream_out *s = x->s;
	struct addr a;

	x->c = w->received_c;
	if (x->hidden) {
		a = body_stream_address(w, x->index);
		x->c = body_print_own(&a, x->c_buf);
	}
	x->c_wanted = m->address_is_own ||
		      (x->c.at && !(w->session_c.at && body_text_equal(x->c, w->session_c)));
	if (x->carried) {
		unsigned next = s->rtp.port + 1u;
		bool had = body_sdp_attribute(w->in, m, "rtcp").at != NULL;
		bool odd = s->rtcp_port && s->rtcp_port != next &&
			   !(m->rtcp_mux && s->rtcp_port == s->rtp.port);

		x->rtcp_port = s->rtcp_port ? s->rtcp_port : (uint16_t)next;
		x->rtcp_wanted = x->rtcp_port && (odd || (had && !m->rtcp_mux));
	}
	x->direction = s->set_direction ? s->direction : m->direction;
	x->direction_wanted =
		m->port && !s->refused && (s->set_direction || (s->hold_modern && m->hold_zero));
}

void body_section_write(struct body_writer *w, unsigned index)
{
	const struct body_media *m = &w->in->media[index];
	struct section x = {.index = index, .m = m, .s = &keep_stream};

	if (w->rw->media)
		x.s = &w->rw->media[index];
	x.hidden = body_is_hidden(w, index);
	x.carried = body_is_carried(w, index);
	section_plan(w, &x);
	media_m(w, &x);
	for (unsigned i = m->first_line + 1; i < m->first_line + m->n_lines; i++) {
		struct body_text line = body_sdp_line(w->in, i);
		char type = w->in->lines[i].type;

		/* order of a section: m i c b k a (RFC 8866 5) */
		if (type != 'i' && !m->address_is_own)
			put_c(w, &x);
		if (body_is_personal(w, type))
			continue;
		if (type == 'c' && x.hidden)
			put_c(w, &x); /* the first one; layers of multicast end here */
		else if (type == 'c')
			body_put_line(w, line);
		else if (type == 'a')
			media_attribute(w, &x, line);
		else
			body_pass_line(w, line);
	}
	if (!m->address_is_own)
		put_c(w, &x);
	put_rtcp(w, &x);
	put_direction(w, &x);
}
