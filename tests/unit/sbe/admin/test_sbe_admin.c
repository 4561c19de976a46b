/* SPDX-License-Identifier: Apache-2.0 */
/* Operators' commands: what they answer, and with which code (0 done, 1 failed, 2 usage, 3 not found). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/timer.h"
#include "sbe/admin/sbe_admin.h"
#include "sbe/cdr/cdr.h"
#include "sbe/sip/txn.h"

static struct {
	uv_loop_t loop;
	struct timer_wheel *wheel;
	struct transport *transport;
	struct txn_layer *txns;
	struct gate_pool *gates;
	struct call_core *calls;
	struct cdr_writer *cdr;
	struct sbe_snapshot *snapshot;
	struct admin *admin;
	struct sbe_admin_app app;
	struct peer_gate gate;
	const char *reload_why;
	int reload_err;
	char dir[64], path[96];
} bed;

static const char conf[] =
	"{\"node\":\"sbe1\",\"domains\":[\"a.example\"],\"gate_control\":{\"dbes\":[\"dbe1\",\"dbe2\"]},"
	"\"realms\":{\"core\":{\"listen\":[\"udp:127.0.0.1\"]}},"
	"\"peers\":{\"pbx\":{\"realm\":\"core\",\"sources\":[\"127.0.0.10\"],\"next_hops\":[\"sip:127.0.0.10\"],"
	"\"limits\":{\"sessions\":7}},"
	"\"bnet\":{\"realm\":\"core\",\"sources\":[\"127.0.0.20\"],\"next_hops\":[\"sip:127.0.0.20\",\"sip:127.0.0.21\"],"
	"\"domains\":[\"b.example\"]}},"
	"\"routes\":[{\"name\":\"uk\",\"from\":[\"pbx\"],\"number\":\"+44\",\"to\":[{\"peer\":\"bnet\"}]}]}";

static int on_reload(void *arg, char *why, size_t why_bytes)
{
	(void)arg;
	(void)snprintf(why, why_bytes, "%s", bed.reload_why);
	return bed.reload_err;
}

static int on_send(void *arg, const struct transport_target *to, const void *data, size_t len_bytes)
{
	(void)arg;
	(void)to;
	(void)data;
	(void)len_bytes;
	return 0;
}

static void write_conf(const char *text)
{
	FILE *f = fopen(bed.path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void start_layers(void)
{
	static const struct transport_handlers th = {0};
	static const struct txn_layer_handlers xh = {.send = on_send};
	const struct sbe_gate_conf *g = &bed.snapshot->conf.gate;
	struct gate_pool_options go = {.node = "sbe1", .dbes = g->dbes.items, .ndbes = g->dbes.n};
	struct cdr_options co = {.directory = bed.dir, .node = "sbe1"};
	struct call_options o = {0};

	assert_int_equal(uv_loop_init(&bed.loop), 0);
	assert_int_equal(timer_wheel_new(clock_now_ms(), &bed.wheel), 0);
	assert_int_equal(transport_new(&bed.loop, &th, NULL, &bed.transport), 0);
	assert_int_equal(txn_layer_new(bed.wheel, NULL, &xh, NULL, &bed.txns), 0);
	assert_int_equal(gate_pool_new(&go, bed.wheel, &bed.gates), 0);
	assert_int_equal(cdr_start(&co, &bed.cdr), 0);
	o = (struct call_options){.wheel = bed.wheel, .transport = bed.transport, .txns = bed.txns};
	o.gates = bed.gates;
	o.cdr = bed.cdr;
	assert_int_equal(call_core_new(&o, &bed.snapshot->call, &bed.calls), 0);
}

static int up(void **state)
{
	struct conf_error error;

	(void)state;
	memset(&bed, 0, sizeof(bed));
	(void)snprintf(bed.dir, sizeof(bed.dir), "/tmp/sbe-admin-XXXXXX");
	if (!mkdtemp(bed.dir))
		return -1;
	(void)snprintf(bed.path, sizeof(bed.path), "%s/sbe.json", bed.dir);
	write_conf(conf);
	if (sbe_conf_load(bed.path, NULL, &bed.snapshot, &error))
		fail_msg("%s", error.text);
	start_layers();
	bed.reload_why = "";
	peer_gate_init(&bed.gate, &(struct peer_gate_options){.cps = 0});
	bed.app = (struct sbe_admin_app){.gate = &bed.gate,
					 .snapshot = &bed.snapshot,
					 .calls = bed.calls,
					 .gates = bed.gates,
					 .transport = bed.transport,
					 .txns = bed.txns,
					 .cdr = bed.cdr,
					 .reload = on_reload,
					 .started_ms = clock_now_ms()};
	assert_int_equal(admin_new(&bed.admin), 0);
	assert_int_equal(sbe_admin_add(bed.admin, &bed.app), 0);
	return 0;
}

static int down(void **state)
{
	(void)state;
	admin_free(bed.admin);
	call_core_free(bed.calls);
	gate_pool_free(bed.gates);
	txn_layer_free(bed.txns);
	transport_free(bed.transport);
	cdr_stop(bed.cdr);
	timer_wheel_free(bed.wheel);
	mem_unref(bed.snapshot);
	uv_run(&bed.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&bed.loop), 0);
	(void)unlink(bed.path);
	return rmdir(bed.dir);
}

static void on_reply(void *arg, const char *reply, size_t len_bytes)
{
	*(json_t **)arg = json_loadb(reply, len_bytes, 0, NULL);
}

/* words: "call show x". opts: JSON object or NULL. @return the reply's data (caller's), its code in ret. */
static json_t *ask(const char *words, const char *opts, int *ret_code, char *ret_error)
{
	json_t *cmd = json_array(), *request, *reply = NULL, *data;
	char copy[256], *rest = copy, *word, *line;

	(void)snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")))
		json_array_append_new(cmd, json_string(word));
	request = json_pack("{s:i,s:o,s:o}", "v", 1, "cmd", cmd, "opts",
			    opts ? json_loads(opts, 0, NULL) : json_object());
	line = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	assert_null(admin_ask(bed.admin, line, strlen(line), on_reply, &reply));
	free(line);
	assert_non_null(reply);
	*ret_code = (int)json_integer_value(json_object_get(reply, "code"));
	if (ret_error) {
		const char *error = json_string_value(json_object_get(reply, "error"));

		(void)snprintf(ret_error, 300, "%s", error ? error : "");
	}
	data = json_incref(json_object_get(reply, "data"));
	json_decref(reply);
	return data;
}

