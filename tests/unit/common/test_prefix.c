/* SPDX-License-Identifier: Apache-2.0 */
/* prefix: the longest prefix wins; checked against a walk over all of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/prefix.h"
#include "tests/lib/oom.h"

static int objects[400];

static int add(struct prefix_set *s, const char *text, void *obj)
{
	struct addr_prefix p;

	assert_int_equal(addr_prefix_parse(text, &p), 0);
	return prefix_set_add(s, &p, obj);
}

static void *find(const struct prefix_set *s, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return prefix_set_find(s, &a);
}

static void longest_prefix_wins(void **state)
{
	struct addr none = {0};
	struct prefix_set *s;
	int *o = objects;

	(void)state;
	assert_int_equal(prefix_set_new(&s), 0);
	assert_null(find(s, "10.1.2.3"));
	assert_int_equal(add(s, "10.1.2.0/24", &o[0]), 0);
	assert_int_equal(add(s, "10.0.0.0/8", &o[1]), 0);
	assert_int_equal(add(s, "10.1.2.3", &o[2]), 0);
	assert_int_equal(add(s, "2001:db8::/32", &o[3]), 0);
	assert_ptr_equal(find(s, "10.1.2.3"), &o[2]);
	assert_ptr_equal(find(s, "10.1.2.4:5060"), &o[0]);
	assert_ptr_equal(find(s, "10.1.3.1"), &o[1]);
	assert_ptr_equal(find(s, "::ffff:10.1.3.1"), &o[1]);
	assert_null(find(s, "11.0.0.1"));
	assert_ptr_equal(find(s, "2001:db8::1"), &o[3]);
	assert_null(find(s, "2001:db9::1"));
	assert_int_equal(add(s, "0.0.0.0/0", &o[4]), 0);
	assert_ptr_equal(find(s, "11.0.0.1"), &o[4]);
	assert_null(find(s, "2001:db9::1")); /* families are apart */
	assert_null(prefix_set_find(s, &none));
	assert_null(prefix_set_find(NULL, &none));
	prefix_set_free(s);
	prefix_set_free(NULL);
}

static void same_prefix_belongs_to_one_object(void **state)
{
	struct addr_prefix p;
	struct prefix_set *s;

	(void)state;
	assert_int_equal(prefix_set_new(&s), 0);
	assert_int_equal(add(s, "10.0.0.0/8", &objects[0]), 0);
	assert_int_equal(add(s, "10.0.0.0/8", &objects[0]), 0);
	assert_int_equal(add(s, "10.0.0.0/8", &objects[1]), -EEXIST);
	assert_int_equal(add(s, "10.0.0.0/9", &objects[1]), 0);
	assert_ptr_equal(find(s, "10.200.0.1"), &objects[0]);
	assert_int_equal(add(s, "10.0.0.0/10", NULL), -EINVAL);
	assert_int_equal(addr_prefix_parse("10.0.0.0/8", &p), 0);
	p.bits = 33;
	assert_int_equal(prefix_set_add(s, &p, &objects[0]), -EINVAL);
	prefix_set_free(s);
}

static uint32_t seed = 12345;

static uint32_t random_word(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* Addresses from few distinct bytes, so that prefixes nest. */
static struct addr random_addr(void)
{
	struct addr a = {.family = random_word() % 2 ? ADDR_V4 : ADDR_V6};

	for (int i = 0; i < (a.family == ADDR_V4 ? 4 : 16); i++)
		a.ip[i] = (uint8_t)(random_word() % 3 << (random_word() % 7));
	return a;
}

static bool covers(const struct addr_prefix *p, const struct addr *a)
{
	if (p->net.family != a->family)
		return false;
	for (int i = 0; i < p->bits; i++) {
		if ((p->net.ip[i / 8] ^ a->ip[i / 8]) & 0x80 >> i % 8)
			return false;
	}
	return true;
}

static void agrees_with_a_walk_over_all(void **state)
{
	static struct addr_prefix prefixes[400];
	struct prefix_set *s;
	unsigned found = 0;

	(void)state;
	assert_int_equal(prefix_set_new(&s), 0);
	for (int i = 0; i < 400; i++) {
		struct addr_prefix *p = &prefixes[i];

		p->net = random_addr();
		p->bits = (uint8_t)(random_word() % (p->net.family == ADDR_V4 ? 33 : 129));
		for (int bit = p->bits; bit < 128; bit++)
			p->net.ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		if (prefix_set_add(s, p, &objects[i]) == -EEXIST)
			p->net.family = ADDR_NONE; /* covers nothing */
	}
	for (int n = 0; n < 5000; n++) {
		struct addr a = random_addr();
		int best = -1;

		for (int i = 0; i < 400; i++) {
			if (covers(&prefixes[i], &a) &&
			    (best < 0 || prefixes[i].bits > prefixes[best].bits))
				best = i;
		}
		assert_ptr_equal(prefix_set_find(s, &a), best < 0 ? NULL : &objects[best]);
		found += best >= 0;
	}
	assert_true(found > 1000);
	prefix_set_free(s);
}

static int build(void *arg)
{
	struct prefix_set *s;
	int err = prefix_set_new(&s);

	(void)arg;
	if (err)
		return err;
	err = add(s, "10.0.0.0/8", &objects[0]);
	if (!err)
		err = add(s, "::/0", &objects[1]);
	prefix_set_free(s);
	return err;
}

static void out_of_memory_leaks_nothing(void **state)
{
	(void)state;
	assert_true(oom_each(build, NULL) >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_wins),
		cmocka_unit_test(same_prefix_belongs_to_one_object),
		cmocka_unit_test(agrees_with_a_walk_over_all),
		cmocka_unit_test(out_of_memory_leaks_nothing),
	};

	return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
