/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sip/guard_head.h"

#include <errno.h>

#include "sbe/sip/guard.h"
#include "sbe/sip/wire_line.h"

enum wire_method guard_method(const uint8_t *data, size_t len_bytes)
{
	const char *s = (const char *)data;
	const char *sp = memchr(s, ' ', len_bytes < 16 ? len_bytes : 16);

	return sp ? wire_method_of((struct wire_text){s, (size_t)(sp - s)}) : WIRE_OTHER;
}

static void take_line(struct guard_head *h, const struct wire_line *l)
{
	static const char priority[] = "resource-priority";
	struct wire_text rest = l->value;
	struct wire_party p;

	switch (l->id) {
	case WIRE_NAME_VIA:
		if (!h->via.s)
			(void)wire_list_next(&rest, &h->via);
		break;
	case WIRE_NAME_FROM:
		h->from = l->value;
		break;
	case WIRE_NAME_TO:
		h->to = l->value;
		/* Not to be understood: let the parser say so, as if it had a tag. */
		h->to_tag = wire_party_parse(l->value, &p) ? l->value : p.tag;
		break;
	case WIRE_NAME_CALL_ID:
		h->call_id = l->value;
		break;
	case WIRE_NAME_CSEQ:
		h->cseq = l->value;
		break;
	default:
		if (l->name.n == sizeof(priority) - 1 && wire_text_is_nocase(l->name, priority))
			h->priority = true;
		break;
	}
}

int guard_head_read(const uint8_t *data, size_t len_bytes, struct guard_head *ret_head)
{
	struct guard_head h = {.method = guard_method(data, len_bytes)};
	const char *s = (const char *)data, *lf = len_bytes ? memchr(s, '\n', len_bytes) : NULL;
	const char *uri = lf ? memchr(s, ' ', (size_t)(lf - s)) : NULL;
	const char *end = uri ? memchr(uri + 1, ' ', (size_t)(lf - uri - 1)) : NULL;
	struct wire_text rest;
	struct wire_line l;

	if (!end)
		return -EBADMSG;
	h.uri = (struct wire_text){uri + 1, (size_t)(end - uri - 1)};
	rest = (struct wire_text){lf + 1, len_bytes - (size_t)(lf + 1 - s)};
	while (wire_line_next(&rest, &l))
		take_line(&h, &l);
	if (!h.via.s || !h.to.s || !h.call_id.s || !h.cseq.s || !h.from.s)
		return -EBADMSG;
	*ret_head = h;
	return 0;
}

bool guard_head_is_emergency(const struct guard_head *h, const struct conf_list *numbers)
{
	static const char service[] = "urn:service:sos";
	const size_t n = sizeof(service) - 1;
	struct wire_uri u;

	if (h->uri.n >= n && !strncasecmp(h->uri.s, service, n))
		return h->uri.n == n || h->uri.s[n] == '.';
	if (!numbers || !numbers->n || wire_uri_parse(h->uri, &u))
		return false;
	for (size_t i = 0; i < numbers->n; i++) {
		struct wire_text user = u.user;
		const char *params = user.n ? memchr(user.s, ';', user.n) : NULL;

		if (params) /* of a tel URI, or of a number in a sip URI */
			user.n = (size_t)(params - user.s);
		if (wire_text_is(user, ((const char *const *)numbers->items)[i]))
			return true;
	}
	return false;
}

uint16_t guard_head_reply_port(const struct guard_head *h)
{
	const char *semi = memchr(h->via.s, ';', h->via.n);
	struct wire_text host = {h->via.s, semi ? (size_t)(semi - h->via.s) : h->via.n}, value;
	struct wire_text params = {semi ? semi + 1 : NULL, semi ? h->via.n - host.n - 1 : 0};
	const char *colon;
	uint32_t port;

	if (semi && wire_param(params, "rport", &value))
		return 0;
	colon = memrchr(host.s, ':', host.n);
	/* "[v6]" has colons of its own */
	if (!colon || memchr(colon, ']', (size_t)(host.s + host.n - colon)))
		return 5060;
	return wire_number((struct wire_text){colon + 1, (size_t)(host.s + host.n - colon - 1)},
			   65535, &port)
		       ? 0
		       : (uint16_t)port;
}

bool guard_head_is_our_ack(const struct guard_head *h)
{
	const size_t n = sizeof(GUARD_TAG) - 1;

	return h->method == WIRE_ACK && h->to_tag.n > n && !memcmp(h->to_tag.s, GUARD_TAG, n);
}
