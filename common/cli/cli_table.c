/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cli/cli_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define CLI_COLUMNS_MAX 64
#define CLI_GAP 2
#define CLI_CELL_BYTES 64

struct cli_column {
	const char *name;
	int width;
	bool right; /* all its cells are numbers */
};

/* ---------------------------------------------------------------- text */

/* One character of UTF-8; a broken byte stands for itself. @return bytes taken. */
static int cli_next_character(const char *text, uint32_t *ret_code)
{
	const unsigned char *p = (const unsigned char *)text;
	int n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc0 ? 2 : 1;
	uint32_t code = n == 1 ? *p : (uint32_t)(*p & (0xff >> (n + 1)));

	for (int i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*ret_code = *p;
			return 1;
		}
		code = code << 6 | (p[i] & 0x3f);
	}
	*ret_code = code;
	return n;
}

/* Control characters of both sets, line separators, and those that change the reading direction. */
static bool cli_is_dangerous(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* @param out NULL = only measure */
static int cli_escape(FILE *out, const char *text)
{
	int width = 0;

	while (*text) {
		char escaped[16];
		uint32_t code;
		int n = cli_next_character(text, &code);

		if (cli_is_dangerous(code)) {
			width += snprintf(escaped, sizeof(escaped),
					  code < 0x100 ? "\\x%02x" : "\\u{%04x}", code);
			if (out)
				fputs(escaped, out);
		} else {
			width++;
			if (out)
				fwrite(text, 1, (size_t)n, out);
		}
		text += n;
	}
	return width;
}

int cli_table_escaped(FILE *out, const char *text)
{
	return cli_escape(out, text);
}

int cli_table_width(const char *text)
{
	return cli_escape(NULL, text);
}

int cli_table_pad(const char *text, int width)
{
	int w = cli_table_width(text);

	return w < width ? width - w : 0;
}

const char *cli_table_cell(const json_t *value, char *buf, size_t size_bytes)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return json_string_value(value);
	case JSON_INTEGER:
		snprintf(buf, size_bytes, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return buf;
	case JSON_REAL:
		snprintf(buf, size_bytes, "%.6g", json_real_value(value));
		return buf;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	case JSON_ARRAY:
		return json_array_size(value) ? "[...]" : "-";
	case JSON_OBJECT:
		return "{...}";
	default:
		return "-";
	}
}

/* ---------------------------------------------------------------- table */

static const json_t *cli_cell_of(const json_t *row, size_t column, const char *name)
{
	return json_is_object(row) ? json_object_get(row, name) : json_array_get(row, column);
}

/* A list of scalars in one cell. */
static char *cli_cell_list(const json_t *array)
{
	char *text = NULL, buf[CLI_CELL_BYTES];
	size_t size_bytes, i;
	const json_t *item;
	FILE *f = open_memstream(&text, &size_bytes);

	if (!f)
		return NULL;
	json_array_foreach(array, i, item)
		fprintf(f, "%s%s", i ? "," : "", cli_table_cell(item, buf, sizeof(buf)));
	return fclose(f) == 0 ? text : NULL;
}

/* Text of a cell; *ret_owned is to be freed. */
static const char *cli_cell_text(const json_t *value, char *buf, size_t size_bytes,
				 char **ret_owned)
{
	*ret_owned = NULL;
	if (json_is_array(value) && json_array_size(value)) {
		*ret_owned = cli_cell_list(value);
		if (*ret_owned)
			/* cppcheck-suppress identicalInnerCondition */
			return *ret_owned;
	}
	return cli_table_cell(value, buf, size_bytes);
}

static void cli_measure(struct cli_column *c, size_t n, const json_t *rows)
{
	size_t r;
	const json_t *row;

	json_array_foreach(rows, r, row) {
		for (size_t i = 0; i < n; i++) {
			const json_t *value = cli_cell_of(row, i, c[i].name);
			char buf[CLI_CELL_BYTES], *owned;
			int w = cli_table_width(cli_cell_text(value, buf, sizeof(buf), &owned));

			free(owned);
			if (w > c[i].width)
				c[i].width = w;
			if (value && !json_is_null(value) && !json_is_number(value))
				c[i].right = false;
		}
	}
}

static void cli_put_cell(FILE *out, const struct cli_column *c, const char *text, bool last)
{
	int pad = cli_table_pad(text, c->width);

	if (c->right)
		fprintf(out, "%*s", pad, "");
	cli_table_escaped(out, text);
	if (!last)
		fprintf(out, "%*s", (c->right ? 0 : pad) + CLI_GAP, "");
}

static void cli_put_head(FILE *out, const struct cli_column *c, size_t n, int indent, bool colour)
{
	fprintf(out, "%*s%s", indent, "", colour ? "\033[1m" : "");
	for (size_t i = 0; i < n; i++) {
		char name[CLI_CELL_BYTES];
		size_t k;

		for (k = 0; k < sizeof(name) - 1 && c[i].name[k]; k++)
			name[k] = (char)toupper((unsigned char)c[i].name[k]);
		name[k] = 0;
		cli_put_cell(out, &c[i], name, i + 1 == n);
	}
	fprintf(out, "%s\n", colour ? "\033[0m" : "");
}

static void cli_put_row(FILE *out, const struct cli_column *c, size_t n, const json_t *row,
			int indent)
{
	fprintf(out, "%*s", indent, "");
	for (size_t i = 0; i < n; i++) {
		char buf[CLI_CELL_BYTES], *owned;
		const char *text =
			cli_cell_text(cli_cell_of(row, i, c[i].name), buf, sizeof(buf), &owned);

		cli_put_cell(out, &c[i], text, i + 1 == n);
		free(owned);
	}
	fputc('\n', out);
}

int cli_table_print(FILE *out, const json_t *columns, const json_t *rows, int indent, bool colour)
{
	size_t n = json_array_size(columns), r;
	struct cli_column *c;
	const json_t *row;

	if (n == 0)
		return 0;
	if (n > CLI_COLUMNS_MAX)
		n = CLI_COLUMNS_MAX;
	c = mem_buffer(n * sizeof(*c));
	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(columns, i));

		c[i].name = name ? name : "?";
		c[i].width = cli_table_width(c[i].name);
		c[i].right = json_array_size(rows) > 0;
	}
	cli_measure(c, n, rows);
	cli_put_head(out, c, n, indent, colour);
	json_array_foreach(rows, r, row) {
		cli_put_row(out, c, n, row, indent);
	}
	mem_free(c);
	return 0;
}
