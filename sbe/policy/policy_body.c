/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_body - bodies and parts of bodies: which types a peer may send, what cannot be read, what names the inside.
 *
 * A part that its sender calls optional (RFC 5621 5, Content-Disposition;handling=optional) is taken out when it may not
 * go on; one that is required is a reason to refuse a new call. In anything else it is taken out too: a response
 * cannot be refused. The session description itself is sbe/sdp's business; here only its headers are.
 */
#include <errno.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "sbe/policy/policy_private.h"
#include "sbe/policy/policy_rule.h"
#include "sbe/sdp/body_parts.h"
#include "sbe/sip/wire_line.h"

#define BOUNDARY_BITS 64

struct about {                 /* a body or a part */
	struct wire_text type; /* "application/sdp", without parameters */
	bool optional, encoded;
};

static struct wire_text wire_of(struct body_text t)
{
	return (struct wire_text){t.at, t.len};
}

/* "application/sdp" of "application/SDP ; charset=utf-8" */
static struct wire_text type_of(struct wire_text value)
{
	const char *semicolon = value.n ? memchr(value.s, ';', value.n) : NULL;

	if (semicolon)
		value.n = (size_t)(semicolon - value.s);
	return wire_trim(value);
}

/* "signal;handling=optional" */
static bool is_optional(struct wire_text value)
{
	const char *semicolon = value.n ? memchr(value.s, ';', value.n) : NULL;
	struct wire_text v;

	return semicolon &&
	       wire_param((struct wire_text){semicolon + 1,
					     (size_t)(value.s + value.n - semicolon - 1)},
			  "handling", &v) &&
	       wire_text_is_nocase(v, "optional");
}

static void read_head(struct body_text head, struct about *ret)
{
	struct body_text line, name, value;

	*ret = (struct about){.type = WIRE_TEXT("text/plain")}; /* RFC 2046 5.1 */
	while (body_parts_header(&head, &line, &name, &value)) {
		if (body_text_is(name, "Content-Type") || body_text_is(name, "c"))
			ret->type = type_of(wire_of(value));
		else if (body_text_is(name, "Content-Disposition"))
			ret->optional = is_optional(wire_of(value));
		else if (body_text_is(name, "Content-Encoding") || body_text_is(name, "e"))
			ret->encoded = !body_text_is(value, "identity");
		else if (body_text_is(name, "Content-Transfer-Encoding"))
			ret->encoded |=
				!(body_text_is(value, "binary") || body_text_is(value, "8bit") ||
				  body_text_is(value, "7bit"));
	}
}

static bool is_sdp(const struct about *a)
{
	return wire_text_is_nocase(a->type, "application/sdp");
}

/* What only its receiver can open. */
static bool is_opaque(const struct about *a)
{
	static const char *const types[] = {"application/pkcs7-mime",   "application/x-pkcs7-mime",
					    "application/cms",          "multipart/encrypted",
					    "application/octet-stream", NULL};

	for (size_t i = 0; types[i]; i++) {
		if (wire_text_is_nocase(a->type, types[i]))
			return true;
	}
	return false;
}

static bool type_allowed(const struct policy *p, struct wire_text type)
{
	const struct conf_list *list = &p->conf.body.types;
	const char *const *types = list->items;

	for (size_t i = 0; i < list->n; i++) {
		if (policy_glob(types[i], type, true))
			return true;
	}
	return !list->n;
}

/* @return 0 it may go on; -ENOTSUP the peer may not send this; -EACCES nobody may */
static int judge(const struct policy_scene *s, const struct about *a, struct wire_text body,
		 const char **ret_why)
{
	*ret_why = NULL;
	if (is_sdp(a))
		return 0;
	if (is_opaque(a)) {
		*ret_why = "body.opaque";
		return s->p->conf.body.opaque == PEER_POLICY_REJECT ? -EACCES : 0;
	}
	*ret_why = "body.types";
	if (!type_allowed(s->p, a->type))
		return -ENOTSUP;
	*ret_why = "it names something of the inside";
	return policy_inner_in(s->inner, body, false) ? -EACCES : 0;
}

