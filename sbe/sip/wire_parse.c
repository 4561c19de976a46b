/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to a message view: sofia-sip parses and validates, then every header line is indexed as the
 * bytes that came.
 *
 * The order of the steps matters: sofia's parse result and its sanity check fail independently of each
 * other, and a malformed header that is not vital looks to it as if it had not been sent.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_alloc.h>

#include "common/mem.h"
#include "sbe/sip/wire_private.h"

/* One block for what a message of n bytes needs while it is parsed, instead of 20-40 small ones. */
#define WIRE_PRELOAD_BYTES(n) (3072 + 3 * (n))
#define WIRE_MESSAGE_MAX_BYTES 65536U
#define WIRE_CSEQ_MAX 0x7FFFFFFFU /* RFC 3261 8.1.1.5: less than 2**31 */

void wire_setup(void)
{
	static bool done;
	if (done)
		return;
	done = true;
	/* Typed P-Asserted-Identity and others: without this they would not be checked at all. */
	msg_mclass_t *extended = sip_extend_mclass(NULL);
	if (extended)
		sip_update_default_mclass(extended);
}

static void wire_destroy(void *obj)
{
	struct wire_msg *m = obj;
	if (m->msg)
		msg_destroy(m->msg);
}

/* Hand the bytes to sofia. @return 0, -ENOMEM, -EBADMSG. */
static int extract(struct wire_msg *m, const uint8_t *data, size_t n)
{
	msg_iovec_t vec[2] = {{0}};
	m->msg = msg_create(sip_default_mclass(), MSG_DO_EXTRACT_COPY);
	if (!m->msg)
		return -ENOMEM;
	su_home_preload(msg_home(m->msg), 1, WIRE_PRELOAD_BYTES(n));
	msg_maxsize(m->msg, WIRE_MESSAGE_MAX_BYTES);
	issize_t k = msg_recv_iovec(m->msg, vec, 2, n, 1);
	if (k < 1)
		return -ENOMEM;
	size_t at = 0;
	for (issize_t i = 0; i < k && at < n; i++) {
		size_t part = vec[i].mv_len < n - at ? vec[i].mv_len : n - at;
		memcpy(vec[i].mv_base, data + at, part);
		at += part;
	}
	if (at < n)
		return -ENOMEM;
	msg_recv_commit(m->msg, n, 1);
	int r = msg_extract(m->msg);
	m->sip = sip_object(m->msg);
	/* 0 is "wait for more", but all there is has been given: a NUL among the headers does that. */
	return r == 1 && m->sip ? 0 : -EBADMSG;
}

static bool is_header_line(const msg_header_t *h)
{
	return h->sh_len > 0 && h->sh_data && h->sh_class != sip_request_class &&
	       h->sh_class != sip_status_class && h->sh_class != sip_separator_class &&
	       h->sh_class != sip_payload_class;
}

/* Copy into the message's memory, optionally without folds or in lower case. */
static int home_copy(struct wire_msg *m, struct wire_text t, bool lower, char **ret_copy)
{
	char *copy = su_alloc(msg_home(m->msg), t.n + 1);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		if (lower && c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		copy[i] = c == '\r' || c == '\n' ? ' ' : c;
	}
	copy[t.n] = 0;
	*ret_copy = copy;
	return 0;
}

static int index_line(struct wire_msg *m, const msg_header_t *h, struct wire_index *ret_index)
{
	struct wire_text rest = {h->sh_data, h->sh_len};
	struct wire_line l;
	if (!wire_line_next(&rest, &l) || l.name.n == 0)
		return -EBADMSG;
	struct wire_index x = {.h = {.name = l.name, .value = l.value, .line = l.line},
			       .flat = l.value,
			       .id = l.id};
	char *copy;
	x.h.canonical = wire_name_text(l.id);
	if (!x.h.canonical) {
		if (home_copy(m, l.name, true, &copy))
			return -ENOMEM;
		x.h.canonical = copy;
	}
	/* sofia takes a lone CR for a fold too; the guard lets none pass, this holds without it */
	if (l.folded || (l.value.n > 0 && memchr(l.value.s, '\r', l.value.n))) {
		if (home_copy(m, l.value, false, &copy))
			return -ENOMEM;
		x.flat.s = copy;
	}
	*ret_index = x;
	return 0;
}

