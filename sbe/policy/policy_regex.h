/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_regex - regular expressions that take a time linear in the text, whatever stands in either.
 *
 * All ways through the expression are followed side by side, so nothing is tried twice and no expression can be
 * made slow by a peer's text. Syntax: literals, . [a-z] [^a-z] \d \w \s, ( ) with groups 1 to 9, | * + ? {n} {n,m}
 * {n,}, ^ and $. The leftmost match is taken; repetition takes as much as it can.
 * Owner: counted (mem_unref). Immutable. Thread: any.
 */
#ifndef SBE_POLICY_POLICY_REGEX_H
#define SBE_POLICY_POLICY_REGEX_H

#include <stdbool.h>

#include "sbe/sip/wire.h"

#define POLICY_REGEX_GROUPS 10            /* 0 is the whole match */
#define POLICY_REGEX_TEXT_MAX_BYTES 1024U /* what stands behind is not looked at */

struct policy_regex;

/** @param ret_why static text. @return 0, -EINVAL, -E2BIG (the expression is too large), -ENOMEM. */
int policy_regex_new(const char *text, bool any_case, struct policy_regex **ret_regex,
		     const char **ret_why);
/** Number of groups, without 0. */
unsigned policy_regex_groups(const struct policy_regex *r);
/**
 * @param groups slices of t, POLICY_REGEX_GROUPS of them (s NULL: did not take part); may be NULL.
 * @param budget steps that may still be taken, counted down; NULL = as many as it takes.
 * @return 1 match, 0 none, -EAGAIN the budget is used up.
 */
int policy_regex_match(const struct policy_regex *r, struct wire_text t, struct wire_text *groups,
		       unsigned *budget);

#endif
