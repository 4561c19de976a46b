/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <string.h>

#include "common/mem.h"
#include "sbe/peer/peer_conf.h"

struct conf_error bed_error;

static const struct conf_field fields[] = {
	{.key = "peers",
	 .type = CONF_MAP,
	 .offset = offsetof(struct bed_conf, peers),
	 .fields = peer_conf_fields,
	 .item_bytes = sizeof(struct peer_conf)},
	{.key = "federations",
	 .type = CONF_MAP,
	 .offset = offsetof(struct bed_conf, federations),
	 .fields = peer_federation_fields,
	 .item_bytes = sizeof(struct peer_federation_conf)},
	CONF_END,
};

static void bed_conf_destroy(void *obj)
{
	conf_doc_free(((struct bed_conf *)obj)->doc);
}

struct bed_conf *bed_conf(const char *text)
{
	struct bed_conf *c = mem_zalloc(sizeof(*c), bed_conf_destroy);
	char json[4096];
	size_t n = strlen(text);

	assert_non_null(c);
	assert_true(n < sizeof(json));
	for (size_t i = 0; i <= n; i++)
		json[i] = (char)(text[i] == '\'' ? '"' : text[i]);
	bed_error.text[0] = '\0';
	if (conf_parse("t.json", json, n, &c->doc, &bed_error) ||
	    conf_read(c->doc, fields, c, &bed_error) ||
	    peer_federation_bind(c->doc, &c->federations, &c->peers, &bed_error) ||
	    peer_conf_check(c->doc, "peers", &c->peers, &bed_error))
		return mem_unref(c);
	return c;
}

struct peer_set *bed_set(const char *text, struct peer_set *old)
{
	struct bed_conf *c = bed_conf(text);
	struct peer_set *s = NULL;

	if (!c)
		fail_msg("%s", bed_error.text);
	assert_int_equal(peer_set_new(&c->peers, c, old, &s), 0);
	mem_unref(c);
	return s;
}

struct addr bed_addr(const char *text)
{
	struct addr a = {0};

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}
