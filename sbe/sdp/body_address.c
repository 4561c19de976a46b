/* SPDX-License-Identifier: Apache-2.0 */
/* body_address - see the header. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "sbe/sdp/body_address.h"

/* Host name by its characters (RFC 1123, and '_' as seen in the wild), with a letter in it: "300.1.1.1" is
 * a broken number, not a name. */
static bool looks_like_name(struct body_text t)
{
	bool letter = false;

	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.at[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			letter = true;
		else if (!((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'))
			return false;
	}
	return letter;
}

/* "/ttl" or "/ttl/count" of multicast, already without the first slash. */
static bool scope_ok(struct body_text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		if ((t.at[i] < '0' || t.at[i] > '9') && t.at[i] != '/')
			return false;
	}
	return t.len > 0;
}

static bool has(struct body_text t, char c)
{
	return t.len && memchr(t.at, c, t.len);
}

struct body_address body_address_parse(const char *text, size_t len_bytes)
{
	struct body_text rest = {.at = text, .len = (uint32_t)len_bytes};
	struct body_text net = body_text_word(&rest);
	struct body_text family = body_text_word(&rest);
	struct body_text where = body_text_word(&rest);
	struct body_address a = {.state = BODY_ADDRESS_BAD};
	bool v6 = body_text_is(family, "IP6");
	bool scoped = has(where, '/');

	a.text = body_text_until(&where, '/');
	if (!body_text_is(net, "IN") || (!v6 && !body_text_is(family, "IP4")))
		return a;
	if (!a.text.len || body_text_word(&rest).len || (scoped && !scope_ok(where)))
		return a;
	/* The family must agree: a v4 address announced as IP6 is read differently by each end. */
	if (has(a.text, ':') == v6 && !has(a.text, '[') &&
	    addr_parse_ip(a.text.at, a.text.len, &a.addr) == 0) {
		a.addr.port = 0;
		a.state = BODY_ADDRESS_NUMERIC;
		return a;
	}
	memset(&a.addr, 0, sizeof(a.addr));
	if (looks_like_name(a.text))
		a.state = BODY_ADDRESS_NAME;
	return a;
}

size_t body_address_print(const struct addr *a, char *buf, size_t size_bytes)
{
	char text[7 + ADDR_TEXT_BYTES] = "IN IP4 "; /* several in every body: no format */
	size_t n;

	if (size_bytes == 0)
		return 0;
	if (a->family == ADDR_V6)
		text[5] = '6';
	addr_print_ip(a, false, text + 7, ADDR_TEXT_BYTES);
	n = strlen(text);
	if (n >= size_bytes)
		n = size_bytes - 1;
	memcpy(buf, text, n);
	buf[n] = 0;
	return n;
}

static const char *reason(const struct addr *a, unsigned flags)
{
	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return "no numeric media address";
	if (addr_is_any(a))
		return flags & BODY_ADDRESS_ANY_OK ? NULL : "media address is 0.0.0.0 or ::";
	if (addr_is_loopback(a))
		return flags & BODY_ADDRESS_LOOPBACK_OK ? NULL : "media address is loopback";
	if (addr_is_multicast(a))
		return "media address is multicast or broadcast";
	if (addr_is_link_local(a))
		return "media address is link-local";
	/* the rest of "this network" (RFC 1122 3.2.1.3) is no destination either */
	if (a->family == ADDR_V4 && a->ip[0] == 0)
		return "media address is in 0.0.0.0/8";
	return NULL;
}

int body_address_ok(const struct addr *a, unsigned flags, const char **ret_why)
{
	const char *why = reason(a, flags);

	if (!why)
		return 0;
	if (ret_why)
		*ret_why = why;
	return -EADDRNOTAVAIL;
}
