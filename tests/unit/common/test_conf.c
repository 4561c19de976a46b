/* SPDX-License-Identifier: Apache-2.0 */
/* conf: values of every type, defaults, lists, and memory (D4). Errors are in test_conf_error.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "tests/lib/oom.h"

struct limits {
	uint32_t sessions, cps;
};
struct hop {
	struct addr to;
	uint32_t weight;
};
struct peer {
	const char *name;
	const char *realm;
	struct conf_list sources; /* struct addr_prefix */
	struct conf_list codecs;  /* const char * */
	struct conf_list hops;    /* struct hop */
	struct limits limits;
};
struct root {
	bool strict, relaxed;
	uint32_t workers;
	const char *text, *greeting;
	int mode, other_mode;
	struct addr listen, http, bind;
	struct addr_prefix net;
	struct conf_range ports;
	struct conf_list peers; /* struct peer */
	int twice;
	uint32_t checked;
	char guard;
};

static const char *const mode_words[] = {"always", "never", "maybe", NULL};

static const struct conf_field limit_fields[] = {
	{.key = "sessions",
	 .type = CONF_UINT,
	 .offset = offsetof(struct limits, sessions),
	 .def = "500"},
	{.key = "cps",
	 .type = CONF_UINT,
	 .offset = offsetof(struct limits, cps),
	 .max = 100000,
	 .def = "50"},
	CONF_END,
};
static const struct conf_field hop_fields[] = {
	{.key = "to",
	 .type = CONF_ADDR,
	 .offset = offsetof(struct hop, to),
	 .required = true,
	 .min = 1},
	{.key = "weight", .type = CONF_UINT, .offset = offsetof(struct hop, weight), .def = "1"},
	CONF_END,
};
static const struct conf_field peer_fields[] = {
	{.key = "realm",
	 .type = CONF_NAME,
	 .offset = offsetof(struct peer, realm),
	 .required = true},
	{.key = "sources", .type = CONF_PREFIXES, .offset = offsetof(struct peer, sources)},
	{.key = "codecs",
	 .type = CONF_STRINGS,
	 .offset = offsetof(struct peer, codecs),
	 .def = "[\"PCMA\", \"PCMU\"]"},
	{.key = "hops",
	 .type = CONF_ARRAY,
	 .offset = offsetof(struct peer, hops),
	 .fields = hop_fields,
	 .item_bytes = sizeof(struct hop)},
	{.key = "limits",
	 .type = CONF_OBJECT,
	 .offset = offsetof(struct peer, limits),
	 .fields = limit_fields},
	CONF_END,
};

static int read_twice(struct conf_reader *r, const json_t *value, void *out)
{
	(void)r;
	*(int *)out = 2 * (int)json_integer_value(value);
	return 0;
}

static const struct conf_field root_fields[] = {
	{.key = "strict",
	 .type = CONF_BOOL,
	 .offset = offsetof(struct root, strict),
	 .def = "true"},
	{.key = "relaxed", .type = CONF_BOOL, .offset = offsetof(struct root, relaxed)},
	{.key = "workers",
	 .type = CONF_UINT,
	 .offset = offsetof(struct root, workers),
	 .min = 1,
	 .max = 64,
	 .def = "4"},
	{.key = "text", .type = CONF_STRING, .offset = offsetof(struct root, text)},
	{.key = "greeting",
	 .type = CONF_STRING,
	 .offset = offsetof(struct root, greeting),
	 .def = "hello"},
	{.key = "mode",
	 .type = CONF_ENUM,
	 .offset = offsetof(struct root, mode),
	 .words = mode_words,
	 .def = "maybe"},
	{.key = "other_mode",
	 .type = CONF_ENUM,
	 .offset = offsetof(struct root, other_mode),
	 .words = mode_words},
	{.key = "listen",
	 .type = CONF_ADDR,
	 .offset = offsetof(struct root, listen),
	 .def = "127.0.0.1:5060"},
	{.key = "http", .type = CONF_ADDR, .offset = offsetof(struct root, http)},
	{.key = "bind", .type = CONF_IP, .offset = offsetof(struct root, bind)},
	{.key = "net", .type = CONF_PREFIX, .offset = offsetof(struct root, net)},
	{.key = "ports",
	 .type = CONF_RANGE,
	 .offset = offsetof(struct root, ports),
	 .min = 1024,
	 .def = "16384-20479"},
	{.key = "peers",
	 .type = CONF_MAP,
	 .offset = offsetof(struct root, peers),
	 .fields = peer_fields,
	 .item_bytes = sizeof(struct peer)},
	{.key = "twice",
	 .type = CONF_CUSTOM,
	 .offset = offsetof(struct root, twice),
	 .item_bytes = sizeof(int),
	 .custom = read_twice},
	CONF_END,
};

