/* SPDX-License-Identifier: Apache-2.0 */
/* History-Info (RFC 7044, S9), Diversion (RFC 5806), and each as the other (RFC 7544). */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <string.h>

#define TRUST "{'identity':{'trust':true}}"
#define AS(word) "{'identity':{'trust':true,'redirection':'" word "'}}"
#define HI "History-Info"

static void is(const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("got  %s\nwant %s", got, want);
}

static const char history[] =
	"History-Info: \"Al\" <sip:+441@pbx.inside?Reason=SIP%3Bcause%3D302>;index=1,\n"
	" <sip:+442@a.example;cause=302>;index=1.1;rc=1\n"
	"History-Info: <sip:+443@10.0.0.10;cause=486?Privacy=history&X=10.0.0.10>;index=1.1.1;mp=1.1\n";

static void passed(void **state)
{
	(void)state;
	bed_peers(TRUST, TRUST);
	is(bed_cross(history, HI), "\"Al\" <sip:+441@a.example?Reason=SIP%3Bcause%3D302>;index=1|"
				   "<sip:+442@a.example;cause=302>;index=1.1;rc=1|"
				   "<sip:+443@a.example;cause=486>;index=1.1.1;mp=1.1");
	/* without a place in the tree, with an address in its place: not */
	is(bed_cross(HI ": <sip:1@a.example>\n", HI), "");
	is(bed_cross(HI ": <sip:1@a.example>;index=10.0.0.10\n", HI), "");
	is(bed_cross(HI ": <sip:1@a.example?Reason=SIP%3Btext%3D10.0.0.10>;index=1\n", HI),
	   "<sip:1@a.example>;index=1");
	bed_peers(TRUST, AS("drop"));
	is(bed_cross(history, HI), "");
}

static void hidden(void **state)
{
	(void)state;
	bed_peers(TRUST, NULL);
	is(bed_cross(history, HI), "\"Al\" <sip:+441@a.example?Reason=SIP%3Bcause%3D302>;index=1|"
				   "<sip:+442@a.example;cause=302>;index=1.1;rc=1|"
				   "<sip:anonymous@anonymous.invalid>;index=1.1.1;mp=1.1");
	is(bed_pass(bed_invite(NULL, NULL,
			       "Privacy: history\nHistory-Info: <sip:+441@a.example>;index=1\n",
			       NULL)),
	   "History-Info: <sip:anonymous@anonymous.invalid>;index=1\r\n");
	is(bed_cross("Diversion: <sip:+1@a.example>;reason=user-busy;privacy=full\n", "Diversion"),
	   "<sip:anonymous@anonymous.invalid>;reason=user-busy;privacy=full");
}

static void diversions(void **state)
{
	(void)state;
	bed_peers(TRUST, TRUST);
	is(bed_cross(
		   "Diversion: \"B\" <sip:+2@pbx.inside;x=1>;reason=\"no-answer\";counter=2;screen=no;"
		   "limit=9;z=10.0.0.10\n"
		   "Diversion: <tel:+1>;reason=x.y.z.w;privacy=name\n",
		   "Diversion"),
	   "\"B\" <sip:+2@a.example>;reason=no-answer;counter=2;privacy=off;screen=no|"
	   "<tel:+1>;reason=x.y.z.w;privacy=full");
	is(bed_cross("Diversion: <sip:+1@a.example>;reason=10.0.0.10\n", "Diversion"),
	   "<sip:+1@a.example>;reason=unknown;privacy=off");
}

/* RFC 7544 7.2: who was called first stands first; the present target has the cause of the newest diversion. */
static void diversion_as_history(void **state)
{
	(void)state;
	bed_peers(TRUST, AS("history-info"));
	is(bed_pass(bed_invite(NULL, "sip:+3@a.example",
			       "Diversion: <sip:+2@a.example>;reason=user-busy;privacy=full\n"
			       "Diversion: <sip:+1@a.example>;reason=unconditional\n",
			       NULL)),
	   "History-Info: <sip:+1@a.example>;index=1\r\n"
	   "History-Info: <sip:+2@a.example;cause=302>;index=1.1\r\n"
	   "History-Info: <sip:+3@a.example;cause=486>;index=1.1.1\r\n");
	/* who has it already keeps it */
	is(bed_lines(bed_pass(bed_invite(NULL, NULL,
					 "Diversion: <sip:+9@a.example>;reason=user-busy\n"
					 "History-Info: <sip:+1@a.example>;index=1\n",
					 NULL)),
		     HI),
	   "<sip:+1@a.example>;index=1");
}

/* RFC 7544 7.1: the newest stands first; an entry with a cause was diverted by the one above it. */
static void history_as_diversion(void **state)
{
	(void)state;
	bed_peers(TRUST, AS("diversion"));
	is(bed_pass(bed_invite(
		   NULL, NULL,
		   "History-Info: <sip:+1@a.example>;index=1\n"
		   "History-Info: <sip:+2@a.example;cause=302>;index=1.1\n"
		   "History-Info: <sip:+8@a.example>;index=1.2\n"
		   "History-Info: <sip:+3@a.example?Privacy=history;cause=486>;index=1.1.1\n"
		   "History-Info: <sip:+4@a.example;cause=408>;index=1.1.1.1\n",
		   NULL)),
	   "Diversion: <sip:+3@a.example>;reason=no-answer;privacy=off\r\n"
	   "Diversion: <sip:+1@a.example>;reason=unconditional;privacy=off\r\n");
	is(bed_cross("History-Info: <sip:+1@a.example>;index=1\n", "Diversion"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(passed),
		BED_TEST(hidden),
		BED_TEST(diversions),
		BED_TEST(diversion_as_history),
		BED_TEST(history_as_diversion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
