/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenges and credentials as text, then a nonce of somebody's choice. What is read lies within the text, and
 * what we answer to a challenge can be read again, whatever the challenge was.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sbe/sip/digest.h"
#include "sbe/sip/digest_nonce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct wire_text t, struct wire_text whole)
{
	if (!t.s)
		return;
	assert(t.s >= whole.s && t.s + t.n <= whole.s + whole.n);
	assert(t.n <= DIGEST_FIELD_MAX_BYTES);
	assert(!memchr(t.s, '\n', t.n) && !memchr(t.s, '\r', t.n) && !memchr(t.s, '\0', t.n));
}

static void answer(const struct digest_fields *f)
{
	static char buf[8192];
	char uri[] = "sip:+44@b.example";
	struct digest_answer a = {.header = "Authorization",
				  .user = "u",
				  .realm = "r",
				  .ha1 = "00",
				  .method = "INVITE",
				  .uri = uri,
				  .nonce = f->nonce,
				  .opaque = f->opaque,
				  .nc = digest_has_qop(f->qop, "auth") ? 1 : 0};
	struct digest_fields again;
	struct wire_out o;
	size_t n;

	if (digest_algorithm_of(f->algorithm, &a.algorithm))
		return;
	wire_out_init(&o, buf, sizeof(buf));
	assert(digest_write_answer(&a, &o) == 0);
	assert(wire_out_end(&o, &n) == 0);
	assert(digest_parse((struct wire_text){buf + 15, n - 17}, &again) == 0);
	assert(again.nonce.n == f->nonce.n && !memcmp(again.nonce.s, f->nonce.s, f->nonce.n));
	assert((again.opaque.s != NULL) == (f->opaque.s != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct digest_nonces *nonces;
	/* a copy of its own, so that a byte read too far is seen */
	char *copy = malloc(size ? size : 1), hex[DIGEST_HEX_BYTES];
	struct wire_text value = {copy, size};
	struct digest_fields f;

	assert(copy);
	if (size)
		memcpy(copy, data, size);
	if (!nonces)
		assert(digest_nonces_new(16, &nonces) == 0);
	if (digest_parse(value, &f) == 0) {
		struct digest_input in = {f.username, f.uri, f.nonce, f.nc, f.cnonce};
		const struct wire_text all[] = {f.realm, f.nonce,  f.opaque,   f.algorithm,
						f.qop,   f.stale,  f.username, f.uri,
						f.nc,    f.cnonce, f.response, f.userhash};

		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			inside(all[i], value);
		if (f.nonce.s)
			answer(&f);
		if (f.nonce.s && f.cnonce.s)
			assert(digest_response(DIGEST_SHA256, "00", &in, hex) == 0);
		assert(digest_nonce_use(nonces, "x", f.nonce, 1, 1) == DIGEST_NONCE_FORGED);
	}
	free(copy);
	return 0;
}
