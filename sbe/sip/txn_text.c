/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn_text - writes the messages of transactions: responses from what was kept of the request, our
 * requests with their Via, and ACK and CANCEL from the request they belong to.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "sbe/sip/txn_private.h"
#include "sbe/sip/wire_line.h"

/* Inline, so that the length of a literal is known when it is compiled. */
static inline void put_text(struct wire_out *o, const char *s)
{
	wire_out_raw(o, s, strlen(s));
}

static struct wire_text text_of(const char *s)
{
	return (struct wire_text){s, strlen(s)};
}

/* A received value on one line: folds become blanks. */
static void put_unfolded(struct wire_out *o, struct wire_text t)
{
	if (t.n == 0 || !(memchr(t.s, '\r', t.n) || memchr(t.s, '\n', t.n))) {
		wire_out_raw(o, t.s, t.n); /* as good as always */
		return;
	}
	for (size_t i = 0; i < t.n; i++)
		wire_out_raw(o, t.s[i] == '\r' || t.s[i] == '\n' ? " " : &t.s[i], 1);
}

bool txn_text_is_one_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 && *s != '\t')
			return false;
	return true;
}

/* Header lines from above us: each with a name, a colon and CRLF, and no empty line among them. */
static bool headers_ok(const char *s, size_t n)
{
	const char *end = n ? s + n : s;
	bool first = true;

	if (n && memchr(s, '\0', n))
		return false;
	for (; s < end; first = false) {
		const char *lf = memchr(s, '\n', (size_t)(end - s));
		size_t len = lf ? (size_t)(lf - s) : 0;
		const char *colon;

		/* one CR, and that before the LF; an empty line would begin the body */
		if (len < 2 || memchr(s, '\r', len) != lf - 1)
			return false;
		colon = memchr(s, ':', len);
		if ((*s == ' ' || *s == '\t') ? first : !colon || colon == s)
			return false;
		s = lf + 1;
	}
	return true;
}

static bool param_is(struct wire_text t, const char *name)
{
	const char *eq = memchr(t.s, '=', t.n);

	t.n = eq ? (size_t)(eq - t.s) : t.n;
	return wire_text_is_nocase(wire_trim(t), name);
}

/*
 * The top Via with where it came from (18.2.1, RFC 3581 4): what the sender claims about itself in
 * received and rport is replaced, all the rest stays as it was written.
 */
static void put_top_via(struct wire_out *o, struct wire_text value,
			const struct transport_target *from, const struct wire_via *v,
			uint16_t *ret_oc_at)
{
	struct wire_text rest = value, first = {0};
	struct addr sent_by;
	char ip[ADDR_TEXT_BYTES], port[8];
	struct text_out number;
	bool same = addr_parse_ip(v->host.s, v->host.n, &sent_by) == 0 &&
		    addr_ip_equal(&sent_by, &from->to);
	size_t n;

	(void)wire_list_next(&rest, &first);
	put_text(o, "Via: ");
	n = wire_semicolon(first);
	put_unfolded(o, wire_trim((struct wire_text){first.s, n}));
	while (n < first.n) {
		first.s += n + 1;
		first.n -= n + 1;
		n = wire_semicolon(first);
		if (param_is((struct wire_text){first.s, n}, "received") ||
		    param_is((struct wire_text){first.s, n}, "rport") ||
		    (ret_oc_at && wire_oc_is_param((struct wire_text){first.s, n})))
			continue;
		put_text(o, ";");
		put_unfolded(o, wire_trim((struct wire_text){first.s, n}));
	}
	if (v->has_rport || !same) {
		put_text(o, ";received=");
		put_text(o, addr_print_ip(&from->to, false, ip, sizeof(ip)));
	}
	if (v->has_rport) {
		text_start(&number, port, sizeof(port));
		text_add_number(&number, from->to.port);
		put_text(o, ";rport=");
		put_text(o, port);
	}
	if (ret_oc_at)
		*ret_oc_at = (uint16_t)o->len_bytes;
	while (wire_list_next(&rest, &first)) {
		put_text(o, ", ");
		put_unfolded(o, first);
	}
	put_text(o, "\r\n");
}

static void put_all(struct wire_out *o, const struct wire_msg *m, const char *canonical)
{
	struct wire_header h;

	if (!wire_header_find(m, canonical, &h)) /* as good as always */
		return;
	for (void *it = NULL; wire_header_next(m, &it, &h);)
		if (wire_header_is(&h, canonical))
			wire_out_line(o, &h);
}

int txn_blob_write(const struct wire_msg *m, const struct wire_via *v,
		   const struct transport_target *from, bool oc, struct wire_out *o,
		   struct txn_blob *ret_sizes)
{
	static const char *const head[] = {"from", "call-id", "cseq", "to"};
	struct wire_header h;
	bool top = true;
	size_t at;

