/* SPDX-License-Identifier: Apache-2.0 */
/* Peering documents: as keys of a peer, bounded, and what they make a condition or forbid (H, B2, B3). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sbe/peering/peering_import.h"

static struct peering_why why;

/* ' for " */
static json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_t *j;

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	j = json_loads(copy, 0, NULL);
	if (!j)
		fail_msg("not JSON: %s", copy);
	free(copy);
	return j;
}

static void keys_are(const char *document, const char *want)
{
	json_t *d = json_of(document), *w = json_of(want), *keys = NULL;

	if (peering_import_keys(d, &keys, &why))
		fail_msg("%s: %s", why.at, why.text);
	if (!json_equal(keys, w))
		fail_msg("%s", json_dumps(keys, 0));
	json_decref(keys);
	json_decref(w);
	json_decref(d);
}

static void documents_become_keys(void **state)
{
	(void)state;
	keys_are("{'peer':{'domains':['a.example'],'role':'transit'},"
		 "'net':{'ingress_sbe':['sip:192.0.2.1:5060','sip:sbe.a.example'],"
		 "'egress_sbe':[{'address':'192.0.2.1','transport':'udp','port':5060},"
		 "{'address':'192.0.2.1','transport':'tcp'},{'address':'192.0.2.16/28'}],"
		 "'ingress_dbe':[{'address':'198.51.100.0/24'}],"
		 "'egress_dbe':[{'address':'198.51.100.0/24'},{'address':'2001:db8::/32'}]},"
		 "'cap':{'max_sessions':10,'max_sessions_in':4,'max_sessions_out':6},"
		 "'sec':{'identity':'pai','tls':{'names':['a.example']}},'media':{'latch':'on'}}",
		 "{'domains':['a.example'],'role':'transit','next_hops':['sip:192.0.2.1:5060'],"
		 "'sources':['192.0.2.1','192.0.2.16/28'],"
		 "'sec':{'media':['198.51.100.0/24','2001:db8::/32']},"
		 "'limits':{'sessions':10,'sessions_out':4,'sessions_in':6},"
		 "'policy':{'identity':{'trust':true}},'tls':{'name':['a.example']},"
		 "'media':{'source':'latch'}}");
	/* what is forbidden or learnt sets nothing */
	keys_are("{'net':{'ingress_sbe':{'value':['sip:192.0.2.1'],'source':'dynamic'}},"
		 "'media':{'relay':{'value':'never','level':'forbidden'}},"
		 "'cap':{'cps':{'value':5,'level':'mandatory'}}}",
		 "{'limits':{'cps':5}}");
}

static void refused(const char *document, const char *at, const char *text)
{
	json_t *d = json_of(document), *keys = NULL;

	assert_int_equal(peering_import_keys(d, &keys, &why), -EINVAL);
	assert_string_equal(why.at, at);
	if (!strstr(why.text, text))
		fail_msg("not \"%s\" but \"%s\"", text, why.text);
	json_decref(d);
}

static void what_is_no_document(void **state)
{
	(void)state;
	refused("[]", "", "must be an object");
	refused("{'nets':{}}", "nets", "not part of the schema");
	refused("{'net':{'egres_sbe':[]}}", "net.egres_sbe", "not part of the schema");
	refused("{'cap':7}", "cap", "not part of the schema");
	refused("{'cap':{'cps':-1}}", "cap.cps", "not a value of this kind");
	refused("{'cap':{'cps':{'value':1,'level':'must'}}}", "cap.cps", "level must be");
	refused("{'cap':{'cps':{'value':1,'source':'x'}}}", "cap.cps", "source must be");
	refused("{'cap':{'cps':{'values':1}}}", "cap.cps", "only value, level");
	refused("{'cap':{'cps':{'level':'mandatory'}}}", "cap.cps", "needs a value");
	refused("{'media':{'relay':{'value':'always','source':'dynamic'}}}", "media.relay",
		"cannot be dynamic");
	refused("{'media':{'relay':'maybe'}}", "media.relay", "unknown word");
}

static void what_a_peer_cannot_need(void **state)
{
	(void)state;
	refused("{'net':{'egress_sbe':[{'address':'10.0.0.0/8'}]}}", "net.egress_sbe",
		"/24 or longer");
	refused("{'net':{'egress_sbe':[{'address':'0.0.0.0'}]}}", "net.egress_sbe", "of hosts");
	refused("{'net':{'egress_dbe':[{'address':'10.0.0.0/15'}]}}", "net.egress_dbe",
		"/16 or longer");
	refused("{'net':{'egress_sbe':[{'address':'sbe.example'}]}}", "net.egress_sbe",
		"must be IP");
}

static size_t notes;
static void note(void *arg, const char *key, const char *text)
{
	(void)arg;
	(void)key;
	(void)text;
	notes++;
}

