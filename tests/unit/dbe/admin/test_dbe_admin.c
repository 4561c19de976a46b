/* SPDX-License-Identifier: Apache-2.0 */
/* The commands over the real line protocol, on a store with one call and the fake data plane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/mem.h"
#include "dbe/admin/dbe_admin.h"
#include "dbe/path/path_fake.h"

static struct flow_host host;
static struct dbe_admin admin;
static struct admin *commands;
static uint32_t context;
static struct addr core_local;

static int probe(const struct addr *bind)
{
	(void)bind;
	return 0;
}

static void set_draining(void *arg, bool draining)
{
	context_set_draining(arg, draining);
}

static void describe(void *arg, struct gate_service_change *ret_change)
{
	context_describe(arg, ret_change);
}

static size_t count(void *arg, const char *controller)
{
	return context_count(arg, controller);
}

static size_t clear(void *arg, const char *controller)
{
	return context_clear(arg, controller);
}

static int execute(void *arg, const char *controller, const struct gate_action *request,
		   struct gate_action *ret_reply)
{
	return context_execute(arg, controller, request, ret_reply);
}

static void make_call(void)
{
	static struct gate_action request, reply;
	static const char *const realms[] = {"core", "peering"};
	static const char *const remotes[] = {"192.0.2.1:4000", "192.0.2.2:5000"};

	gate_action_clear(&request);
	request.context_ref = GATE_REF_CHOOSE;
	for (int i = 0; i < 2; i++) {
		struct gate_command *c = gate_action_add(&request, GATE_ADD, GATE_REF_CHOOSE);

		strcpy(c->realm, realms[i]);
		c->nstreams = 1;
		gate_stream_clear(&c->streams[0]);
		c->streams[0].id = 1;
		c->streams[0].has = GATE_HAS_MODE | GATE_HAS_REMOTE;
		c->streams[0].mode = GATE_SENDRECV;
		assert_int_equal(addr_parse(remotes[i], &c->streams[0].remote_rtp), 0);
	}
	assert_int_equal(context_execute(admin.store, "sbe1", &request, &reply), 0);
	assert_int_equal(reply.commands[1].code, 0);
	context = reply.context;
	core_local = reply.commands[0].streams[0].local_rtp;
}

static int setup(void **state)
{
	struct pool_options po = {.ephemeral_file = "/dev/null", .probe = probe};
	struct pool_address a = {.low = 20000, .high = 20009};
	struct context_options co = {.host = &host};
	struct path_options path = {0};
	struct gate_server_options so = {.name = "dbe1", .ncontrollers = 1, .epoch = 1};
	struct gate_executor x = {.execute = execute,
				  .clear = clear,
				  .count = count,
				  .describe = describe,
				  .set_draining = set_draining};
	struct addr controller;
	char why[256];

	(void)state;
	clock_fake(1000000000, 0);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &host.wheel), 0);
	assert_int_equal(pool_new(&po, &host.pool), 0);
	assert_int_equal(addr_parse("127.0.0.1", &a.bind), 0);
	assert_int_equal(pool_add_realm(host.pool, "core", &a, 1, why), 0);
	assert_int_equal(addr_parse("127.0.0.3", &a.bind), 0);
	assert_int_equal(pool_add_realm(host.pool, "peering", &a, 1, why), 0);
	assert_int_equal(path_fake.create(NULL, &path, &host.path), 0);
	assert_int_equal(context_store_new(&co, &admin.store), 0);
	assert_int_equal(addr_parse("127.0.0.1:2944", &controller), 0);
	so.controllers = &controller;
	x.arg = admin.store;
	assert_int_equal(gate_server_new(&so, &x, host.wheel, &admin.server), 0);
	admin.host = &host;
	admin.name = "dbe1";
	admin.version = "9.9";
	admin.config = json_pack("{s:s}", "name", "dbe1");
	assert_int_equal(admin_new(&commands), 0);
	assert_int_equal(admin_add(commands, dbe_admin_commands, &admin), 0);
	make_call();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	admin_free(commands);
	json_decref((json_t *)admin.config);
	gate_server_free(admin.server);
	context_store_free(admin.store);
	path_fake.destroy(host.path);
	pool_free(host.pool);
	timer_wheel_free(host.wheel);
	clock_real();
	return 0;
}

/* Words separated by blanks. @return the answer's data, or NULL if the code is not the one expected. */
static json_t *ask(const char *words, int code)
{
	json_t *cmd = json_array(), *line = json_pack("{s:i,s:o}", "v", 1, "cmd", cmd), *reply,
	       *data;
	char *text, *copy = strdup(words), *answer, *save = NULL;
	size_t len;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		json_array_append_new(cmd, json_string(w));
	text = json_dumps(line, JSON_COMPACT);
	assert_int_equal(admin_answer(commands, text, strlen(text), &answer, &len), 0);
	reply = json_loadb(answer, len, 0, NULL);
	assert_non_null(reply);
	if (json_integer_value(json_object_get(reply, "code")) != code)
		fail_msg("%s: %.*s", words, (int)len, answer);
	data = json_incref(json_object_get(reply, "data"));
	json_decref(reply);
	json_decref(line);
	mem_free(answer);
	free(text);
	free(copy);
	return data;
}

