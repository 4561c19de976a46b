/* SPDX-License-Identifier: Apache-2.0 */
/* conf: every error says file, line, path, what is wrong and what is allowed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/mem.h"

struct limits {
	uint32_t cps, sessions;
};
struct peer {
	const char *name, *realm;
	struct limits limits;
	struct conf_list to;
};
struct hop {
	struct addr addr;
};
struct root {
	bool flag;
	uint32_t workers;
	const char *text, *id, *name;
	int mode;
	struct addr listen, http, bind;
	struct addr_prefix net;
	struct conf_range ports;
	struct conf_list domains, sources, peers;
	int even;
};

static const char *const modes[] = {"always", "never", NULL};

static int limits_check(struct conf_reader *r, void *object)
{
	const struct limits *l = object;

	if (l->cps > l->sessions)
		return conf_fail(r, "cps", "must not be above sessions (%u)", l->sessions);
	return 0;
}

static int peer_check(struct conf_reader *r, void *object)
{
	const struct peer *p = object;

	if (strcmp(p->realm, "nowhere") == 0)
		return conf_fail(r, NULL, "peer '%s' is nowhere", p->name);
	if (strcmp(p->realm, "loop") == 0)
		return conf_fail(r, "to[1].addr", "leads back");
	return 0;
}

static int even_read(struct conf_reader *r, const json_t *value, void *out)
{
	int n = (int)json_integer_value(value);

	if (n == 13)
		return -EINVAL; /* without a word */
	if (n % 2)
		return conf_fail(r, NULL, "must be even, not %d", n);
	*(int *)out = n;
	return 0;
}

#define AT(type, member) .offset = offsetof(struct type, member)
/* clang-format off */
static const struct conf_field limits_fields[] = {
	{.key = "cps", .type = CONF_UINT, AT(limits, cps), .max = 100000, .def = "10"},
	{.key = "sessions", .type = CONF_UINT, AT(limits, sessions), .min = 1, .def = "100"},
	CONF_END,
};
static const struct conf_field hop_fields[] = {
	{.key = "addr", .type = CONF_ADDR, AT(hop, addr), .required = true},
	CONF_END,
};
static const struct conf_field peer_fields[] = {
	{.key = "realm", .type = CONF_NAME, AT(peer, realm), .required = true},
	{.key = "limits", .type = CONF_OBJECT, AT(peer, limits), .fields = limits_fields, .check = limits_check},
	{.key = "to", .type = CONF_ARRAY, AT(peer, to), .fields = hop_fields, .item_bytes = sizeof(struct hop), .max = 2},
	CONF_END,
};
static const struct conf_field fields[] = {
	{.key = "flag", .type = CONF_BOOL, AT(root, flag)},
	{.key = "workers", .type = CONF_UINT, AT(root, workers)},
	{.key = "text", .type = CONF_STRING, AT(root, text), .max = 5},
	{.key = "id", .type = CONF_STRING, AT(root, id), .min = 2, .max = 4},
	{.key = "name", .type = CONF_NAME, AT(root, name)},
	{.key = "mode", .type = CONF_ENUM, AT(root, mode), .words = modes},
	{.key = "listen", .type = CONF_ADDR, AT(root, listen), .min = 1},
	{.key = "http", .type = CONF_ADDR, AT(root, http)},
	{.key = "bind", .type = CONF_IP, AT(root, bind)},
	{.key = "net", .type = CONF_PREFIX, AT(root, net)},
	{.key = "ports", .type = CONF_RANGE, AT(root, ports), .min = 1024},
	{.key = "domains", .type = CONF_STRINGS, AT(root, domains), .min = 1, .max = 3},
	{.key = "sources", .type = CONF_PREFIXES, AT(root, sources)},
	{.key = "peers", .type = CONF_MAP, AT(root, peers), .fields = peer_fields, .item_bytes = sizeof(struct peer), .check = peer_check},
	{.key = "even", .type = CONF_CUSTOM, AT(root, even), .item_bytes = sizeof(int), .custom = even_read},
	CONF_END,
};
/* clang-format on */

static void says(const char *text, const char *expected)
{
	struct conf_error err;
	struct conf_doc *d = NULL;
	struct root r;
	int result = conf_parse("sbe.json", text, strlen(text), &d, &err);

	if (result == 0)
		result = conf_read(d, fields, &r, &err);
	conf_doc_free(d);
	assert_string_equal(err.text, expected);
	assert_int_equal(result, -EINVAL);
}

