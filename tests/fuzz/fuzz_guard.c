/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes through the guard: verdicts are consistent, an answer is bounded and has whole lines only. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sbe/sip/guard.h"

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
			guard_check(data + g.skip_bytes, g.len_bytes, stream, &again);
			assert(again.verdict == GUARD_PASS && again.len_bytes == g.len_bytes &&
			       again.skip_bytes == 0);
		}
	}
	return 0;
}
