/* SPDX-License-Identifier: Apache-2.0 */
/* What a failure is called on the other side: status maps, Q.850 by RFC 3398, Reason; methods and option tags. */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

static void is(const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("got  %s\nwant %s", got, want);
}

/* bnet answers pbx; "480 Gone Away" */
static const char *outcome(int status, const char *reason)
{
	static char text[128];
	struct policy_outcome out;
	struct wire_msg *m = status > 0 ? bed_response(status, reason) : NULL;

	policy_outcome(&bed.way, m, status < 0 ? -status : status, &out);
	snprintf(text, sizeof(text), "%d%s%s", out.status, out.phrase ? " " : "",
		 out.phrase ? out.phrase : "");
	mem_unref(m);
	return text;
}

static void statuses(void **state)
{
	(void)state;
	bed_peers("{'causes':{'out':[{'status':'500-599','to':480,'phrase':'Try Later'}]}}",
		  "{'causes':{'in':[{'status':'486','q850':34,'to':503},{'status':'486','to':600},"
		  "{'status':'183','to':180},{'q850':1,'to':404}]}}");
	bed_turn();
	is(outcome(486, ""), "600");
	is(outcome(486, "Reason: Q.850;cause=34\n"), "480 Try Later"); /* in, then out */
	is(outcome(486, "Reason: SIP;cause=1, q.850 ;text=\"x\";cause=17\n"), "600");
	is(outcome(603, "Reason: Q.850;cause=1\n"), "404");
	is(outcome(603, ""), "603");
	is(outcome(183, ""), "180");
	is(outcome(182, ""), "182");
	is(outcome(200, "Reason: Q.850;cause=1\n"), "200");
	is(outcome(-503, ""), "480 Try Later"); /* our own failures too */
	is(outcome(-486, ""), "486");           /* but nothing came from bnet */
}

static void by_q850(void **state)
{
	static const struct {
		unsigned cause;
		const char *status;
	} rows[] = {{1, "404"},  {3, "404"},   {17, "486"},  {18, "480"}, {19, "480"},
		    {21, "403"}, {22, "410"},  {27, "502"},  {28, "484"}, {31, "480"},
		    {34, "503"}, {41, "503"},  {57, "403"},  {65, "488"}, {79, "501"},
		    {88, "503"}, {102, "504"}, {127, "500"}, {99, "600"}, {16, "600"}};
	char line[64];

	(void)state;
	bed_peers(NULL, "{'causes':{'prefer':'q850'}}");
	bed_turn();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "Reason: Q.850;cause=%u;text=\"x\"\n", rows[i].cause);
		is(outcome(600, line), rows[i].status);
	}
	bed_peers(NULL, "{'causes':{'prefer':'q850','q850':[{'status':606,'q850':17}]}}");
	bed_turn();
	is(outcome(600, "Reason: Q.850;cause=17\n"), "606");
}

static void reasons(void **state)
{
	const char *out;
	char buf[128];

	(void)state;
	bed_peers("{'causes':{'reason':'add','q850':[{'status':480,'q850':20}]}}", NULL);
	bed_turn();
	is(bed_lines(bed_pass(bed_response(486, "")), "Reason"), "Q.850;cause=17");
	is(bed_lines(bed_pass(bed_response(480, "")), "Reason"), "Q.850;cause=20");
	is(bed_lines(bed_pass(bed_response(699, "")), "Reason"), "Q.850;cause=31");
	is(bed_lines(bed_pass(bed_response(486, "Reason: Q.850;cause=34\n")), "Reason"),
	   "Q.850;cause=34");
	is(bed_lines(bed_pass(bed_response(486, "Reason: SIP;cause=486\n")), "Reason"),
	   "SIP;cause=486|Q.850;cause=17");
	is(bed_lines(bed_pass(bed_response(486, "Reason: Q.850;cause=34;text=\"198.51.100.20\"\n")),
		     "Reason"),
	   "Q.850;cause=34|Q.850;cause=17" + 15); /* only the one made of the status */
	is(bed_lines(bed_pass(bed_response(200, "")), "Reason"), "");
	bed_peers("{'causes':{'reason':'strip'}}", NULL);
	bed_turn();
	is(bed_lines(bed_pass(bed_response(486, "Reason: Q.850;cause=34\n")), "Reason"), "");
	assert_null(policy_reason(&bed.way, NULL, "SIP;cause=503", buf, sizeof(buf)));
	bed_peers(NULL, NULL);
	bed_turn();
	out = policy_reason(&bed.way, NULL, "SIP;cause=503", buf, sizeof(buf));
	is(out, "SIP;cause=503");
}

static void methods_and_options(void **state)
{
	const struct peer_conf *c;

	(void)state;
	bed_peers("{'methods':{'forbid':['INFO','UPDATE']},'options':{'forbid':['100REL']}}",
		  "{'methods':{'allow':['INVITE','OPTIONS']},'options':{'allow':['timer']}}");
	c = bed.way.from->conf;
	assert_false(policy_method_allowed(c, WIRE_INFO));
	assert_true(policy_method_allowed(c, WIRE_INVITE));
	assert_false(policy_option_allowed(c, "100rel", 6));
	assert_true(policy_option_allowed(c, "timer", 5));
	c = bed.way.to->conf;
	assert_true(policy_method_allowed(c, WIRE_INVITE));
	assert_true(policy_method_allowed(c, WIRE_BYE)); /* always: a call must end */
	assert_false(policy_method_allowed(c, WIRE_INFO));
	assert_true(policy_option_allowed(c, "Timer", 5));
	assert_false(policy_option_allowed(c, "100rel", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(statuses),
		BED_TEST(by_q850),
		BED_TEST(reasons),
		BED_TEST(methods_and_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