static void values_that_are_not_allowed(void **state)
{
	(void)state;
	says("{\"flag\": \"yes\"}", "sbe.json:1: flag: must be true or false, not \"yes\"");
	says("{\"flag\": null}", "sbe.json:1: flag: must be true or false, not null");
	says("{\"workers\": \"many\"}",
	     "sbe.json:1: workers: must be a number from 0 to 4294967295, not \"many\"");
	says("{\"workers\": -1}",
	     "sbe.json:1: workers: must be a number from 0 to 4294967295, not -1");
	says("{\"workers\": 4294967296}",
	     "sbe.json:1: workers: must be a number from 0 to 4294967295, not 4294967296");
	says("{\"workers\": 1.5}",
	     "sbe.json:1: workers: must be a number from 0 to 4294967295, not 1.5");
	says("{\"workers\": true}",
	     "sbe.json:1: workers: must be a number from 0 to 4294967295, not true");
	says("{\"text\": \"sixsix\"}",
	     "sbe.json:1: text: must be text of at most 5 bytes, not \"sixsix\"");
	says("{\"text\": 6}", "sbe.json:1: text: must be text of at most 5 bytes, not 6");
	says("{\"id\": \"x\"}", "sbe.json:1: id: must be text of 2 to 4 bytes, not \"x\"");
	says("{\"name\": \"-x\"}",
	     "sbe.json:1: name: must be a name (1 to 63 of A-Z a-z 0-9 _ . -, "
	     "starting with a letter or digit), not \"-x\"");
	says("{\"name\": \"\"}", "sbe.json:1: name: must be a name (1 to 63 of A-Z a-z 0-9 _ . -, "
				 "starting with a letter or digit), not \"\"");
	says("{\"name\": \"a b\"}",
	     "sbe.json:1: name: must be a name (1 to 63 of A-Z a-z 0-9 _ . -, "
	     "starting with a letter or digit), not \"a b\"");
	says("{\"mode\": \"Always\"}",
	     "sbe.json:1: mode: must be one of always, never, not \"Always\"");
	says("{\"mode\": 0}", "sbe.json:1: mode: must be one of always, never, not 0");
	says("{\"even\": 3}", "sbe.json:1: even: must be even, not 3");
	says("{\"even\": 13}", "sbe.json:1: even: is not valid");
}

static void addresses_that_are_not_allowed(void **state)
{
	(void)state;
	says("{\"listen\": \"127.0.0.1\"}",
	     "sbe.json:1: listen: must be an address with port, ip:port or [ip6]:port, not \"127.0.0.1\"");
	says("{\"listen\": \"localhost:5060\"}",
	     "sbe.json:1: listen: must be an address with port, ip:port "
	     "or [ip6]:port, not \"localhost:5060\"");
	says("{\"http\": \"1.2.3.4:66000\"}",
	     "sbe.json:1: http: must be an address, ip or ip:port or "
	     "[ip6]:port, not \"1.2.3.4:66000\"");
	says("{\"bind\": \"1.2.3.4:5\"}",
	     "sbe.json:1: bind: must be an IP address without port, not \"1.2.3.4:5\"");
	says("{\"bind\": []}", "sbe.json:1: bind: must be an IP address without port, not a list");
	says("{\"net\": \"10.0.0.1/8\"}",
	     "sbe.json:1: net: must be an IP prefix such as 192.0.2.0/24 "
	     "without host bits, not \"10.0.0.1/8\"");
	says("{\"net\": {}}",
	     "sbe.json:1: net: must be an IP prefix such as 192.0.2.0/24 without host "
	     "bits, not an object");
	says("{\"ports\": \"5-4\"}",
	     "sbe.json:1: ports: must be a range LOW-HIGH within 1024-65535, not \"5-4\"");
	says("{\"ports\": \"2000-1999\"}",
	     "sbe.json:1: ports: must be a range LOW-HIGH within 1024-65535, not \"2000-1999\"");
	says("{\"ports\": \"2000-65536\"}",
	     "sbe.json:1: ports: must be a range LOW-HIGH within 1024-65535, not \"2000-65536\"");
	says("{\"ports\": \"2000-3000 \"}",
	     "sbe.json:1: ports: must be a range LOW-HIGH within 1024-65535, not \"2000-3000 \"");
	says("{\"ports\": 5060}",
	     "sbe.json:1: ports: must be a range LOW-HIGH within 1024-65535, not 5060");
}

