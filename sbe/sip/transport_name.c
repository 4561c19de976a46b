/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sip/transport_name.h"

#include <ctype.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/transport_private.h"

#define NAME_BYTES 256

struct transport_name {
	struct table_entry by_text, by_number;
	uint32_t number;
	char text[NAME_BYTES];
};

static int drop(void *obj, void *arg)
{
	struct transport_name *n = obj;

	(void)arg;
	table_remove(&n->by_text);
	table_remove(&n->by_number);
	mem_unref(n);
	return 0;
}

void transport_names_free(struct transport_names *names)
{
	if (names->by_text)
		(void)table_each(names->by_text, drop, NULL);
	table_free(names->by_text);
	table_free(names->by_number);
}

static int names_ready(struct transport_names *names)
{
	int err = 0;

	if (!names->by_text)
		err = table_new(TRANSPORT_NAMES_MAX, &names->by_text);
	if (!err && !names->by_number)
		err = table_new(TRANSPORT_NAMES_MAX, &names->by_number);
	return err;
}

uint32_t transport_name_number(struct transport *t, const char *name)
{
	char text[NAME_BYTES];
	struct transport_name *n;
	size_t len = 0;

	for (; len < sizeof(text) - 1 && name[len]; len++)
		text[len] = (char)tolower((unsigned char)name[len]);
	if (!len || name[len] || names_ready(&t->names))
		return 0;
	n = table_find(t->names.by_text, text, len);
	if (n)
		return n->number;
	n = mem_zalloc(sizeof(*n), NULL);
	if (!n)
		return 0;
	memcpy(n->text, text, len);
	n->number = t->names.last + 1;
	if (table_add(t->names.by_text, &n->by_text, n->text, len, n) ||
	    table_add(t->names.by_number, &n->by_number, &n->number, sizeof(n->number), n)) {
		(void)drop(n, NULL);
		return 0;
	}
	return ++t->names.last;
}

const char *transport_name_text(const struct transport *t, uint32_t number)
{
	const struct transport_name *n =
		number && t->names.by_number
			? table_find(t->names.by_number, &number, sizeof(number))
			: NULL;

	return n ? n->text : NULL;
}