static json_t *good(const char *words, const char *opts)
{
	char error[300];
	int code;
	json_t *data = ask(words, opts, &code, error);

	if (code)
		fail_msg("%s: %d %s", words, code, error);
	assert_non_null(data);
	return data;
}

static void bad(const char *words, const char *opts, int expected, const char *error)
{
	char text[300];
	int code;

	json_decref(ask(words, opts, &code, text));
	assert_int_equal(code, expected);
	if (!strstr(text, error))
		fail_msg("%s: \"%s\" is not in \"%s\"", words, error, text);
}

static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static size_t rows(const json_t *table)
{
	assert_true(json_is_array(json_object_get(table, "columns")));
	return json_array_size(json_object_get(table, "rows"));
}

static const json_t *cell(const json_t *table, size_t row, const char *column)
{
	const json_t *columns = json_object_get(table, "columns");

	for (size_t i = 0; i < json_array_size(columns); i++) {
		if (!strcmp(json_string_value(json_array_get(columns, i)), column))
			return json_array_get(json_array_get(json_object_get(table, "rows"), row),
					      i);
	}
	fail_msg("no column %s", column);
	return NULL;
}

static void status(void **state)
{
	(void)state;
	json_t *d = good("status", NULL);

	assert_string_equal(text_at(d, "node"), "sbe1");
	assert_non_null(text_at(d, "version"));
	assert_int_equal(json_integer_value(json_object_get(d, "calls")), 0);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(d, "peers"), "up")), 2);
	assert_int_equal(json_integer_value(json_object_get(d, "dbes_in_service")), 0);
	assert_true(json_integer_value(json_object_get(d, "memory_kib")) > 0);
	json_decref(d);
	d = good("version", NULL);
	assert_string_equal(text_at(d, "program"), "sbe");
	json_decref(d);
}

