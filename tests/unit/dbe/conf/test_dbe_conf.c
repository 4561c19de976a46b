/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of the documentation works; each mistake is named with file, line and path. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/mem.h"
#include "dbe/conf/dbe_conf.h"

static char path[64];
static struct conf_error error;
static struct dbe_conf *conf;

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/dbe-conf-%d.json", (int)getpid());
	conf = NULL;
	memset(&error, 0, sizeof(error));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	dbe_conf_free(conf);
	assert_int_equal(mem_live(), 0);
	return 0;
}

static int load(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return dbe_conf_load(path, &conf, &error);
}

static void refused(const char *text, const char *line, const char *where, const char *what)
{
	char head[128];

	assert_int_equal(load(text), -EINVAL);
	assert_null(conf);
	snprintf(head, sizeof(head), "%s:%s: %s", path, line, where);
	if (strncmp(error.text, head, strlen(head)) != 0 || !strstr(error.text, what))
		fail_msg("\"%s\" does not begin with \"%s\" or lacks \"%s\"", error.text, head,
			 what);
}

#define REALM "\"realms\":{\"core\":{\"addresses\":[{\"bind\":\"127.0.0.1\"}]}}"

static void test_smallest_file_gets_the_defaults(void **state)
{
	const struct dbe_conf_address *a;

	(void)state;
	assert_int_equal(load("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"]," REALM "}"),
			 0);
	assert_string_equal(conf->control.socket, "/run/speermint/dbe.sock");
	assert_int_equal(conf->http.listen.port, 9091);
	assert_int_equal(conf->relay.path, DBE_PATH_AUTO);
	assert_int_equal(conf->relay.quarantine_ms, 5000);
	assert_int_equal(conf->hold_s, 300);
	assert_int_equal(conf->ncontrollers, 1);
	assert_int_equal(conf->controller_addrs[0].port, 2944);
	assert_false(conf->has_tls);
	a = ((const struct dbe_conf_realm *)conf->realms.items)->addresses.items;
	assert_int_equal(a->ports.low, 16384);
	assert_int_equal(a->ports.high, 32766);
	assert_int_equal(dbe_conf_pairs(conf), 8191);
}

static void test_full_file(void **state)
{
	char file[128];

	(void)state;
	assert_int_equal(
		load("{\"#\":\"comment\",\"name\":\"dbe1\",\"control\":{\"socket\":\"/tmp/x.sock\"},\n"
		     "\"http\":{\"listen\":\"[::1]:9000\"},\n"
		     "\"controllers\":[\"192.0.2.1:2944\",\"[2001:db8::1]:2944\"],\n"
		     "\"tls\":{\"certificate\":\"a.pem\",\"private_key\":\"/k/a.key\",\"trust\":[\"ca.pem\"]},\n"
		     "\"realms\":{\"core\":{\"addresses\":[{\"bind\":\"127.0.0.1\",\"advertise\":\"192.0.2.9\","
		     "\"ports\":\"20000-20099\"},{\"bind\":\"::1\",\"ports\":\"20000-20001\"}]}},\n"
		     "\"relay\":{\"path\":\"socket\",\"quarantine_ms\":100,\"contexts_max\":7},\n"
		     "\"hold_s\":5,\"log\":{\"level\":\"debug\"}}"),
		0);
	assert_true(conf->has_tls);
	assert_int_equal(conf->ncontrollers, 2);
	assert_int_equal(conf->relay.contexts_max, 7);
	assert_int_equal(conf->log.level, 4);
	assert_int_equal(dbe_conf_pairs(conf), 51);
	assert_string_equal(dbe_conf_file(conf, "a.pem", file, sizeof(file)), "/tmp/a.pem");
	assert_string_equal(dbe_conf_file(conf, "/k/a.key", file, sizeof(file)), "/k/a.key");
}

