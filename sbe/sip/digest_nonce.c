/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sip/digest_nonce.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

#include "common/mem.h"

#define TIME_BYTES 8U
#define SALT_BYTES 8U
#define MAC_BYTES 16U
#define RAW_BYTES (TIME_BYTES + SALT_BYTES + MAC_BYTES)
#define WHOM_MAX_BYTES 256U
#define KEY_BYTES 32U

struct used {
	uint8_t salt[SALT_BYTES];
	uint64_t made_ms;
	uint64_t counts; /* bit i: highest - i was used */
	uint32_t highest;
	uint32_t next; /* in its bucket; index + 1, 0 = end */
};

struct digest_nonces {
	uint8_t key[KEY_BYTES], mask_key[KEY_BYTES];
	size_t used_max, nused, oldest;
	uint64_t floor_ms; /* nonces made up to then whose counts we do not know are not taken */
	struct used *used; /* ring */
	uint32_t *buckets; /* used_max */
};

static int fill_random(void *buf, size_t n)
{
	return getrandom(buf, n, 0) == (ssize_t)n ? 0 : -EIO;
}

int digest_nonces_new(size_t used_max, struct digest_nonces **ret_nonces)
{
	struct digest_nonces *n = mem_buffer(sizeof(*n));
	int err = n ? 0 : -ENOMEM;

	if (err)
		return err;
	memset(n, 0, sizeof(*n));
	n->used_max = used_max ? used_max : DIGEST_NONCE_USED_MAX;
	n->used = mem_buffer(n->used_max * sizeof(*n->used));
	n->buckets = mem_buffer(n->used_max * sizeof(*n->buckets));
	if (!n->used || !n->buckets)
		err = -ENOMEM;
	if (!err)
		memset(n->buckets, 0, n->used_max * sizeof(*n->buckets));
	if (!err)
		err = fill_random(n->key, sizeof(n->key));
	if (!err)
		err = fill_random(n->mask_key, sizeof(n->mask_key));
	if (err) {
		digest_nonces_free(n);
		return err;
	}
	*ret_nonces = n;
	return 0;
}

void digest_nonces_free(struct digest_nonces *n)
{
	if (!n)
		return;
	mem_free(n->used);
	mem_free(n->buckets);
	OPENSSL_cleanse(n, sizeof(*n));
	mem_free(n);
}

/* ---- text ---- */

