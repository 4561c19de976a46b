/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_connect - one question to a daemon over its unix socket, with one deadline for all of it.
 *
 * Blocks: the CLI has nothing else to do. Owner of the answer: caller. Thread: main.
 */
#ifndef COMMON_CLI_CLI_CONNECT_H
#define COMMON_CLI_CLI_CONNECT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli/cli_options.h"

#define CLI_TIMEOUT_MS 5000
#define CLI_REPLY_MAX_BYTES (64U * 1024 * 1024)

/**
 * Send a line, read a line, parse it.
 * @return 0 and a JSON object; -ETIMEDOUT, -ECONNRESET (closed without an answer), -EPROTO (answer is no JSON object or
 * too long), -ENOMEM or the socket's error (-ENOENT, -ECONNREFUSED, -EACCES); ret_why says it in words.
 */
int cli_connect_ask(const char *path, const char *line, size_t len_bytes, uint32_t timeout_ms,
		    json_t **ret_reply, char ret_why[CLI_WHY_BYTES]);

#endif
