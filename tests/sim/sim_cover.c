/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim_cover.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t *sim_cover;

static const struct {
	bool must;
	const char *text;
} rows_info[SIM_COVER_COUNT] = {
#define SIM_COVER_ROW_(id, must, text) {must, text},
	SIM_COVER(SIM_COVER_ROW_)};

bool sim_cover_print(const uint64_t *rows, unsigned nrows, bool demand)
{
	uint64_t sum[SIM_COVER_COUNT] = {0};
	bool good = true;

	for (unsigned r = 0; r < nrows; r++) {
		for (unsigned i = 0; i < SIM_COVER_COUNT; i++)
			sum[i] += rows[r * SIM_COVER_COUNT + i];
	}
	for (unsigned i = 0; i < SIM_COVER_COUNT; i++) {
		bool missing = demand && rows_info[i].must && !sum[i];

		printf("%12" PRIu64 "  %s%s\n", sum[i], rows_info[i].text,
		       missing ? "   <- never happened" : "");
		good = good && !missing;
	}
	return good;
}
