/* SPDX-License-Identifier: Apache-2.0 */
/* Shared values under an object: what stands, what is mixed, who differs, and where an error is shown (A12). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/conf.h"

static struct conf_error error;

/* ' for " */
static struct conf_doc *doc_of(const char *text)
{
	struct conf_doc *d = NULL;
	char *json = strdup(text);

	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	assert_int_equal(conf_parse("f.json", json, strlen(json), &d, &error), 0);
	free(json);
	return d;
}

static int mix(struct conf_doc *d)
{
	const json_t *shared = json_object_get(conf_json(d), "shared");
	const struct conf_layer layers[] = {{"shared.a", json_object_get(shared, "a")},
					    {"shared.b", json_object_get(shared, "b")}};

	return conf_mix(d, "m", "x", layers, 2, &error);
}

static void is(const struct conf_doc *d, const char *want)
{
	char *have = json_dumps(json_object_get(json_object_get(conf_json(d), "m"), "x"),
				JSON_COMPACT | JSON_SORT_KEYS);
	char *json = strdup(want);

	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	assert_string_equal(have, json);
	free(have);
	free(json);
}

static void own_values_stand(void **state)
{
	(void)state;
	struct conf_doc *d = doc_of("{'shared':{'a':{'k':1,'o':{'p':1,'q':2},'l':[1],'w':{'z':0}},"
				    "'b':{'n':5,'o':{'r':3}}},\n"
				    "'m':{'x':{'k':9,'o':{'p':8},'w':'word'}}}");

	assert_int_equal(mix(d), 0);
	is(d, "{'k':9,'l':[1],'n':5,'o':{'p':8,'q':2,'r':3},'w':'word'}");
	conf_doc_free(d);
}

static void equal_values_of_two_are_one(void **state)
{
	(void)state;
	struct conf_doc *d =
		doc_of("{'shared':{'a':{'l':[1,2],'o':{'p':1}},'b':{'l':[1,2],'o':{'p':1}}},"
		       "'m':{'x':{}}}");

	assert_int_equal(mix(d), 0);
	is(d, "{'l':[1,2],'o':{'p':1}}");
	conf_doc_free(d);
}

static void who_differs_is_refused_with_both_places(void **state)
{
	(void)state;
	struct conf_doc *d = doc_of("{'shared':{\n'a':{'o':{\n'p':1}},\n'b':{'o':{\n'p':2}}},\n"
				    "'m':{'x':{}}}");

	assert_int_equal(mix(d), -EINVAL);
	assert_string_equal(error.text,
			    "f.json:5: shared.b.o.p: differs from shared.a.o.p (line 3), and "
			    "both count for m.x.o.p: say it there");
	is(d, "{}"); /* and nothing has changed */
	conf_doc_free(d);
	d = doc_of("{'shared':{'a':{'o':{'p':1}},'b':{'o':7}},'m':{'x':{}}}");
	assert_int_equal(mix(d), -EINVAL);
	conf_doc_free(d);
	d = doc_of("{'shared':{'a':{'o':{'p':1}},'b':{'o':{'p':2}}},'m':{'x':{'o':{'p':3}}}}");
	assert_int_equal(mix(d), 0); /* the object itself settles it */
	is(d, "{'o':{'p':3}}");
	conf_doc_free(d);
}

static void errors_are_shown_where_it_was_written(void **state)
{
	(void)state;
	struct conf_doc *d =
		doc_of("{'shared':{\n'a':{'o':{\n'l':[1,\n2]}}},\n'm':{\n'x':{\n'k':1}}}");

	assert_int_equal(mix(d), 0);
	conf_fail_at(d, "m.x.o.l[1]", &error, "bad");
	assert_string_equal(error.text, "f.json:4: shared.a.o.l[1]: bad");
	conf_fail_at(d, "m.x.k", &error, "bad");
	assert_string_equal(error.text, "f.json:7: m.x.k: bad");
	conf_fail_at(d, "m.x.o", &error, "bad");
	assert_string_equal(error.text, "f.json:6: m.x.o: bad");
	conf_doc_free(d);
}

static void no_such_object(void **state)
{
	(void)state;
	struct conf_doc *d = doc_of("{'shared':{'a':{'k':1}},'m':{}}");

	assert_int_equal(mix(d), -EINVAL);
	conf_doc_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_values_stand),
		cmocka_unit_test(equal_values_of_two_are_one),
		cmocka_unit_test(who_differs_is_refused_with_both_places),
		cmocka_unit_test(errors_are_shown_where_it_was_written),
		cmocka_unit_test(no_such_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