static void test_plain_gate_control_stays_on_loopback(void **state)
{
	(void)state;
	refused("{\"name\":\"dbe1\",\n\"controllers\":[\"192.0.2.1:2944\"]," REALM "}", "2",
		"controllers", "tls");
}

static void test_mistakes_are_named(void **state)
{
	(void)state;
	refused("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"],\n\n\"relays\":{}," REALM
		"}",
		"3", "relays", "");
	refused("{\"name\":\"dbe1\",\n\"controllers\":[\"localhost:2944\"]," REALM "}", "2",
		"controllers", "ip:port");
	refused("{\"name\":\"dbe1\",\n\"controllers\":[\"127.0.0.1\"]," REALM "}", "2",
		"controllers", "ip:port");
	refused("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"],\n\"relay\":{\"path\":\"ebpf\"}," REALM
		"}",
		"2", "relay.path", "not built into this version");
	refused("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"],\n\"tls\":{\"certificate\":\"a\"}," REALM
		"}",
		"2", "tls", "private_key");
	refused("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"],\n\"realms\":{\"core\":{\"addresses\":"
		"[{\"bind\":\"0.0.0.0\"}]}}}",
		"2", "realms.core.addresses[0].bind", "wildcard");
	refused("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"],\n\"realms\":{\"core\":{\"addresses\":"
		"[{\"bind\":\"127.0.0.1\",\"advertise\":\"::1\"}]}}}",
		"2", "realms.core.addresses[0].advertise", "family");
	refused("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"],\n\"realms\":{}}", "2",
		"realms", "");
}

static void test_no_file(void **state)
{
	(void)state;
	assert_true(dbe_conf_load("/nonexistent/dbe.json", &conf, &error) < 0);
	assert_non_null(strstr(error.text, "/nonexistent/dbe.json"));
}

static void test_pool_mistakes_point_into_the_file(void **state)
{
	struct pool_options o = {.ephemeral_file = "/dev/null"};
	struct pool *pool = NULL;

	(void)state;
	assert_int_equal(
		load("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"],\"realms\":{\n"
		     "\"core\":{\"addresses\":[{\"bind\":\"127.0.0.1\",\"ports\":\"20000-20099\"}]},\n"
		     "\"peering\":{\"addresses\":[{\"bind\":\"127.0.0.1\",\"ports\":\"20050-20199\"}]}}}"),
		0);
	assert_true(dbe_conf_pool(conf, &o, &pool, &error) < 0);
	assert_null(pool);
	assert_non_null(strstr(error.text, ":3: realms.peering: "));
	assert_non_null(strstr(error.text, "20000-20099"));
}

static void test_pool_is_made(void **state)
{
	struct pool_options o = {.ephemeral_file = "/dev/null"};
	struct pool *pool = NULL;
	struct pool_realm_view v;

	(void)state;
	assert_int_equal(load("{\"name\":\"dbe1\",\"controllers\":[\"127.0.0.1:2944\"]," REALM "}"),
			 0);
	assert_int_equal(dbe_conf_pool(conf, &o, &pool, &error), 0);
	assert_int_equal(pool_realm_view(pool, 0, &v), 0);
	assert_string_equal(v.name, "core");
	assert_int_equal(v.total, dbe_conf_pairs(conf));
	pool_free(pool);
}

static void test_schema_knows_every_key(void **state)
{
	static const char *const keys[] = {"name",   "control", "http",   "controllers", "tls",
					   "realms", "relay",   "hold_s", "log"};
	json_t *schema = dbe_conf_schema();

	(void)state;
	assert_non_null(schema);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_non_null(json_object_get(json_object_get(schema, "properties"), keys[i]));
	json_decref(schema);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_smallest_file_gets_the_defaults),
		TEST(test_full_file),
		TEST(test_plain_gate_control_stays_on_loopback),
		TEST(test_mistakes_are_named),
		TEST(test_no_file),
		TEST(test_pool_mistakes_point_into_the_file),
		TEST(test_pool_is_made),
		TEST(test_schema_knows_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
