/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces without state, and counts used once (A18: replay, late counts, another peer's nonce, 10 MB of nonces). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "sbe/sip/digest_nonce.h"

static struct digest_nonces *nonces;
static uint64_t now_ms = 5000000;

static int setup(void **state)
{
	(void)state;
	return digest_nonces_new(8, &nonces);
}

static int teardown(void **state)
{
	(void)state;
	digest_nonces_free(nonces);
	return 0;
}

static enum digest_nonce_verdict use(const char *whom, const char *nonce, uint32_t nc)
{
	return digest_nonce_use(nonces, whom, (struct wire_text){nonce, strlen(nonce)}, nc, now_ms);
}

static void used_once(void **state)
{
	char n[DIGEST_NONCE_BYTES];

	(void)state;
	digest_nonce_make(nonces, "bnet", now_ms, n);
	assert_int_equal(strlen(n), DIGEST_NONCE_BYTES - 1);
	assert_int_equal(use("bnet", n, 0), DIGEST_NONCE_USED);
	assert_int_equal(use("bnet", n, 1), DIGEST_NONCE_GOOD);
	assert_int_equal(use("bnet", n, 1), DIGEST_NONCE_USED);
	assert_int_equal(use("bnet", n, 2), DIGEST_NONCE_GOOD);
	assert_int_equal(use("bnet", n, 5), DIGEST_NONCE_GOOD); /* requests overtake each other */
	assert_int_equal(use("bnet", n, 4), DIGEST_NONCE_GOOD);
	assert_int_equal(use("bnet", n, 4), DIGEST_NONCE_USED);
	assert_int_equal(use("bnet", n, 1), DIGEST_NONCE_USED);
	assert_int_equal(use("bnet", n, 68), DIGEST_NONCE_GOOD);
	assert_int_equal(use("bnet", n, 3), DIGEST_NONCE_USED); /* behind the window */
	assert_int_equal(use("bnet", n, 6), DIGEST_NONCE_GOOD);
	assert_int_equal(use("bnet", n, 0xffffffffU), DIGEST_NONCE_GOOD);
	assert_int_equal(use("bnet", n, 69), DIGEST_NONCE_USED);
	assert_int_equal(use("bnet", n, 0xffffffffU), DIGEST_NONCE_USED);
}

static void bound_to_whom_and_time(void **state)
{
	char n[DIGEST_NONCE_BYTES], other[DIGEST_NONCE_BYTES];

	(void)state;
	digest_nonce_make(nonces, "bnet", now_ms, n);
	digest_nonce_make(nonces, "bnet", now_ms, other);
	assert_string_not_equal(n, other);
	assert_int_equal(use("cnet", n, 1), DIGEST_NONCE_FORGED);
	now_ms += DIGEST_NONCE_LIFETIME_MS;
	assert_int_equal(use("bnet", n, 1), DIGEST_NONCE_GOOD);
	now_ms++;
	assert_int_equal(use("bnet", n, 2), DIGEST_NONCE_OLD);
	assert_int_equal(use("bnet", other, 1), DIGEST_NONCE_OLD);
	now_ms -= DIGEST_NONCE_LIFETIME_MS + 2; /* from the future */
	assert_int_equal(use("bnet", other, 1), DIGEST_NONCE_OLD);
	now_ms++;
}

static void forged(void **state)
{
	char n[DIGEST_NONCE_BYTES], bad[DIGEST_NONCE_BYTES + 2];

	(void)state;
	digest_nonce_make(nonces, "bnet", now_ms, n);
	for (size_t i = 0; i < DIGEST_NONCE_BYTES - 1; i++) {
		strcpy(bad, n);
		bad[i] = (char)(bad[i] == '0' ? '1' : '0');
		assert_int_equal(use("bnet", bad, 1), DIGEST_NONCE_FORGED);
		bad[i] = 'G';
		assert_int_equal(use("bnet", bad, 1), DIGEST_NONCE_FORGED);
		bad[i] = '\0';
		assert_int_equal(use("bnet", bad, 1), DIGEST_NONCE_FORGED);
	}
	strcpy(bad, n);
	strcat(bad, "0");
	assert_int_equal(use("bnet", bad, 1), DIGEST_NONCE_FORGED);
	assert_int_equal(use("bnet", n, 1), DIGEST_NONCE_GOOD);
}

/* Another process, or ours before it was restarted. */
static void another_key(void **state)
{
	struct digest_nonces *other;
	char n[DIGEST_NONCE_BYTES];

	(void)state;
	assert_int_equal(digest_nonces_new(8, &other), 0);
	digest_nonce_make(other, "bnet", now_ms, n);
	digest_nonces_free(other);
	assert_int_equal(use("bnet", n, 1), DIGEST_NONCE_FORGED);
}

/* More nonces in use than the ring has room for: none can be used twice for that. */
static void full(void **state)
{
	char n[40][DIGEST_NONCE_BYTES];
	size_t live = mem_live();

	(void)state;
	for (size_t i = 0; i < 40; i++)
		digest_nonce_make(nonces, "bnet", now_ms + i, n[i]);
	now_ms += 100;
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(use("bnet", n[i], 1), DIGEST_NONCE_GOOD);
	for (size_t i = 0; i < 40; i++) {
		enum digest_nonce_verdict v = use("bnet", n[i], 1);

		assert_int_equal(v, i < 32 ? DIGEST_NONCE_OLD : DIGEST_NONCE_USED);
	}
	for (size_t i = 32; i < 40; i++) /* those still known go on */
		assert_int_equal(use("bnet", n[i], 2), DIGEST_NONCE_GOOD);
	assert_int_equal(mem_live(), live);
}

/* 10 MB of nonces that nobody uses. */
static void unused_cost_nothing(void **state)
{
	char n[DIGEST_NONCE_BYTES];
	size_t live = mem_live();

	(void)state;
	for (unsigned i = 0; i < 150000; i++)
		digest_nonce_make(nonces, "bnet", now_ms, n);
	assert_int_equal(mem_live(), live);
	assert_int_equal(use("bnet", n, 1), DIGEST_NONCE_GOOD);
}

static void no_memory(void **state)
{
	struct digest_nonces *n = NULL;

	(void)state;
	for (unsigned long i = 1; i <= 3; i++) {
		size_t live = mem_live();

		mem_fail_at(i);
		assert_int_not_equal(digest_nonces_new(8, &n), 0);
		assert_null(n);
		assert_int_equal(mem_live(), live);
	}
	mem_fail_at(0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(used_once), T(bound_to_whom_and_time), T(forged),    T(another_key),
		T(full),      T(unused_cost_nothing),    T(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
