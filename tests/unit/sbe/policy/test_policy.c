/* SPDX-License-Identifier: Apache-2.0 */
/* Policies in the configuration: named ones are mixed into peers; every mistake is told with file, line and key. */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define PEER(members) "{'peers':{'p':{'realm':'r','sources':['10.0.0.1']," members "}}"
#define RULE(members) "{'headers':{'rules':[{'direction':'in'," members "}]}}"

static void wrong(const char *json, const char *path, const char *text)
{
	struct conf_error err = {""};

	if (!bed_load(json, &err))
		fail_msg("taken: %s", json);
	if (strncmp(err.text, "t.json:", 7) || !strstr(err.text, path) || !strstr(err.text, text))
		fail_msg("%s\nsays: %s\nnot: %s ... %s", json, err.text, path, text);
	bed_down();
}

static void mistakes_in_rules(void **state)
{
	static const struct {
		const char *rule, *member, *text;
	} rows[] = {
		{"'action':'strip','header':'X Y'", "header", "no header name"},
		{"'action':'strip','header':'Via'", "header", "written anew"},
		{"'action':'add','header':'v','value':'1'", "header", "written anew"},
		{"'action':'add','header':'X-*','value':'1'", "header", "pass and strip only"},
		{"'action':'add','header':'X-A'", "value", "is missing"},
		{"'action':'strip','header':'X-A','value':'1'", "value", "does not belong"},
		{"'action':'rewrite','header':'X-A','value':'1'", "pattern", "is missing"},
		{"'action':'rewrite','header':'X-A','value':'{2}','pattern':'(a)'", "value",
		 "group"},
		{"'action':'add','header':'X-A','value':'{what}'", "value", "{ } may hold"},
		{"'action':'add','header':'X-A','value':'a\\r\\nB: c'", "value",
		 "control character"},
		{"'action':'replace','header':'X-A','value':'1','pattern':'a'", "pattern",
		 "does not belong"},
		{"'action':'strip','header':'X-A','pattern':'(a'", "pattern", "( without )"},
		{"'action':'strip','header':'X-A','methods':['invite']", "methods[0]", "no method"},
		{"'action':'strip','header':'X-A','status':'9xx'", "status", "must be like"},
		{"'action':'strip','header':'X-A','status':'4xx','on':'request'", "status",
		 "a request has none"},
		{"'action':'strip','header':'X-A','when':[{'header':'X-B','match':'glob'}]",
		 "when[0].value", "is missing"},
		{"'action':'strip','header':'X-A','when':[{'header':'X-B','value':'1'}]",
		 "when[0].value", "needs a match"},
		{"'action':'strip','header':'X-A','when':[{'header':'X-B','match':'regex','value':'['}]",
		 "when[0].value", "[ without ]"},
	};
	char json[1024], path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(json, sizeof(json), PEER("'policy':\n" RULE("%s")) "}", rows[i].rule);
		snprintf(path, sizeof(path),
			 ":2: peers.p.policy.headers.rules[0].%s: ", rows[i].member);
		wrong(json, path, rows[i].text);
		/* the same in a policy that nobody uses */
		snprintf(json, sizeof(json),
			 PEER("'policy':{}") ",'policies':{'n':\n" RULE("%s") "}}", rows[i].rule);
		snprintf(path, sizeof(path),
			 ":2: policies.n.headers.rules[0].%s: ", rows[i].member);
		wrong(json, path, rows[i].text);
	}
}

static void mistakes_elsewhere(void **state)
{
	static const struct {
		const char *policy, *member, *text;
	} rows[] = {
		{"{'numbers':{'in':{'called':[{'pattern':'*'}]}}}", "numbers.in.called[0].pattern",
		 "repetition of nothing"},
		{"{'numbers':{'in':{'called':[{'replace':'+{1}'}]}}}",
		 "numbers.in.called[0].replace", "group"},
		{"{'numbers':{'in':{'called':[{'replace':'sip:x'}]}}}",
		 "numbers.in.called[0].replace", "digits"},
		{"{'numbers':{'in':{'called':[{'replace':'1','strip':1}]}}}",
		 "numbers.in.called[0].replace", "instead of"},
		{"{'numbers':{'in':{'caller':[{'min_digits':5,'max_digits':4}]}}}",
		 "numbers.in.caller[0].max_digits", "less than"},
		{"{'numbers':{'in':{'e164':true}}}", "numbers.in.e164", "needs numbers.country"},
		{"{'numbers':{'country':'+44'}}", "numbers.country", "digits only"},
		{"{'numbers':{'out':{'format':'national'}}}", "numbers.out.format", "country"},
		{"{'numbers':{'owned':['+44','x']}}", "numbers.owned", "entry 1"},
		{"{'numbers':{'owned':['+442-+43']}}", "numbers.owned", "entry 0"},
		{"{'causes':{'in':[{'status':'486','to':180}]}}", "causes.in[0].to", "same kind"},
		{"{'causes':{'out':[{'status':'xx','to':480}]}}", "causes.out[0].status",
		 "text of"},
		{"{'causes':{'out':[{'status':'4xy','to':480}]}}", "causes.out[0].status",
		 "must be like"},
		{"{'methods':{'forbid':['BYE']}}", "methods.forbid", "could not be ended"},
		{"{'methods':{'allow':['PING']}}", "methods.allow", "no method"},
		{"{'options':{'allow':['a b']}}", "options.allow", "no option tag"},
		{"{'body':{'types':['sdp']}}", "body.types", "application/isup"},
		{"{'identity':{'trust':'yes'}}", "identity.trust", "true or false"},
		{"{'header':{}}", "header", "unknown key"},
	};
	char json[1024], path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(json, sizeof(json), PEER("'policy':%s") "}", rows[i].policy);
		snprintf(path, sizeof(path), "peers.p.policy.%s: ", rows[i].member);
		wrong(json, path, rows[i].text);
	}
	wrong(PEER("'use':['x']") "}", "peers.p.use[0]: ", "there is no \"x\" in policies");
	wrong(PEER("'use':['x','x']") ",'policies':{'x':{}}}", "peers.p.use[1]: ", "twice");
}

