/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accessors. What only has to be understood (Via, Call-ID, CSeq, body) is sofia's typed value; what is
 * passed on or compared is the text that came, because what passes is copied, never re-printed.
 */
#include <errno.h>
#include <strings.h>

#include "sbe/sip/wire_private.h"

static const char *const method_names[WIRE_METHODS] = {
	[WIRE_OTHER] = "",        [WIRE_INVITE] = "INVITE",   [WIRE_ACK] = "ACK",
	[WIRE_BYE] = "BYE",       [WIRE_CANCEL] = "CANCEL",   [WIRE_OPTIONS] = "OPTIONS",
	[WIRE_PRACK] = "PRACK",   [WIRE_UPDATE] = "UPDATE",   [WIRE_INFO] = "INFO",
	[WIRE_REFER] = "REFER",   [WIRE_MESSAGE] = "MESSAGE", [WIRE_SUBSCRIBE] = "SUBSCRIBE",
	[WIRE_NOTIFY] = "NOTIFY", [WIRE_PUBLISH] = "PUBLISH", [WIRE_REGISTER] = "REGISTER",
};

enum wire_method wire_method_of(struct wire_text name)
{
	/* Methods are case-sensitive (RFC 3261 7.1). */
	for (int i = WIRE_OTHER + 1; i < WIRE_METHODS; i++)
		if (wire_text_is(name, method_names[i]))
			return (enum wire_method)i;
	return WIRE_OTHER;
}

const char *wire_method_name(enum wire_method m)
{
	return (unsigned)m < WIRE_METHODS ? method_names[m] : "";
}

const struct wire_index *wire_find_line(const struct wire_msg *m, enum wire_name id)
{
	for (size_t i = 0; i < m->nlines; i++)
		if (m->lines[i].id == id)
			return &m->lines[i];
	return NULL;
}

bool wire_is_request(const struct wire_msg *m)
{
	return m->sip->sip_request != NULL;
}

enum wire_method wire_method(const struct wire_msg *m)
{
	return m->method;
}

struct wire_text wire_method_text(const struct wire_msg *m)
{
	return m->method_text;
}

int wire_status(const struct wire_msg *m)
{
	return m->sip->sip_status ? m->sip->sip_status->st_status : 0;
}

struct wire_text wire_reason(const struct wire_msg *m)
{
	return text_of(m->sip->sip_status ? m->sip->sip_status->st_phrase : NULL);
}

void wire_request_uri(const struct wire_msg *m, struct wire_uri *ret_uri)
{
	*ret_uri = m->uri;
}

struct wire_text wire_call_id(const struct wire_msg *m)
{
	return text_of(m->sip->sip_call_id ? m->sip->sip_call_id->i_id : NULL);
}

uint32_t wire_cseq(const struct wire_msg *m)
{
	return m->sip->sip_cseq ? m->sip->sip_cseq->cs_seq : 0;
}

void wire_from(const struct wire_msg *m, struct wire_party *ret_party)
{
	*ret_party = m->from;
}

void wire_to(const struct wire_msg *m, struct wire_party *ret_party)
{
	*ret_party = m->to;
}

/* nth value of a header that may be on several lines with several values each. */
static bool nth_party(const struct wire_msg *m, enum wire_name id, unsigned nth,
		      struct wire_party *ret_party)
{
	for (size_t i = 0; i < m->nlines; i++) {
		if (m->lines[i].id != id)
			continue;
		struct wire_text rest = m->lines[i].flat, value;
		while (wire_list_next(&rest, &value)) {
			if (nth-- > 0)
				continue;
			struct wire_party p;
			if (wire_party_parse(value, &p))
				return false;
			*ret_party = p;
			return true;
		}
	}
	return false;
}

bool wire_contact(const struct wire_msg *m, unsigned nth, struct wire_party *ret_party)
{
	return nth_party(m, WIRE_NAME_CONTACT, nth, ret_party);
}

