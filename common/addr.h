/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr - IP address with port, and prefixes: parse, print, compare. Numeric only: never a look-up.
 *
 * Plain values, copied freely. Port in host order; address bytes in network order. An IPv4-mapped
 * IPv6 address is kept as IPv4, so that both spellings compare equal.
 */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };

#define ADDR_TEXT_BYTES 56 /* "[v6]:port" with the 0 */

struct addr {
	uint8_t family; /* enum addr_family */
	uint8_t pad;
	uint16_t port;
	uint8_t ip[16]; /* v4: the first four bytes, rest 0 */
};

struct addr_prefix {
	struct addr net; /* port unused; host bits are 0 */
	uint8_t bits;
};

/** "192.0.2.1", "2001:db8::1", "[2001:db8::1]" without port. @return 0, -EINVAL. A %zone is refused. */
int addr_parse_ip(const char *text, size_t len_bytes, struct addr *ret_addr);

/** "ip", "ip:port", "[v6]:port", "[v6]"; without a port it is 0. @return 0, -EINVAL. */
int addr_parse(const char *text, struct addr *ret_addr);

/** Print the IP alone; v6 without brackets unless brackets is set. @return buf. */
const char *addr_print_ip(const struct addr *a, bool brackets, char *buf, size_t size_bytes);
/** Print with port: "1.2.3.4:5" or "[::1]:5". @return buf. */
const char *addr_print(const struct addr *a, char *buf, size_t size_bytes);

bool addr_equal(const struct addr *a, const struct addr *b);    /* IP and port */
bool addr_ip_equal(const struct addr *a, const struct addr *b); /* IP only */
bool addr_is_any(const struct addr *a);                         /* 0.0.0.0 or :: */
bool addr_is_loopback(const struct addr *a);
bool addr_is_multicast(const struct addr *a); /* also 255.255.255.255 */
bool addr_is_link_local(const struct addr *a);
/** Reachable on the Internet: none of the above, and not of a private or shared network (RFC 6890). */
bool addr_is_public(const struct addr *a);

/** To and from the socket API. @return length of the sockaddr; from: 0 or -EAFNOSUPPORT. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ret_sa);
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret_addr);

/** "10.0.0.0/8", "::1/128", a bare address = a host prefix. Host bits set are refused. @return 0, -EINVAL. */
int addr_prefix_parse(const char *text, struct addr_prefix *ret_prefix);
bool addr_prefix_has(const struct addr_prefix *p, const struct addr *a);
const char *addr_prefix_print(const struct addr_prefix *p, char *buf, size_t size_bytes);

#endif
