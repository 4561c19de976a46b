/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/pool/pool_range.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define RANGE_PORTS 65536U
/* "1,2,3,..." of every port is under 400 KiB; the kernel prints ranges, so this is ample. */
#define RANGE_FILE_BYTES (512U * 1024)

static char *range_read(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (!f)
		return NULL;
	text = mem_buffer(RANGE_FILE_BYTES);
	if (text) {
		n = fread(text, 1, RANGE_FILE_BYTES - 1, f);
		text[n] = 0;
	}
	fclose(f);
	return text;
}

/* Mark "a,b-c,d" in a map of one byte per port. Stops at what it does not understand. */
static void range_mark(const char *text, uint8_t *map)
{
	char *end;

	for (;;) {
		unsigned long low = strtoul(text, &end, 10), high = low;

		if (end == text)
			return;
		if (*end == '-') {
			text = end + 1;
			high = strtoul(text, &end, 10);
			if (end == text)
				return;
		}
		for (unsigned long p = low; p <= high && p < RANGE_PORTS; p++)
			map[p] = 1;
		if (*end != ',')
			return;
		text = end + 1;
	}
}

static bool range_all_reserved(uint32_t low, uint32_t high, const char *path)
{
	char *text = range_read(path);
	uint8_t *map = text ? mem_buffer(RANGE_PORTS) : NULL;
	bool all = map != NULL;

	if (map) {
		memset(map, 0, RANGE_PORTS);
		range_mark(text, map);
		for (uint32_t p = low; p <= high; p++)
			all = all && map[p];
	}
	mem_free(map);
	mem_free(text);
	return all;
}

int pool_range_check(const struct pool_range *range, const char *ephemeral_file,
		     const char *reserved_file, struct pool_range *ret_overlap)
{
	char *text = range_read(ephemeral_file ? ephemeral_file : POOL_EPHEMERAL_FILE);
	unsigned low, high, from, to;
	int n;

	if (!text)
		return 0;
	n = sscanf(text, "%u %u", &low, &high);
	mem_free(text);
	if (n != 2 || low > high || high >= RANGE_PORTS)
		return 0;
	from = range->low > low ? range->low : low;
	to = range->high < high ? range->high : high;
	if (from > to ||
	    range_all_reserved(from, to, reserved_file ? reserved_file : POOL_RESERVED_FILE))
		return 0;
	ret_overlap->low = (uint16_t)low;
	ret_overlap->high = (uint16_t)high;
	return -EADDRINUSE;
}
