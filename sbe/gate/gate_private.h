/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_private - pool, dbe and context as the files of this folder share them.
 *
 * A pool has its dbes from the start, by name; a dbe has its association (exchange) and the contexts
 * open on it; a context belongs to the call and, while a Subtract is under way, to us.
 * Thread: the loop.
 */
#ifndef SBE_GATE_GATE_PRIVATE_H
#define SBE_GATE_GATE_PRIVATE_H

#include <sys/queue.h>

#include "common/table.h"
#include "proto/exchange.h"
#include "sbe/gate/gate_pool.h"

#define GATE_DBES_MAX 64U /* a bit each in gate_opening.tried */
#define GATE_POOL_REALMS_MAX 256U
#define GATE_LABEL_BYTES 48
#define GATE_NO_REALM 0xffffU

/* How the pool reaches a connection: gate_uv.c in the daemon, a pipe in tests. */
struct gate_dbe_io {
	void (*send)(void *conn, const uint8_t *bytes, size_t len_bytes);
	void (*close)(void *conn, bool flush); /* no call for it comes any more */
	bool (*has_name)(void *conn, const char *name);
	void (*send_later)(void *conn, const uint8_t *bytes, size_t len_bytes); /* NULL: send */
};

enum gate_context_state {
	GATE_CONTEXT_OPENING,
	GATE_CONTEXT_FAILED, /* open has failed: only gate_close is left */
	GATE_CONTEXT_OPEN,
	GATE_CONTEXT_LOST, /* its association is lost, or the audit after it is not over */
	GATE_CONTEXT_GONE,
	GATE_CONTEXT_CLOSING, /* the call has let go of it */
};

struct gate_opening;
struct gate_op;
LIST_HEAD(gate_op_list, gate_op);

struct gate_context {
	struct table_entry entry;       /* in dbe->contexts by id */
	TAILQ_ENTRY(gate_context) link; /* dbe->list, or dbe->gone */
	struct gate_pool *pool;
	struct gate_dbe *dbe; /* NULL before it is chosen */
	struct gate_opening *opening;
	struct gate_op_list ops;
	gate_trouble_h *trouble;
	void *trouble_arg;
	gate_final_h *final_fn; /* from gate_close on */
	void *final_arg;
	struct timer later; /* the final callback, when there is nothing to wait for */
	int later_err;
	uint32_t transaction; /* of the Subtract */
	uint64_t opened_ms;
	uint32_t id;
	uint32_t audit; /* number of the last audit that saw it */
	uint8_t state;  /* enum gate_context_state */
	uint8_t nstreams;
	bool in_gone, in_ending;
	uint8_t mode[2];                 /* of the first stream, for lists */
	uint16_t realm[2];               /* index in pool->realms */
	struct addr local[2], remote[2]; /* of the first stream, for lists */
	char termination[2][GATE_NAME_BYTES];
	char label[GATE_LABEL_BYTES];
};
TAILQ_HEAD(gate_context_list, gate_context);
_Static_assert(sizeof(struct gate_context) <= 600, "held once per call");

/* A request of a context under way */
struct gate_op {
	LIST_ENTRY(gate_op) link;
	struct gate_context *context;
	uint32_t transaction;
	gate_reply_h *reply_fn; /* modify */
	gate_final_h *final_fn; /* audit */
	void *arg;
	uint64_t sent_us;
};

struct gate_realm_state {
	uint16_t name; /* index in pool->realms */
	bool ipv4, ipv6, up;
	uint32_t ports_total, ports_free; /* free: as told, less what we opened since */
};

enum gate_dbe_health { GATE_DBE_LOST, GATE_DBE_UP, GATE_DBE_TRIPPED };

TAILQ_HEAD(gate_opening_list, gate_opening);
struct gate_dbe {
	struct gate_pool *pool;
	unsigned index;
	char name[GATE_NAME_BYTES];
	char address[ADDR_TEXT_BYTES];
	struct gate_exchange *exchange;
	void *conn; /* NULL = none */

	bool drained;  /* by our operator */
	bool draining; /* by its own */
	enum gate_dbe_health health;
	uint64_t since_ms;
	bool known; /* its epoch counts: associated, or its contexts are still held */

	/* the breaker: see gate_breaker.c */
	unsigned timeouts, slow;
	uint32_t trip_ms;
	bool probation;
	struct timer trip;

	struct gate_realm_state realms[GATE_REALMS_MAX];
	size_t nrealms;
	struct gate_media_range ranges[GATE_RANGES_MAX]; /* realm: index in realms */
	size_t nranges;
	uint32_t contexts_max, load_percent;

	struct table *contexts;
	struct gate_context_list list, gone;
	size_t ncontexts; /* open or lost, without those closing */
	struct gate_opening_list openings;
	size_t nopenings;

	struct timer hold, poll, gone_timer, audit_retry;
	unsigned polls;
	uint32_t audit; /* number of the running or last audit */
	uint32_t audit_transaction;
	bool auditing;
};

