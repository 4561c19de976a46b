/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/result.h"

#define RESULT_ROW_(id, number, text)                                                              \
	case number:                                                                               \
		return text;

const char *gate_result_text(uint16_t code)
{
	switch (code) {
		GATE_RESULTS(RESULT_ROW_)
		GATE_REASONS(RESULT_ROW_)
	case GATE_OK:
		return "done";
	default:
		return "unknown";
	}
}
