/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_view - prints a daemon's answer for people, without knowing the command.
 *
 * {"columns","rows"} becomes a table, an object a tree of "key: value", an array of objects with the
 * same keys a table, a member "text" lines as they are. Strings may come from peers, so control
 * characters and those that turn the reading direction are escaped (reliability A29).
 * Owner: nothing is kept. Thread: main.
 */
#ifndef COMMON_CLI_CLI_VIEW_H
#define COMMON_CLI_CLI_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/** @param colour bold heads and keys (terminal only). NULL and null print nothing. @return 0, -ENOMEM. */
int cli_view_print(FILE *out, const json_t *data, bool colour);

/** The whole answer, indented, members in the daemon's order. @return 0, -EIO. */
int cli_view_json(FILE *out, const json_t *reply);

/** Text from a daemon on one line, escaped (errors on stderr). */
void cli_view_text(FILE *out, const char *text);

#endif
