/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_in_dialog.h"

#include <stddef.h>

static const char *const words[] = {"refuse", "pass", NULL};
static const char *const options_words[] = {"answer", "pass", NULL};

#define FIELD(member) .key = #member, .offset = offsetof(struct peer_in_dialog_conf, member)

const struct conf_field peer_in_dialog_fields[] = {
	{FIELD(info), .type = CONF_ENUM, .words = words, .def = "pass",
	 .text = "INFO (RFC 6086 and before: DTMF, ISUP): to the other side, or 405."},
	{FIELD(message), .type = CONF_ENUM, .words = words, .def = "refuse",
	 .text = "MESSAGE inside a call: to the other side, or 405."},
	{FIELD(subscribe), .type = CONF_ENUM, .words = words, .def = "refuse",
	 .text = "SUBSCRIBE inside a call: to the other side, or 405."},
	{FIELD(notify), .type = CONF_ENUM, .words = words, .def = "refuse",
	 .text = "NOTIFY inside a call, other than about a transfer: to the other side, or 405. Its bodies tell much "
		 "of what goes on inside."},
	{FIELD(options), .type = CONF_ENUM, .words = options_words, .def = "answer",
	 .text = "OPTIONS inside a call: answered here, or to the other side."},
	CONF_END,
};
