/* SPDX-License-Identifier: Apache-2.0 */
/* The section tls and what realms and peers say of it: keys, defaults, names that must be there, whose word counts (H1, H4, H7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "sbe/conf/sbe_conf_private.h"
#include "sbe/conf/sbe_conf_tls.h"

#define BASE                                                                                            \
	"'node':'n','tls':{'a':{'certificate':'a.pem','private_key':'a.key','trust':['ca.pem']},"       \
	"'b':{'certificate':'b.pem','private_key':'b.key','trust':['ca.pem','cb.pem'],'crl':['c.pem']," \
	"'min_version':'1.3','eku':'required','depth':3,'require_client_cert':false,"                   \
	"'ciphers':'ECDHE+AESGCM'}}"

static struct conf_doc *doc;
static struct conf_error error;
static struct sbe_conf conf;

/* ' for ". @return what reading and the rules between objects say. */
static int read_text(const char *members)
{
	static char json[4096];
	size_t n = 0;
	int err;

	conf_doc_free(doc);
	doc = NULL;
	for (const char *parts[] = {"{" BASE ",", members, "}", NULL}, **p = parts; *p; p++) {
		for (const char *s = *p; *s; s++) {
			assert_true(n < sizeof(json));
			json[n++] = (char)(*s == '\'' ? '"' : *s);
		}
	}
	err = conf_parse("t.json", json, n, &doc, &error);
	if (!err)
		err = conf_read(doc, sbe_conf_fields, &conf, &error);
	return err ? err : sbe_conf_check(doc, &conf, &error);
}

static void good(const char *members)
{
	if (read_text(members))
		fail_msg("%s", error.text);
}

static void refused(const char *members, const char *why)
{
	assert_int_equal(read_text(members), -EINVAL);
	if (!strstr(error.text, why))
		fail_msg("%s", error.text);
}

static int down(void **state)
{
	(void)state;
	conf_doc_free(doc);
	doc = NULL;
	return 0;
}

#define REALM "'realms':{'r':{'listen':['tls:127.0.0.1'],'tls':'a'}}"

static void defaults_are_the_safe_ones(void **state)
{
	(void)state;
	struct tls_options o;

	good(REALM);
	sbe_conf_tls_options(sbe_conf_tls_find(&conf, "a"), &o);
	assert_string_equal(o.certificate_file, "a.pem");
	assert_int_equal(o.min_version, TLS_MIN_1_2);
	assert_int_equal(o.eku, TLS_EKU_OFF);
	assert_int_equal(o.depth, 8);
	assert_null(o.ciphers);
	assert_true(o.require_peer);
	sbe_conf_tls_options(sbe_conf_tls_find(&conf, "b"), &o);
	assert_int_equal(o.min_version, TLS_MIN_1_3);
	assert_int_equal(o.eku, TLS_EKU_REQUIRED);
	assert_int_equal(o.depth, 3);
	assert_int_equal(o.ntrust, 2);
	assert_int_equal(o.ncrls, 1);
	assert_string_equal(o.ciphers, "ECDHE+AESGCM");
	assert_false(o.require_peer);
	assert_null(sbe_conf_tls_find(&conf, "c"));
	assert_null(sbe_conf_tls_find(&conf, NULL));
}

static void realms_name_one_or_several(void **state)
{
	(void)state;
	good("'realms':{'r':{'listen':['tls:127.0.0.1'],'tls':['b','a']}}");
	assert_string_equal(sbe_conf_tls_of_realm(&conf, "r")->name, "b");
	assert_null(sbe_conf_tls_of_realm(&conf, "s"));
	refused("'realms':{'r':{'listen':['tls:127.0.0.1'],'tls':['b','c']}}",
		"realms.r.tls: there is no \"c\" in tls");
	refused("'realms':{'r':{'listen':['tls:127.0.0.1'],'tls':[]}}", "a list of 1 to 16");
	refused("'realms':{'r':{'listen':['tls:127.0.0.1'],'tls':[1]}}", "must be names");
	refused("'realms':{'r':{'listen':['tls:127.0.0.1']}}", "a tls listener needs");
	refused(REALM ",'peers':{'p':{'realm':'r','sources':['10.0.0.1'],'tls':{'identity':'c'}}}",
		"peers.p.tls.identity: there is no \"c\" in tls");
}

