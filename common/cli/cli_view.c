/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_view - tree part; tables are in cli_table.c.
 */
#include "common/cli/cli_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/cli_table.h"
#include "common/mem.h"

#define CLI_DEPTH_MAX 12 /* deeper parts are printed as JSON */
#define CLI_KEY_MAX 28   /* keys longer than this do not widen the column */
#define CLI_CELL_BYTES 64

struct cli_view {
	FILE *out;
	bool colour;
};

static int cli_view_object(const struct cli_view *v, const json_t *object, int depth);

/* ---------------------------------------------------------------- values */

static bool cli_view_is_scalar(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static bool cli_view_all_scalar(const json_t *array)
{
	size_t i;
	const json_t *item;

	json_array_foreach(array, i, item) {
		if (!cli_view_is_scalar(item))
			return false;
	}
	return true;
}

static void cli_view_indent(const struct cli_view *v, int depth)
{
	fprintf(v->out, "%*s", depth * 2, "");
}

static void cli_view_scalar(const struct cli_view *v, const json_t *value)
{
	char buf[CLI_CELL_BYTES];

	cli_table_escaped(v->out, cli_table_cell(value, buf, sizeof(buf)));
}

static void cli_view_list(const struct cli_view *v, const json_t *array)
{
	size_t i;
	const json_t *item;

	if (json_array_size(array) == 0)
		fputs("-", v->out);
	json_array_foreach(array, i, item) {
		if (i)
			fputs(", ", v->out);
		cli_view_scalar(v, item);
	}
}

static void cli_view_compact(const struct cli_view *v, const json_t *value, int depth)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	cli_view_indent(v, depth);
	fputs(text ? text : "?", v->out);
	fputc('\n', v->out);
	free(text);
}

/* ---------------------------------------------------------------- text and tables */

/* Lines as they are; only what could steer a terminal is escaped. */
static void cli_view_lines(const struct cli_view *v, const char *text, int depth)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');
		size_t len = (size_t)(end - text);
		/* SDP and SIP lines end with CR LF. */
		char *line = strndup(text, len && text[len - 1] == '\r' ? len - 1 : len);

		cli_view_indent(v, depth);
		cli_table_escaped(v->out, line ? line : "?");
		fputc('\n', v->out);
		free(line);
		text = *end ? end + 1 : end;
	}
}

static void cli_view_text_member(const struct cli_view *v, const json_t *value, int depth)
{
	size_t i;
	const json_t *item;

	if (json_is_string(value))
		cli_view_lines(v, json_string_value(value), depth);
	json_array_foreach(value, i, item) {
		const char *line = json_string_value(item);

		if (line && *line)
			cli_view_lines(v, line, depth);
		else
			fputc('\n', v->out);
	}
}

static bool cli_view_is_text(const char *key, const json_t *value)
{
	size_t i;
	const json_t *item;

	if (strcmp(key, "text") != 0)
		return false;
	json_array_foreach(value, i, item) {
		if (!json_is_string(item))
			return false;
	}
	return json_is_string(value) || json_is_array(value);
}

static bool cli_view_is_table(const json_t *value)
{
	return json_is_array(json_object_get(value, "columns")) &&
	       json_is_array(json_object_get(value, "rows"));
}

/* Objects with the same keys, all scalar: worth a table of their own. */
static bool cli_view_is_uniform(const json_t *array)
{
	const json_t *first = json_array_get(array, 0), *item;
	size_t i;

	if (!json_is_object(first) || json_object_size(first) == 0)
		return false;
	json_array_foreach(array, i, item) {
		const char *key;
		json_t *value;

		if (!json_is_object(item) || json_object_size(item) != json_object_size(first))
			return false;
		json_object_foreach((json_t *)item, key, value) {
			if (!json_object_get(first, key) ||
			    (!cli_view_is_scalar(value) &&
			     !(json_is_array(value) && cli_view_all_scalar(value))))
				return false;
		}
	}
	return true;
}

static int cli_view_table(const struct cli_view *v, const json_t *columns, const json_t *rows,
			  int depth)
{
	return cli_table_print(v->out, columns, rows, depth * 2, v->colour);
}

static int cli_view_uniform(const struct cli_view *v, const json_t *array, int depth)
{
	json_t *columns = json_array(), *first = json_array_get(array, 0), *value;
	const char *key;
	int err;

	json_object_foreach(first, key, value) {
		json_array_append_new(columns, json_string(key));
	}
	err = columns ? cli_view_table(v, columns, array, depth) : -ENOMEM;
	json_decref(columns);
	return err;
}

