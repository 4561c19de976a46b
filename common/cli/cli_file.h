/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_file - commands whose last word is a file: the daemon gets its content, for it may not read the operator's files.
 *
 * Owner: the caller frees the content when the request is made. Thread: main.
 */
#ifndef COMMON_CLI_CLI_FILE_H
#define COMMON_CLI_CLI_FILE_H

#include "common/cli/cli_options.h"

#define CLI_FILE_MAX_BYTES 49152U /* a request has 64 KiB, and line ends count twice there */

/**
 * Put a file's content in the place of its name, if the command takes one; "-" is standard input.
 * @param ret_content mem_free it after the request is made; NULL = there was no file.
 * @return 0, -EINVAL with a sentence in ret_why.
 */
int cli_file_take(struct cli_options *o, char **ret_content, char ret_why[CLI_WHY_BYTES]);

#endif