struct gate_uv;
struct gate_pool {
	char node[GATE_NAME_BYTES];
	uint64_t epoch;
	struct timer_wheel *wheel;
	uint32_t request_ms, open_ms, hold_ms;
	uint64_t random;
	size_t ndbes;
	struct gate_dbe *dbes[GATE_DBES_MAX];
	size_t nrealms;
	char realms[GATE_POOL_REALMS_MAX][GATE_NAME_BYTES];
	struct gate_dbe_io io;
	struct gate_message scratch; /* first message of a connection, refusals */
	struct gate_uv *uv;
	struct gate_context_list ending; /* let go of, on no dbe, their final callback is due */
};

/* gate_pool.c */
/** Index of a realm's name, added if it is new. @return GATE_NO_REALM when there are too many. */
uint16_t gate_pool_realm(struct gate_pool *p, const char *name);
const char *gate_pool_realm_name(const struct gate_pool *p, uint16_t realm);
struct gate_dbe *gate_pool_find(const struct gate_pool *p, const char *name);
void gate_pool_count(struct gate_pool *p); /* gauges */
/**
 * The first frame of a connection: must be a ServiceChange of a dbe that may join.
 * @return 0 with the dbe that has conn now; -EPROTO, -EACCES, -ESTALE: close it flushed (an answer may be in it).
 */
int gate_pool_join(struct gate_pool *p, const uint8_t *frame, size_t len_bytes, void *conn,
		   const char *address, struct gate_dbe **ret_dbe);

/* gate_pick.c */
struct gate_wish {
	uint16_t realm[2];
	uint8_t family[2];
	size_t nstreams;
	bool emergency;
	uint64_t tried; /* bits of dbes not to take */
};
/** @return 0, -ENOSYS, -ENODEV, -ENOSPC as for gate_open. */
int gate_pick(struct gate_pool *p, const struct gate_wish *w, struct gate_dbe **ret_dbe);
struct gate_realm_state *gate_dbe_realm(struct gate_dbe *d, uint16_t realm);
bool gate_dbe_in_service(const struct gate_dbe *d);

/* gate_dbe.c */
int gate_dbe_new(struct gate_pool *p, const char *name, uint32_t heartbeat_ms,
		 struct gate_dbe **ret_dbe);
void gate_dbe_free(struct gate_dbe *d);
/** The connection is gone, or is to go (then it is closed). */
void gate_dbe_lost(struct gate_dbe *d, int err);
/** Send the exchange's composed message. @return as gate_exchange_request. */
int gate_dbe_request(struct gate_dbe *d, const struct gate_message *m, uint32_t deadline_ms,
		     gate_exchange_h *fn, void *arg, uint32_t *ret_transaction);
/** Subtract a context nobody here knows. */
void gate_dbe_subtract(struct gate_dbe *d, uint32_t context);
void gate_dbe_realms(struct gate_dbe *d, const struct gate_service_change *c);

/* gate_breaker.c */
void gate_breaker_answer(struct gate_dbe *d, uint64_t took_us);
void gate_breaker_timeout(struct gate_dbe *d);
void gate_breaker_reset(struct gate_dbe *d);

/* gate_audit.c */
void gate_audit_start(struct gate_dbe *d);
void gate_audit_stop(struct gate_dbe *d);
/** This context, or all of a dbe, exist no more: calls are told in slices. */
void gate_audit_gone(struct gate_context *c);
void gate_audit_all_gone(struct gate_dbe *d);

/* gate_context.c */
/** Enter it in its dbe's books. @return 0, -ENOMEM. */
int gate_context_attach(struct gate_context *c, struct gate_dbe *d,
			const struct gate_action *reply);
/** Take it out of its dbe's books. */
void gate_context_detach(struct gate_context *c);
void gate_context_trouble(struct gate_context *c, enum gate_trouble what, int side,
			  const struct gate_event *e);
/** The call has let go of it and its last answer has come: free it, then the final callback. */
void gate_context_end(struct gate_context *c, int err, const struct gate_action *reply);
/** A slice of gate_audit_all_gone has reached it. */
void gate_context_gone(struct gate_context *c);
/** Results of Subtract or AuditValue, by termination. */
void gate_context_results(const struct gate_context *c, const struct gate_action *reply,
			  struct gate_final *ret_final);

/* gate_change.c */
/** First refusal in a reply. @return 0: none. */
uint16_t gate_refusal(const struct gate_message *reply, const char **ret_text);
/** An action that says so, in the pool's scratch. */
const struct gate_action *gate_refusal_action(struct gate_pool *p, int type, uint16_t code,
					      const char *text);
void gate_change_drop(struct gate_context *c);

/* gate_open.c */
/** Openings on a dbe that is lost go on elsewhere. */
void gate_open_elsewhere(struct gate_dbe *d);
void gate_open_cancel(struct gate_opening *o);

#endif
