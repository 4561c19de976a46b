/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app - the dbe put together: loop, timers, pools, data plane, contexts, gate control, operators' access.
 *
 * Owner: main. Thread: one; only the metrics server has a thread of its own, and it reads atomics.
 */
#ifndef DBE_APP_H
#define DBE_APP_H

#include "dbe/conf/dbe_conf.h"

struct dbe_app;

/**
 * Build everything and listen.
 * @param conf_path read again on SIGHUP.  @param conf  taken over, also on failure.
 * @param err says what failed.  @return 0, -EINVAL (the configuration asks for what cannot be: exit code 2),
 *        other -errno.
 */
int dbe_app_new(const char *conf_path, struct dbe_conf *conf, struct dbe_app **ret_app,
		struct conf_error *err);
/** Run until SIGTERM or SIGINT, then stop in order. @return 0. */
int dbe_app_run(struct dbe_app *a);
void dbe_app_free(struct dbe_app *a);

/** Check what a configuration names beyond its own text: realms, certificate files. @return as dbe_app_new. */
int dbe_app_check(const struct dbe_conf *conf, struct conf_error *err);

#endif
