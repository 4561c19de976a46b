/* SPDX-License-Identifier: Apache-2.0 */
/* Which headers cross (C6, A28), and every kind of rule on them. */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define IN "'direction':'in',"
#define OUT "'direction':'out',"
#define RULES(list) "{'headers':{'rules':[" list "]}}"

static void is(const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("got  %s\nwant %s", got, want);
}

static void harmless_crosses(void **state)
{
	const char *out;

	(void)state;
	bed_peers(NULL, NULL);
	out = bed_pass(bed_invite(
		NULL, NULL,
		"Subject: lunch\ns: dinner\npriority : urgent\nUser-To-User: 3132;encoding=hex\n"
		"Identity: abc;info=<https://10.0.0.10/c>;ppt=shaken\nSession-ID: ab;remote=00\n"
		"X-Foo: 1\nUser-Agent: pbx\nServer: x\nCall-Info: <http://a.example/>\n"
		"Warning: 399 a.example \"x\"\nSupported: timer\nAllow: INVITE\nRetry-After: 5\n",
		NULL));
	is(bed_lines(out, "Subject"), "lunch");
	is(bed_lines(out, "s"), "dinner");
	is(bed_lines(out, "User-To-User"), "3132;encoding=hex");
	is(bed_lines(out, "Identity"), "abc;info=<https://10.0.0.10/c>;ppt=shaken"); /* E13 */
	is(bed_lines(out, "Session-ID"), "ab;remote=00");
	assert_non_null(strstr(out, "priority : urgent\r\n")); /* byte for byte */
	assert_null(strstr(out, "X-Foo"));
	assert_null(strstr(out, "User-Agent"));
	assert_null(strstr(out, "Call-Info"));
	assert_null(strstr(out, "Warning"));
	assert_null(strstr(out, "timer"));
}

/* What the message itself tells of its network does not cross in words for people either. */
static void the_inside_stays(void **state)
{
	static const char *const inner[] = {
		"ask 10.0.0.10",          "ask 10.1.2.3",     "at 10.0.0.10:5060.",
		"ask pbx.inside",         "ask PBX.Inside.",  "x-proxy7.inside-y",
		"call 77aa@host3.inside", "on host3.inside",  "v10.0.0.10beta",
		"ask pbx%2einside",       "%31%30.0.0.10",    "ask pbx\\.inside",
		"[2001:db8::7]",          "::ffff:10.0.0.10",
	};
	char headers[256];

	(void)state;
	bed_peers(NULL, NULL);
	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		snprintf(headers, sizeof(headers),
			 "Subject: %s\nReason: SIP;cause=200;text=\"%s\"\n", inner[i], inner[i]);
		if (bed_cross(headers, "Subject")[0] || bed_cross(headers, "Reason")[0])
			fail_msg("%s crossed", inner[i]);
	}
	is(bed_cross("Subject: version 1.2.3 at 10:30 for b.example\n", "Subject"),
	   "version 1.2.3 at 10:30 for b.example");
	is(bed_cross("Subject: ask a.example\n", "Subject"), "ask a.example");
}

static void unknown_headers(void **state)
{
	const char *out;

	(void)state;
	bed_peers("{'headers':{'unknown':'pass'}}", NULL);
	out = bed_pass(
		bed_invite(NULL, NULL,
			   "X-Foo: 1\nX-Host: 10.0.0.10\nX-Via: proxy7.inside\nX-Any: 192.0.2.9\n"
			   "User-Agent: pbx\nVia-X: 2\nP-Charging-Vector: icid-value=1\n"
			   "Route: <sip:10.0.0.1;lr>\nContact: <sip:z@10.0.0.10>\n",
			   NULL));
	is(bed_lines(out, "X-Foo"), "1");
	is(bed_lines(out, "Via-X"), "2");
	assert_null(strstr(out, "10.0.0."));
	assert_null(strstr(out, "inside"));
	assert_null(strstr(out, "192.0.2.9")); /* nobody said that it may be seen */
	assert_null(strstr(out, "User-Agent"));
	assert_null(strstr(out, "P-Charging"));
	assert_null(strstr(out, "Contact"));
}

/* A pass rule shows what the operator wants seen, but never what is known to be inside. */
static void pass_rules(void **state)
{
	(void)state;
	bed_peers(RULES("{" IN "'action':'pass','header':'X-*'}"),
		  RULES("{" OUT "'action':'pass','header':'User-Agent','pattern':'^Good'},"
			"{" OUT "'action':'pass','header':'Y-Two'}"));
	is(bed_cross("X-Any: 192.0.2.9\n", "X-Any"), "192.0.2.9");
	is(bed_cross("X-Any: 10.0.0.10\n", "X-Any"), "");
	is(bed_cross("X-Any: 10.9.9.8\n", "X-Any"), ""); /* received= of a Via */
	is(bed_cross("X-Any: y%70bx.inside\n", "X-Any"), "");
	is(bed_cross("User-Agent: Good 1\n", "User-Agent"), "Good 1");
	is(bed_cross("User-Agent: Bad 1\n", "User-Agent"), "");
	is(bed_cross("y-two : 2\n", "y-two "), "2");
	is(bed_cross("Z: 1\n", "Z"), "");
}

