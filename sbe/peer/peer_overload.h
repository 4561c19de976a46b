/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_overload - what is agreed with a peer on overload, and what its servers have asked us for (RFC 7339, S10).
 *
 * Feedback is kept for each address of the peer that we send to: how large a part of new calls to leave out, until
 * when, and the number it carried, which must rise. A server that does not answer at all is left in peace but
 * for a call now and then that tries it.
 * Owner: embedded in struct peer_conf and peer_state. Thread: loop.
 */
#ifndef SBE_PEER_PEER_OVERLOAD_H
#define SBE_PEER_PEER_OVERLOAD_H

#include "common/addr.h"
#include "common/conf.h"
#include "common/metric.h"
#include "sbe/sip/wire_oc.h"

#define PEER_CONTROLS_MAX 8      /* addresses of a peer; the oldest gives way */
#define PEER_SILENT_AFTER 3      /* requests in a row without any answer */
#define PEER_SILENT_TRY_MS 2000U /* then one call in so long tries again */

#define PEER_OVERLOAD_METRICS(X)                                                                   \
	X(PEER_OC_TAKEN, COUNTER, "sbe_overload_feedback_total{result=\"taken\"}",                 \
	  "overload feedback in responses of peers, by what became of it")                         \
	X(PEER_OC_OLD, COUNTER, "sbe_overload_feedback_total{result=\"old\"}",                     \
	  "overload feedback in responses of peers, by what became of it")                         \
	X(PEER_OC_BAD, COUNTER, "sbe_overload_feedback_total{result=\"bad\"}",                     \
	  "overload feedback in responses of peers, by what became of it")                         \
	X(PEER_OC_STRANGE, COUNTER, "sbe_overload_feedback_total{result=\"not_agreed\"}",          \
	  "overload feedback in responses of peers, by what became of it")                         \
	X(PEER_OC_LEFT_OUT, COUNTER, "sbe_overload_left_out_total",                                \
	  "attempts not made because the next hop asked for less, or does not answer")
METRIC_ENUM(peer_overload_metrics, PEER_OVERLOAD_METRICS)

struct peer_overload_conf {
	bool consent;                /* both sides use RFC 7339 */
	bool priority;               /* its Resource-Priority is believed */
	struct conf_list algorithms; /* const char *; only "loss" */
	uint32_t retry_after_s;      /* in a 503 of a limit or of overload; 0 = none */
	uint32_t retry_after_max_s;  /* their Retry-After is obeyed so long at most */
};
extern const struct conf_field peer_overload_fields[];
/** For the table: algorithms has what we know, and loss when there is consent. */
int peer_overload_check(struct conf_reader *r, void *object);

/* What one server has asked for. */
struct peer_control {
	struct addr server;
	uint32_t percent;
	uint64_t seq, taken_ms, until_ms; /* until_ms 0 = nothing is asked */
	uint32_t silent;                  /* timeouts in a row */
	uint64_t try_ms;                  /* when a silent one may be tried again */
};
struct peer_controls {
	struct peer_control servers[PEER_CONTROLS_MAX];
};

/** Feedback came from server. Not to be called without consent. @return true if it was taken. */
bool peer_control_take(struct peer_controls *c, const struct addr *server, const struct wire_oc *oc,
		       uint64_t now_ms);
/** A request to server was answered (with anything), or ran into its timeout. */
void peer_control_answered(struct peer_controls *c, const struct addr *server);
void peer_control_timed_out(struct peer_controls *c, const struct addr *server, uint64_t now_ms);
/** Shall this new call be left out? @param random of 0..99, uniform. */
bool peer_control_leave_out(struct peer_controls *c, const struct addr *server, uint32_t random,
			    uint64_t now_ms);
/** What is asked now, 0..100. */
uint32_t peer_control_percent(const struct peer_controls *c, const struct addr *server,
			      uint64_t now_ms);

#endif
