/* SPDX-License-Identifier: Apache-2.0 */
/* Who is believed and who sees what: RFC 3323 (S7), RFC 3325 (S8), RFC 5079, and numbers that are a peer's own (C15). */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <stdio.h>
#include <string.h>

#define TRUST "{'identity':{'trust':true}}"
#define PAI "P-Asserted-Identity"
#define ONE PAI ": \"Al\" <sip:+1555@10.0.0.10>\n"

static void is(const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("got  %s\nwant %s", got, want);
}

static void from_untrusted(void **state)
{
	(void)state;
	bed_peers(NULL, TRUST);
	is(bed_cross(ONE, PAI), "");
	is(bed_cross("P-Preferred-Identity: <sip:+1555@10.0.0.10>\n", "P-Preferred-Identity"), "");
	is(bed_cross("Remote-Party-ID: <sip:+1555@10.0.0.10>\n", "Remote-Party-ID"), "");
	is(bed_cross("Diversion: <sip:+1@a.example>;reason=unknown\n", "Diversion"), "");
	is(bed_cross("History-Info: <sip:+1@a.example>;index=1\n", "History-Info"), "");
	is(bed_cross(ONE "Privacy: id\n", "Privacy"), "id");
}

static void between_trusted(void **state)
{
	(void)state;
	bed_peers(TRUST, TRUST);
	is(bed_cross(ONE, PAI), "\"Al\" <sip:+1555@a.example>");
	is(bed_cross(ONE "Privacy: id;critical\n", PAI), "\"Al\" <sip:+1555@a.example>");
	is(bed_cross(ONE "Privacy: user;id;critical\n", "Privacy"), "user;id;critical");
	is(bed_from("\"Al\" <sip:+1555@10.0.0.10>", "Privacy: user\n"),
	   "\"Al\" <sip:+1555@a.example>");
	/* at most one sip and one tel (RFC 3325 9.1) */
	is(bed_cross(PAI ": <sip:1@x.inside>, <tel:+1>, <sip:2@x.inside>\n" PAI ": <tel:+2>\n",
		     PAI),
	   "<sip:1@a.example>|<tel:+1>");
	is(bed_cross(PAI ": <http://a.example/>\n", PAI), "");
	is(bed_cross(PAI ": <sip:1@a.example;x=10.0.0.10?Subject=10.0.0.10>\n", PAI),
	   "<sip:1@a.example>");
	is(bed_cross("P-Preferred-Identity: <sip:+1@a.example>\n", "P-Preferred-Identity"), "");
}

static void to_untrusted(void **state)
{
	(void)state;
	bed_peers(TRUST, NULL);
	is(bed_cross(ONE, PAI),
	   "\"Al\" <sip:+1555@a.example>"); /* no Privacy: the default is keep */
	is(bed_cross(ONE "Privacy: none\n", PAI), "\"Al\" <sip:+1555@a.example>");
	is(bed_cross(ONE "Privacy: none\n", "Privacy"), "none");
	is(bed_cross(ONE PAI ": <tel:+1555>\nPrivacy: id\n", PAI), "");
	is(bed_cross(ONE "privacy : header ; ID\n", PAI), "");
	is(bed_cross(ONE "Privacy: header;id\n", PAI), "");
	/* what has been done is taken out (S7) */
	is(bed_cross(ONE "Privacy: header;session;user\n", "Privacy"), "");
	is(bed_cross(ONE "Privacy: user;id;critical\n", "Privacy"), "id;critical");
	is(bed_cross(ONE "Privacy: user;critical\n", "Privacy"), "");
	is(bed_cross(ONE "Privacy: user;x-new\n", "Privacy"), "x-new");
	bed_peers(TRUST, "{'identity':{'asserted':'remove'}}");
	is(bed_cross(ONE, PAI), "");
	is(bed_cross(ONE "Privacy: none\n", PAI), "\"Al\" <sip:+1555@a.example>");
}

