/* SPDX-License-Identifier: Apache-2.0 */
/* sips: comes by TLS, goes on by TLS, and says so; whole calls are in scenario i010 (A19, RFC 5630). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sbe/call/call_object.h"
#include "sbe/call/call_sips.h"

static struct call call;
static struct policy_parties who;

static int up(void **state)
{
	(void)state;
	memset(&call, 0, sizeof(call));
	snprintf(who.remote, sizeof(who.remote), "<sip:+44@b.example;user=phone>");
	snprintf(who.uri, sizeof(who.uri), "sip:+44@b.example;user=phone");
	snprintf(who.local, sizeof(who.local), "<sip:a@a.example>");
	return 0;
}

static void comes_by_tls_only(void **state)
{
	(void)state;
	struct wire_uri sips = {.is_sip = true, .sips = true}, sip = {.is_sip = true};
	struct transport_target from = {.proto = TRANSPORT_TLS};

	assert_true(call_sips_came_well(&sips, &from));
	assert_true(call_sips_came_well(&sip, &from));
	for (int proto = TRANSPORT_UDP; proto <= TRANSPORT_TCP; proto++) {
		from.proto = (uint8_t)proto;
		assert_false(call_sips_came_well(&sips, &from));
		assert_true(call_sips_came_well(&sip, &from));
	}
}

static void goes_on_by_tls_only(void **state)
{
	(void)state;
	struct peer_hop hop = {.proto = TRANSPORT_TCP};

	assert_null(call_sips_declines(&call, &hop));
	call.legs[0].dialog.target.sips = true;
	assert_string_equal(call_sips_declines(&call, &hop), "sips_needs_tls");
	hop.proto = TRANSPORT_UDP;
	assert_non_null(call_sips_declines(&call, &hop));
	hop.proto = TRANSPORT_TLS;
	assert_null(call_sips_declines(&call, &hop));
}

static void says_so(void **state)
{
	(void)state;
	call_sips_parties(&call, &who);
	assert_string_equal(who.uri, "sip:+44@b.example;user=phone");
	call.legs[0].dialog.target.sips = true;
	call_sips_parties(&call, &who);
	assert_string_equal(who.uri, "sips:+44@b.example;user=phone");
	assert_string_equal(who.remote, "<sips:+44@b.example;user=phone>");
	assert_string_equal(who.local, "<sip:a@a.example>");
}

/* No room for one more byte: as it was, never cut. */
static void full_one_stays(void **state)
{
	(void)state;
	call.legs[0].dialog.target.sips = true;
	memset(who.uri, 'x', sizeof(who.uri) - 1);
	memcpy(who.uri, "sip:", 4);
	who.uri[sizeof(who.uri) - 1] = '\0';
	call_sips_parties(&call, &who);
	assert_int_equal(strlen(who.uri), sizeof(who.uri) - 1);
	assert_int_equal(strncmp(who.uri, "sip:x", 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(comes_by_tls_only, up),
		cmocka_unit_test_setup(goes_on_by_tls_only, up),
		cmocka_unit_test_setup(says_so, up),
		cmocka_unit_test_setup(full_one_stays, up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
