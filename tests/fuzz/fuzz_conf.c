/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration (F16): taken or refused with a line and a reason, and nothing leaks. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct item {
	const char *name;
	uint32_t cps;
	struct addr to;
	struct conf_list sources;
};
struct root {
	bool flag;
	uint32_t workers;
	const char *text, *name;
	int mode;
	struct addr listen, bind;
	struct addr_prefix net;
	struct conf_range ports;
	struct conf_list domains, sources, hops, peers;
	struct item one;
};

static const char *const words[] = {"auto", "never", NULL};

static int item_check(struct conf_reader *r, void *object)
{
	struct item *i = object;

	if (i->cps == 13)
		return conf_fail(r, "cps", "must not be %u", i->cps);
	return conf_alloc(r, i->cps % 100) ? 0 : -1;
}

/* clang-format off */
static const struct conf_field item_fields[] = {
	{.key = "cps", .type = CONF_UINT, .offset = offsetof(struct item, cps), .max = 1000, .def = "5"},
	{.key = "to", .type = CONF_ADDR, .offset = offsetof(struct item, to), .min = 1},
	{.key = "sources", .type = CONF_PREFIXES, .offset = offsetof(struct item, sources), .def = "[\"::1\"]"},
	CONF_END,
};
#define ITEM .fields = item_fields, .item_bytes = sizeof(struct item), .check = item_check
static const struct conf_field fields[] = {
	{.key = "flag", .type = CONF_BOOL, .offset = offsetof(struct root, flag)},
	{.key = "workers", .type = CONF_UINT, .offset = offsetof(struct root, workers)},
	{.key = "text", .type = CONF_STRING, .offset = offsetof(struct root, text), .min = 2, .max = 8},
	{.key = "name", .type = CONF_NAME, .offset = offsetof(struct root, name)},
	{.key = "mode", .type = CONF_ENUM, .offset = offsetof(struct root, mode), .words = words},
	{.key = "listen", .type = CONF_ADDR, .offset = offsetof(struct root, listen)},
	{.key = "bind", .type = CONF_IP, .offset = offsetof(struct root, bind)},
	{.key = "net", .type = CONF_PREFIX, .offset = offsetof(struct root, net)},
	{.key = "ports", .type = CONF_RANGE, .offset = offsetof(struct root, ports)},
	{.key = "domains", .type = CONF_STRINGS, .offset = offsetof(struct root, domains)},
	{.key = "sources", .type = CONF_PREFIXES, .offset = offsetof(struct root, sources)},
	{.key = "hops", .type = CONF_ARRAY, .offset = offsetof(struct root, hops), ITEM},
	{.key = "peers", .type = CONF_MAP, .offset = offsetof(struct root, peers), ITEM},
	{.key = "one", .type = CONF_OBJECT, .offset = offsetof(struct root, one), ITEM},
	CONF_END,
};
/* clang-format on */

/* What was read stands where the table says. */
static void check_root(const struct root *r)
{
	const struct item *peers = r->peers.items;

	assert(!r->text || (strlen(r->text) >= 2 && strlen(r->text) <= 8));
	assert(!r->name || (r->name[0] && strlen(r->name) < 64));
	assert(r->mode == 0 || r->mode == 1);
	assert(r->ports.low <= r->ports.high && r->ports.high <= 65535);
	for (size_t i = 0; i < r->peers.n; i++)
		assert(peers[i].name[0] && peers[i].cps <= 1000 && peers[i].cps != 13);
	for (size_t i = 0; i < r->domains.n; i++)
		assert(((const char **)r->domains.items)[i][0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t live = mem_live();
	struct conf_doc *d = NULL;
	struct conf_error err;
	struct root r;
	int result = conf_parse("f", (const char *)data, size, &d, &err);

	if (!result) {
		assert(json_is_object(conf_json(d)));
		result = conf_read(d, fields, &r, &err);
		if (!result)
			check_root(&r);
	}
	assert((result == 0) == (err.text[0] == '\0'));
	assert(result == 0 || strncmp(err.text, "f:", 2) == 0);
	for (const char *p = err.text; *p; p++)
		assert((unsigned char)*p >= ' ');
	conf_doc_free(d);
	assert(mem_live() == live);
	return 0;
}
