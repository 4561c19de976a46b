/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes through the guard: verdicts are consistent, an answer is bounded and has whole lines only. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sbe/sip/guard.h"
#include "sbe/sip/wire_oc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const uint8_t *data, size_t size, const struct guard_result *g)
{
	char *buf = malloc(size + 1);
	struct guard_reply r = {.status = g->status, .phrase = g->phrase};
	int n = guard_answer(data, size, &r, buf, size);
	if (n > 0) {
		assert((size_t)n <= size);
		assert(n > 20 && memcmp(buf, "SIP/2.0 ", 8) == 0);
		assert(memcmp(buf + n - 4, "\r\n\r\n", 4) == 0);
		for (int i = 0; i < n; i++) {
			assert(buf[i] != '\r' || buf[i + 1] == '\n');
			assert(buf[i] != '\n' || buf[i - 1] == '\r');
		}
		/* one empty line, at the end */
		assert(memmem(buf, (size_t)n, "\r\n\r\n", 4) == buf + n - 4);
		/* the same request, the same answer */
		char *again = malloc((size_t)n);
		assert(guard_answer(data, size, &r, again, (size_t)n) == n);
		assert(memcmp(buf, again, (size_t)n) == 0);
		free(again);
	}
	free(buf);
}

/* What is read of a request that passes lies inside of it, and an answer from that is as bounded as the other. */
static void check_head(const uint8_t *data, size_t size, const struct guard_head *h)
{
	const struct guard_reply r = {.status = 503,
				      .phrase = "Service Unavailable",
				      .headers = "Retry-After: 5\r\n",
				      .oc = ";oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1.1"};
	const struct wire_text parts[] = {h->uri,       h->via,     h->via_line.line,
					  h->from.line, h->to.line, h->call_id.line,
					  h->cseq.line};
	char *buf = malloc(size + 1);
	struct wire_oc oc;
	size_t stripped;
	int n;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert(parts[i].s >= (const char *)data &&
		       parts[i].s + parts[i].n <= (const char *)data + size);
	(void)guard_head_to_tag(h);
	(void)guard_head_reply_port(h);
	(void)guard_head_is_emergency(h, NULL);
	(void)guard_is_our_ack(data, size);
	if (!wire_oc_parse(h->via, &oc))
		assert(oc.percent <= 100 && oc.validity_ms <= WIRE_OC_VALIDITY_MAX_MS);
	if (!wire_oc_strip(h->via, buf, size, &stripped))
		assert(stripped <= h->via.n &&
		       !wire_oc_parse((struct wire_text){buf, stripped}, &oc) && !oc.offered);
	n = guard_answer_head(h, size, &r, buf, size);
	assert(n <= (int)size);
	if (n > 0) {
		assert(memcmp(buf, "SIP/2.0 503 ", 12) == 0);
		assert(memmem(buf, (size_t)n, "\r\n\r\n", 4) == buf + n - 4);
	}
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int stream = 0; stream < 2; stream++) {
		struct guard_result g;
		guard_check(data, size, stream, &g);
		assert(g.skip_bytes <= size && g.len_bytes <= size - g.skip_bytes);
		assert((g.verdict == GUARD_PASS) == (g.reason == GUARD_OK));
		assert(*guard_reason_name(g.reason));
		if (g.verdict == GUARD_ANSWER) {
			assert(g.is_request && g.status >= 400 && g.phrase);
			check_answer(data + g.skip_bytes, g.len_bytes, &g);
		} else if (g.verdict == GUARD_PASS) {
			/* what passes once passes again, cut as it was */
			struct guard_result again;
			if (g.is_request)
				check_head(data + g.skip_bytes, g.len_bytes, &g.head);
			guard_check(data + g.skip_bytes, g.len_bytes, stream, &again);
			assert(again.verdict == GUARD_PASS && again.len_bytes == g.len_bytes &&
			       again.skip_bytes == 0);
		}
	}
	return 0;
}
