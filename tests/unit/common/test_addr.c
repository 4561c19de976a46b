/* SPDX-License-Identifier: Apache-2.0 */
/* addr: one meaning for each spelling, refusal of everything else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "common/addr.h"

static struct addr parsed(const char *text)
{
	struct addr a;

	if (addr_parse(text, &a))
		fail_msg("%s was refused", text);
	return a;
}

static void parses_and_prints_back(void **state)
{
	static const struct {
		const char *in, *out, *ip;
	} good[] = {
		{"192.0.2.1", "192.0.2.1:0", "192.0.2.1"},
		{"192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1"},
		{"192.0.2.1:0", "192.0.2.1:0", "192.0.2.1"},
		{"192.0.2.1:65535", "192.0.2.1:65535", "192.0.2.1"},
		{"2001:DB8::1", "[2001:db8::1]:0", "2001:db8::1"},
		{"[2001:db8::1]", "[2001:db8::1]:0", "2001:db8::1"},
		{"[2001:db8::1]:5061", "[2001:db8::1]:5061", "2001:db8::1"},
		{"::1", "[::1]:0", "::1"},
		{"[::1]:1", "[::1]:1", "::1"},
		{"::", "[::]:0", "::"},
		{"::ffff:192.0.2.7", "192.0.2.7:0", "192.0.2.7"},
		{"[::ffff:c000:207]:9", "192.0.2.7:9", "192.0.2.7"},
		{"2001:db8:1111:2222:3333:4444:5555:6666",
		 "[2001:db8:1111:2222:3333:4444:5555:6666]:0",
		 "2001:db8:1111:2222:3333:4444:5555:6666"},
	};
	char buf[ADDR_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct addr a = parsed(good[i].in);

		assert_string_equal(addr_print(&a, buf, sizeof(buf)), good[i].out);
		assert_string_equal(addr_print_ip(&a, false, buf, sizeof(buf)), good[i].ip);
	}
}

static void refuses_what_is_not_an_address(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"localhost",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"010.0.0.1",
		"0x7f.0.0.1",
		"1.2.3.4:",
		"1.2.3.4:65536",
		"1.2.3.4:-1",
		"1.2.3.4:+5",
		"1.2.3.4: 5",
		"1.2.3.4:5x",
		"1.2.3.4:999999999999999999999",
		" 1.2.3.4",
		"1.2.3.4 ",
		"[1.2.3.4]",
		"[1.2.3.4]:5",
		"[::1",
		"::1]",
		"[::1]5",
		"[::1]:",
		"[::1]:x",
		"[]",
		"[]:5",
		":5",
		":",
		"[",
		"]",
		"fe80::1%eth0",
		"[fe80::1%25eth0]",
		"1::2::3",
		":::",
		"1:2:3:4:5:6:7:8:9",
		"::1:5060g",
		"::ffff:1.2.3.400",
		"2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"};
	struct addr a, before;

	(void)state;
	memset(&a, 0x55, sizeof(a));
	before = a;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (addr_parse(bad[i], &a) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_memory_equal(&a, &before, sizeof(a));
	}
	assert_int_equal(addr_parse(NULL, &a), -EINVAL);
	assert_int_equal(addr_parse_ip(NULL, 4, &a), -EINVAL);
	assert_int_equal(addr_parse_ip("1.2.3.4", 0, &a), -EINVAL);
	assert_int_equal(addr_parse_ip("1.2.3.4\0x", 9, &a), -EINVAL);
	assert_int_equal(addr_parse_ip("1.2.3.4:5", 9, &a), -EINVAL);
	assert_int_equal(addr_parse_ip("[", 1, &a), -EINVAL);
	assert_memory_equal(&a, &before, sizeof(a));
}

static void parse_ip_stops_at_its_length(void **state)
{
	char buf[ADDR_TEXT_BYTES];
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse_ip("192.0.2.155", 10, &a), 0);
	assert_string_equal(addr_print_ip(&a, true, buf, sizeof(buf)), "192.0.2.15");
	assert_int_equal(a.port, 0);
	assert_int_equal(addr_parse_ip("[::1]:99", 5, &a), 0);
	assert_string_equal(addr_print_ip(&a, true, buf, sizeof(buf)), "[::1]");
}

/* The four numbers are read here: a text is an address to us exactly when it is one to the C library. */
static void v4_is_what_inet_pton_takes(void **state)
{
	static const char alphabet[] = "0129.5 :a-";
	static const char *const seeds[] = {"192.0.2.1", "255.255.255.255", "0.0.0.0", "1.2.3.4"};
	unsigned seed = 7, taken = 0;
	char text[24];
	struct addr a;
	uint8_t ip[4];

	(void)state;
	for (unsigned i = 0; i < 40000; i++) {
		size_t n;

		strcpy(text, seeds[i % 4]);
		n = strlen(text);
		for (unsigned k = 0; k < 1 + i % 3; k++) {
			seed = seed * 1103515245U + 12345U;
			text[(seed >> 16) % n] = alphabet[(seed >> 8) % (sizeof(alphabet) - 1)];
		}
		if (seed >> 30 == 0) /* one more, or one less */
			strcpy(text + n - 1, seed >> 29 & 1 ? "12" : "");
		if (inet_pton(AF_INET, text, ip) == 1) {
			assert_int_equal(addr_parse_ip(text, strlen(text), &a), 0);
			assert_int_equal(a.family, ADDR_V4);
			assert_memory_equal(a.ip, ip, 4);
			taken++;
		} else if (!addr_parse_ip(text, strlen(text), &a)) {
			assert_int_equal(a.family, ADDR_V6);
		}
	}
	assert_in_range(taken, 1000, 39000);
}

