/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in routes, lookup and location. */
#include "tests/unit/sbe/route/route_bed.h"

#include <string.h>

static struct bed bed;

static void refused(const char *members, const char *error)
{
	assert_int_not_equal(bed_up(&bed, members), 0);
	if (!strstr(bed.error.text, error))
		fail_msg("\"%s\" is not in \"%s\"", error, bed.error.text);
}

static void names_exist(void **state)
{
	(void)state;
	refused("'routes':[{'name':'r','to':[{'peer':'pbx'},{'peer':'nobody'}]}]",
		"routes[0].to[1].peer: route r: there is no peer \"nobody\"");
	refused("'routes':[{'name':'r','from':['pbx','x'],'to':[{'peer':'pbx'}]}]",
		"routes[0].from[1]: route r: there is no peer \"x\"");
	refused("'routes':[{'name':'r','to':[{'peer':'mute'}]}]",
		"route r: peer mute has no next_hops");
	refused("'routes':[{'name':'r','to':[{'peer':'pbx'},{'peer':'pbx'}]}]",
		"names peer pbx twice");
	refused("'routes':[{'name':'r','to':[{'peer':'pbx'}]},{'name':'r','to':[{'peer':'pbx'}]}]",
		"routes[1].name: there is another route r");
}

static void members(void **state)
{
	(void)state;
	refused("'routes':[{'to':[{'peer':'pbx'}]}]", "routes[0].name: is required");
	refused("'routes':[{'name':'r'}]", "routes[0].to: is required");
	refused("'routes':[{'name':'r','to':[]}]", "must have 1 to 32 items");
	refused("'routes':[{'name':'r','number':'alice','to':[{'peer':'pbx'}]}]",
		"routes[0].number: must be the beginning of a number");
	refused("'routes':[{'name':'r','number':'--','to':[{'peer':'pbx'}]}]",
		"beginning of a number");
}

static void sources_have_what_they_need(void **state)
{
	(void)state;
	refused("'lookup':[{'type':'table'},{'type':'enum'}]",
		"lookup[1].suffix: lookup type enum needs it");
	refused("'lookup':[{'type':'enum','suffix':'e164..arpa'}]",
		"lookup[0].suffix: must be a domain without a final dot");
	refused("'location':[{'type':'redirect'}]",
		"location[0].peer: location type redirect needs it");
	refused("'location':[{'type':'redirect','peer':'nobody'}]",
		"location[0].peer: there is no peer");
	refused("'lookup':[{'type':'redirect'}]", "lookup[0].peer: lookup type redirect needs it");
	refused("'lookup':[{'type':'redirect','peer':'x'}]", "there is no peer");
	refused("'lookup':[{'type':'redirect','peer':'mute'}]", "peer mute has no next_hops");
	refused("'lookup':[{'type':'redirect','peer':'cnet'}]", "peer cnet needs redirect follow");
	/* B16: nothing is asked in clear text unless that is said */
	refused("'lookup':[{'type':'redirect','peer':'luf'}]",
		"next hop sip:127.0.0.60 of peer luf is clear text; set secure to false");
	refused("'lookup':[{'type':'https'}]", "lookup[0].url: lookup type https needs it");
	refused("'lookup':[{'type':'https','url':'https://x'}]", "an https service needs it");
	refused("'lookup':[{'type':'https','url':'http://x'}]", "is clear text; use https://");
	refused("'lookup':[{'type':'https','url':'ldap://x'}]", "must begin with https://");
	refused("'lookup':[{'type':'https','url':'https://x/a b','tls':'us'}]",
		"has a character that must be escaped");
	refused("'lookup':[{'type':'uri','tls':'us'}]", "does not belong to type uri");
	refused("'lookup':[{'type':'uri','from':['who']}]",
		"lookup[0].from[0]: there is no peer \"who\"");
	refused("'location':[{'type':'peers','from':['who']}]",
		"location[0].from[0]: there is no peer \"who\"");
	refused("'location':[{'type':'dns'}]", "location[0].realm: location type dns needs it");
	refused("'location':[{'type':'peers','realm':'core'}]", "does not belong to type peers");
	refused("'location':[{'type':'https','url':'https://x'}]",
		"location type https is not part of this version");
	refused("'lookup':[{'type':'magic'}]", "must be one of table, uri");
	refused("'lookup':[{'type':'uri','suffix':'x'}]",
		"lookup[0].suffix: does not belong to type uri");
}

static void normal(const char *user, const char *expected)
{
	char buf[ROUTE_NUMBER_BYTES];

	assert_string_equal(route_number(user, buf, sizeof(buf)), expected);
}

static void numbers(void **state)
{
	(void)state;
	char small[4];

	normal("+44 (20) 79-46.00", "+4420794600");
	normal("+1-555;npdi;rn=+1", "+1555");
	normal("*31#12", "*31#12");
	normal("alice.smith", "alice.smith");
	normal("", "");
	normal(";x", "");
	normal("%2B44%2d20", "+4420");
	normal("%2", "%2");
	normal("%", "%");
	normal("12%00%0a", "12%00%0a");
	normal("%zz", "%zz");
	assert_string_equal(route_number("12345", small, sizeof(small)), "123");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_exist),
		cmocka_unit_test(members),
		cmocka_unit_test(sources_have_what_they_need),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests_name("sbe/route_conf", tests, NULL, NULL);
}