/* ---- on the way in ---- */

static bool refuse(struct policy_refusal *r, int err)
{
	*r = (struct policy_refusal){
		.status = err == -ENOTSUP ? 415 : 488,
		.cause = err == -ENOTSUP ? "body_type" : "body_opaque",
		.text = err == -ENOTSUP ? "a part of the body is of a type that is not agreed"
					: "a part of the body cannot be passed on"};
	if (err == -ENOTSUP)
		text_copy(r->header, sizeof(r->header),
			  "Accept: application/sdp, multipart/mixed\r\n");
	metric_add(&policy_metrics, POLICY_REFUSED, 1);
	return false;
}

static bool check_parts(const struct policy_scene *s, const struct body_parts *parts,
			struct policy_refusal *r)
{
	struct about a;
	const char *why;
	int err;

	for (unsigned i = 0; i < parts->n; i++) {
		read_head(parts->part[i].head, &a);
		err = judge(s, &a, wire_of(parts->part[i].body), &why);
		if (err && !a.optional)
			return refuse(r, err);
	}
	return true;
}

bool policy_body_admit(const struct policy_way *way, const struct wire_msg *m,
		       struct policy_refusal *ret_refusal)
{
	struct wire_text type = wire_content_type(m), body = wire_body(m);
	struct policy_inner inner;
	struct policy_scene s = {.way = way, .m = m, .inner = &inner, .p = policy_of(way->from)};
	struct about whole = {.type = type_of(type)};
	struct body_parts parts;
	struct body_text boundary;
	struct wire_header h;
	const char *why;
	char text[256];

	*ret_refusal = (struct policy_refusal){.status = 0};
	if (!body.n || is_sdp(&whole))
		return true;
	policy_inner_init(&inner, way, m);
	if (type.n < sizeof(text) && body.n <= UINT32_MAX &&
	    body_multipart_boundary(wire_text_copy(type, text, sizeof(text)), &boundary) &&
	    !body_parts_split((struct body_text){.at = body.s, .len = (uint32_t)body.n}, boundary,
			      &parts))
		return check_parts(&s, &parts, ret_refusal);
	if (wire_header_find(m, "content-disposition", &h))
		whole.optional = is_optional(h.value);
	if (!is_opaque(&whole) || whole.optional)
		return true; /* whether it is a session description others will say */
	return judge(&s, &whole, body, &why) ? refuse(ret_refusal, -EACCES) : true;
}

/* ---- on the way out ---- */

struct sieve {
	const struct policy_scene *s;
	struct body_parts parts;
	bool keep[BODY_MAX_PARTS];
	unsigned kept, only; /* only: the last that stays */
	bool changed;
};

static void note_part(const struct sieve *v, const struct about *a, const char *why)
{
	policy_note(v->s->way, a->type, (struct wire_text){NULL, 0}, why);
}

static bool head_leaks(const struct policy_scene *s, struct body_text head)
{
	return policy_inner_in(s->inner, wire_of(head), true);
}

static void sift(struct sieve *v)
{
	struct about a;
	const char *why;

	for (unsigned i = 0; i < v->parts.n; i++) {
		const struct body_piece *p = &v->parts.part[i];

		read_head(p->head, &a);
		v->keep[i] = !judge(v->s, &a, wire_of(p->body), &why);
		v->changed |= !v->keep[i] || head_leaks(v->s, p->head);
		if (!v->keep[i])
			note_part(v, &a, why);
		else
			v->only = i;
		v->kept += v->keep[i];
	}
	v->changed |= v->parts.outside;
}

/* Headers of a part without those that name something of the inside: Content-ID mostly. */
static void put_head(const struct sieve *v, struct body_text head, struct text_out *t)
{
	struct body_text line, name, value;

	while (body_parts_header(&head, &line, &name, &value)) {
		if (!policy_inner_in(v->s->inner, wire_of(line), true))
			text_add_bytes(t, line.at, line.len);
		else
			policy_note(v->s->way, wire_of(line), (struct wire_text){NULL, 0},
				    "it names something of the inside");
	}
}

