/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_uv - the server's connections on common/net/stream: dial, frames in, bytes out.
 * Owner: the server. Thread: the loop.
 */
#ifndef DBE_GATE_GATE_UV_H
#define DBE_GATE_GATE_UV_H

#include "dbe/gate/gate_link.h"

struct gate_uv;

int gate_uv_new(uv_loop_t *loop, struct tls_context *tls, struct timer_wheel *wheel,
		struct gate_link_io *ret_io, struct gate_uv **ret_uv);
/** All its connections have been closed through the io. */
void gate_uv_free(struct gate_uv *u);

#endif
