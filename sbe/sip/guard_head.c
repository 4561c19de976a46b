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

int guard_head_read(const uint8_t *data, size_t len_bytes, struct guard_head *ret_head)
{
	struct guard_result r;

	guard_check(data, len_bytes, false, &r);
	if (r.verdict != GUARD_PASS || !r.is_request)
		return -EBADMSG;
	*ret_head = r.head;
	return 0;
}

struct wire_text guard_head_to_tag(const struct guard_head *h)
{
	struct wire_party p;

	/* A new call mostly has no parameter there at all. */
	if (!memchr(h->to.value.s, '=', h->to.value.n))
		return (struct wire_text){NULL, 0};
	return wire_party_parse(h->to.value, &p) ? h->to.value : p.tag;
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

bool guard_is_our_ack(const uint8_t *data, size_t len_bytes)
{
	static const char mark[] = ";tag=" GUARD_TAG;
	const size_t n = sizeof(GUARD_TAG) - 1;
	struct guard_head h;
	struct wire_text tag;

	if (guard_method(data, len_bytes) != WIRE_ACK ||
	    !memmem(data, len_bytes, mark, sizeof(mark) - 1) ||
	    guard_head_read(data, len_bytes, &h))
		return false;
	tag = guard_head_to_tag(&h);
	return tag.n > n && !memcmp(tag.s, GUARD_TAG, n);
}