static void to_hex(const uint8_t *raw, size_t n, char *hex)
{
	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = "0123456789abcdef"[raw[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
	}
	hex[2 * n] = '\0';
}

static int from_hex(struct wire_text t, uint8_t raw[RAW_BYTES])
{
	if (t.n != 2 * RAW_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (v < 0)
			return -EINVAL;
		raw[i / 2] = (uint8_t)(i % 2 ? raw[i / 2] | v : v << 4);
	}
	return 0;
}

/* ---- what is in it ---- */

static bool mac(const uint8_t key[KEY_BYTES], const void *data, size_t n,
		uint8_t out[EVP_MAX_MD_SIZE])
{
	unsigned bytes = 0;

	return HMAC(EVP_sha256(), key, KEY_BYTES, data, n, out, &bytes) && bytes >= MAC_BYTES;
}

/* How long we have been running is nobody's business. */
static bool mask_time(const struct digest_nonces *n, uint8_t raw[RAW_BYTES])
{
	uint8_t stream[EVP_MAX_MD_SIZE];

	if (!mac(n->mask_key, raw + TIME_BYTES, SALT_BYTES, stream))
		return false;
	for (size_t i = 0; i < TIME_BYTES; i++)
		raw[i] ^= stream[i];
	return true;
}

static bool sign(const struct digest_nonces *n, const char *whom, const uint8_t *raw,
		 uint8_t out[MAC_BYTES])
{
	uint8_t text[TIME_BYTES + SALT_BYTES + WHOM_MAX_BYTES], full[EVP_MAX_MD_SIZE];
	size_t whom_bytes = strnlen(whom, WHOM_MAX_BYTES);

	memcpy(text, raw, TIME_BYTES + SALT_BYTES);
	memcpy(text + TIME_BYTES + SALT_BYTES, whom, whom_bytes);
	if (!mac(n->key, text, TIME_BYTES + SALT_BYTES + whom_bytes, full))
		return false;
	memcpy(out, full, MAC_BYTES);
	return true;
}

void digest_nonce_make(const struct digest_nonces *n, const char *whom, uint64_t now_ms,
		       char buf[DIGEST_NONCE_BYTES])
{
	uint8_t raw[RAW_BYTES];

	for (size_t i = 0; i < TIME_BYTES; i++)
		raw[i] = (uint8_t)(now_ms >> (8 * i));
	/* Without any of these it is a nonce that nobody can use: a challenge that leads nowhere. */
	if (fill_random(raw + TIME_BYTES, SALT_BYTES) || !mask_time(n, raw) ||
	    !sign(n, whom, raw, raw + TIME_BYTES + SALT_BYTES))
		memset(raw, 0, sizeof(raw));
	to_hex(raw, sizeof(raw), buf);
}

/* @return false: forged. */
static bool open_nonce(const struct digest_nonces *n, const char *whom, struct wire_text nonce,
		       uint8_t raw[RAW_BYTES], uint64_t *ret_made_ms)
{
	uint8_t expected[MAC_BYTES];

	if (from_hex(nonce, raw) || !sign(n, whom, raw, expected) ||
	    CRYPTO_memcmp(expected, raw + TIME_BYTES + SALT_BYTES, MAC_BYTES) || !mask_time(n, raw))
		return false;
	*ret_made_ms = 0;
	for (size_t i = 0; i < TIME_BYTES; i++)
		*ret_made_ms |= (uint64_t)raw[i] << (8 * i);
	return true;
}

/* ---- counts ---- */

/* The salt is random and ours: it needs no hash. */
static uint32_t *bucket(const struct digest_nonces *n, const uint8_t salt[SALT_BYTES])
{
	uint32_t k;

	memcpy(&k, salt, sizeof(k));
	return &n->buckets[k % n->used_max];
}

static struct used *find(const struct digest_nonces *n, const uint8_t salt[SALT_BYTES])
{
	for (uint32_t i = *bucket(n, salt); i; i = n->used[i - 1].next) {
		if (!memcmp(n->used[i - 1].salt, salt, SALT_BYTES))
			return &n->used[i - 1];
	}
	return NULL;
}

static void forget_oldest(struct digest_nonces *n)
{
	struct used *u = &n->used[n->oldest];
	uint32_t *at = bucket(n, u->salt);

	while (*at && &n->used[*at - 1] != u)
		at = &n->used[*at - 1].next;
	if (*at)
		*at = u->next;
	if (u->made_ms > n->floor_ms)
		n->floor_ms = u->made_ms;
	n->oldest = (n->oldest + 1) % n->used_max;
	n->nused--;
}

static struct used *remember(struct digest_nonces *n, const uint8_t salt[SALT_BYTES],
			     uint64_t made_ms)
{
	uint32_t *head = bucket(n, salt);
	struct used *u;

	if (n->nused == n->used_max)
		forget_oldest(n);
	u = &n->used[(n->oldest + n->nused++) % n->used_max];
	*u = (struct used){.made_ms = made_ms, .next = *head};
	memcpy(u->salt, salt, SALT_BYTES);
	*head = (uint32_t)(u - n->used) + 1;
	return u;
}

static bool take_count(struct used *u, uint32_t nc)
{
	if (nc > u->highest) {
		uint32_t by = nc - u->highest;

		u->counts = by >= DIGEST_NONCE_WINDOW ? 0 : u->counts << by;
		u->counts |= 1;
		u->highest = nc;
		return true;
	}
	if (u->highest - nc >= DIGEST_NONCE_WINDOW || u->counts >> (u->highest - nc) & 1)
		return false;
	u->counts |= (uint64_t)1 << (u->highest - nc);
	return true;
}

enum digest_nonce_verdict digest_nonce_use(struct digest_nonces *n, const char *whom,
					   struct wire_text nonce, uint32_t nc, uint64_t now_ms)
{
	uint8_t raw[RAW_BYTES];
	uint64_t made_ms;
	struct used *u;

	if (!open_nonce(n, whom, nonce, raw, &made_ms))
		return DIGEST_NONCE_FORGED;
	if (made_ms > now_ms || now_ms - made_ms > DIGEST_NONCE_LIFETIME_MS)
		return DIGEST_NONCE_OLD;
	u = find(n, raw + TIME_BYTES);
	if (!u && n->floor_ms && made_ms <= n->floor_ms)
		return DIGEST_NONCE_OLD;
	if (!nc)
		return DIGEST_NONCE_USED;
	if (!u)
		u = remember(n, raw + TIME_BYTES, made_ms);
	return take_count(u, nc) ? DIGEST_NONCE_GOOD : DIGEST_NONCE_USED;
}