static void peers(void **state)
{
	(void)state;
	json_t *d = good("peer list", NULL);

	assert_int_equal(rows(d), 2);
	assert_string_equal(json_string_value(cell(d, 1, "peer")), "bnet");
	assert_string_equal(json_string_value(cell(d, 1, "admin")), "in service");
	json_decref(d);
	json_decref(good("peer block bnet", NULL));
	assert_true(peer_find_name(bed.snapshot->peers, "bnet")->state->blocked);
	assert_int_equal(metric_get(&peer_metrics, PEER_BLOCKED), 1);
	peer_hop_set_down(peer_find_name(bed.snapshot->peers, "bnet"), 1, "no answer");
	d = good("peer show bnet", NULL);
	assert_string_equal(text_at(d, "admin"), "blocked"); /* what the operator wants ... */
	assert_string_equal(text_at(d, "health"),
			    "up"); /* ... and what the network says are two things */
	assert_non_null(strstr(text_at(json_array_get(json_object_get(d, "next_hops"), 1), "state"),
			       "down since "));
	assert_non_null(strstr(text_at(json_array_get(json_object_get(d, "next_hops"), 1), "state"),
			       "Z: no answer"));
	json_decref(d);
	json_decref(good("peer unblock bnet", NULL));
	assert_false(peer_find_name(bed.snapshot->peers, "bnet")->state->blocked);
	d = good("peer show pbx", NULL);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(d, "limits"), "sessions")), 7);
	json_decref(d);
	bad("peer show nobody", NULL, ADMIN_NOT_FOUND, "no peer nobody");
	bad("peer block nobody", NULL, ADMIN_NOT_FOUND, "no peer nobody");
	bad("peer show", NULL, ADMIN_USAGE, "");
}

static void routes(void **state)
{
	(void)state;
	json_t *d = good("route list", NULL), *steps;

	assert_int_equal(rows(d), 1);
	json_decref(d);
	d = good("route test", "{\"from\":\"pbx\",\"to\":\"sip:+44-20@a.example\"}");
	assert_string_equal(text_at(d, "route"), "uk");
	assert_int_equal(json_array_size(json_object_get(d, "candidates")), 2);
	steps = json_object_get(d, "steps");
	assert_true(json_array_size(steps) >= 4);
	assert_string_equal(text_at(json_array_get(steps, 0), "step"), "peer");
	assert_string_equal(text_at(json_array_get(steps, json_array_size(steps) - 1), "step"),
			    "policy");
	json_decref(d);
	d = good("route test", "{\"from\":\"bnet\",\"to\":\"sip:+4420@a.example\"}");
	assert_int_equal(json_integer_value(json_object_get(d, "status")), 404);
	json_decref(d);
	d = good("lookup +4420", NULL); /* nobody in particular asks */
	assert_string_equal(text_at(d, "route"), "uk");
	json_decref(d);
	d = good("lookup sip:x@b.example", NULL);
	assert_int_equal(json_integer_value(json_object_get(d, "status")), 404);
	json_decref(d);
	bad("route test", "{\"from\":\"nobody\",\"to\":\"sip:1@a.example\"}", ADMIN_NOT_FOUND,
	    "no peer nobody");
	bad("route test", "{\"from\":\"pbx\"}", ADMIN_USAGE, "--to URI");
	bad("lookup", NULL, ADMIN_USAGE, "");
}