/* ---------------------------------------------------------------- tree */

static int cli_view_array(const struct cli_view *v, const json_t *array, int depth)
{
	size_t i;
	const json_t *item;
	int err = 0;

	if (cli_view_is_uniform(array))
		return cli_view_uniform(v, array, depth);
	json_array_foreach(array, i, item) {
		cli_view_indent(v, depth);
		fputs("- ", v->out);
		if (json_is_object(item) && depth < CLI_DEPTH_MAX) {
			fputc('\n', v->out);
			err = cli_view_object(v, item, depth + 1);
		} else if (json_is_array(item)) {
			if (cli_view_all_scalar(item)) {
				cli_view_list(v, item);
				fputc('\n', v->out);
			} else {
				cli_view_compact(v, item, 0);
			}
		} else if (json_is_object(item)) {
			cli_view_compact(v, item, 0);
		} else {
			cli_view_scalar(v, item);
			fputc('\n', v->out);
		}
		if (err)
			break;
	}
	return err;
}

static void cli_view_key(const struct cli_view *v, const char *key, int depth)
{
	cli_view_indent(v, depth);
	if (v->colour)
		fputs("\033[1m", v->out);
	cli_table_escaped(v->out, key);
	if (v->colour)
		fputs("\033[0m", v->out);
	fputc(':', v->out);
}

/* Stands on the line of its key. */
static bool cli_view_is_inline(const json_t *value)
{
	if (json_is_string(value))
		return !strchr(json_string_value(value), '\n');
	return json_is_array(value) ? cli_view_all_scalar(value) : !json_is_object(value);
}

static int cli_view_member(const struct cli_view *v, const char *key, const json_t *value,
			   int depth, int width)
{
	if (cli_view_is_text(key, value)) {
		cli_view_text_member(v, value, depth);
		return 0;
	}
	cli_view_key(v, key, depth);
	if (cli_view_is_inline(value)) {
		fprintf(v->out, "%*s", cli_table_pad(key, width) + 1, "");
		if (json_is_array(value))
			cli_view_list(v, value);
		else
			cli_view_scalar(v, value);
		fputc('\n', v->out);
		return 0;
	}
	fputc('\n', v->out);
	if (json_is_string(value))
		cli_view_lines(v, json_string_value(value), depth + 1);
	else if (depth >= CLI_DEPTH_MAX)
		cli_view_compact(v, value, depth + 1);
	else if (json_is_array(value))
		return cli_view_array(v, value, depth + 1);
	else
		return cli_view_object(v, value, depth + 1);
	return 0;
}

/* Values of one object stand in one column. */
static int cli_view_key_width(const json_t *object)
{
	bool table = cli_view_is_table(object);
	int width = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		int w = cli_table_width(key);

		if (table && (strcmp(key, "columns") == 0 || strcmp(key, "rows") == 0))
			continue;
		if (cli_view_is_inline(value) && !cli_view_is_text(key, value) && w > width &&
		    w <= CLI_KEY_MAX)
			width = w;
	}
	return width;
}

static int cli_view_object(const struct cli_view *v, const json_t *object, int depth)
{
	bool table = cli_view_is_table(object);
	int err = 0, width = cli_view_key_width(object);
	const char *key;
	json_t *value;

	if (table)
		err = cli_view_table(v, json_object_get(object, "columns"),
				     json_object_get(object, "rows"), depth);
	json_object_foreach((json_t *)object, key, value) {
		if (err)
			break;
		if (table && (strcmp(key, "columns") == 0 || strcmp(key, "rows") == 0))
			continue;
		err = cli_view_member(v, key, value, depth, width);
	}
	return err;
}

int cli_view_print(FILE *out, const json_t *data, bool colour)
{
	const struct cli_view v = {.out = out, .colour = colour};

	if (!data || json_is_null(data))
		return 0;
	if (json_is_object(data))
		return cli_view_object(&v, data, 0);
	if (json_is_array(data))
		return cli_view_array(&v, data, 0);
	cli_view_scalar(&v, data);
	fputc('\n', out);
	return 0;
}

int cli_view_json(FILE *out, const json_t *reply)
{
	if (json_dumpf(reply, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF)
		return -EIO;
	return 0;
}

void cli_view_text(FILE *out, const char *text)
{
	cli_table_escaped(out, text);
}