static void mixing(void **state)
{
	const char *json =
		"{'peers':{'p':{'realm':'r','sources':['10.0.0.1'],'use':['one','two'],"
		"'policy':{'identity':{'trust':false},'headers':{'rules':["
		"{'direction':'out','action':'replace','header':'X-A','value':'own'}]},"
		"'numbers':{'out':{'called':[{'prefix':'+','prepend':'9'}]}}}}},"
		"'policies':{"
		"'one':{'identity':{'trust':true,'asserted':'remove'},'headers':{'rules':["
		"{'direction':'out','action':'add','header':'X-A','value':'one'}]},"
		"'numbers':{'out':{'called':[{'prefix':'+44','prepend':'8'}]}}},"
		"'two':{'identity':{'trust':false,'asserted':'remove'},'headers':{'rules':["
		"{'direction':'out','action':'add','header':'X-A','value':'two'}]}}}}";
	json_t *values;

	(void)state;
	bed_up(json, NULL, "p");
	/* header rules: what is used first, in order, then its own */
	assert_string_equal(bed_cross("", "X-A"), "own");
	/* numbers: its own first, and the first that fits decides */
	assert_string_equal(bed_uri("sip:+44207@a.example"), "sip:9+44207@b.example");
	values = policy_values(bed.way.to->conf);
	assert_true(json_is_false(json_object_get(json_object_get(values, "identity"), "trust")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(values, "identity"), "asserted")),
		"remove");
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(values, "headers"), "rules")), 3);
	json_decref(values);
	bed_down();
	/* two that differ, and the peer does not say */
	wrong("{'peers':{'p':{'realm':'r','sources':['10.0.0.1'],\n'use':['one','two']}},"
	      "'policies':{'one':{'identity':{'trust':true}},'two':{'identity':{'trust':false}}}}",
	      ":2: peers.p.use: ", "identity.trust says something else than policies.one");
}

static void too_many_rules(void **state)
{
	char json[32768] = "{'peers':{'p':{'realm':'r','sources':['10.0.0.1'],'use':['a','b']}},"
			   "'policies':{";
	struct conf_error err = {""};

	(void)state;
	for (int k = 0; k < 2; k++) {
		strcat(json, k ? ",'b':" : "'a':");
		strcat(json, "{'headers':{'rules':[");
		for (int i = 0; i < 40; i++) {
			strcat(json, i ? "," : "");
			strcat(json, "{'direction':'in','action':'strip','header':'X-A'}");
		}
		strcat(json, "]}}");
	}
	strcat(json, "}}");
	assert_int_not_equal(bed_load(json, &err), 0);
	assert_non_null(strstr(err.text, "80 rules together, at most 64"));
	bed_down();
}

static void memory_ends(void **state)
{
	const char *json =
		"{'peers':{'p':{'realm':'r','sources':['10.0.0.1'],'use':['n']}},'policies':{'n':{"
		"'headers':{'rules':[{'direction':'in','action':'rewrite','header':'X-A','pattern':'a',"
		"'value':'b','when':[{'header':'X-B','match':'regex','value':'c'}]}]},"
		"'numbers':{'owned':['+44'],'in':{'caller':[{'pattern':'1'}]}},"
		"'causes':{'in':[{'to':480}]}}}}";
	struct conf_error err = {""};
	unsigned long nth = 1;

	(void)state;
	for (;; nth++) {
		int rc;

		mem_fail_at(nth);
		rc = bed_load(json, &err);
		if (mem_fail_left()) { /* it did not come so far */
			mem_fail_at(0);
			assert_int_equal(rc, 0);
			bed_down();
			break;
		}
		assert_int_not_equal(rc, 0);
		if (bed.doc)
			bed_down();
		assert_int_equal(mem_live(), bed.live);
	}
	assert_in_range(nth, 10, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(mistakes_in_rules), BED_TEST(mistakes_elsewhere), BED_TEST(mixing),
		BED_TEST(too_many_rules),    BED_TEST(memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