/* @param text NULL: it fits */
static void check(const char *document, const char *keys, const char *text)
{
	json_t *d = json_of(document), *k = json_of(keys), *listen = json_of("['udp:192.0.2.1']");
	int err = peering_import_check(d, k, listen, note, NULL, &why);

	if (!text && err)
		fail_msg("%s: %s", why.at, why.text);
	if (text && (!err || !strstr(why.text, text)))
		fail_msg("not \"%s\" but %d \"%s\"", text, err, why.text);
	json_decref(listen);
	json_decref(k);
	json_decref(d);
}

#define MUST(group, key, value) "{'" group "':{'" key "':{'value':" value ",'level':'mandatory'}}}"
#define MUST_NOT(group, key, value)                                                                \
	"{'" group "':{'" key "':{'value':" value ",'level':'forbidden'}}}"

static void conditions(void **state)
{
	(void)state;
	check(MUST("media", "codecs", "['PCMA']"), "{'media':{'codecs':['PCMU','PCMA']}}", NULL);
	check(MUST("media", "codecs", "['PCMA']"), "{'media':{'codecs':['PCMU']}}",
	      "is mandatory, and the peer's media.codecs says something else");
	check(MUST("cap", "max_sessions", "10"), "{'limits':{'sessions':5}}", NULL);
	check(MUST("cap", "max_sessions", "10"), "{'limits':{'sessions':11}}", "is mandatory");
	check(MUST("cap", "max_sessions", "10"), "{'limits':{'sessions':0}}", "is mandatory");
	check(MUST_NOT("media", "codecs", "['G729']"), "{'media':{'codecs':['PCMA']}}", NULL);
	check(MUST_NOT("media", "codecs", "['G729']"), "{'media':{'codecs':['PCMA','G729']}}",
	      "is forbidden");
	check(MUST_NOT("sip", "prack", "'required'"), "{'sip':{'prack':'required'}}",
	      "is forbidden");
	check("{'cap':{'overload':{'rfc7339':{'level':'forbidden'}}}}",
	      "{'overload':{'consent':true}}", "is forbidden");
	check("{'cap':{'cps':{'value':5,'level':'mandatory','source':'dynamic'}}}", "{}",
	      "needs overload.consent");
}

static void what_we_can(void **state)
{
	(void)state;
	check(MUST("sip", "rfcs", "['RFC3261','3262']"), "{}", NULL);
	check(MUST("sip", "rfcs", "['RFC3261','RFC8224']"), "{}", "we do not keep to RFC8224");
	check(MUST("sip", "methods", "['INVITE','REFER']"), "{}", NULL);
	check(MUST("sip", "methods", "['REGISTER']"), "{}", "we do not know REGISTER");
	check(MUST("sip", "option_tags", "['100rel']"), "{}", NULL);
	check(MUST("sip", "option_tags", "['outbound']"), "{}", "we do not support outbound");
	check(MUST("sip", "transport", "['tls']"), "{}", "its realm has no such listener");
	check(MUST("sip", "transport", "['udp']"), "{}", NULL);
	check(MUST("net", "family", "['ipv6']"), "{}", "its realm has no such listener");
	check(MUST("sec", "identity", "'stir'"), "{}", "neither signs nor verifies");
	check(MUST("sec", "srtp", "'required'"), "{}", "cannot demand it");
	check(MUST("media", "transcode", "true"), "{}", "this version cannot");
	check(MUST("im", "modes", "['page','chat']"), "{}", "not chat");
	/* only as conditions */
	check("{'sip':{'rfcs':['RFC8224']},'sec':{'identity':'stir'}}", "{}", NULL);
	check("{'perf':{'seer_target':95}}", "{}", "needs perf.window_s");
	check("{'perf':{'seer_target':95,'window_s':3600}}", "{}", NULL);
}

static void what_is_recommended_is_told(void **state)
{
	(void)state;
	notes = 0;
	check("{'media':{'relay':{'value':'always','level':'recommended'}}}",
	      "{'media':{'relay':'never'}}", NULL);
	assert_int_equal(notes, 1);
}

static void reading(void **state)
{
	(void)state;
	static const char good[] = "{\"peering\":1,\"cap\":{\"cps\":1}}",
			  later[] = "{\"peering\":2}";
	json_t *d = NULL;

	assert_int_equal(peering_import_parse(good, strlen(good), &d, &why), 0);
	json_decref(d);
	assert_int_equal(peering_import_parse(later, strlen(later), &d, &why), -EINVAL);
	assert_int_equal(peering_import_parse("{", 1, &d, &why), -EINVAL);
	assert_int_equal(peering_import_load("/nowhere.json", &d, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_become_keys),
		cmocka_unit_test(what_is_no_document),
		cmocka_unit_test(what_a_peer_cannot_need),
		cmocka_unit_test(conditions),
		cmocka_unit_test(what_we_can),
		cmocka_unit_test(what_is_recommended_is_told),
		cmocka_unit_test(reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