/* Later values of one line have no bytes of their own in sofia's chain: what has is a line. */
static int index_lines(struct wire_msg *m)
{
	size_t n = 0;
	for (const msg_header_t *h = *msg_chain_head(m->msg); h; h = h->sh_succ)
		n += is_header_line(h);
	m->lines = su_zalloc(msg_home(m->msg), (n + 1) * sizeof(*m->lines));
	if (!m->lines)
		return -ENOMEM;
	for (const msg_header_t *h = *msg_chain_head(m->msg); h; h = h->sh_succ) {
		if (!is_header_line(h))
			continue;
		int err = index_line(m, h, &m->lines[m->nlines]);
		if (err == -ENOMEM)
			return err;
		if (!err)
			m->nlines++;
	}
	return 0;
}

/* A From or To: our split and sofia's must agree on the tag, or somebody downstream would differ too. */
static void take_party(const struct wire_msg *m, enum wire_name id, const char *tag,
		       struct wire_party *ret_party)
{
	const struct wire_index *x = wire_find_line(m, id);
	struct wire_party p;
	struct wire_text again, rest;
	if (!x || wire_party_parse(x->flat, &p))
		return;
	rest = p.params;
	if (p.tag.n > 0) {
		if (!tag || !wire_text_is(p.tag, tag))
			return;
		rest.n -= (size_t)(p.tag.s + p.tag.n - rest.s);
		rest.s = p.tag.s + p.tag.n;
	} else if (tag) {
		return;
	}
	/* neither a second one nor one without a value */
	if (!wire_param(rest, "tag", &again))
		*ret_party = p;
}

/* The Request-URI is what is between the two spaces of the request line. */
static const char *take_request_line(struct wire_msg *m)
{
	const sip_request_t *rq = m->sip->sip_request;
	const char *line = rq->rq_common->h_data;
	size_t n = rq->rq_common->h_len;
	const char *uri = n ? memchr(line, ' ', n) : NULL;
	if (!uri)
		return "bad request line";
	uri++;
	size_t left = n - (size_t)(uri - line);
	const char *end = memchr(uri, ' ', left);
	if (!end || wire_uri_parse((struct wire_text){uri, (size_t)(end - uri)}, &m->uri))
		return "bad Request-URI";
	/* RFC 3261 19.1.1: no headers in a Request-URI; never act on a Route smuggled in there. */
	if (m->uri.headers.s)
		return "headers in the Request-URI";
	return NULL;
}

/* Headers sofia put aside: vital ones make the message bad, the others pass as opaque lines. A second
 * From, To ... is put aside too, as an object of its own class and not as an error object. */
static const char *bad_header(const sip_t *sip)
{
	for (const msg_header_t *h = (const msg_header_t *)sip->sip_error; h; h = h->sh_next) {
		const char *name = h->sh_class == sip_error_class ? h->sh_error->er_name
								  : h->sh_class->hc_name;
		if (!name)
			return "a header line without a name";
		enum wire_name id = wire_name_find(text_of(name));
		if (wire_name_is_vital(id))
			return wire_name_text(id);
	}
	return NULL;
}

/* Every value must be readable to us too: a Record-Route that is skipped later would be a wrong route. */
static bool list_ok(struct wire_text rest)
{
	struct wire_text value;
	struct wire_party p;
	while (wire_list_next(&rest, &value))
		if (wire_party_parse(value, &p))
			return false;
	return true;
}

static const char *check_lists(const struct wire_msg *m)
{
	for (size_t i = 0; i < m->nlines; i++) {
		enum wire_name id = m->lines[i].id;
		if ((id == WIRE_NAME_CONTACT || id == WIRE_NAME_ROUTE ||
		     id == WIRE_NAME_RECORD_ROUTE) &&
		    !list_ok(m->lines[i].flat))
			return wire_name_text(id);
	}
	return NULL;
}

