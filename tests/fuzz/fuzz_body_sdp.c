/* SPDX-License-Identifier: Apache-2.0 */
/* Any session description: parsed, rewritten, parsed again, and no inner address comes out (A4, C6). */
#include <stddef.h>
#include <stdint.h>
#include "sbe/sdp/body_sdp.h" /* also tells the Makefile what to link */
#include "tests/fuzz/body_invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_sdp((const char *)data, size);
	return 0;
}
