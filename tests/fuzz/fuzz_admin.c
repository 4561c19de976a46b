/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an operator's line (F17): one line of JSON comes back, with one of the four codes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin.h"
#include "common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int echo(void *app, struct admin_call *call, json_t **ret_data)
{
	const char *from = admin_opt(call, "from");

	(void)app;
	assert(call->nargs <= 3);
	for (size_t i = 0; i < call->nargs; i++)
		assert(strlen(call->args[i]) <= ADMIN_LINE_MAX_BYTES);
	if (from && *from == 'x')
		return admin_error(call, ADMIN_NOT_FOUND, "no peer '%s'", from);
	*ret_data = json_pack("{s:i}", "n", (int)call->nargs);
	return ADMIN_OK;
}

static const struct admin_cmd cmds[] = {
	{"call", "show", "CALL", 1, 3, "show a call", echo},
	{"call", "list", "", 0, 0, "list calls", echo},
	{"version", "", "", 0, 2, "the version", echo},
	{.noun = NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct admin *a;
	char *reply;
	size_t n;
	json_t *j;

	if (!a && (admin_new(&a) || admin_add(a, cmds, NULL)))
		abort();
	size_t live = mem_live();
	if (admin_answer(a, (const char *)data, size, &reply, &n))
		abort();
	assert(n > 0 && reply[n] == '\0' && strlen(reply) == n);
	assert(strchr(reply, '\n') == reply + n - 1);
	j = json_loadb(reply, n, 0, NULL);
	assert(j && json_is_integer(json_object_get(j, "code")));
	json_int_t code = json_integer_value(json_object_get(j, "code"));
	assert(code >= ADMIN_OK && code <= ADMIN_NOT_FOUND);
	assert((code == ADMIN_OK) == !json_object_get(j, "error"));
	json_decref(j);
	mem_free(reply);
	assert(mem_live() == live);
	return 0;
}
