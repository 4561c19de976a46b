/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_table - aligned columns, and how one value looks in a cell.
 *
 * Widths are counted in characters of UTF-8. Numbers stand right, the rest left; the last column is
 * not padded. Owner: nothing is kept. Thread: main.
 */
#ifndef COMMON_CLI_CLI_TABLE_H
#define COMMON_CLI_CLI_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/**
 * @param columns array of names. @param rows array of arrays in that order, or of objects with these keys; missing
 * cells are empty, surplus ones are dropped. @return 0, -ENOMEM.
 */
int cli_table_print(FILE *out, const json_t *columns, const json_t *rows, int indent, bool colour);

/** A scalar as text: "-" for null, "yes" and "no"; strings are borrowed, the rest is in buf. */
const char *cli_table_cell(const json_t *value, char *buf, size_t size_bytes);

/** Write text with what could steer a terminal escaped as \\xNN or \\u{NNNN}. @return columns written. */
int cli_table_escaped(FILE *out, const char *text);

/** Columns that text will take. */
int cli_table_width(const char *text);
/** Blanks to add to text so that it is as wide as width; 0 if it is wider. */
int cli_table_pad(const char *text, int width);

#endif
