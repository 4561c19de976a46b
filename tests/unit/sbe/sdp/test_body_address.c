/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of o= and c= lines, and where media may be sent (A4: never loopback, link-local, multicast). */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include "sbe/sdp/body_address.h"
#include "tests/unit/sbe/sdp/examples.h"

static void test_forms_A4(void **state)
{
	static const struct {
		const char *text;
		enum body_address_state state;
		const char *address;
	} rows[] = {
		{"IN IP4 192.0.2.1", BODY_ADDRESS_NUMERIC, "192.0.2.1"},
		{"IN  IP4\t192.0.2.1 ", BODY_ADDRESS_NUMERIC, "192.0.2.1"},
		{"in ip4 192.0.2.1", BODY_ADDRESS_NUMERIC, "192.0.2.1"},
		{"IN IP6 2001:DB8::1", BODY_ADDRESS_NUMERIC, "2001:db8::1"},
		{"IN IP4 0.0.0.0", BODY_ADDRESS_NUMERIC, "0.0.0.0"},
		{"IN IP4 224.2.1.1/127", BODY_ADDRESS_NUMERIC, "224.2.1.1"},
		{"IN IP4 224.2.1.1/127/3", BODY_ADDRESS_NUMERIC, "224.2.1.1"},
		{"IN IP6 ff15::101/3", BODY_ADDRESS_NUMERIC, "ff15::101"},
		{"IN IP4 pc.example.com", BODY_ADDRESS_NAME, NULL},
		{"IN IP4 host_1", BODY_ADDRESS_NAME, NULL},
		{"IN IP4 224.2.1.1/x", BODY_ADDRESS_BAD, NULL},
		{"IN IP4 224.2.1.1/", BODY_ADDRESS_BAD, NULL},
		{"IN IP4 300.1.1.1", BODY_ADDRESS_BAD, NULL},
		{"IN IP4 1.2.3", BODY_ADDRESS_BAD, NULL},
		{"IN IP4 2001:db8::1", BODY_ADDRESS_BAD, NULL},
		{"IN IP6 192.0.2.1", BODY_ADDRESS_BAD, NULL},
		{"IN IP6 [2001:db8::1]", BODY_ADDRESS_BAD, NULL},
		{"IN IP6 fe80::1%eth0", BODY_ADDRESS_BAD, NULL},
		{"IN IP4 192.0.2.1 x", BODY_ADDRESS_BAD, NULL},
		{"IN IP4", BODY_ADDRESS_BAD, NULL},
		{"IN IP5 192.0.2.1", BODY_ADDRESS_BAD, NULL},
		{"ATM NSAP 47.0091", BODY_ADDRESS_BAD, NULL},
		{"", BODY_ADDRESS_BAD, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct body_address a = body_address_parse(rows[i].text, strlen(rows[i].text));

		if (a.state != rows[i].state)
			fail_msg("\"%s\": state %d", rows[i].text, a.state);
		if (rows[i].address) {
			struct addr expected = ip(rows[i].address);

			assert_true(addr_equal(&a.addr, &expected));
		} else {
			assert_int_equal(a.addr.family, ADDR_NONE);
		}
	}
}

static void test_print(void **state)
{
	char buf[BODY_ADDRESS_BYTES];
	struct addr v4 = ip("192.0.2.1"), v6 = ip("2001:db8::1");

	(void)state;
	assert_int_equal(body_address_print(&v4, buf, sizeof(buf)), 16);
	assert_string_equal(buf, "IN IP4 192.0.2.1");
	assert_int_equal(body_address_print(&v6, buf, sizeof(buf)), 18);
	assert_string_equal(buf, "IN IP6 2001:db8::1");
	assert_int_equal(body_address_print(&v4, buf, 4), 3);
}

static void test_where_media_may_go_A4(void **state)
{
	static const struct {
		const char *text;
		unsigned flags;
		int result;
	} rows[] = {
		{"192.0.2.1", 0, 0},
		{"10.0.0.1", 0, 0},
		{"2001:db8::1", 0, 0},
		{"127.0.0.1", 0, -EADDRNOTAVAIL},
		{"127.0.0.1", BODY_ADDRESS_LOOPBACK_OK, 0},
		{"::1", 0, -EADDRNOTAVAIL},
		{"::1", BODY_ADDRESS_LOOPBACK_OK, 0},
		{"0.0.0.0", BODY_ADDRESS_LOOPBACK_OK, -EADDRNOTAVAIL},
		{"0.0.0.0", BODY_ADDRESS_ANY_OK, 0},
		{"::", 0, -EADDRNOTAVAIL},
		{"0.1.2.3", BODY_ADDRESS_ANY_OK | BODY_ADDRESS_LOOPBACK_OK, -EADDRNOTAVAIL},
		{"224.0.0.1", BODY_ADDRESS_ANY_OK | BODY_ADDRESS_LOOPBACK_OK, -EADDRNOTAVAIL},
		{"255.255.255.255", 0, -EADDRNOTAVAIL},
		{"ff02::1", 0, -EADDRNOTAVAIL},
		{"169.254.1.1", 0, -EADDRNOTAVAIL},
		{"fe80::1", BODY_ADDRESS_LOOPBACK_OK, -EADDRNOTAVAIL},
		{"::ffff:127.0.0.1", 0, -EADDRNOTAVAIL},
	};
	struct addr none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a = ip(rows[i].text);
		const char *why = NULL;

		if (body_address_ok(&a, rows[i].flags, &why) != rows[i].result)
			fail_msg("%s with flags %u", rows[i].text, rows[i].flags);
		assert_true((why != NULL) == (rows[i].result != 0));
	}
	assert_int_equal(body_address_ok(&none, 3, NULL), -EADDRNOTAVAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms_A4),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_where_media_may_go_A4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