static void lists_that_are_not_allowed(void **state)
{
	(void)state;
	says("{\"domains\": \"a\"}", "sbe.json:1: domains: must be a list of texts, not \"a\"");
	says("{\"domains\": []}", "sbe.json:1: domains: must have 1 to 3 items, not 0");
	says("{\"domains\": [\"a\",\"b\",\"c\",\"d\"]}",
	     "sbe.json:1: domains: must have 1 to 3 items, not 4");
	says("{\"domains\": [\"a\",\n\"b\",\n5]}",
	     "sbe.json:3: domains[2]: must be text of 1 to 255 bytes, not 5");
	says("{\"sources\": {\"a\": 1}}",
	     "sbe.json:1: sources: must be a list of IP prefixes, not an object");
	says("{\"sources\": [\n \"10.0.0.0/8\",\n \"peer\"]}",
	     "sbe.json:3: sources[1]: must be an IP prefix "
	     "such as 192.0.2.0/24 without host bits, not \"peer\"");
	says("{\"peers\": []}", "sbe.json:1: peers: must be an object { ... }, not a list");
	says("{\"peers\": {\"a\": 5}}", "sbe.json:1: peers.a: must be an object { ... }");
	says("{\"peers\": {\"a b\": {}}}",
	     "sbe.json:1: peers.a b: not a name (1 to 63 of A-Z a-z 0-9 _ . -, "
	     "starting with a letter or digit)");
	says("{\"peers\": {\"a\": {\"realm\": \"r\", \"to\": {}}}}",
	     "sbe.json:1: peers.a.to: must be a list of objects, not an object");
	says("{\"peers\": {\"a\": {\"realm\": \"r\", \"to\": [5]}}}",
	     "sbe.json:1: peers.a.to[0]: must be an object { ... }");
}

static void lines_and_paths_are_exact(void **state)
{
	(void)state;
	says("{\n"
	     "  \"#\": \"limits\",\n"
	     "  \"domains\": [\"limits\", \"]}\\\"\"],\n"
	     "  \"peers\": {\n"
	     "    \"b\": {\"realm\": \"cps\"},\n"
	     "    \"#bnet\": {\"limits\": {\"cps\": 5}},\n"
	     "    \"bnet\": {\n"
	     "      \"realm\": \"core\",\n"
	     "      \"limits\": {\n"
	     "        \"sessions\": 5,\n"
	     "\n"
	     "        \"cps\": \"many\"\n"
	     "      }\n"
	     "    }\n"
	     "  }\n"
	     "}\n",
	     "sbe.json:12: peers.bnet.limits.cps: must be a number from 0 to 100000, not \"many\"");
	/* a required key that is missing is reported where its object begins */
	says("{\n\"peers\": {\n\"a\": {\n\"to\": []\n}}}",
	     "sbe.json:3: peers.a.realm: is required");
	says("{\"peers\": {\n\"x\": {\"realm\": \"r\", \"to\": [\n{\"addr\": \"1.2.3.4\"},\n{}]}}}",
	     "sbe.json:4: peers.x.to[1].addr: is required");
	/* keys with dots and with escapes */
	says("{\"peers\": {\n\"a\": {\"realm\": \"r\"},\n\"a.b\": {\n\"realm\": 5}}}",
	     "sbe.json:4: peers.a.b.realm: must be a name (1 to 63 of A-Z a-z 0-9 _ . -, "
	     "starting with a letter or digit), not 5");
	says("{\n\"\\u006dode\": 1}", "sbe.json:2: mode: must be one of always, never, not 1");
	/* every kind of space counts lines right */
	says("\r\n\t{\r\n\t\"mode\"\r\n:\r\n1}",
	     "sbe.json:3: mode: must be one of always, never, not 1");
}

static void unknown_keys_name_the_known(void **state)
{
	(void)state;
	says("{\n\"peers\": {\"a\": {\n\"relm\": \"core\"}}}",
	     "sbe.json:3: peers.a.relm: unknown key, allowed: realm, limits, to");
	says("{\"Flag\": true}",
	     "sbe.json:1: Flag: unknown key, allowed: flag, workers, text, id, name, mode, listen, http, bind, "
	     "net, ports, domains, sources, peers, even");
	says("{\"\": true, \"x\": 1}",
	     "sbe.json:1: unknown key, allowed: flag, workers, text, id, name, mode, listen, http, bind, "
	     "net, ports, domains, sources, peers, even");
}

static void checks_across_fields(void **state)
{
	(void)state;
	says("{\"peers\": {\"a\": {\"realm\": \"r\",\n\"limits\": {\n\"cps\": 101}}}}",
	     "sbe.json:3: peers.a.limits.cps: must not be above sessions (100)");
	says("{\"peers\": {\"a\": {\"realm\": \"r\"},\n\"b\": {\"realm\": \"nowhere\"}}}",
	     "sbe.json:2: peers.b: peer 'b' is nowhere");
	says("{\"peers\": {\"b\": {\"realm\": \"loop\", \"to\": [{\"addr\": \"1.1.1.1\"},\n{\"addr\":\n\"::1\"}]}}}",
	     "sbe.json:2: peers.b.to[1].addr: leads back");
}

static void duplicate_keys(void **state)
{
	(void)state;
	says("{\"flag\": true,\n\"workers\": 1,\n\"flag\": false}",
	     "sbe.json:3: flag: is there twice");
	says("{\"peers\": {\"a\": {\"realm\": \"x\",\n\"r\\u0065alm\": \"y\"}}}",
	     "sbe.json:2: peers.a.realm: is there twice");
	says("{\"peers\": {\"a\": {\"to\": [{}, {\"addr\": 1,\n\"addr\": 2}]}}}",
	     "sbe.json:2: peers.a.to[1].addr: is there twice");
}

