/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_rule - texts with places to fill in, as rules write them, and globs.
 *
 * Owner: nothing. Thread: loop.
 */
#ifndef SBE_POLICY_POLICY_RULE_H
#define SBE_POLICY_POLICY_RULE_H

#include "sbe/policy/policy_private.h"

/**
 * Check "sip:{caller}@{domain};x={1}": names in {} are known, groups exist.
 * @param groups of the pattern. @param ret_quotes text of the message gets into it ({value}, {1}..).
 * @return 0, -EINVAL with a sentence.
 */
int policy_template_check(const char *value, unsigned groups, const char **ret_why,
			  bool *ret_quotes);
/**
 * Fill it in. @param groups 0 is {value}; NULL = none. @param buf POLICY_VALUE_MAX_BYTES.
 * @return 0, -E2BIG, -EINVAL (it would be no header value).
 */
int policy_template_fill(const struct policy_scene *s, const char *value,
			 const struct wire_text *groups, char *buf, size_t *ret_bytes);

/** * and ?; takes at most text times pattern steps. */
bool policy_glob(const char *pattern, struct wire_text t, bool any_case);

#endif
