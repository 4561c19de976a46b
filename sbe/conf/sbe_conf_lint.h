/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf_lint - what a configuration may say but better would not: warnings, never errors.
 *
 * Owner: nothing. Thread: any one.
 */
#ifndef SBE_CONF_SBE_CONF_LINT_H
#define SBE_CONF_SBE_CONF_LINT_H

#include "sbe/conf/sbe_conf.h"

/** @param text "FILE:LINE: path: what, and what would be better", good during the call. */
typedef void(sbe_conf_warn_h)(void *arg, const char *text);
/** @return how many there were. */
size_t sbe_conf_lint(const struct sbe_snapshot *s, sbe_conf_warn_h *fn, void *arg);

#endif