static void text_that_is_no_document(void **state)
{
	char deep[200], expected[200];

	(void)state;
	says("", "sbe.json:1: not valid JSON: '[' or '{' expected near end of file");
	says("{\n\"a\": 1\n\"b\"}", "sbe.json:3: not valid JSON: '}' expected near '\"b\"'");
	says("{} {}", "sbe.json:1: not valid JSON: end of file expected near '{'");
	says("{\"a\": \"\\u0000\"}", "sbe.json:1: not valid JSON: \\u0000 is not allowed without "
				     "JSON_ALLOW_NUL near '\"\\u0000\"'");
	says("[1]", "sbe.json:1: must be an object { ... }");

	strcpy(deep, "{\"a\":\n");
	memset(deep + 6, '[', 15);
	strcpy(deep + 21, "5");
	memset(deep + 22, ']', 15);
	strcpy(deep + 37, "}");
	says(deep,
	     "sbe.json:1: a: unknown key, allowed: flag, workers, text, id, name, mode, listen, "
	     "http, bind, net, ports, domains, sources, peers, even");
	strcpy(deep, "{\"a\":\n");
	memset(deep + 6, '[', 16);
	strcpy(deep + 22, "5");
	memset(deep + 23, ']', 16);
	strcpy(deep + 39, "}");
	strcpy(expected, "sbe.json:2: a");
	for (int i = 0; i < 15; i++)
		strcat(expected, "[0]");
	strcat(expected, ": nested more than 16 deep");
	says(deep, expected);
}

static void wrong_values_are_shown_short_and_safe(void **state)
{
	char text[600];

	(void)state;
	says("{\"mode\": \"\\u001b[2J\\n\"}",
	     "sbe.json:1: mode: must be one of always, never, not \"\\x1b[2J\\n\"");
	says("{\"mode\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
	     "sbe.json:1: mode: must be one of always, never, not "
	     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"");
	says("{\"\\u001b[2J\": 1, \"#\": 2}",
	     "sbe.json:1: \\x1b[2J: unknown key, allowed: flag, workers, text, id, name, mode, listen, http, bind, "
	     "net, ports, domains, sources, peers, even");
	/* a key longer than any path: the error is cut, not the program */
	snprintf(text, sizeof(text), "{\"%0500d\": 1}", 7);
	struct conf_error err;
	struct conf_doc *d = NULL;
	struct root r;

	assert_int_equal(conf_parse("sbe.json", text, strlen(text), &d, &err), 0);
	assert_int_equal(conf_read(d, fields, &r, &err), -EINVAL);
	assert_memory_equal(err.text, "sbe.json:1: 0000", 16);
	conf_doc_free(d);
}

static void checks_after_reading_find_the_line(void **state)
{
	static const char text[] =
		"{\"peers\": {\n\"a\": {\"realm\": \"r\"},\n\"b\": {\n\"realm\": \"q\"}}}";
	struct conf_error err;
	struct conf_doc *d = NULL;

	(void)state;
	assert_int_equal(conf_parse("sbe.json", text, strlen(text), &d, &err), 0);
	assert_int_equal(conf_fail_at(d, "peers.b.realm", &err, "no realm '%s'", "q"), -EINVAL);
	assert_string_equal(err.text, "sbe.json:4: peers.b.realm: no realm 'q'");
	assert_int_equal(conf_fail_at(d, "peers.c", &err, "is missing"), -EINVAL);
	assert_string_equal(err.text, "sbe.json:1: peers.c: is missing");
	assert_int_equal(conf_fail_at(d, "", &err, "is dull"), -EINVAL);
	assert_string_equal(err.text, "sbe.json:1: is dull");
	assert_int_equal(conf_fail_at(d, "peers[x].[", &err, "odd"), -EINVAL);
	assert_string_equal(err.text, "sbe.json:1: peers[x].[: odd");
	conf_doc_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_that_are_not_allowed),
		cmocka_unit_test(addresses_that_are_not_allowed),
		cmocka_unit_test(lists_that_are_not_allowed),
		cmocka_unit_test(lines_and_paths_are_exact),
		cmocka_unit_test(unknown_keys_name_the_known),
		cmocka_unit_test(checks_across_fields),
		cmocka_unit_test(duplicate_keys),
		cmocka_unit_test(text_that_is_no_document),
		cmocka_unit_test(wrong_values_are_shown_short_and_safe),
		cmocka_unit_test(checks_after_reading_find_the_line),
	};

	json_set_alloc_funcs(mem_buffer, mem_free);
	return cmocka_run_group_tests_name("conf_error", tests, NULL, NULL);
}