static void strip_rules(void **state)
{
	(void)state;
	bed_peers(RULES("{" IN "'action':'strip','header':'subject'},"
			"{" IN "'action':'strip','header':'User-to-User','pattern':'^00'}"),
		  RULES("{" OUT "'action':'strip','header':'Date','methods':['BYE']},"
			"{" OUT "'action':'strip','header':'Priority','methods':['INVITE']}"));
	is(bed_cross("S: a\nSubject: b\nSUBJECT : c\n", "Subject"), "");
	is(bed_cross("User-to-User: 0011\nUser-to-User: 11\n", "User-to-User"), "11");
	is(bed_cross("Date: now\nPriority: high\n", "Date"), "now");
	is(bed_cross("Date: now\nPriority: high\n", "Priority"), "");
}

static void add_and_replace_rules(void **state)
{
	const char *out;

	(void)state;
	bed_peers(
		RULES("{" IN
		      "'action':'add','header':'X-In','value':'{caller} {called} {peer} {other}'},"
		      "{" IN "'action':'replace','header':'Subject','value':'was {value}'}"),
		RULES("{" OUT "'action':'add','header':'User-Agent','value':'ours {{1}'},"
		      "{" OUT "'action':'replace','header':'X-Two','value':'{domain}'},"
		      "{" OUT "'action':'add','header':'X-Addr','value':'192.0.2.1'}"));
	out = bed_pass(bed_invite("<sip:+1;x=y@10.0.0.10>", "sip:%2B44-207@a.example",
				  "Subject: one\nSubject: two\nX-Two: 1\nX-Two: 2\n", NULL));
	is(bed_lines(out, "X-In"), "+1 +44207 pbx bnet");
	is(bed_lines(out, "Subject"), "was one");
	is(bed_lines(out, "User-Agent"), "ours {1}");
	is(bed_lines(out, "X-Two"), "a.example");
	is(bed_lines(out, "X-Addr"), "192.0.2.1");
	/* what a rule takes over of the message is searched, however it is dressed */
	is(bed_cross("Subject: 10.0.0.10\n", "Subject"), "");
	is(bed_cross("", "Subject"), "was ");
	/* nothing of a user part can end a URI or begin a line */
	out = bed_pass(bed_invite("<sip:a%0d%0aX;b%3e@10.0.0.10>", NULL, "", NULL));
	assert_null(strstr(out, "\nX:"));
}

static void rewrite_rules(void **state)
{
	(void)state;
	bed_peers(RULES("{" IN "'action':'rewrite','header':'Subject','pattern':'a([0-9]+)b',"
			"'value':'<{1}>'},"
			"{" IN "'action':'rewrite','header':'X-N','pattern':'^.*$','value':'n'}"),
		  RULES("{" OUT "'action':'rewrite','header':'Priority','pattern':'urgent',"
			"'value':'normal'}"));
	is(bed_cross("Subject: x a12b y a3b\n", "Subject"), "x <12> y a3b");
	is(bed_cross("Subject: none\n", "Subject"), "none");
	is(bed_cross("Subject: folded\n a7b\n", "Subject"), "folded   <7>");
	is(bed_cross("Priority: urgent\n", "Priority"), "normal");
	is(bed_cross("X-N: 1\n", "X-N"), ""); /* rewriting is not passing */
	/* a group cannot carry the inside out */
	bed_peers(
		RULES("{" IN "'action':'pass','header':'X-N'},"
		      "{" IN
		      "'action':'rewrite','header':'X-N','pattern':'^(.*)!(.*)$','value':'{1}{2}'}"),
		NULL);
	is(bed_cross("X-N: 10.0!.0.10\n", "X-N"), "");
	is(bed_cross("X-N: pbx.!inside\n", "X-N"), "");
	is(bed_cross("X-N: a!b\n", "X-N"), "ab");
}

