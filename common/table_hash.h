/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_hash - uthash with our settings; include this, never <uthash.h> itself.
 *
 * By default uthash ends the process when memory is short and hashes without a key, so that a peer
 * could choose Call-IDs that all fall into one bucket. Both are replaced here.
 */
#ifndef COMMON_TABLE_HASH_H
#define COMMON_TABLE_HASH_H

#ifdef UTHASH_H
#error "uthash.h was included before common/table_hash.h"
#endif

#include "common/mem.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size_bytes) mem_buffer(size_bytes)
#define uthash_free(buffer, size_bytes) mem_free(buffer)
#define HASH_FUNCTION(key, key_bytes, ret_hash)                                                    \
	do {                                                                                       \
		(ret_hash) = (unsigned)table_hash((key), (key_bytes));                             \
	} while (0)

#include <uthash.h>

#endif
