/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr - numeric addresses. inet_pton does the grammar: it takes no octal, hex or short forms, so
 * that an address has one meaning only for us and for whoever wrote it.
 */
#include "common/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t addr_mapped_head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void addr_set_v4(struct addr *a, const void *ip)
{
	memset(a, 0, sizeof(*a));
	a->family = ADDR_V4;
	memcpy(a->ip, ip, 4);
}

static void addr_set_v6(struct addr *a, const uint8_t ip[16])
{
	if (memcmp(ip, addr_mapped_head, sizeof(addr_mapped_head)) == 0) {
		addr_set_v4(a, ip + 12);
		return;
	}
	memset(a, 0, sizeof(*a));
	a->family = ADDR_V6;
	memcpy(a->ip, ip, 16);
}

int addr_parse_ip(const char *text, size_t len_bytes, struct addr *ret_addr)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t ip[16];

	if (!text || len_bytes == 0)
		return -EINVAL;
	if (text[0] == '[') {
		if (len_bytes < 2 || text[len_bytes - 1] != ']')
			return -EINVAL;
		text++;
		len_bytes -= 2;
		if (!memchr(text, ':', len_bytes)) /* brackets are for v6 (RFC 3986 3.2.2) */
			return -EINVAL;
	}
	if (len_bytes >= sizeof(copy) || memchr(text, '\0', len_bytes))
		return -EINVAL;
	memcpy(copy, text, len_bytes);
	copy[len_bytes] = '\0';
	if (inet_pton(AF_INET, copy, ip) == 1)
		addr_set_v4(ret_addr, ip);
	else if (inet_pton(AF_INET6, copy, ip) == 1)
		addr_set_v6(ret_addr, ip);
	else
		return -EINVAL;
	return 0;
}

/* Decimal digits to the end of the text, and no more than max. @return -1: anything else. */
static long addr_parse_number(const char *text, long max)
{
	long n = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = n * 10 + (*text - '0');
		if (n > max)
			return -1;
	}
	return n;
}

int addr_parse(const char *text, struct addr *ret_addr)
{
	const char *colon, *end;
	struct addr a;
	long port = 0;

	if (!text)
		return -EINVAL;
	end = text + strlen(text);
	colon = strrchr(text, ':');
	/* In a bare v6 address colons are not for us; a port follows "]" or the only colon. */
	if (colon && (text[0] == '[' ? colon[-1] == ']' : strchr(text, ':') == colon)) {
		port = addr_parse_number(colon + 1, UINT16_MAX);
		if (port < 0)
			return -EINVAL;
		end = colon;
	}
	if (addr_parse_ip(text, (size_t)(end - text), &a))
		return -EINVAL;
	a.port = (uint16_t)port;
	*ret_addr = a;
	return 0;
}

/* Decimal digits of a number below 65536. @return behind the last one. */
static char *put_number(char *at, unsigned v)
{
	char digits[5];
	int n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (n)
		*at++ = digits[--n];
	return at;
}

/* Addresses are printed into every message and record: by hand this costs a tenth of what inet_ntop does. */
static char *put_v4(char *at, const uint8_t *ip)
{
	for (int i = 0; i < 4; i++) {
		if (ip[i] >= 100)
			*at++ = (char)('0' + ip[i] / 100);
		if (ip[i] >= 10)
			*at++ = (char)('0' + ip[i] / 10 % 10);
		*at++ = (char)('0' + ip[i] % 10);
		*at++ = i < 3 ? '.' : '\0';
	}
	return at - 1;
}

static const char *give(const char *text, size_t len_bytes, char *buf, size_t size_bytes)
{
	if (len_bytes >= size_bytes)
		len_bytes = size_bytes - 1; /* cut, as snprintf would */
	memcpy(buf, text, len_bytes);
	buf[len_bytes] = 0;
	return buf;
}

const char *addr_print_ip(const struct addr *a, bool brackets, char *buf, size_t size_bytes)
{
	char text[INET6_ADDRSTRLEN + 3] = "-"; /* no address: something to see in a log */

	if (a->family == ADDR_V4 && size_bytes >= INET_ADDRSTRLEN) { /* as good as always */
		put_v4(buf, a->ip);
		return buf;
	}
	if (size_bytes == 0)
		return buf;
	if (a->family == ADDR_V4) {
		put_v4(text, a->ip);
	} else if (a->family == ADDR_V6) {
		inet_ntop(AF_INET6, a->ip, text + brackets, INET6_ADDRSTRLEN);
		if (brackets) {
			text[0] = '[';
			strcat(text, "]");
		}
	}
	return give(text, strlen(text), buf, size_bytes);
}

const char *addr_print(const struct addr *a, char *buf, size_t size_bytes)
{
	char text[ADDR_TEXT_BYTES + 8], *at;

	if (size_bytes == 0)
		return buf;
	addr_print_ip(a, true, text, ADDR_TEXT_BYTES);
	at = text + strlen(text);
	if (a->family != ADDR_NONE) {
		*at++ = ':';
		at = put_number(at, a->port);
	}
	return give(text, (size_t)(at - text), buf, size_bytes);
}

