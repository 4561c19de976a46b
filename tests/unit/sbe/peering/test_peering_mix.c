/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer is after its federations were mixed in (A12). */
#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sbe/peer/peer.h"
#include "sbe/peering/peering_mix.h"

struct read {
	struct conf_list peers, federations;
};
static const struct conf_field fields[] = {
	{.key = "peers",
	 .type = CONF_MAP,
	 .offset = offsetof(struct read, peers),
	 .fields = peer_conf_fields,
	 .item_bytes = sizeof(struct peer_conf)},
	{.key = "federations",
	 .type = CONF_MAP,
	 .offset = offsetof(struct read, federations),
	 .fields = peer_federation_fields,
	 .item_bytes = sizeof(struct peer_federation_conf)},
	CONF_END,
};
static struct conf_error error;
static struct conf_doc *doc;

static int mixed(void)
{
	json_t *notes = NULL;
	int err = peering_mix(doc, "t.json", &notes, &error);

	json_decref(notes);
	return err;
}

static const struct peer_conf *load(const char *text)
{
	static struct read r;
	char json[2048];
	size_t n = strlen(text);

	for (size_t i = 0; i <= n; i++)
		json[i] = (char)(text[i] == '\'' ? '"' : text[i]);
	conf_doc_free(doc);
	doc = NULL;
	if (conf_parse("t.json", json, n, &doc, &error) || mixed() ||
	    conf_read(doc, fields, &r, &error) ||
	    peer_federation_bind(doc, &r.federations, &r.peers, &error))
		return NULL;
	return r.peers.items;
}

static int down(void **state)
{
	(void)state;
	conf_doc_free(doc);
	doc = NULL;
	return 0;
}

#define TWO(own)                                                                                   \
	"{'federations':{'eu':{'rules':{'realm':'fed',\n'tls':{'required':true,'identity':'fed'}," \
	"\n'media':{'codecs':['PCMA']},'limits':{'cps':5}}},\n"                                    \
	"'us':{'rules':{'use':['norm'],\n'media':{'dscp':34},'limits':{'cps':5}}}},\n"             \
	"'peers':{'p':{'federations':['eu','us']" own "}}}"

static void rules_of_all_and_the_peers_own_win(void **state)
{
	(void)state;
	const struct peer_conf *c = load(TWO(",'limits':{'sessions':3},'media':{'dscp':10}"));

	assert_non_null(c);
	assert_string_equal(c->realm, "fed");
	assert_true(c->tls.required);
	assert_string_equal(c->tls.identity, "fed");
	assert_int_equal(c->media.codecs.n, 1);
	assert_int_equal(c->media.dscp, 10);
	assert_int_equal(c->media.silence_s, 60); /* said by nobody: the default */
	assert_int_equal(c->limits.sessions, 3);
	assert_int_equal(c->limits.cps, 5);
	assert_int_equal(c->use.n, 1);
	assert_int_equal(c->federations.n, 2);
}

#define DIFFER(own)                                                                                \
	"{'federations':{\n'eu':{'rules':{'media':{\n'dscp':34}}},\n'us':{'rules':{'media':{\n"    \
	"'dscp':46}}}},\n'peers':{'p':{'realm':'r','federations':['eu','us']" own "}}}"

static void two_that_differ_are_refused(void **state)
{
	(void)state;
	assert_null(load(DIFFER("")));
	assert_string_equal(error.text, "t.json:5: federations.us.rules.media.dscp: differs from "
					"federations.eu.rules.media.dscp (line 3), and both count "
					"for peers.p.media.dscp: say it there");
	assert_non_null(load(DIFFER(",'media':{'dscp':0}")));
}

static void a_wrong_value_is_shown_where_it_is(void **state)
{
	(void)state;
	assert_null(load("{'federations':{'eu':{'rules':{'limits':{\n'cps':'many'}}}},\n"
			 "'peers':{'p':{'realm':'r','federations':['eu']}}}"));
	assert_non_null(strstr(error.text, "t.json:2: federations.eu.rules.limits.cps: must be"));
	/* what is of no use to mix is left to the tables */
	assert_null(load("{'federations':7,'peers':{'p':{'realm':'r','federations':['eu']}}}"));
	assert_non_null(strstr(error.text, "federations: must be"));
	assert_null(load("{'federations':{},'peers':{'p':{'realm':'r','federations':[1,'eu']}}}"));
	assert_null(load("{'federations':{},'peers':{'p':7}}"));
	assert_null(load("{'federations':{},'peers':[1]}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_all_and_the_peers_own_win),
		cmocka_unit_test(two_that_differ_are_refused),
		cmocka_unit_test(a_wrong_value_is_shown_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, down);
}