static bool rules(const char *tls, struct tls_trust_options *o)
{
	char members[512];

	snprintf(members, sizeof(members),
		 REALM ",'peers':{'p':{'realm':'r','sources':['10.0.0.1'],'tls':{%s}}}", tls);
	good(members);
	return sbe_conf_tls_peer(&conf, conf.peers.items, o);
}

/* What the peer does not say is said by the identity: that of the peer, else the first of its realm. */
static void whose_word_counts(void **state)
{
	(void)state;
	struct tls_trust_options o = {.nfiles = 99};

	assert_false(rules("'name':'p.example'", &o));
	assert_int_equal(o.nfiles, 99);
	assert_true(rules("'trust':['p.pem']", &o));
	assert_int_equal(o.nfiles, 1);
	assert_string_equal(o.files[0], "p.pem");
	assert_int_equal(o.ncrls, 0);
	assert_int_equal(o.eku, TLS_EKU_OFF);
	assert_true(rules("'trust':['p.pem'],'identity':'b'", &o));
	assert_string_equal(o.files[0], "p.pem");
	assert_string_equal(o.crl_files[0], "c.pem");
	assert_int_equal(o.eku, TLS_EKU_REQUIRED);
	assert_int_equal(o.depth, 3);
	assert_true(rules("'eku':'off','identity':'b'", &o));
	assert_int_equal(o.eku, TLS_EKU_OFF);
	assert_int_equal(o.nfiles, 2);
	assert_true(rules("'eku':'if-present'", &o));
	assert_int_equal(o.eku, TLS_EKU_IF_PRESENT);
	assert_true(rules("'crl':['p.crl']", &o));
	assert_string_equal(o.files[0], "ca.pem");
	assert_string_equal(o.crl_files[0], "p.crl");
}

static int count(void *arg, const char **name)
{
	assert_non_null(*name);
	return ++*(int *)arg == 5 ? -ENAMETOOLONG : 0;
}

static void every_file_is_walked(void **state)
{
	(void)state;
	int n = 100;

	good(REALM
	     ",'peers':{'p':{'realm':'r','sources':['10.0.0.1'],'tls':{'trust':['x','y'],'crl':['z']}}}");
	assert_int_equal(sbe_conf_tls_files(&conf, count, &n), 0);
	assert_int_equal(n, 100 + 3 + 5 + 3);
	n = 0;
	assert_int_equal(sbe_conf_tls_files(&conf, count, &n), -ENAMETOOLONG);
	assert_int_equal(n, 5);
}

/* Files that are not there are errors of the configuration, of peers' too. */
static void files_must_load(void **state)
{
	(void)state;
	good(REALM);
	assert_int_equal(sbe_conf_tls_load(doc, &conf, &error), -EINVAL);
	assert_non_null(strstr(error.text, "tls.a: certificate a.pem: No such file"));
	assert_true(rules("'trust':['/nowhere/p.pem']", &(struct tls_trust_options){0}));
	conf.tls.n = 0;
	assert_int_equal(sbe_conf_tls_load(doc, &conf, &error), -EINVAL);
	assert_non_null(strstr(error.text, "peers.p.tls: trust /nowhere/p.pem"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(defaults_are_the_safe_ones, down),
		cmocka_unit_test_teardown(realms_name_one_or_several, down),
		cmocka_unit_test_teardown(whose_word_counts, down),
		cmocka_unit_test_teardown(every_file_is_walked, down),
		cmocka_unit_test_teardown(files_must_load, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
