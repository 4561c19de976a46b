/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem - reference-counted memory with destructors, and allocation failure on demand.
 *
 * Owner: the caller of *_alloc owns one reference; mem_ref takes another. When the last one goes
 * the destructor runs (it must cope with a half-built object) and the block is freed.
 * Thread: counts are not atomic; an object stays on the thread that made it.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

typedef void(mem_destroy_h)(void *obj);

/** Allocate zeroed, counted memory. @param destroy may be NULL. @return object, NULL when out of memory. */
void *mem_zalloc(size_t size_bytes, mem_destroy_h *destroy);

/** Take one more reference. NULL is passed through. */
void *mem_ref(void *obj);

/** Give one reference back; runs the destructor with the last one. NULL is fine. @return always NULL. */
void *mem_unref(void *obj);

/** Number of references an object has now (tests). */
unsigned mem_refs(const void *obj);

/** Counted copy of a string of at most max_bytes bytes. @return 0, -EINVAL (NULL), -E2BIG, -ENOMEM. */
int mem_strdup(const char *text, size_t max_bytes, char **ret_copy);

/** Counted copy of len bytes with a 0 byte appended. @return 0, -ENOMEM. */
int mem_dup(const void *bytes, size_t len_bytes, char **ret_copy);

/** Plain (not counted) buffers that also obey mem_fail_at; free with mem_free. */
void *mem_buffer(size_t size_bytes);
void *mem_resize(void *buffer, size_t size_bytes);
void mem_free(void *buffer);

/** Tests: the nth allocation from now fails once (1 = the next); 0 switches it off. */
void mem_fail_at(unsigned long nth);

/** Tests: allocations until that failure (1 = the next one fails); 0 when it has happened or is off. */
unsigned long mem_fail_left(void);

/** Blocks alive now: counted objects and buffers together (leak checks). */
size_t mem_live(void);

#endif
