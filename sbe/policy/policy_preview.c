/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/policy/policy_preview.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "sbe/policy/policy_private.h"
#include "sbe/sdp/body_multipart.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire_line.h"

#define HEADERS_BYTES 65536
#define SHOWN_BYTES 1024U

struct preview {
	struct policy_way way;
	const struct wire_msg *m;
	json_t *rows;
	bool failed, initial; /* initial: From and To are shown apart */
};

/* ---- rows ---- */

/* Text of a peer as JSON takes it: what is no printable ASCII is shown as a dot. */
static json_t *shown(struct wire_text t)
{
	char buf[SHOWN_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < t.n && n < sizeof(buf); i++) {
		if (t.s[i] == '\r' && i + 1 < t.n && t.s[i + 1] == '\n')
			continue;
		buf[n++] = (char)(t.s[i] == '\n'                   ? ' '
				  : t.s[i] >= ' ' && t.s[i] <= '~' ? t.s[i]
								   : '.');
	}
	return json_stringn(buf, n);
}

static void row(struct preview *p, const char *mark, struct wire_text line, const char *why)
{
	json_t *one = json_pack("[s,o,s]", mark, shown(line), why ? why : "");

	if (!one || json_array_append_new(p->rows, one))
		p->failed = true;
}

static bool is_party_line(struct wire_text line)
{
	struct wire_text name = line;
	const char *colon = memchr(line.s, ':', line.n);

	name.n = colon ? (size_t)(colon - line.s) : 0;
	name = wire_trim(name);
	return wire_text_is_nocase(name, "from") || wire_text_is_nocase(name, "f") ||
	       wire_text_is_nocase(name, "to") || wire_text_is_nocase(name, "t");
}

static void note(void *arg, const struct policy_note *n)
{
	struct preview *p = arg;

	if (p->initial && n->before.s && !n->after.s && is_party_line(n->before))
		return;
	if (n->before.s && n->after.s && n->before.n == n->after.n &&
	    !memcmp(n->before.s, n->after.s, n->before.n)) {
		row(p, " ", n->after, "");
		return;
	}
	if (n->before.s)
		row(p, "-", n->before, n->after.s ? "" : n->why);
	if (n->after.s)
		row(p, "+", n->after, n->why);
}

static const char *cell(const json_t *one, size_t nth)
{
	return json_string_value(json_array_get(one, nth));
}

/* A line that was taken out and put in again as it was has not changed. */
static void join_rows(json_t *rows)
{
	for (size_t i = json_array_size(rows); i-- > 0;) {
		json_t *plus = json_array_get(rows, i);

		for (size_t k = 0; k < i && !strcmp(cell(plus, 0), "+"); k++) {
			json_t *minus = json_array_get(rows, k);

			if (strcmp(cell(minus, 0), "-") || strcmp(cell(minus, 1), cell(plus, 1)))
				continue;
			json_array_set_new(minus, 0, json_string(" "));
			json_array_set_new(minus, 2, json_string(""));
			json_array_remove(rows, i);
			break;
		}
	}
}

/* ---- steps ---- */

static json_t *refusal_json(const struct policy_refusal *r)
{
	return json_pack("{s:i,s:s,s:s}", "status", r->status, "cause", r->cause ? r->cause : "",
			 "text", r->text ? r->text : "");
}

static json_t *ask_all(const struct preview *p)
{
	struct policy_refusal r;

	if (!wire_is_request(p->m))
		return NULL;
	if (p->way.from && !policy_method_allowed(p->way.from->conf, wire_method(p->m))) {
		r = (struct policy_refusal){.status = 405, .cause = "methods"};
		return refusal_json(&r);
	}
	if (wire_method(p->m) == WIRE_INVITE &&
	    (!policy_admit(&p->way, p->m, &r) || !policy_body_admit(&p->way, p->m, &r) ||
	     !policy_leave(&p->way, p->m, &r)))
		return refusal_json(&r);
	return NULL;
}

/* "SIP/2.0 486 Busy Here" */
static void show_status(struct preview *p)
{
	struct policy_outcome out;
	char was[160], is[160], phrase[64];
	int n;

	policy_outcome(&p->way, p->m, wire_status(p->m), &out);
	if (!out.why)
		out.phrase = policy_phrase(&p->way, p->m, phrase, sizeof(phrase));
	n = snprintf(was, sizeof(was), "SIP/2.0 %d %.*s", wire_status(p->m),
		     (int)(wire_reason(p->m).n > 100 ? 100 : wire_reason(p->m).n),
		     wire_reason(p->m).n ? wire_reason(p->m).s : "");
	snprintf(is, sizeof(is), "SIP/2.0 %d %s", out.status,
		 out.phrase ? out.phrase : "(usual phrase)");
	note(p,
	     &(struct policy_note){{was, (size_t)n},
				   {is, strlen(is)},
				   out.why ? out.why : "the phrase names something of the inside"});
}