static void calls_and_gates(void **state)
{
	(void)state;
	json_t *d = good("call list", NULL);

	assert_int_equal(rows(d), 0);
	json_decref(d);
	bad("call show abcdef", NULL, ADMIN_NOT_FOUND, "no call abcdef");
	bad("call kill abcdef", NULL, ADMIN_NOT_FOUND, "no call abcdef");
	bad("call kill", NULL, ADMIN_USAGE, "");
	d = good("dbe list", NULL);
	assert_int_equal(rows(d), 2);
	assert_string_equal(json_string_value(cell(d, 0, "health")), "lost");
	json_decref(d);
	json_decref(good("dbe drain dbe1", NULL));
	d = good("dbe show dbe1", NULL);
	assert_string_equal(text_at(d, "admin"), "draining");
	json_decref(d);
	json_decref(good("dbe undrain dbe1", NULL));
	bad("dbe show dbe9", NULL, ADMIN_NOT_FOUND, "no dbe dbe9");
	bad("dbe drain dbe9", NULL, ADMIN_NOT_FOUND, "no dbe dbe9");
	d = good("gate list", NULL);
	assert_int_equal(rows(d), 0);
	json_decref(d);
	bad("gate show 5", NULL, ADMIN_NOT_FOUND, "no gate 5");
	d = good("pool show", NULL);
	assert_int_equal(rows(d), 0); /* nobody has joined */
	json_decref(d);
	d = good("connection list", NULL);
	assert_int_equal(rows(d), 0);
	json_decref(d);
}

static void configuration(void **state)
{
	(void)state;
	char words[128];
	json_t *d;

	(void)snprintf(words, sizeof(words), "config check %s", bed.path);
	json_decref(good(words, NULL));
	write_conf("{\"node\":\"sbe1\",\n\"realms\":{}}");
	bad(words, NULL, ADMIN_FAILED, "sbe.json:2: realms: must have 1 to");
	d = good("config show", NULL);
	assert_string_equal(text_at(d, "node"), "sbe1");
	assert_non_null(json_object_get(json_object_get(d, "peers"), "bnet"));
	json_decref(d);
	bed.reload_why = "cdr";
	d = good("config reload", NULL);
	assert_string_equal(text_at(d, "waits_for_restart"), "cdr");
	json_decref(d);
	bed.reload_why = "sbe.json:3: peers: what is wrong";
	bed.reload_err = -22;
	bad("config reload", NULL, ADMIN_FAILED, "sbe.json:3: peers: what is wrong");
}

static void log_levels(void **state)
{
	(void)state;
	assert_false(log_enabled("peer", LOG_LEVEL_DEBUG));
	json_decref(good("log level debug", NULL));
	assert_true(log_enabled("peer", LOG_LEVEL_DEBUG));
	json_decref(good("log level info", NULL));
	assert_false(log_enabled("peer", LOG_LEVEL_DEBUG));
	bad("log level loud", NULL, ADMIN_USAGE, "error, warn, notice, info, debug");
}

static void counters(void **state)
{
	(void)state;
	json_t *d = good("stats show", NULL);
	bool found = false;

	for (size_t i = 0; i < rows(d); i++)
		found = found || !strcmp(json_string_value(cell(d, i, "name")), "sbe_calls_active");
	assert_true(found);
	json_decref(d);
}

/* Each command says in one sentence what it is for. */
static void help(void **state)
{
	(void)state;
	json_t *d = good("help", NULL);

	assert_true(rows(d) >= 25);
	for (size_t i = 0; i < rows(d); i++) {
		const char *text = json_string_value(cell(d, i, "help"));

		assert_true(text && strlen(text) > 10);
		assert_int_equal(text[strlen(text) - 1], '.');
	}
	json_decref(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(status, up, down),
		cmocka_unit_test_setup_teardown(peers, up, down),
		cmocka_unit_test_setup_teardown(routes, up, down),
		cmocka_unit_test_setup_teardown(calls_and_gates, up, down),
		cmocka_unit_test_setup_teardown(configuration, up, down),
		cmocka_unit_test_setup_teardown(log_levels, up, down),
		cmocka_unit_test_setup_teardown(counters, up, down),
		cmocka_unit_test_setup_teardown(help, up, down),
	};

	return cmocka_run_group_tests_name("sbe/admin", tests, NULL, NULL);
}