bool wire_record_route(const struct wire_msg *m, unsigned nth, struct wire_party *ret_party)
{
	return nth_party(m, WIRE_NAME_RECORD_ROUTE, nth, ret_party);
}

bool wire_route(const struct wire_msg *m, unsigned nth, struct wire_party *ret_party)
{
	return nth_party(m, WIRE_NAME_ROUTE, nth, ret_party);
}

int wire_max_forwards(const struct wire_msg *m)
{
	const struct wire_index *x = wire_find_line(m, WIRE_NAME_MAX_FORWARDS);
	uint32_t n;
	if (!x || wire_number(x->flat, 255, &n))
		return -ENOENT;
	return (int)n;
}

static bool has_alias(const sip_via_t *v)
{
	for (const msg_param_t *p = v->v_params; p && *p; p++) {
		if (((*p)[0] | 0x20) == 'a' && !strncasecmp(*p, "alias", 5) &&
		    ((*p)[5] == '\0' || (*p)[5] == '='))
			return true;
	}
	return false;
}

bool wire_top_via(const struct wire_msg *m, struct wire_via *ret_via)
{
	const sip_via_t *v = m->sip->sip_via;
	struct wire_via via = {.has_rport = false};
	uint32_t port;
	if (!v || !v->v_protocol || !v->v_host)
		return false;
	const char *slash = strrchr(v->v_protocol, '/');
	via.transport = text_of(slash ? slash + 1 : v->v_protocol);
	via.host = text_of(v->v_host);
	if (via.host.n > 2 && via.host.s[0] == '[') {
		via.host.s++;
		via.host.n -= 2;
	}
	if (v->v_port && !wire_number(text_of(v->v_port), 65535, &port))
		via.port = (uint16_t)port;
	via.branch = text_of(v->v_branch);
	via.received = text_of(v->v_received);
	via.has_rport = v->v_rport != NULL;
	via.alias = has_alias(v);
	/* The bare cookie makes nothing unique: such a request is matched by the old rules. */
	via.rfc3261 = via.branch.n > 7 && strncasecmp(via.branch.s, "z9hG4bK", 7) == 0;
	*ret_via = via;
	return true;
}

unsigned wire_via_count(const struct wire_msg *m)
{
	unsigned n = 0;
	for (const sip_via_t *v = m->sip->sip_via; v; v = v->v_next)
		n++;
	return n;
}

bool wire_header_next(const struct wire_msg *m, void **it, struct wire_header *ret_header)
{
	struct wire_index *x = *it ? (struct wire_index *)*it + 1 : m->lines;
	if (x >= m->lines + m->nlines)
		return false;
	*it = x;
	*ret_header = x->h;
	return true;
}

bool wire_header_find(const struct wire_msg *m, const char *canonical,
		      struct wire_header *ret_header)
{
	for (size_t i = 0; i < m->nlines; i++) {
		if (wire_header_is(&m->lines[i].h, canonical)) {
			*ret_header = m->lines[i].h;
			return true;
		}
	}
	return false;
}

bool wire_has_token(const struct wire_msg *m, const char *canonical, const char *token)
{
	for (size_t i = 0; i < m->nlines; i++) {
		if (!wire_header_is(&m->lines[i].h, canonical))
			continue;
		struct wire_text rest = m->lines[i].flat, value;
		while (wire_list_next(&rest, &value))
			if (wire_text_is_nocase(value, token))
				return true;
	}
	return false;
}

struct wire_text wire_content_type(const struct wire_msg *m)
{
	const struct wire_index *x = wire_find_line(m, WIRE_NAME_CONTENT_TYPE);
	return x ? x->flat : (struct wire_text){NULL, 0};
}

struct wire_text wire_body(const struct wire_msg *m)
{
	const sip_payload_t *pl = m->sip->sip_payload;
	return pl && pl->pl_len > 0 ? (struct wire_text){pl->pl_data, pl->pl_len}
				    : (struct wire_text){NULL, 0};
}

size_t wire_size(const struct wire_msg *m)
{
	return m->size_bytes;
}