static void user_privacy(void **state)
{
	const char *out;

	(void)state;
	bed_peers(TRUST, NULL);
	is(bed_from("\"Al\" <sip:+1555@10.0.0.10>", "Privacy: user\n"),
	   "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	is(bed_from("\"Al\" <sip:+1555@10.0.0.10>", "Privacy: header;USER\n"),
	   "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	is(bed_from("\"Al\" <sip:+1555@10.0.0.10>", "Privacy: none;user\n"),
	   "\"Al\" <sip:+1555@a.example>");
	is(bed_from("\"Al\" <sip:+1555@10.0.0.10>", "Privacy: id\n"),
	   "\"Al\" <sip:+1555@a.example>");
	out = bed_pass(bed_invite(NULL, NULL, "Subject: from Al\nPriority: urgent\nPrivacy: user\n",
				  NULL));
	is(bed_lines(out, "Subject"), "");
	is(bed_lines(out, "Priority"), "urgent");
}

static void critical(void **state)
{
	(void)state;
	bed_peers(TRUST, NULL);
	is(bed_refusal(NULL, "Privacy: user;id;header;session;history;critical\n"), "");
	is(bed_refusal(NULL, "Privacy: x-new;critical\n"), "500 privacy");
	is(bed_refusal(NULL, "Privacy: x-new\n"), "");
	is(bed_refusal(NULL, "Privacy: none;x-new;critical\n"), "");
	bed_peers(TRUST, TRUST); /* the last one of the trust domain decides */
	is(bed_refusal(NULL, "Privacy: x-new;critical\n"), "");
}

static void in_responses(void **state)
{
	(void)state;
	bed_peers(NULL, TRUST);
	bed_turn();
	is(bed_lines(bed_pass(bed_response(200, PAI ": <sip:+49@b.example>\n")), PAI),
	   "<sip:+49@b.example>");
	is(bed_lines(bed_pass(bed_response(200, PAI ": <sip:+49@b.example>\nPrivacy: id\n")), PAI),
	   "");
	bed_turn();
	bed_peers(TRUST, NULL);
	bed_turn();
	is(bed_lines(bed_pass(bed_response(180, PAI ": <sip:+49@b.example>\n")), PAI), "");
}

static void owned_numbers(void **state)
{
	static const char conf[] = "{'numbers':{'owned':['+4420','+1555000-+1555999','700']}}";

	(void)state;
	bed_peers(conf, NULL);
	is(bed_refusal("<sip:+442079@10.0.0.10>", ""), "");
	is(bed_refusal("<sip:%2B44%2020-79@10.0.0.10>", ""), "");
	is(bed_refusal("<sip:+1555123@10.0.0.10>", ""), "");
	is(bed_refusal("<sip:+15551234@10.0.0.10>", ""), ""); /* a range holds what begins in it */
	is(bed_refusal("<sip:7001@10.0.0.10>", ""), "");
	is(bed_refusal("<sip:+442@10.0.0.10>", ""), "403 caller_foreign");
	is(bed_refusal("<sip:+1556000@10.0.0.10>", ""), "403 caller_foreign");
	is(bed_refusal("<sip:4420@10.0.0.10>", ""), "403 caller_foreign");
	is(bed_refusal("<tel:+449>", ""), "403 caller_foreign");
	is(bed_refusal("<sip:+449;npdi@10.0.0.10>", ""), "403 caller_foreign");
	is(bed_refusal("<sip:anna@10.0.0.10>", ""), "");
	is(bed_refusal("<sip:+44207912345678901234567890@10.0.0.10>", ""), "403 caller_foreign");
	/* asserted for it: its own assertion, else its wish, else who it says to be (RFC 3325 5) */
	is(bed_cross(PAI ": <sip:+44201@x.inside>\nP-Preferred-Identity: <sip:+44202@x>\n", PAI),
	   "<sip:+44201@a.example>");
	is(bed_cross(PAI ": <sip:+991@x.inside>\nP-Preferred-Identity: <sip:+44202@x>\n", PAI),
	   "<sip:+44202@a.example>");
	is(bed_lines(bed_pass(bed_invite("<sip:+44203@x.inside>", NULL, "", NULL)), PAI),
	   "<sip:+44203@a.example>");
	is(bed_lines(bed_pass(bed_invite("<sip:+44203@x.inside>", NULL, "Privacy: id\n", NULL)),
		     PAI),
	   "");
	bed_peers("{'identity':{'assert':'no','foreign':'allow'},'numbers':{'owned':['+4420']}}",
		  NULL);
	is(bed_refusal("<sip:+49@10.0.0.10>", ""), "");
	is(bed_lines(bed_pass(bed_invite("<sip:+44203@x.inside>", NULL, "", NULL)), PAI), "");
	/* of a trusted one what it asserts must be its own too */
	bed_peers("{'identity':{'trust':true},'numbers':{'owned':['+4420']}}", NULL);
	is(bed_refusal("<sip:+4420@10.0.0.10>", PAI ": <sip:+49@x>\n"), "403 caller_foreign");
	is(bed_refusal("<sip:anonymous@anonymous.invalid>", PAI ": <tel:+442079>\n"), "");
}