static struct conf_doc *parse(const char *text)
{
	struct conf_error err;
	struct conf_doc *d = NULL;

	if (conf_parse("t.json", text, strlen(text), &d, &err))
		fail_msg("%s", err.text);
	return d;
}

static struct conf_doc *parse_and_read(const char *text, struct root *r)
{
	struct conf_doc *d = parse(text);
	struct conf_error err;

	memset(r, 0x55, sizeof(*r)); /* conf_read must not rely on a clean struct */
	if (conf_read(d, root_fields, r, &err))
		fail_msg("%s", err.text);
	assert_string_equal(err.text, "");
	assert_int_equal(r->guard, 0x55);
	return d;
}

static void is_at(const struct addr *a, const char *expected)
{
	char buf[ADDR_TEXT_BYTES];

	assert_string_equal(addr_print(a, buf, sizeof(buf)), expected);
}

static void empty_object_gives_defaults(void **state)
{
	struct root r;
	struct conf_doc *d = parse_and_read("{}", &r);

	(void)state;
	assert_true(r.strict);
	assert_false(r.relaxed);
	assert_int_equal(r.workers, 4);
	assert_null(r.text);
	assert_string_equal(r.greeting, "hello");
	assert_int_equal(r.mode, 2);
	assert_int_equal(r.other_mode, 0);
	is_at(&r.listen, "127.0.0.1:5060");
	assert_int_equal(r.http.family, ADDR_NONE);
	assert_int_equal(r.net.net.family, ADDR_NONE);
	assert_int_equal(r.ports.low, 16384);
	assert_int_equal(r.ports.high, 20479);
	assert_int_equal(r.peers.n, 0);
	assert_null(r.peers.items);
	assert_int_equal(r.twice, 0);
	conf_doc_free(d);
}

static void values_of_every_type_are_read(void **state)
{
	struct root r;
	char buf[ADDR_TEXT_BYTES];
	struct conf_doc *d = parse_and_read(
		"{\"strict\": false, \"relaxed\": true, \"workers\": 64, \"text\": \"\", "
		"\"greeting\": \"gr\\u00fc\\u00df\", \"mode\": \"always\", \"other_mode\": \"never\", "
		"\"listen\": \"[::1]:5061\", \"http\": \"127.0.0.1\", \"bind\": \"::1\", "
		"\"net\": \"10.0.0.0/8\", \"ports\": \"1024-65535\", \"twice\": 21}",
		&r);

	(void)state;
	assert_false(r.strict);
	assert_true(r.relaxed);
	assert_int_equal(r.workers, 64);
	assert_string_equal(r.text, "");
	assert_string_equal(r.greeting, "gr\xc3\xbc\xc3\x9f");
	assert_int_equal(r.mode, 0);
	assert_int_equal(r.other_mode, 1);
	is_at(&r.listen, "[::1]:5061");
	is_at(&r.http, "127.0.0.1:0");
	is_at(&r.bind, "[::1]:0");
	assert_string_equal(addr_prefix_print(&r.net, buf, sizeof(buf)), "10.0.0.0/8");
	assert_int_equal(r.ports.low, 1024);
	assert_int_equal(r.ports.high, 65535);
	assert_int_equal(r.twice, 42);
	conf_doc_free(d);
}

static const char peers_text[] =
	"{\"#\": \"comments\", \"#\": \"may repeat\",\n"
	" \"peers\": {\n"
	"  \"pbx\": {\"realm\": \"core\", \"#hops\": [{\"nothing\": {\"here\": \"is checked\"}}]},\n"
	"  \"#old\": {\"realm\": 5},\n"
	"  \"b.net\": {\"realm\": \"peering\", \"sources\": [\"127.0.0.20/32\", \"::1\"],\n"
	"   \"codecs\": [\"G729\"], \"limits\": {\"cps\": 7, \"#\": 1},\n"
	"   \"hops\": [{\"to\": \"127.0.0.20:5060\", \"weight\": 9, \"#\": 2}, {\"to\": \"[::1]:1\"}]}}}\n";

