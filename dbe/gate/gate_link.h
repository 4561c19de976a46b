/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_link - one controller address: dial, register, serve, and dial again.
 *
 * Sans-I/O: the connection is reached through struct gate_link_io (gate_uv.c in the daemon).
 * waiting -> dialling -> registering -> associated -> waiting ... and stopped.
 * Owner: the server. Thread: the loop.
 */
#ifndef DBE_GATE_GATE_LINK_H
#define DBE_GATE_GATE_LINK_H

#include "common/fsm.h"
#include "dbe/gate/gate_notify.h"
#include "dbe/gate/gate_server.h"

#define GATE_LINK_RETRY_MS 100U /* first retry; doubled, with jitter, up to the maximum */
#define GATE_LINK_RETRY_MAX_MS 5000U
#define GATE_LINK_REGISTER_MS 5000U
#define GATE_LINK_REDIRECTS_MAX 5

enum gate_link_state {
	GATE_LINK_WAITING,
	GATE_LINK_DIALLING,
	GATE_LINK_REGISTERING,
	GATE_LINK_ASSOCIATED,
	GATE_LINK_STOPPED,
};

struct gate_link;

struct gate_link_io {
	void *arg;
	/* Start to connect: gate_link_opened or gate_link_closed follows, never from inside. @return 0 or -errno */
	int (*dial)(void *arg, struct gate_link *l, const struct addr *to, void **ret_conn);
	void (*send)(void *conn, const uint8_t *bytes, size_t len_bytes);
	/* No call comes for this connection any more. flush: after what is queued was sent. */
	void (*close)(void *conn, bool flush);
	bool (*has_name)(void *conn,
			 const char *name); /* the certificate carries it; plain: true */
};

struct gate_controller;

struct gate_link {
	struct gate_server *server;
	struct fsm fsm;
	struct addr address; /* as configured */
	struct addr target;  /* as redirected */
	int redirects;
	void *conn;
	struct gate_exchange *exchange;
	struct gate_notify *notify;
	struct timer timer;
	uint32_t retry_ms;
	struct gate_controller
		*controller; /* the last one associated here, until its hold time is over */
	uint64_t since_ms;   /* of the state */
};

int gate_link_init(struct gate_link *l, struct gate_server *s, const struct addr *address,
		   const struct gate_exchange_options *o);
void gate_link_destroy(struct gate_link *l);

void gate_link_start(struct gate_link *l, uint32_t delay_ms);
/** Say good-bye if associated, hang up. */
void gate_link_stop(struct gate_link *l);

/* From the adapter */
void gate_link_opened(struct gate_link *l);
void gate_link_closed(struct gate_link *l, int err);
/** A frame without its head. @return 0, -EPROTO: hang up (gate_link_closed). */
int gate_link_frame(struct gate_link *l, const uint8_t *frame, size_t len_bytes);

/** ServiceChange to the controller, if there is one: Graceful 905, Restart 918, Forced 905. */
void gate_link_change(struct gate_link *l, int method, int reason);

#endif