static void anonymous_calls(void **state)
{
	static const char anonymous[] = "<sip:anonymous@anonymous.invalid>";

	(void)state;
	bed_peers("{'identity':{'anonymous_in':'reject'}}", NULL);
	is(bed_refusal(anonymous, ""), "433 anonymous");
	is(bed_refusal("<sip:Anonymous@10.0.0.10>", ""), "433 anonymous");
	is(bed_refusal(NULL, "Privacy: id\n"), "433 anonymous");
	is(bed_refusal(NULL, ""), "");
	bed_peers(NULL, "{'identity':{'anonymous_out':'reject'}}");
	is(bed_refusal(anonymous, ""), "433 anonymous");
	is(bed_refusal(NULL, "Privacy: user\n"), "433 anonymous");
	is(bed_refusal(NULL, "Privacy: none\n"), "");
	bed_peers(NULL, NULL);
	is(bed_refusal(anonymous, ""), "");
}

static void remote_party(void **state)
{
	static const char rpid[] =
		"Remote-Party-ID: \"Al\" <sip:+1@10.0.0.10>;party=calling;privacy=full\n";

	(void)state;
	bed_peers("{'identity':{'trust':true,'remote_party_id':'read'}}",
		  "{'identity':{'trust':true,'remote_party_id':'write'}}");
	is(bed_cross(rpid, PAI), "\"Al\" <sip:+1@a.example>");
	is(bed_cross(rpid, "Privacy"), "id");
	is(bed_cross(rpid, "Remote-Party-ID"),
	   "\"Al\" <sip:+1@a.example>;party=calling;screen=yes;privacy=full");
	is(bed_cross(ONE, "Remote-Party-ID"),
	   "\"Al\" <sip:+1555@a.example>;party=calling;screen=yes;privacy=off");
	bed_peers("{'identity':{'trust':true,'remote_party_id':'read'}}",
		  "{'identity':{'remote_party_id':'write'}}");
	is(bed_cross(rpid, PAI), "");
	is(bed_cross(rpid, "Remote-Party-ID"), "");
	bed_peers("{'identity':{'remote_party_id':'read'}}", TRUST);
	is(bed_cross(rpid, PAI), "");
}

/* Rules can say who is calling: what the operator writes needs no trust. */
static void by_rule(void **state)
{
	(void)state;
	bed_peers("{'headers':{'rules':[{'direction':'in','action':'replace',"
		  "'header':'P-Asserted-Identity','value':'<sip:+44200@a.example>'}]}}",
		  NULL);
	is(bed_cross(ONE, PAI), "<sip:+44200@a.example>");
	bed_peers(TRUST, "{'headers':{'rules':[{'direction':'out','action':'strip',"
			 "'header':'P-Asserted-Identity'}]}}");
	is(bed_cross(ONE, PAI), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(from_untrusted), BED_TEST(between_trusted), BED_TEST(to_untrusted),
		BED_TEST(user_privacy),   BED_TEST(critical),        BED_TEST(in_responses),
		BED_TEST(owned_numbers),  BED_TEST(anonymous_calls), BED_TEST(remote_party),
		BED_TEST(by_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