	ret_sizes->oc_at = 0;
	ret_sizes->request_bytes = (uint16_t)wire_size(m);
	for (void *it = NULL; wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, "via"))
			continue;
		if (top)
			put_top_via(o, h.value, from, v, oc ? &ret_sizes->oc_at : NULL);
		else
			wire_out_line(o, &h);
		top = false;
	}
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		if (wire_header_find(m, head[i], &h))
			wire_out_line(o, &h);
	if (o->len_bytes >= 2 && !o->err)
		o->len_bytes -= 2; /* the tag goes behind To */
	at = o->len_bytes;
	put_all(o, m, "record-route");
	ret_sizes->route_bytes = (uint16_t)(o->len_bytes - at);
	ret_sizes->head_bytes = (uint16_t)at;
	at = o->len_bytes;
	put_all(o, m, "timestamp");
	ret_sizes->stamp_bytes = (uint16_t)(o->len_bytes - at);
	return o->err;
}

const char *txn_standard_phrase(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
		{100, "Trying"},
		{180, "Ringing"},
		{181, "Call Is Being Forwarded"},
		{182, "Queued"},
		{183, "Session Progress"},
		{199, "Early Dialog Terminated"},
		{200, "OK"},
		{202, "Accepted"},
		{302, "Moved Temporarily"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{407, "Proxy Authentication Required"},
		{408, "Request Timeout"},
		{410, "Gone"},
		{413, "Request Entity Too Large"},
		{414, "Request-URI Too Long"},
		{415, "Unsupported Media Type"},
		{416, "Unsupported URI Scheme"},
		{420, "Bad Extension"},
		{421, "Extension Required"},
		{422, "Session Interval Too Small"},
		{423, "Interval Too Brief"},
		{440, "Max-Breadth Exceeded"},
		{480, "Temporarily Unavailable"},
		{481, "Call/Transaction Does Not Exist"},
		{482, "Loop Detected"},
		{483, "Too Many Hops"},
		{484, "Address Incomplete"},
		{485, "Ambiguous"},
		{486, "Busy Here"},
		{487, "Request Terminated"},
		{488, "Not Acceptable Here"},
		{491, "Request Pending"},
		{493, "Undecipherable"},
		{500, "Server Internal Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Server Time-out"},
		{505, "Version Not Supported"},
		{513, "Message Too Large"},
		{580, "Precondition Failure"},
		{600, "Busy Everywhere"},
		{603, "Decline"},
		{604, "Does Not Exist Anywhere"},
		{606, "Not Acceptable"},
	};
	static const char *const classes[] = {"Progress",       "OK",
					      "Redirection",    "Request Failure",
					      "Server Failure", "Global Failure"};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return classes[status / 100 - 1];
}

static void put_body(struct wire_out *o, const char *body, size_t n)
{
	char number[WIRE_NUMBER_BYTES];

	wire_out_header_text(o, "Content-Length", wire_number_text((uint32_t)n, number));
	put_text(o, "\r\n");
	if (n)
		wire_out_raw(o, body, n);
}

int txn_response_write(const struct txn_blob *sizes, const char *text, const char *tag,
		       const char *oc, const struct txn_reply *r, struct wire_out *o)
{
	const char *reason = r->reason ? r->reason : txn_standard_phrase(r->status);
	char code[4];

	if (!txn_text_is_one_line(reason) || !headers_ok(r->headers, r->headers_bytes))
		return -EINVAL;
	for (int i = 0, v = r->status; i < 3; i++, v /= 10)
		code[2 - i] = (char)('0' + v % 10);
	code[3] = ' ';
	put_text(o, "SIP/2.0 ");
	wire_out_raw(o, code, sizeof(code));
	put_text(o, reason);
	put_text(o, "\r\n");
	wire_out_raw(o, text, oc ? sizes->oc_at : 0);
	put_text(o, oc ? oc : "");
	wire_out_raw(o, text + (oc ? sizes->oc_at : 0),
		     sizes->head_bytes - (oc ? sizes->oc_at : 0U));
	if (tag) {
		put_text(o, ";tag=");
		put_text(o, tag);
	}
	put_text(o, "\r\n");
	text += sizes->head_bytes;
	/* Only a response that can make a dialog needs the recorded route (12.1.1). */
	if (r->status > 100 && r->status < 300)
		wire_out_raw(o, text, sizes->route_bytes);
	text += sizes->route_bytes;
	if (r->status == 100)
		wire_out_raw(o, text, sizes->stamp_bytes);
	wire_out_raw(o, r->headers, r->headers_bytes);
	if (r->body_bytes && r->content_type)
		wire_out_header_text(o, "Content-Type", text_of(r->content_type));
	put_body(o, r->body, r->body_bytes);
	return o->err;
}

