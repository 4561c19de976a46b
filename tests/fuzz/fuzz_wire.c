/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guard passes goes through parser, accessors, dialog and writer. Each header line must be seen
 * exactly as it came, and the message put together again from its parts must read the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/dialog.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/wire_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum;

static void touch(struct wire_text t)
{
	for (size_t i = 0; i < t.n; i++)
		sum += (unsigned char)t.s[i];
}

/* What is compared and written again has no line ends. */
static void touch_word(struct wire_text t)
{
	touch(t);
	assert(t.n == 0 || (!memchr(t.s, '\r', t.n) && !memchr(t.s, '\n', t.n)));
}

static void touch_uri(const struct wire_uri *u)
{
	touch(u->text);
	touch(u->scheme);
	touch(u->user);
	touch(u->host);
	touch(u->params);
	touch(u->headers);
}

static void touch_party(const struct wire_party *p)
{
	touch_word(p->value);
	touch(p->display);
	touch(p->tag);
	touch(p->params);
	touch_uri(&p->uri);
}

static void walk(const struct wire_msg *m)
{
	struct wire_uri u;
	struct wire_party p;
	struct wire_via v;
	wire_request_uri(m, &u);
	touch_uri(&u);
	wire_from(m, &p);
	touch_party(&p);
	wire_to(m, &p);
	touch_party(&p);
	for (unsigned i = 0; wire_contact(m, i, &p); i++)
		touch_party(&p);
	for (unsigned i = 0; wire_record_route(m, i, &p); i++)
		touch_party(&p);
	for (unsigned i = 0; wire_route(m, i, &p); i++)
		touch_party(&p);
	if (wire_top_via(m, &v)) {
		touch_word(v.transport);
		touch_word(v.host);
		touch_word(v.branch);
		touch_word(v.received);
	}
	touch_word(wire_call_id(m));
	touch_word(wire_method_text(m));
	touch_word(wire_reason(m));
	touch_word(wire_content_type(m));
	touch(wire_body(m));
	sum += wire_cseq(m) + (unsigned)wire_status(m) + (unsigned)wire_max_forwards(m) +
	       wire_via_count(m) + wire_has_token(m, "supported", "timer") + wire_is_request(m);
}

static bool keep_all(void *arg, const struct wire_header *h)
{
	touch(h->name);
	touch(h->value);
	assert(h->canonical && strlen(h->canonical) > 0);
	++*(size_t *)arg;
	return true;
}

static void check_dialog(const struct wire_msg *m)
{
	static char buf[65536];
	struct dialog d = {0};
	struct wire_out o;
	size_t n;
	struct transport_target from = {
		.to = {.family = ADDR_V4, .port = 5060, .ip = {127, 0, 0, 1}}};
	if (dialog_init_uas(&d, m, &from, "tag") == 0) {
		assert(d.target.to.family == ADDR_V4);
		wire_out_init(&o, buf, sizeof(buf));
		dialog_write(&d, "BYE", 0, 70, &o);
		assert(wire_out_end(&o, &n) == 0);
	}
	dialog_clear(&d);
}

static void check_copy(const struct wire_msg *m, const uint8_t *data, size_t size)
{
	static char buf[GUARD_MESSAGE_MAX_BYTES + 1];
	struct wire_out o;
	size_t lines = 0, again = 0, n = 0;
	size_t start = (size_t)((const uint8_t *)memchr(data, '\n', size) + 1 - data);
	const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
	memcpy(buf, data, start);
	wire_out_init(&o, buf + start, sizeof(buf) - start);
	wire_out_copy(&o, m, keep_all, &lines);
	assert(wire_out_end(&o, &n) == 0);
	/* every byte of the headers belongs to a line we have seen */
	assert(n == (size_t)(end + 2 - data) - start && memcmp(buf, data, start + n) == 0);
	struct wire_text body = wire_body(m);
	n += start;
	memcpy(buf + n, "\r\n", 2);
	n += 2;
	if (body.n > 0)
		memcpy(buf + n, body.s, body.n);
	n += body.n;
	assert(n == size);
	struct wire_msg *copy = NULL;
	const char *why;
	assert(wire_parse((const uint8_t *)buf, n, &copy, &why) == 0);
	void *it = NULL;
	struct wire_header h;
	while (wire_header_next(copy, &it, &h))
		again++;
	assert(again == lines);
	mem_unref(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guard_result g;
	struct wire_msg *m = NULL;
	const char *why = NULL;
	wire_setup();
	guard_check(data, size, false, &g);
	if (g.verdict != GUARD_PASS) {
		/* the parser must stand what the guard would refuse, too; only slowly is allowed */
		if (size <= 4096 && wire_parse(data, size, &m, &why) == 0)
			walk(m);
		mem_unref(m);
		assert(mem_live() == 0);
		return 0;
	}
	data += g.skip_bytes;
	int err = wire_parse(data, g.len_bytes, &m, &why);
	assert(!err == !why);
	if (m)
		walk(m);
	if (!err) {
		check_dialog(m);
		check_copy(m, data, g.len_bytes);
	}
	mem_unref(m);
	assert(mem_live() == 0);
	return 0;
}
