/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem - counted objects carry a head in front of the bytes the caller sees; buffers carry none.
 *
 * The two numbers of this file (blocks alive, allocations until the injected failure) are atomics,
 * because buffers are also used by helper threads. Reference counts are not.
 */
#include "common/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MEM_MAGIC 0x6d656d4fU
#define MEM_DEAD 0xdeadf4eeU
#define MEM_SMALL_BYTES 8192U

struct mem_head {
	alignas(max_align_t)
		uint32_t magic; /* MEM_MAGIC while alive: catches use of foreign pointers */
	uint32_t refs;
	mem_destroy_h *destroy;
};

static atomic_size_t mem_blocks;
static atomic_ulong mem_countdown;

/* One allocation is about to happen: is it the one that has to fail? */
static bool mem_fails_now(void)
{
	unsigned long left = atomic_load_explicit(&mem_countdown, memory_order_relaxed);

	while (left > 0) {
		if (atomic_compare_exchange_weak(&mem_countdown, &left, left - 1))
			return left == 1;
	}
	return false;
}

static struct mem_head *mem_head_of(const void *obj)
{
	struct mem_head *h = (struct mem_head *)(uintptr_t)obj - 1;

	assert(h->magic == MEM_MAGIC);
	return h;
}

/* glibc's calloc leaves the cache of its thread alone, which makes small objects five times as dear; but large ones
 * it takes from the system as zeros that nobody has to touch. */
static struct mem_head *block_of(size_t size_bytes)
{
	struct mem_head *h;

	if (size_bytes > MEM_SMALL_BYTES)
		return calloc(1, sizeof(*h) + size_bytes);
	h = malloc(sizeof(*h) + size_bytes);
	if (h)
		memset(h + 1, 0, size_bytes);
	return h;
}

void *mem_zalloc(size_t size_bytes, mem_destroy_h *destroy)
{
	struct mem_head *h;

	if (size_bytes > SIZE_MAX - sizeof(*h) || mem_fails_now())
		return NULL;
	h = block_of(size_bytes);
	if (!h)
		return NULL;
	h->magic = MEM_MAGIC;
	h->refs = 1;
	h->destroy = destroy;
	atomic_fetch_add_explicit(&mem_blocks, 1, memory_order_relaxed);
	return h + 1;
}

void *mem_ref(void *obj)
{
	if (obj) {
		struct mem_head *h = mem_head_of(obj);

		assert(h->refs > 0 && h->refs < UINT32_MAX);
		h->refs++;
	}
	return obj;
}

void *mem_unref(void *obj)
{
	struct mem_head *h;

	if (!obj)
		return NULL;
	h = mem_head_of(obj);
	assert(h->refs > 0);
	if (h->refs > 1) {
		h->refs--;
		return NULL;
	}
	/* The last reference stays while the destructor runs: what it calls may take and give one
	 * without destroying the object a second time. Keeping one is our bug. */
	if (h->destroy)
		h->destroy(obj);
	assert(h->refs == 1);
	h->refs = 0;
	h->magic = MEM_DEAD;
	free(h);
	atomic_fetch_sub_explicit(&mem_blocks, 1, memory_order_relaxed);
	return NULL;
}

unsigned mem_refs(const void *obj)
{
	return obj ? mem_head_of(obj)->refs : 0;
}

int mem_strdup(const char *text, size_t max_bytes, char **ret_copy)
{
	size_t len;

	if (!text)
		return -EINVAL;
	/* strnlen, not strlen: the source may be a field without an end */
	if (max_bytes >= PTRDIFF_MAX)
		max_bytes = PTRDIFF_MAX - 1;
	len = strnlen(text, max_bytes + 1);
	if (len > max_bytes)
		return -E2BIG;
	return mem_dup(text, len, ret_copy);
}

int mem_dup(const void *bytes, size_t len_bytes, char **ret_copy)
{
	char *copy;

	if (len_bytes == SIZE_MAX)
		return -ENOMEM;
	copy = mem_zalloc(len_bytes + 1, NULL);
	if (!copy)
		return -ENOMEM;
	if (len_bytes > 0)
		memcpy(copy, bytes, len_bytes);
	*ret_copy = copy;
	return 0;
}

void *mem_buffer(size_t size_bytes)
{
	void *buffer;

	if (mem_fails_now())
		return NULL;
	buffer = malloc(size_bytes > 0 ? size_bytes : 1); /* NULL must mean "out of memory" only */
	if (buffer)
		atomic_fetch_add_explicit(&mem_blocks, 1, memory_order_relaxed);
	return buffer;
}

void *mem_resize(void *buffer, size_t size_bytes)
{
	if (!buffer)
		return mem_buffer(size_bytes);
	if (mem_fails_now())
		return NULL;
	return realloc(buffer, size_bytes > 0 ? size_bytes : 1);
}

void mem_free(void *buffer)
{
	if (!buffer)
		return;
	free(buffer);
	atomic_fetch_sub_explicit(&mem_blocks, 1, memory_order_relaxed);
}

void mem_fail_at(unsigned long nth)
{
	atomic_store(&mem_countdown, nth);
}

unsigned long mem_fail_left(void)
{
	return atomic_load(&mem_countdown);
}

size_t mem_live(void)
{
	return atomic_load_explicit(&mem_blocks, memory_order_relaxed);
}