static void put_via(struct wire_out *o, const struct transport_target *to, const char *branch)
{
	const struct wire_text parts[] = {
		WIRE_TEXT("SIP/2.0/"), text_of(transport_proto_name(to->proto)), WIRE_TEXT(" "),
		text_of(transport_sent_by(to->listener)), WIRE_TEXT(";branch=" TXN_COOKIE),
		text_of(branch), WIRE_TEXT(";rport"),
		/* RFC 5923 5: requests of theirs may take the same connection, where we are known */
		text_of(to->proto == TRANSPORT_TLS ? ";alias" : ""),
		text_of(to->overload ? WIRE_OC_OFFER : "")};

	wire_out_header_parts(o, "Via", parts, sizeof(parts) / sizeof(parts[0]));
}

int txn_request_write(const struct transport_target *to, const struct txn_request *r,
		      const char *branch, struct wire_out *o)
{
	struct wire_text method = {r->method, r->method ? strlen(r->method) : 0};

	if (!wire_is_token(method) || !r->uri || !r->uri[0] || !txn_text_is_one_line(r->uri) ||
	    strpbrk(r->uri, " \t<>") || !headers_ok(r->headers, r->headers_bytes))
		return -EINVAL;
	put_text(o, r->method);
	put_text(o, " ");
	put_text(o, r->uri);
	put_text(o, " SIP/2.0\r\n");
	put_via(o, to, branch);
	wire_out_raw(o, r->headers, r->headers_bytes);
	put_body(o, r->body, r->body ? r->body_bytes : 0);
	return o->err;
}

static void put_cseq(struct wire_out *o, struct wire_text value, const char *method)
{
	size_t digits = 0;

	while (digits < value.n && value.s[digits] >= '0' && value.s[digits] <= '9')
		digits++;
	put_text(o, "CSeq: ");
	wire_out_raw(o, value.s, digits);
	put_text(o, " ");
	put_text(o, method);
	put_text(o, "\r\n");
}

int txn_derive(struct wire_text request, const char *method, const struct wire_header *to_line,
	       const char *reason, struct wire_out *o)
{
	const char *uri = memchr(request.s, ' ', request.n);
	const char *end = memchr(request.s, '\n', request.n);
	struct wire_text rest;
	struct wire_line line;

	if (!uri || !end || uri > end)
		return -EINVAL;
	put_text(o, method);
	wire_out_raw(o, uri, (size_t)(end + 1 - uri));
	rest = (struct wire_text){end + 1, request.n - (size_t)(end + 1 - request.s)};
	while (wire_line_next(&rest, &line)) {
		switch (line.id) {
		case WIRE_NAME_TO:
			if (to_line) {
				wire_out_line(o, to_line);
				break;
			}
			/* fall through */
		case WIRE_NAME_VIA:
		case WIRE_NAME_FROM:
		case WIRE_NAME_CALL_ID:
		case WIRE_NAME_ROUTE:
		case WIRE_NAME_MAX_FORWARDS:
			wire_out_raw(o, line.line.s, line.line.n);
			put_text(o, "\r\n");
			break;
		case WIRE_NAME_CSEQ:
			put_cseq(o, line.value, method);
			break;
		default:
			break;
		}
	}
	if (reason)
		wire_out_header(o, "Reason", "%s", reason);
	put_body(o, NULL, 0);
	return o->err;
}

struct wire_text txn_branch(const char *request, size_t n)
{
	static const char mark[] = "branch=";
	const char *end = request + n, *at = memchr(request, '\n', n);
	struct wire_text t = {0};

	/* behind the request line: a parameter of the URI may have that name too */
	while (at && (at = memchr(at, ';', (size_t)(end - at)))) {
		at++;
		if ((size_t)(end - at) < sizeof(mark) || memcmp(at, mark, sizeof(mark) - 1))
			continue;
		t.s = at + sizeof(mark) - 1;
		while (t.s + t.n < end && t.s[t.n] != ';' && t.s[t.n] != '\r')
			t.n++;
		break;
	}
	return t;
}

size_t txn_head_bytes(const char *s, size_t n)
{
	const char *end = s + n, *at = s;

	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at + 2 - s);
	}
	return n;
}

bool txn_has_to_tag(const struct txn_request *r)
{
	static const char name[] = "To: ", tag[] = ";tag=";
	const char *at = r->headers, *end = at + r->headers_bytes, *line_end;

	for (; at < end; at = line_end + 1) {
		line_end = memchr(at, '\n', (size_t)(end - at));
		if (!line_end)
			break;
		if ((size_t)(line_end - at) > sizeof(name) && !memcmp(at, name, sizeof(name) - 1))
			return memmem(at, (size_t)(line_end - at), tag, sizeof(tag) - 1) != NULL;
	}
	return false;
}