/* sofia leaves folds and escapes inside some values as they are; these are compared and written again. */
static bool is_word(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

static const char *check_words(const sip_t *sip)
{
	const sip_via_t *v = sip->sip_via;
	if (!*sip->sip_call_id->i_id || !is_word(sip->sip_call_id->i_id))
		return "call-id";
	if (!is_word(v->v_protocol) || !is_word(v->v_host) || !is_word(v->v_branch) ||
	    !is_word(v->v_received))
		return "via";
	if (!wire_is_token(text_of(sip->sip_cseq->cs_method_name)))
		return "cseq";
	return NULL;
}

static const char *check_fields(const struct wire_msg *m)
{
	const sip_t *sip = m->sip;
	const struct wire_index *x = wire_find_line(m, WIRE_NAME_MAX_FORWARDS);
	uint32_t number;
	/* RFC 3261 20.22: 0-255. */
	if (x && wire_number(x->flat, 255, &number))
		return "max-forwards";
	if (sip->sip_cseq->cs_seq > WIRE_CSEQ_MAX)
		return "cseq";
	if (sip->sip_request && !wire_text_is(m->method_text, sip->sip_cseq->cs_method_name))
		return "method and CSeq differ";
	if (sip->sip_status &&
	    (sip->sip_status->st_status < 100 || sip->sip_status->st_status > 699))
		return "bad status code";
	for (size_t i = 0; i < m->nlines; i++)
		if (m->lines[i].h.name.n == 0 || !wire_is_token(m->lines[i].h.name))
			return "bad header name";
	const char *why = check_words(sip);
	return why ? why : check_lists(m);
}

/* @return NULL if the message is good, else what is wrong with it. */
static const char *check(struct wire_msg *m)
{
	const sip_t *sip = m->sip;
	const char *version = sip->sip_request  ? sip->sip_request->rq_version
			      : sip->sip_status ? sip->sip_status->st_version
						: NULL;
	if (!version || strcasecmp(version, "SIP/2.0") != 0)
		return "not a SIP/2.0 message";
	const char *why = bad_header(sip);
	if (why)
		return why;
	/* sofia notices a body that is cut short, but not one that is missing altogether. */
	size_t body = sip->sip_payload ? sip->sip_payload->pl_len : 0;
	if (sip->sip_content_length && sip->sip_content_length->l_length > body)
		return "content-length";
	if (sip_sanity_check(sip) < 0 || !sip->sip_via || !sip->sip_from || !sip->sip_to ||
	    !sip->sip_call_id || !sip->sip_cseq)
		return "a mandatory header is missing";
	if (!m->from.value.s)
		return "from";
	if (!m->to.value.s)
		return "to";
	if (sip->sip_request && (why = take_request_line(m)))
		return why;
	return check_fields(m);
}

/* Enough of it understood for a 400 to find its way back? */
static bool answerable(const struct wire_msg *m)
{
	const sip_t *s = m->sip;
	return s && m->lines && s->sip_request && m->method != WIRE_ACK && s->sip_via &&
	       m->from.value.s && m->to.value.s && s->sip_call_id && s->sip_cseq && !check_words(s);
}

/* What an answer needs is taken even from a message that turns out to be bad. */
static void take_basics(struct wire_msg *m)
{
	const sip_t *s = m->sip;
	if (s->sip_request)
		m->method_text = text_of(s->sip_request->rq_method_name);
	else if (s->sip_cseq)
		m->method_text = text_of(s->sip_cseq->cs_method_name);
	m->method = wire_method_of(m->method_text);
	if (s->sip_from)
		take_party(m, WIRE_NAME_FROM, s->sip_from->a_tag, &m->from);
	if (s->sip_to)
		take_party(m, WIRE_NAME_TO, s->sip_to->a_tag, &m->to);
}

int wire_parse(const uint8_t *data, size_t len_bytes, struct wire_msg **ret_msg,
	       const char **ret_why)
{
	if (len_bytes == 0 || len_bytes > WIRE_MESSAGE_MAX_BYTES) {
		*ret_why = "size";
		return -EBADMSG;
	}
	struct wire_msg *m = mem_zalloc(sizeof(*m), wire_destroy);
	if (!m) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	m->size_bytes = len_bytes;
	const char *why = NULL;
	int err = extract(m, data, len_bytes);
	if (err == -EBADMSG)
		why = "the message cannot be parsed";
	if (err != -ENOMEM && m->sip && index_lines(m))
		err = -ENOMEM;
	if (err == -ENOMEM)
		goto out;
	if (m->sip) {
		take_basics(m);
		/* The name of a bad header tells more than "cannot be parsed". */
		const char *detail = check(m);
		if (detail)
			why = detail;
	}
	if (why)
		err = -EBADMSG;
out:
	if (err)
		*ret_why = err == -ENOMEM ? "out of memory" : why;
	if (!err || (err == -EBADMSG && answerable(m)))
		*ret_msg = m;
	else
		mem_unref(m);
	return err;
}