static void conditions(void **state)
{
	(void)state;
	bed_peers(
		RULES("{" IN
		      "'action':'add','header':'X-1','value':'1','when':[{'header':'Subject'}]},"
		      "{" IN
		      "'action':'add','header':'X-2','value':'1','when':[{'header':'Subject','match':'absent'}]},"
		      "{" IN
		      "'action':'add','header':'X-3','value':'1','when':[{'header':'Subject','match':'exact','value':'AbC'}]},"
		      "{" IN
		      "'action':'add','header':'X-4','value':'1','when':[{'header':'Subject','match':'exact','value':'aBc','any_case':true}]},"
		      "{" IN
		      "'action':'add','header':'X-5','value':'1','when':[{'header':'Subject','match':'prefix','value':'Ab'}]},"
		      "{" IN
		      "'action':'add','header':'X-6','value':'1','when':[{'header':'Subject','match':'glob','value':'A?C*'}]},"
		      "{" IN
		      "'action':'add','header':'X-7','value':'1','when':[{'header':'Subject','match':'regex','value':'^A.C$'},{'header':'From','match':'glob','value':'*1555*'}]},"
		      "{" IN "'action':'add','header':'X-8','value':'1','on':'response'}"),
		NULL);
	is(bed_cross("Subject: AbC\n", "X-1"), "1");
	is(bed_cross("Subject: AbC\n", "X-2"), "");
	is(bed_cross("", "X-2"), "1");
	is(bed_cross("Subject: AbC\n", "X-3"), "1");
	is(bed_cross("Subject: AbCd\n", "X-3"), "");
	is(bed_cross("Subject: aBC\n", "X-3"), "");
	is(bed_cross("Subject: aBC\n", "X-4"), "1");
	is(bed_cross("Subject: Abx\n", "X-5"), "1");
	is(bed_cross("Subject: A\n", "X-5"), "");
	is(bed_cross("Subject: AxCyz\n", "X-6"), "1");
	is(bed_cross("Subject: xAxC\n", "X-6"), "");
	is(bed_cross("Subject: AxC\n", "X-7"), "1");
	is(bed_cross("Subject: AxCC\n", "X-7"), "");
	is(bed_cross("Subject: A\n", "X-8"), "");
}

static void responses(void **state)
{
	(void)state;
	bed_peers(RULES("{" OUT "'action':'add','header':'X-Fail','value':'1','status':'4xx'},"
			"{" OUT "'action':'add','header':'X-Busy','value':'1','status':'486'},"
			"{" OUT "'action':'add','header':'X-Range','value':'1','status':'180-199'},"
			"{" OUT "'action':'add','header':'X-Req','value':'1','on':'request'},"
			"{" OUT
			"'action':'add','header':'X-Inv','value':'1','methods':['INVITE']}"),
		  NULL);
	bed_turn();
	is(bed_lines(bed_pass(bed_response(404, "")), "X-Fail"), "1");
	is(bed_lines(bed_pass(bed_response(404, "")), "X-Busy"), "");
	is(bed_lines(bed_pass(bed_response(486, "")), "X-Busy"), "1");
	is(bed_lines(bed_pass(bed_response(183, "")), "X-Range"), "1");
	is(bed_lines(bed_pass(bed_response(200, "")), "X-Range"), "");
	is(bed_lines(bed_pass(bed_response(200, "")), "X-Req"), "");
	is(bed_lines(bed_pass(bed_response(200, "")), "X-Inv"), "1");
	/* a 503 of somebody beyond is not our word (RFC 3261 21.5.4) */
	is(bed_lines(bed_pass(bed_response(503, "Retry-After: 9\n")), "Retry-After"), "");
	is(bed_lines(bed_pass(bed_response(480, "Retry-After: 9\n")), "Retry-After"), "9");
}

/* Whatever a peer sends, its rules end: lines, sizes and steps are bounded (C3). */
static void bounded(void **state)
{
	static char headers[60000];
	int64_t before = metric_get(&policy_metrics, POLICY_SKIPPED);
	const char *out;
	size_t n = 0;

	(void)state;
	bed_peers(RULES("{" IN "'action':'pass','header':'X-*'},"
			"{" IN "'action':'replace','header':'X-1','value':'{value}{value}{value}'},"
			"{" IN "'action':'strip','header':'X-9','pattern':'(a?){16}(a?){16}b'}"),
		  NULL);
	n += (size_t)snprintf(headers, sizeof(headers), "X-1: %01000d\n", 7);
	for (int i = 0; i < 50; i++) {
		n += (size_t)snprintf(headers + n, sizeof(headers) - n, "X-9: ");
		memset(headers + n, 'a', 1000);
		n += 1000;
		headers[n++] = '\n';
	}
	headers[n] = '\0';
	out = bed_pass(bed_invite(NULL, NULL, headers, NULL));
	assert_int_equal(strlen(bed_lines(out, "X-1")),
			 1000); /* three times would not fit: as it was */
	assert_true(metric_get(&policy_metrics, POLICY_SKIPPED) > before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(harmless_crosses), BED_TEST(the_inside_stays),
		BED_TEST(unknown_headers),  BED_TEST(pass_rules),
		BED_TEST(strip_rules),      BED_TEST(add_and_replace_rules),
		BED_TEST(rewrite_rules),    BED_TEST(conditions),
		BED_TEST(responses),        BED_TEST(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