static void lists_and_maps_keep_their_order(void **state)
{
	struct root r;
	struct conf_doc *d = parse_and_read(peers_text, &r);
	const struct peer *p = r.peers.items;
	const struct addr_prefix *sources = p[1].sources.items;
	const struct hop *hops = p[1].hops.items;

	(void)state;
	assert_int_equal(r.peers.n, 2);
	assert_string_equal(p[0].name, "pbx");
	assert_string_equal(p[0].realm, "core");
	assert_int_equal(p[0].sources.n, 0);
	assert_int_equal(p[0].codecs.n, 2);
	assert_string_equal(((const char **)p[0].codecs.items)[1], "PCMU");
	assert_int_equal(p[0].hops.n, 0);
	assert_int_equal(p[0].limits.sessions, 500);
	assert_int_equal(p[0].limits.cps, 50);

	assert_string_equal(p[1].name, "b.net");
	assert_int_equal(p[1].sources.n, 2);
	assert_int_equal(sources[0].bits, 32);
	assert_int_equal(sources[1].bits, 128);
	assert_int_equal(p[1].codecs.n, 1);
	assert_string_equal(((const char **)p[1].codecs.items)[0], "G729");
	assert_int_equal(p[1].limits.sessions, 500);
	assert_int_equal(p[1].limits.cps, 7);
	assert_int_equal(p[1].hops.n, 2);
	is_at(&hops[0].to, "127.0.0.20:5060");
	assert_int_equal(hops[0].weight, 9);
	is_at(&hops[1].to, "[::1]:1");
	assert_int_equal(hops[1].weight, 1);
	conf_doc_free(d);
	conf_doc_free(NULL);
}

static void shown_document_has_no_comments(void **state)
{
	struct conf_doc *d = parse("{\"#\": 1, \"a\": {\"#b\": 2, \"c\": [{\"#\": 3, \"d\": 4}]}}");
	json_t *expected = json_loads("{\"a\": {\"c\": [{\"d\": 4}]}}", 0, NULL);

	(void)state;
	assert_true(json_equal((json_t *)(uintptr_t)conf_json(d), expected));
	json_decref(expected);
	conf_doc_free(d);
}

static void absent_object_is_not_asked_for_what_it_requires(void **state)
{
	static const struct conf_field inner[] = {
		{.key = "name", .type = CONF_NAME, .offset = 0, .required = true},
		CONF_END,
	};
	const struct conf_field outer[] = {
		{.key = "tls", .type = CONF_OBJECT, .fields = inner},
		CONF_END,
	};
	struct conf_doc *d = parse("{}");
	struct conf_error err;
	const char *name = "x";

	(void)state;
	assert_int_equal(conf_read(d, outer, &name, &err), 0);
	assert_null(name);
	conf_doc_free(d);
}

static void files_are_loaded(void **state)
{
	char path[] = "/tmp/test_conf_XXXXXX";
	int fd = mkstemp(path);
	struct conf_error err;
	struct conf_doc *d = NULL;
	char expected[128];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, peers_text, strlen(peers_text)), strlen(peers_text));
	assert_int_equal(conf_load(path, &d, &err), 0);
	assert_int_equal(json_object_size(json_object_get(conf_json(d), "peers")), 2);
	conf_doc_free(d);

	d = NULL;
	assert_int_equal(ftruncate(fd, CONF_FILE_MAX_BYTES + 1), 0);
	assert_int_equal(conf_load(path, &d, &err), -EFBIG);
	snprintf(expected, sizeof(expected), "%s: more than 16 MiB", path);
	assert_string_equal(err.text, expected);
	close(fd);
	unlink(path);
	assert_int_equal(conf_load(path, &d, &err), -ENOENT);
	snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
	assert_string_equal(err.text, expected);
	assert_int_equal(conf_load("/", &d, &err), -EISDIR);
	assert_null(d);
}

static int load_and_read(void *arg)
{
	struct conf_error err;
	struct conf_doc *d = NULL;
	struct root r;
	int result = conf_parse("t.json", arg, strlen(arg), &d, &err);

	if (!result)
		result = conf_read(d, root_fields, &r, &err);
	conf_doc_free(d);
	if (result)
		assert_string_equal(err.text, "t.json: out of memory");
	return result;
}

static void out_of_memory_leaks_nothing(void **state)
{
	(void)state;
	/* jansson's allocations count as well: see main */
	assert_true(oom_each(load_and_read, (void *)(uintptr_t)peers_text) > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_object_gives_defaults),
		cmocka_unit_test(values_of_every_type_are_read),
		cmocka_unit_test(lists_and_maps_keep_their_order),
		cmocka_unit_test(shown_document_has_no_comments),
		cmocka_unit_test(absent_object_is_not_asked_for_what_it_requires),
		cmocka_unit_test(files_are_loaded),
		cmocka_unit_test(out_of_memory_leaks_nothing),
	};

	json_set_alloc_funcs(mem_buffer, mem_free);
	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