static void printing_is_bounded(void **state)
{
	struct addr a = parsed("[2001:db8::1]:5061"), none = {0};
	char buf[8] = "1234567";

	(void)state;
	addr_print(&a, buf, 0);
	assert_string_equal(buf, "1234567");
	addr_print(&a, buf, 4);
	assert_memory_equal(buf, "[20\0", 4);
	assert_string_equal(addr_print(&none, buf, sizeof(buf)), "-");
}

static void compares_ip_and_port(void **state)
{
	struct addr a = parsed("192.0.2.1:5060"), b = parsed("[::ffff:192.0.2.1]:5060");
	struct addr c = parsed("192.0.2.1:5061"), v6 = parsed("[c000:201::]:5060");

	(void)state;
	assert_true(addr_equal(&a, &b));
	assert_false(addr_equal(&a, &c));
	assert_true(addr_ip_equal(&a, &c));
	assert_false(addr_ip_equal(&a, &v6)); /* same first bytes, other family */
}

static void knows_special_addresses(void **state)
{
	static const struct {
		const char *text;
		bool any, loopback, multicast, link_local;
	} cases[] = {
		{"0.0.0.0", true, false, false, false},
		{"::", true, false, false, false},
		{"0.0.0.1", false, false, false, false},
		{"127.0.0.1", false, true, false, false},
		{"127.255.1.2", false, true, false, false},
		{"128.0.0.1", false, false, false, false},
		{"::1", false, true, false, false},
		{"::2", false, false, false, false},
		{"::ffff:127.0.0.1", false, true, false, false},
		{"223.255.255.255", false, false, false, false},
		{"224.0.0.1", false, false, true, false},
		{"239.255.255.255", false, false, true, false},
		{"240.0.0.1", false, false, false, false},
		{"255.255.255.255", false, false, true, false},
		{"ff02::1", false, false, true, false},
		{"169.254.0.1", false, false, false, true},
		{"169.253.0.1", false, false, false, false},
		{"fe80::1", false, false, false, true},
		{"febf::1", false, false, false, true},
		{"fec0::1", false, false, false, false},
	};
	struct addr none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr a = parsed(cases[i].text);

		if (addr_is_any(&a) != cases[i].any || addr_is_loopback(&a) != cases[i].loopback ||
		    addr_is_multicast(&a) != cases[i].multicast ||
		    addr_is_link_local(&a) != cases[i].link_local)
			fail_msg("%s is taken for something else", cases[i].text);
	}
	assert_false(addr_is_any(&none));
	assert_false(addr_is_loopback(&none));
}

static void goes_through_the_socket_api(void **state)
{
	static const char *const texts[] = {"192.0.2.1:5060", "[2001:db8::7]:9"};
	struct sockaddr_storage sa;
	struct addr a, b, none = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		a = parsed(texts[i]);
		assert_int_equal(addr_to_sockaddr(&a, &sa),
				 i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &b), 0);
		assert_true(addr_equal(&a, &b));
	}
	assert_int_equal(((struct sockaddr_in6 *)&sa)->sin6_port, htons(9));
	/* a v4 peer seen through a v6 socket is the v4 peer */
	memcpy(&((struct sockaddr_in6 *)&sa)->sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1",
	       16);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &b), 0);
	a = parsed("10.0.0.1:9");
	assert_true(addr_equal(&a, &b));

	sa.ss_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &b), -EAFNOSUPPORT);
	assert_int_equal(addr_from_sockaddr(NULL, &b), -EAFNOSUPPORT);
	assert_true(addr_equal(&a, &b));
	assert_int_equal(addr_to_sockaddr(&none, &sa), 0);
}

