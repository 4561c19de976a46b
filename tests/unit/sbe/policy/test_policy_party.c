/* SPDX-License-Identifier: Apache-2.0 */
/* From, Request-URI and the number routes see: public hosts only, numbers as each side writes them. */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define UK "'country':'44','national_prefix':'0','international_prefix':'00'"

static void is(const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("got  %s\nwant %s", got, want);
}

static const char *routed(const char *uri)
{
	static char buf[128];
	struct wire_uri u;

	assert_int_equal(wire_uri_parse((struct wire_text){uri, strlen(uri)}, &u), 0);
	return policy_called(bed.way.from, &u, buf, sizeof(buf));
}

static void names_of_the_inside(void **state)
{
	(void)state;
	bed_peers(NULL, NULL);
	is(bed_from("\"A B\" <sip:+1555@10.0.0.10>", ""), "\"A B\" <sip:+1555@a.example>");
	is(bed_from("\"at pbx.inside\" <sip:u@pbx.inside>", ""), "<sip:u@a.example>");
	is(bed_from("<sip:u%40pbx.inside@pbx.inside>", ""), "<sip:a.example>");
	is(bed_from("<sip:10.0.0.10@pbx.inside>", ""), "<sip:a.example>");
	is(bed_from("<sip:+1;phone-context=pbx.inside@x>", ""), "<sip:+1@a.example>");
	is(bed_from("<sip:+1;npdi;rn=+2@x;user=phone>", ""),
	   "<sip:+1;npdi;rn=+2@a.example;user=phone>");
	is(bed_from("<sip:pbx@x>", ""), "<sip:pbx@a.example>"); /* a word is not a host */
	is(bed_from("<tel:+1-555>", ""), "<sip:+1-555@a.example;user=phone>");
	is(bed_uri("sip:+4420@a.example;transport=tcp;x=10.0.0.10"), "sip:+4420@b.example");
	is(bed_uri("sip:u%40pbx.inside@a.example"), "refused");
	is(bed_uri("sip:10.0.0.10@a.example"), "refused");
	is(bed_uri("tel:+44-20;ext=1"), "sip:+44-20;ext=1@b.example;user=phone");
	is(bed_uri("sip:;+44@a.example"), "sip:;+44@b.example");
}

static void normalised_in(void **state)
{
	(void)state;
	bed_peers(
		"{'numbers':{" UK ",'in':{'e164':true,"
		"'called':[{'prefix':'9','strip':1,'prepend':'00'},{'pattern':'^(1[0-9]{2})$','replace':'+44999{1}'}],"
		"'caller':[{'prefix':'7','max_digits':4,'prepend':'+442079'}]}}}",
		NULL);
	is(routed("sip:02079460000@a.example"), "+442079460000");
	is(routed("sip:00492111@a.example"), "+492111");
	is(routed("sip:+1555@a.example"), "+1555");
	is(routed("sip:%2B1%20(555)%2012-34;npdi@a.example"), "+15551234");
	is(routed("sip:9492111@a.example"), "+492111"); /* the rule, then the prefixes */
	is(routed("sip:112@a.example"), "+44999112");
	is(routed("sip:1123@a.example"), "1123");
	is(routed("sip:anna@a.example"), "anna");
	is(routed("sip:%41nna@a.example"), "Anna");
	is(routed("tel:0207"), "+44207");
	is(bed_uri("sip:020;npdi@a.example;user=phone"), "sip:+4420;npdi@b.example;user=phone");
	is(bed_from("<sip:7001@10.0.0.10>", ""), "<sip:+4420797001@a.example>");
	is(bed_from("<sip:70011@10.0.0.10>", ""), "<sip:70011@a.example>");
	is(bed_from("<sip:0207@10.0.0.10>", ""), "<sip:+44207@a.example>");
}

static void written_out(void **state)
{
	(void)state;
	bed_peers(NULL, "{'numbers':{" UK ",'out':{'format':'national','params':'remove'}}}");
	is(bed_uri("sip:+442079460000;npdi@a.example"), "sip:02079460000@b.example");
	is(bed_uri("sip:+492111@a.example"), "sip:00492111@b.example");
	is(bed_uri("sip:112@a.example"), "sip:112@b.example");
	is(bed_from("<sip:+44207@10.0.0.10>", ""), "<sip:0207@a.example>");
	bed_peers(NULL,
		  "{'numbers':{'out':{'format':'digits',"
		  "'called':[{'prefix':'44','prepend':'000'},{'min_digits':12,'strip':1}]}}}");
	is(bed_uri("sip:+4420@a.example"), "sip:0004420@b.example");
	is(bed_uri("sip:+123456789012@a.example"), "sip:23456789012@b.example");
	is(bed_uri("sip:+1234@a.example"), "sip:1234@b.example");
	/* what would be left of it is no number: as it was */
	bed_peers(NULL, "{'numbers':{'out':{'called':[{'strip':3}]}}}");
	is(bed_uri("sip:123@a.example"), "sip:123@b.example");
	is(bed_uri("sip:12@a.example"), "sip:12@b.example");
}

static void both_ways(void **state)
{
	(void)state;
	bed_peers("{'identity':{'trust':true},'numbers':{" UK ",'in':{'e164':true}}}",
		  "{'identity':{'trust':true},'numbers':{'out':{'format':'digits'}}}");
	is(bed_uri("sip:0207@a.example"), "sip:44207@b.example");
	is(bed_cross("P-Asserted-Identity: <tel:0205>, <sip:0206@x>\n", "P-Asserted-Identity"),
	   "<sip:44206@a.example>");
}

static void tel_uris(void **state)
{
	(void)state;
	bed_peers("{'identity':{'trust':true}}",
		  "{'identity':{'trust':true},'numbers':{'out':{'uri':'tel'}}}");
	is(bed_uri("sip:+4420;npdi@a.example"), "tel:+4420;npdi");
	is(bed_uri("sip:020@a.example"), "sip:020@b.example");
	is(bed_uri("sip:020@a.example;user=phone"), "tel:020;phone-context=b.example");
	is(bed_uri("sip:anna@a.example;user=phone"), "sip:anna@b.example;user=phone");
	is(bed_from("\"A\" <sip:+1@10.0.0.10>", ""), "\"A\" <tel:+1>");
	is(bed_cross("P-Asserted-Identity: <sip:+1@x>\n", "P-Asserted-Identity"), "<tel:+1>");
	bed_peers("{'identity':{'trust':true}}",
		  "{'identity':{'trust':true},'numbers':{'out':{'uri':'sip'}}}");
	is(bed_cross("P-Asserted-Identity: <tel:+1>\n", "P-Asserted-Identity"),
	   "<sip:+1@a.example;user=phone>");
}

static void asserted_locals(void **state)
{
	(void)state;
	bed_peers("{'identity':{'trust':true}}", "{'identity':{'trust':true}}");
	is(bed_cross("P-Asserted-Identity: <tel:5;phone-context=10.0.0.10>\n",
		     "P-Asserted-Identity"),
	   "");
	is(bed_cross("P-Asserted-Identity: <tel:+5;phone-context=10.0.0.10>\n",
		     "P-Asserted-Identity"),
	   "<tel:+5>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(names_of_the_inside), BED_TEST(normalised_in), BED_TEST(written_out),
		BED_TEST(both_ways),           BED_TEST(tel_uris),      BED_TEST(asserted_locals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
