/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a border element does with a message: part of its headers is copied byte for byte behind ours, in a dialog of
 * ours. Read again, the copied ones are the same headers with the same values in the same order, nothing else has
 * appeared, and the body is the same.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/dialog.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_BYTES (4U * GUARD_MESSAGE_MAX_BYTES)

/* Never copied: those of our own dialog, and what describes the copy. */
static const char *const ours[] = {"via",           "from",  "to",           "call-id", "cseq",
				   "max-forwards",  "route", "record-route", "contact", "allow",
				   "content-length"};

struct choice {
	uint32_t mask, n;
	size_t kept;
};

static bool is_ours(const char *canonical)
{
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(canonical, ours[i]) == 0)
			return true;
	return false;
}

/* Some go, some stay: which, the input says. */
static bool keep(void *arg, const struct wire_header *h)
{
	struct choice *c = arg;
	bool yes = !is_ours(h->canonical) && (c->mask >> (c->n++ % 32) & 1);
	c->kept += yes;
	return yes;
}

/* A value as a reader sees it: a fold is as good as a space. */
static bool same_value(struct wire_text a, struct wire_text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

static void compare(const struct wire_msg *in, const struct wire_msg *out, uint32_t mask)
{
	struct choice c = {.mask = mask};
	struct wire_header a, b;
	void *ita = NULL, *itb = NULL;
	while (wire_header_next(in, &ita, &a)) {
		if (!keep(&c, &a))
			continue;
		do {
			assert(wire_header_next(out, &itb, &b));
		} while (is_ours(b.canonical));
		assert(strcmp(a.canonical, b.canonical) == 0 && same_value(a.value, b.value));
	}
	while (wire_header_next(out, &itb, &b))
		assert(is_ours(b.canonical));
	assert(same_value(wire_body(in), wire_body(out)));
}

static size_t forward(const struct wire_msg *m, uint32_t mask, char *buf)
{
	struct choice c = {.mask = mask};
	struct transport_target to = {
		.to = {.family = ADDR_V4, .port = 5060, .ip = {192, 0, 2, 1}}};
	struct dialog d = {0};
	struct wire_out o;
	size_t n = (size_t)sprintf(buf, "MESSAGE sip:x@192.0.2.1 SIP/2.0\r\n"
					"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa\r\n");
	size_t more = 0;
	assert(dialog_init_uac(&d, "<sip:a@b>", "<sip:c@d>", "sip:x@192.0.2.1", &to) == 0);
	wire_out_init(&o, buf + n, OUT_BYTES - n);
	dialog_write(&d, "MESSAGE", 0, 70, &o);
	wire_out_copy(&o, m, keep, &c);
	wire_out_header(&o, "Content-Length", "%zu", wire_body(m).n);
	assert(wire_out_end(&o, &more) == 0);
	n += more;
	memcpy(buf + n, "\r\n", 2);
	n += 2;
	if (wire_body(m).n > 0)
		memcpy(buf + n, wire_body(m).s, wire_body(m).n);
	dialog_clear(&d);
	return n + wire_body(m).n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[OUT_BYTES];
	struct guard_result g;
	struct wire_msg *in = NULL, *out = NULL;
	const char *why = NULL;
	uint32_t mask;
	if (size < sizeof(mask))
		return 0;
	memcpy(&mask, data + size - sizeof(mask),
	       sizeof(mask)); /* the end: seeds stay whole messages */
	wire_setup();
	guard_check(data, size, false, &g);
	if (g.verdict != GUARD_PASS ||
	    wire_parse(data + g.skip_bytes, g.len_bytes, &in, &why) != 0) {
		mem_unref(in);
		return 0;
	}
	size_t n = forward(in, mask, buf);
	guard_check((uint8_t *)buf, n, false, &g);
	/* a message that was at a limit is over it with our own lines */
	if (g.verdict == GUARD_PASS) {
		assert(g.len_bytes == n && g.skip_bytes == 0);
		assert(wire_parse((uint8_t *)buf, n, &out, &why) == 0);
		compare(in, out, mask);
	} else {
		assert(g.reason == GUARD_LINES || g.reason == GUARD_TOO_LARGE);
	}
	mem_unref(in);
	mem_unref(out);
	assert(mem_live() == 0);
	return 0;
}
