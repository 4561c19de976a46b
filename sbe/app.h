/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app - the sbe put together: loop, sockets, transactions, gates, calls, admin. The one file that knows all.
 *
 * Owner: main. Thread: the loop.
 */
#ifndef SBE_APP_H
#define SBE_APP_H

#include "sbe/conf/sbe_conf.h"

struct app;

/** Build everything from a snapshot (taken over on success). @return 0, or -errno after a log line that says what failed. */
int app_new(const char *conf_path, struct sbe_snapshot *snapshot, struct app **ret_app);

/** Run until SIGTERM or SIGINT was handled. @return 0 after an orderly stop. */
int app_run(struct app *a);

void app_free(struct app *a);

#endif
