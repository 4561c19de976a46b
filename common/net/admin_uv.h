/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_uv - serves an admin command table on a unix socket: capped clients, one line in, one line out,
 * idle and oversized clients closed. A client's next line waits until the one before is answered. Owner: caller. Thread: that of the loop.
 */
#ifndef COMMON_NET_ADMIN_UV_H
#define COMMON_NET_ADMIN_UV_H

#include <uv.h>

#include "common/admin.h"

struct admin_uv;

/** @return 0 or -errno (-EADDRINUSE: another daemon answers there). Directories are made if the parent exists. */
int admin_uv_listen(uv_loop_t *loop, const char *path, struct admin *table,
		    struct admin_uv **ret_server);
/** Idle deadline of clients that come from now on; 30 s if never set. */
void admin_uv_set_idle_ms(struct admin_uv *s, uint32_t idle_ms);
/** Deadline of answers that come later (admin_defer), for clients from now on; 2 s if never set. */
void admin_uv_set_answer_ms(struct admin_uv *s, uint32_t answer_ms);
/** Closes and removes the socket file. @return NULL */
struct admin_uv *admin_uv_close(struct admin_uv *s);

#endif