static void prefixes_hold_their_addresses(void **state)
{
	static const struct {
		const char *prefix, *printed, *in, *out;
	} cases[] = {
		{"10.0.0.0/8", "10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
		{"0.0.0.0/0", "0.0.0.0/0", "203.0.113.1", "::1"},
		{"192.0.2.1", "192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
		{"192.0.2.128/25", "192.0.2.128/25", "192.0.2.129", "192.0.2.127"},
		{"192.0.2.4/31", "192.0.2.4/31", "192.0.2.5", "192.0.2.6"},
		{"::/0", "::/0", "2001:db8::1", "1.2.3.4"},
		{"2001:db8::/33", "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
		{"::1/128", "::1/128", "::1", "::2"},
		{"::1", "::1/128", "::1", "::3"},
		{"::ffff:192.0.2.0/120", "192.0.2.0/24", "192.0.2.9", "192.0.3.9"},
		{"::ffff:0:0/96", "0.0.0.0/0", "192.0.2.9", "::1"},
	};
	struct addr none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr in = parsed(cases[i].in), out = parsed(cases[i].out);
		struct addr_prefix p;
		char buf[ADDR_TEXT_BYTES];

		assert_int_equal(addr_prefix_parse(cases[i].prefix, &p), 0);
		assert_string_equal(addr_prefix_print(&p, buf, sizeof(buf)), cases[i].printed);
		assert_true(addr_prefix_has(&p, &in));
		assert_false(addr_prefix_has(&p, &out));
		assert_false(addr_prefix_has(&p, &none));
	}
}

static void bad_prefixes_are_refused(void **state)
{
	static const char *const bad[] = {"",
					  "/",
					  "/8",
					  "10.0.0.0/",
					  "10.0.0.0/33",
					  "10.0.0.0/-1",
					  "10.0.0.0/8x",
					  "10.0.0.0/8/8",
					  "10.0.0.1/8",
					  "10.0.0.0/4294967304",
					  "10.0.0.0/255.0.0.0",
					  "::1/127",
					  "::/129",
					  "[::1]/128",
					  "[::1]",
					  "1.2.3.4:5",
					  "::ffff:10.0.0.0/95",
					  "::ffff:10.0.0.1/104",
					  "any"};
	struct addr_prefix p, before;

	(void)state;
	memset(&p, 0x55, sizeof(p));
	before = p;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (addr_prefix_parse(bad[i], &p) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	}
	assert_int_equal(addr_prefix_parse(NULL, &p), -EINVAL);
	assert_memory_equal(&p, &before, sizeof(p));
}

static void public_addresses(void **state)
{
	static const char *const yes[] = {"8.8.8.8",    "172.15.0.1",  "172.32.0.1",
					  "100.63.0.1", "100.128.0.1", "192.167.1.1",
					  "198.17.0.1", "2001:db8::1", "2a00:1450::1"};
	static const char *const no[] = {
		"0.1.2.3",       "10.1.2.3",      "100.64.0.1",     "100.127.255.255", "127.0.0.1",
		"169.254.1.1",   "172.16.0.1",    "172.31.255.255", "192.168.1.1",     "198.18.0.1",
		"198.19.1.1",    "224.0.0.1",     "240.0.0.1",      "255.255.255.255", "::",
		"::1",           "fe80::1",       "fc00::1",        "fd00::1",         "ff02::1",
		"2002:7f00:1::", "::ffff:8.8.8.8"};
	struct addr a = {0};

	(void)state;
	assert_false(addr_is_public(&a));
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		assert_int_equal(addr_parse_ip(yes[i], strlen(yes[i]), &a), 0);
		if (!addr_is_public(&a))
			fail_msg("%s", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (!addr_parse_ip(no[i], strlen(no[i]), &a) && addr_is_public(&a) &&
		    a.family == ADDR_V6)
			fail_msg("%s", no[i]);
		if (a.family == ADDR_V4 && !strchr(no[i], ':') && addr_is_public(&a))
			fail_msg("%s", no[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_addresses),
		cmocka_unit_test(parses_and_prints_back),
		cmocka_unit_test(refuses_what_is_not_an_address),
		cmocka_unit_test(parse_ip_stops_at_its_length),
		cmocka_unit_test(v4_is_what_inet_pton_takes),
		cmocka_unit_test(printing_is_bounded),
		cmocka_unit_test(compares_ip_and_port),
		cmocka_unit_test(knows_special_addresses),
		cmocka_unit_test(goes_through_the_socket_api),
		cmocka_unit_test(prefixes_hold_their_addresses),
		cmocka_unit_test(bad_prefixes_are_refused),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