static void deliver(int n)
{
	uint8_t packet[172] = {0x80, 8};
	struct addr from;

	assert_int_equal(addr_parse("192.0.2.1:4000", &from), 0);
	for (int i = 0; i < n; i++) {
		packet[3] = (uint8_t)i;
		assert_int_equal(
			path_fake_deliver(host.path, &core_local, &from, packet, sizeof(packet)),
			0);
	}
}

static const char *text_at(const json_t *array, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(array, i), key));
}

static void test_status_and_version(void **state)
{
	json_t *d = ask("status", ADMIN_OK), *v = ask("version", ADMIN_OK);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(d, "name")), "dbe1");
	assert_int_equal(json_integer_value(json_object_get(d, "contexts")), 1);
	assert_int_equal(json_array_size(json_object_get(d, "realms")), 2);
	assert_string_equal(json_string_value(json_object_get(v, "version")), "9.9");
	json_decref(d);
	json_decref(v);
}

static void test_gate_list_says_who_is_silent(void **state)
{
	json_t *d, *row;

	(void)state;
	deliver(3);
	d = ask("gate list", ADMIN_OK);
	row = json_array_get(json_object_get(d, "rows"), 0);
	assert_int_equal(json_integer_value(json_array_get(row, 0)), context);
	assert_string_equal(json_string_value(json_array_get(row, 1)), "sbe1");
	assert_int_equal(json_integer_value(json_array_get(row, 5)), 3);
	assert_string_equal(json_string_value(json_array_get(row, 7)), "one-way");
	json_decref(d);
}

static void test_gate_show_tells_why(void **state)
{
	char words[64];
	json_t *d, *s;

	(void)state;
	deliver(3);
	clock_advance_ms(1000);
	snprintf(words, sizeof(words), "gate show %u", context);
	d = ask(words, ADMIN_OK);
	assert_string_equal(json_string_value(json_object_get(d, "verdict")), "one-way");
	s = json_object_get(d, "streams");
	assert_int_equal(json_array_size(s), 2);
	assert_string_equal(text_at(s, 0, "remote"), "192.0.2.1:4000");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(s, 0), "packets_in")),
			 3);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(s, 1), "packets_out")),
			 3);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(s, 0), "last_packet_ms_ago")),
		1000);
	s = json_object_get(d, "directions");
	assert_string_equal(text_at(s, 0, "media"), "media flows");
	assert_non_null(strstr(text_at(s, 1, "media"), "nothing ever came"));
	json_decref(d);
}

static void test_gate_show_of_what_is_not_there(void **state)
{
	char words[64];

	(void)state;
	snprintf(words, sizeof(words), "gate show %u", context + 1);
	json_decref(ask(words, ADMIN_NOT_FOUND));
	json_decref(ask("gate show abc", ADMIN_USAGE));
	json_decref(ask("gate show", ADMIN_USAGE));
	json_decref(ask("gate show 99999999999", ADMIN_USAGE));
}

static void test_pool_show(void **state)
{
	json_t *d = ask("pool show", ADMIN_OK),
	       *row = json_array_get(json_object_get(d, "rows"), 0);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(d, "rows")), 2);
	assert_string_equal(json_string_value(json_array_get(row, 1)), "127.0.0.1");
	assert_int_equal(json_integer_value(json_array_get(row, 5)), 5); /* pairs */
	assert_int_equal(json_integer_value(json_array_get(row, 6)), 1); /* used */
	assert_int_equal(json_integer_value(json_array_get(row, 7)), 4); /* free */
	json_decref(d);
}

static void test_drain_and_undrain(void **state)
{
	json_t *d;

	(void)state;
	d = ask("dbe drain", ADMIN_OK);
	assert_string_equal(json_string_value(json_object_get(d, "state")), "draining");
	assert_true(context_is_draining(admin.store));
	json_decref(d);
	json_decref(ask("dbe undrain", ADMIN_OK));
	assert_false(context_is_draining(admin.store));
}

static void test_the_rest(void **state)
{
	json_t *d = ask("config show", ADMIN_OK);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(d, "name")), "dbe1");
	json_decref(d);
	json_decref(ask("log level loud", ADMIN_USAGE));
	json_decref(ask("log level info", ADMIN_OK));
	d = ask("stats show", ADMIN_OK);
	assert_non_null(json_object_get(d, "rows"));
	json_decref(d);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_status_and_version),
		TEST(test_gate_list_says_who_is_silent),
		TEST(test_gate_show_tells_why),
		TEST(test_gate_show_of_what_is_not_there),
		TEST(test_pool_show),
		TEST(test_drain_and_undrain),
		TEST(test_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