static void show_parties(struct preview *p)
{
	struct policy_parties who;
	struct wire_party to;
	char host[280] = "next-hop.invalid";
	struct policy_target target = {.host = host};
	const struct peer *peer = p->way.to;

	wire_to(p->m, &to);
	if (wire_method(p->m) != WIRE_INVITE || to.tag.n)
		return;
	p->initial = true;
	if (peer && peer_domain(peer))
		text_copy(host, sizeof(host), peer_domain(peer));
	else if (peer && peer->nhops)
		addr_print(&peer->hops[0].addr, host, sizeof(host));
	policy_parties(&p->way, p->m, &target, &who);
}

static int show_headers(struct preview *p)
{
	char *buf = mem_buffer(HEADERS_BYTES);
	struct wire_out o;

	if (!buf)
		return -ENOMEM;
	wire_out_init(&o, buf, HEADERS_BYTES);
	policy_pass(&p->way, p->m, &o);
	mem_free(buf);
	return 0;
}

static int show_body(struct preview *p)
{
	struct wire_text type = wire_content_type(p->m), body = wire_body(p->m);
	struct policy_body b = {.text = NULL};
	struct body_text boundary;
	char text[256];
	int err;

	if (!body.n || type.n >= sizeof(text) ||
	    !body_multipart_boundary(wire_text_copy(type, text, sizeof(text)), &boundary))
		return 0;
	err = policy_body(&p->way, p->m, type, body, &b);
	mem_free(b.text);
	return err == -ENOMEM ? err : 0;
}

/* CRLF at all line ends of the headers, so that a file from an editor will do. */
static char *with_crlf(const char *text, size_t n, size_t *ret_bytes)
{
	char *copy = mem_buffer(2 * n + 5);
	size_t at = 0;
	bool body = false;

	for (size_t i = 0; copy && i < n; i++) {
		if (!body && text[i] == '\n' && (!i || text[i - 1] != '\r'))
			copy[at++] = '\r';
		copy[at++] = text[i];
		if (text[i] == '\n' && at >= 4 && !memcmp(copy + at - 4, "\r\n\r\n", 4))
			body = true;
	}
	if (copy && !body) {
		if (at < 2 || memcmp(copy + at - 2, "\r\n", 2)) {
			memcpy(copy + at, "\r\n", 2);
			at += 2;
		}
		memcpy(copy + at, "\r\n", 2);
		at += 2;
	}
	*ret_bytes = at;
	return copy;
}

static int read_message(const char *text, size_t n, struct wire_msg **ret_msg, const char **ret_why)
{
	struct guard_result g;
	struct wire_msg *m = NULL;
	size_t bytes = 0;
	char *copy = with_crlf(text, n, &bytes);
	int err = -EBADMSG;

	if (!copy)
		return -ENOMEM;
	guard_check((const uint8_t *)copy, bytes, false, &g);
	*ret_why = guard_reason_name(g.reason);
	if (g.verdict == GUARD_PASS)
		err = wire_parse((const uint8_t *)copy + g.skip_bytes, g.len_bytes, &m, ret_why);
	mem_free(copy);
	if (err)
		mem_unref(m);
	else
		*ret_msg = m;
	return err;
}

int policy_preview(const struct policy_way *way, const char *text, size_t len_bytes,
		   json_t **ret_table, const char **ret_why)
{
	struct preview p = {.way = *way};
	struct wire_msg *m = NULL;
	json_t *refused, *table;
	int err;

	if (len_bytes > GUARD_MESSAGE_MAX_BYTES)
		return -E2BIG;
	err = read_message(text, len_bytes, &m, ret_why);
	if (err)
		return err;
	p.m = m;
	p.rows = json_array();
	p.way.trace = note;
	p.way.trace_arg = &p;
	refused = ask_all(&p);
	if (wire_is_request(m))
		show_parties(&p);
	else
		show_status(&p);
	err = show_headers(&p);
	if (!err)
		err = show_body(&p);
	join_rows(p.rows);
	table = json_pack("{s:[s,s,s],s:o}", "columns", "", "line", "why", "rows", p.rows);
	if (refused)
		json_object_set_new(table, "refused", refused);
	if (!table || p.failed)
		err = -ENOMEM;
	if (err)
		json_decref(table);
	else
		*ret_table = table;
	mem_unref(m);
	return err;
}