bool addr_ip_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_ip_equal(a, b);
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return a->family != ADDR_NONE && memcmp(a->ip, zero, sizeof(zero)) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == ADDR_V4)
		return a->ip[0] == 127;
	return a->family == ADDR_V6 && memcmp(a->ip, one, sizeof(one)) == 0;
}

bool addr_is_multicast(const struct addr *a)
{
	if (a->family == ADDR_V4) {
		if (a->ip[0] >= 224 && a->ip[0] <= 239)
			return true;
		return memcmp(a->ip, "\xff\xff\xff\xff", 4) == 0;
	}
	return a->family == ADDR_V6 && a->ip[0] == 0xff;
}

bool addr_is_link_local(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return a->ip[0] == 169 && a->ip[1] == 254;
	return a->family == ADDR_V6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool addr_is_public(const struct addr *a)
{
	static const struct {
		uint8_t ip[2], mask[2];
	} not_public[] = {
		{{0, 0}, {255, 0}},      {{10, 0}, {255, 0}},      {{100, 64}, {255, 192}},
		{{172, 16}, {255, 240}}, {{192, 168}, {255, 255}}, {{198, 18}, {255, 254}},
		{{240, 0}, {240, 0}},
	};

	if (a->family == ADDR_NONE || addr_is_any(a) || addr_is_loopback(a) ||
	    addr_is_multicast(a) || addr_is_link_local(a))
		return false;
	if (a->family ==
	    ADDR_V6) /* the global unicast block, without 2002::/16 that hides an IPv4 address */
		return (a->ip[0] & 0xe0) == 0x20 && !(a->ip[0] == 0x20 && a->ip[1] == 0x02);
	for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++) {
		if ((a->ip[0] & not_public[i].mask[0]) == not_public[i].ip[0] &&
		    (a->ip[1] & not_public[i].mask[1]) == not_public[i].ip[1])
			return false;
	}
	return true;
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ret_sa)
{
	memset(ret_sa, 0, sizeof(*ret_sa));
	if (a->family == ADDR_V4) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ret_sa;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(a->port);
		memcpy(&sin->sin_addr, a->ip, 4);
		return sizeof(*sin);
	}
	if (a->family == ADDR_V6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret_sa;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(a->port);
		memcpy(&sin6->sin6_addr, a->ip, 16);
		return sizeof(*sin6);
	}
	return 0;
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret_addr)
{
	if (sa && sa->sa_family == AF_INET) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;

		addr_set_v4(ret_addr, &sin->sin_addr);
		ret_addr->port = ntohs(sin->sin_port);
		return 0;
	}
	if (sa && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;

		addr_set_v6(ret_addr, sin6->sin6_addr.s6_addr);
		ret_addr->port = ntohs(sin6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

/* The address with all bits after the first `bits` cleared. */
static struct addr addr_masked(const struct addr *a, unsigned bits)
{
	struct addr net = *a;

	net.port = 0;
	for (unsigned i = 0; i < sizeof(net.ip); i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;

		if (keep < 8)
			net.ip[i] &= (uint8_t)(0xff00 >> keep);
	}
	return net;
}

int addr_prefix_parse(const char *text, struct addr_prefix *ret_prefix)
{
	const char *slash;
	struct addr a, net;
	long bits, max;

	if (!text || text[0] == '[')
		return -EINVAL;
	slash = strchrnul(text, '/');
	if (addr_parse_ip(text, (size_t)(slash - text), &a))
		return -EINVAL;
	/* ::ffff:192.0.2.0/120 counts the bits of the v6 spelling of a v4 network */
	max = memchr(text, ':', (size_t)(slash - text)) ? 128 : 32;
	bits = *slash ? addr_parse_number(slash + 1, max) : max;
	if (a.family == ADDR_V4)
		bits -= max - 32;
	if (bits < 0)
		return -EINVAL;
	net = addr_masked(&a, (unsigned)bits);
	if (!addr_ip_equal(&net, &a))
		return -EINVAL;
	ret_prefix->net = net;
	ret_prefix->bits = (uint8_t)bits;
	return 0;
}

bool addr_prefix_has(const struct addr_prefix *p, const struct addr *a)
{
	struct addr net = addr_masked(a, p->bits);

	return addr_ip_equal(&net, &p->net) && a->family != ADDR_NONE;
}

const char *addr_prefix_print(const struct addr_prefix *p, char *buf, size_t size_bytes)
{
	char ip[ADDR_TEXT_BYTES];

	if (size_bytes > 0)
		snprintf(buf, size_bytes, "%s/%u", addr_print_ip(&p->net, false, ip, sizeof(ip)),
			 p->bits);
	return buf;
}
