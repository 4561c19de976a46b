/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_preview - what would become of a message, line by line, and which rule did it; nothing is sent.
 *
 * The functions are those of a call; a trace tells what they do.
 * Owner: nothing is kept. Thread: loop.
 */
#ifndef SBE_POLICY_POLICY_PREVIEW_H
#define SBE_POLICY_POLICY_PREVIEW_H

#include <jansson.h>

#include "sbe/policy/policy.h"

/**
 * @param way   from whom to whom; its trace is not used.
 * @param text  a SIP message; line ends may be LF alone, Content-Length may be absent.
 * @param ret_table columns "", line, why (common/admin.h); the first is "-", "+" or " ". Also "refused" when the message
 *              would be answered instead of passed on: {"status","cause","text"}.
 * @param ret_why static text for -EBADMSG. @return 0, -EBADMSG (no message the sbe would take), -E2BIG, -ENOMEM.
 */
int policy_preview(const struct policy_way *way, const char *text, size_t len_bytes,
		   json_t **ret_table, const char **ret_why);

#endif