static int put_parts(const struct sieve *v, const char *boundary, size_t room,
		     struct policy_body *out)
{
	struct text_out t;

	out->text = mem_buffer(room);
	if (!out->text)
		return -ENOMEM;
	text_start(&t, out->text, room);
	for (unsigned i = 0; i < v->parts.n; i++) {
		if (!v->keep[i])
			continue;
		text_add(&t, "--");
		text_add(&t, boundary);
		text_add(&t, "\r\n");
		put_head(v, v->parts.part[i].head, &t);
		text_add(&t, "\r\n");
		text_add_bytes(&t, v->parts.part[i].body.at, v->parts.part[i].body.len);
		text_add(&t, "\r\n");
	}
	text_add(&t, "--");
	text_add(&t, boundary);
	text_add(&t, "--\r\n");
	out->len_bytes = t.len_bytes;
	return 0;
}

/* One session description is left: it needs no wrapping. */
static int unwrap(const struct sieve *v, struct policy_body *out)
{
	struct body_text sdp = v->parts.part[v->only].body;

	out->text = mem_buffer(sdp.len + 1U);
	if (!out->text)
		return -ENOMEM;
	memcpy(out->text, sdp.at, sdp.len);
	out->text[sdp.len] = '\0';
	out->len_bytes = sdp.len;
	text_copy(out->type, sizeof(out->type), "application/sdp");
	return 0;
}

int policy_body(const struct policy_way *way, const struct wire_msg *m, struct wire_text type,
		struct wire_text body, struct policy_body *ret_body)
{
	char boundary[BODY_MAX_BOUNDARY_BYTES + 1];
	struct policy_inner inner;
	struct policy_scene s = {.way = way, .m = m, .inner = &inner, .p = policy_of(way->from)};
	struct policy_body out = {.text = NULL};
	struct sieve v = {.s = &s};
	struct body_text given;
	struct about a;
	bool type_leaks;
	int err;

	wire_text_copy(type, out.type, sizeof(out.type));
	if (type.n >= sizeof(out.type) || !body_multipart_boundary(out.type, &given))
		return -EBADMSG;
	err = body_parts_split((struct body_text){.at = body.s, .len = (uint32_t)body.n}, given,
			       &v.parts);
	if (err)
		return err;
	policy_inner_init(&inner, way, m);
	sift(&v);
	type_leaks = policy_inner_in(&inner, type, true);
	if (!v.changed && !type_leaks) {
		*ret_body = out;
		return 0;
	}
	if (!v.kept)
		return -ENOTSUP;
	read_head(v.parts.part[v.only].head, &a);
	wire_text_copy(wire_of(given), boundary, sizeof(boundary));
	if (type_leaks)
		wire_random_token(boundary, sizeof(boundary), BOUNDARY_BITS);
	if (v.kept == 1 && is_sdp(&a) && !a.encoded)
		err = unwrap(&v, &out);
	else
		err = put_parts(&v, boundary, body.n + 64 + 160 * (size_t)v.parts.n, &out);
	if (!err && type_leaks && strcmp(out.type, "application/sdp")) {
		text_copy(out.type, sizeof(out.type), "multipart/mixed;boundary=");
		strcat(out.type, boundary);
	}
	if (!err)
		*ret_body = out;
	return err;
}

bool policy_body_passes(const struct policy_way *way, const struct wire_msg *m)
{
	struct policy_inner inner;
	struct policy_scene s = {.way = way, .m = m, .inner = &inner, .p = policy_of(way->from)};
	struct about whole = {.type = type_of(wire_content_type(m))};
	struct wire_text type = wire_content_type(m);
	const char *why;

	policy_inner_init(&inner, way, m);
	return !judge(&s, &whole, wire_body(m), &why) && !policy_inner_in(&inner, type, true);
}
