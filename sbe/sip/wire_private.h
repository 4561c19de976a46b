/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_private - what a message is inside, for wire_parse.c and wire.c only.
 *
 * Owner: the message; all slices point into its own memory. Thread: loop.
 */
#ifndef SBE_SIP_WIRE_PRIVATE_H
#define SBE_SIP_WIRE_PRIVATE_H

#include <string.h>

#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>

#include "sbe/sip/wire_line.h"

struct wire_index {
	struct wire_header h;
	struct wire_text
		flat; /* value with its folds turned into spaces; h.value when there are none */
	enum wire_name id;
};

struct wire_msg {
	msg_t *msg;
	const sip_t *sip;
	size_t size_bytes;
	struct wire_index *lines; /* in the message's home */
	size_t nlines;
	struct wire_uri uri; /* Request-URI */
	struct wire_party from, to;
	struct wire_text method_text;
	enum wire_method method;
};

static inline struct wire_text text_of(const char *s)
{
	return s ? (struct wire_text){s, strlen(s)} : (struct wire_text){NULL, 0};
}

/* First line of this header, or NULL. */
const struct wire_index *wire_find_line(const struct wire_msg *m, enum wire_name id);

#endif
