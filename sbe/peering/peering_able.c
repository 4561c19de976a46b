/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peering/peering_able.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sbe/call/call_option.h"
#include "sbe/sip/wire_out.h"

/* RFCs we keep to in the role of a border element; media: relayed, not terminated. */
static const unsigned rfcs[] = {
	2782, 3261, 3262, 3263, 3264, 3311, 3323, 3325, 3326, 3398, 3403, 3428, 3515, 3550, 3551,
	3581, 3605, 3856, 3891, 3903, 3966, 4028, 4320, 4566, 5079, 5393, 5630, 5761, 5922, 5923,
	5924, 6026, 6086, 6116, 6228, 6337, 6665, 7044, 7332, 7339, 7362, 7544, 7616, 8760, 8866};

static char text[160];

const char *peering_able_nothing(const json_t *value)
{
	return json_array_size(value) ? "we have none" : NULL;
}

const char *peering_able_true(const json_t *value)
{
	return json_is_true(value) ? "this version cannot" : NULL;
}

const char *peering_able_rfcs(const json_t *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach(value, i, item) {
		const char *s = json_string_value(item);
		unsigned long n = strtoul(s + (strncasecmp(s, "rfc", 3) ? 0 : 3), NULL, 10);
		bool known = false;

		for (size_t k = 0; k < sizeof(rfcs) / sizeof(rfcs[0]); k++)
			known |= rfcs[k] == n;
		if (known)
			continue;
		snprintf(text, sizeof(text), "we do not keep to %.20s", s);
		return text;
	}
	return NULL;
}

const char *peering_able_methods(const json_t *value)
{
	static const struct {
		const char *name;
		enum wire_method method;
	} names[] = {
		{"INVITE", WIRE_INVITE},   {"ACK", WIRE_ACK},         {"BYE", WIRE_BYE},
		{"CANCEL", WIRE_CANCEL},   {"OPTIONS", WIRE_OPTIONS}, {"PRACK", WIRE_PRACK},
		{"UPDATE", WIRE_UPDATE},   {"INFO", WIRE_INFO},       {"REFER", WIRE_REFER},
		{"MESSAGE", WIRE_MESSAGE}, {"NOTIFY", WIRE_NOTIFY},   {"SUBSCRIBE", WIRE_SUBSCRIBE},
		{"PUBLISH", WIRE_PUBLISH}};
	const json_t *item;
	size_t i;

	json_array_foreach(value, i, item) {
		bool known = false;

		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			known |= !strcmp(names[k].name, json_string_value(item)) &&
				 call_option_method(names[k].method);
		if (known)
			continue;
		snprintf(text, sizeof(text), "we do not know %.30s", json_string_value(item));
		return text;
	}
	return NULL;
}

const char *peering_able_options(const json_t *value)
{
	/* what could be agreed at most */
	static const struct peer_conf all = {.prack = PEER_PRACK_SUPPORTED,
					     .session = {.mode = PEER_TIMER_ACCEPT},
					     .refer = PEER_TRANSFER_ABSORB,
					     .replaces = PEER_TRANSFER_ABSORB};
	const json_t *item;
	size_t i;

	json_array_foreach(value, i, item) {
		if (call_option_agreed(&all, json_string_value(item)))
			continue;
		snprintf(text, sizeof(text), "we do not support %.30s", json_string_value(item));
		return text;
	}
	return NULL;
}

const char *peering_able_identity(const json_t *value)
{
	return !strcmp(json_string_value(value), "stir")
		       ? "this version neither signs nor verifies identities"
		       : NULL;
}

const char *peering_able_srtp(const json_t *value)
{
	return !strcmp(json_string_value(value), "required")
		       ? "this version passes SRTP but cannot demand it"
		       : NULL;
}

const char *peering_able_im(const json_t *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach(value, i, item) {
		if (!strcmp(json_string_value(item), "page"))
			continue;
		snprintf(text, sizeof(text), "of messages this version knows page only, not %.20s",
			 json_string_value(item));
		return text;
	}
	return NULL;
}

/* ---- lists */

json_t *peering_able_list_rfcs(void)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < sizeof(rfcs) / sizeof(rfcs[0]); i++) {
		snprintf(text, sizeof(text), "RFC%u", rfcs[i]);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

/* "Allow: INVITE, ACK\r\n" */
static json_t *list_of(const char *line)
{
	const char *at = strchr(line, ':');
	json_t *list = json_array();

	for (at = at ? at + 1 : ""; list && *at;) {
		size_t n;

		at += strspn(at, " ,\r\n");
		n = strcspn(at, " ,\r\n");
		if (n)
			json_array_append_new(list, json_stringn(at, n));
		at += n;
	}
	return list;
}

json_t *peering_able_list_methods(const struct peer_conf *c)
{
	char line[400] = "";
	struct wire_out o;

	wire_out_init(&o, line, sizeof(line));
	call_option_allow(c, &o);
	return list_of(line);
}

json_t *peering_able_list_options(const struct peer_conf *c)
{
	char line[400] = "";
	struct wire_out o;

	wire_out_init(&o, line, sizeof(line));
	call_option_supported(c, NULL, &o);
	return list_of(line);
}
