/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_quality - how calls with a peer fare, by RFC 6076 and as telephone networks count it (S17), per direction.
 *
 * Each call is noted when its outcome is known and once more when it has ended; a note is a few additions. Figures
 * are of a sliding window, kept as parts that are forgotten one after the other, and of all calls since the start.
 * What is agreed ("perf") says what the figures shall be; who misses it is logged, counted and shown.
 * Owner: embedded in struct peer_state, so it lasts through reloads. Thread: loop.
 */
#ifndef SBE_PEER_PEER_QUALITY_H
#define SBE_PEER_PEER_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/metric.h"
#include "sbe/peer/peer_limit.h"

#define PEER_QUALITY_PARTS 10 /* of the window */

#define PEER_QUALITY_METRICS(X)                                                                    \
	X(PEER_QUALITY_MISSED, GAUGE, "sbe_peer_targets_missed",                                   \
	  "quality targets of peers (perf) that are missed now")
METRIC_ENUM(peer_quality_metrics, PEER_QUALITY_METRICS)

/* What is counted: id, word for people and exporters. */
#define PEER_QUALITY_COUNTS(X)                                                                     \
	X(QUALITY_REQUESTS, "requests")         /* INVITEs that have their outcome */              \
	X(QUALITY_ANSWERED, "answered")         /* 2xx */                                          \
	X(QUALITY_REDIRECTED, "redirected")     /* 3xx */                                          \
	X(QUALITY_EFFECTIVE, "refused_by_user") /* 480, 486, 600, 603 */                           \
	X(QUALITY_INEFFECTIVE, "ineffective")   /* 408, 500, 503, 504 */                           \
	X(QUALITY_DELIVERED, "delivered") /* not answered, but it rang or was the user's word */   \
	X(QUALITY_COMPLETED, "completed") /* ended by a BYE that was answered */                   \
	X(QUALITY_BROKEN, "broken")       /* its BYE had no 2xx */
#define PEER_QUALITY_COUNT_(id, word) id,
enum peer_quality_count { PEER_QUALITY_COUNTS(PEER_QUALITY_COUNT_) QUALITY_COUNTS };

enum peer_quality_mean_id {
	QUALITY_SRD,        /* INVITE to the first response but 100, of those answered */
	QUALITY_SRD_FAILED, /* of those that failed */
	QUALITY_SDD,        /* BYE to its 2xx, or to giving up */
	QUALITY_SDT,        /* 2xx to BYE */
	QUALITY_SDT_FAILED, /* 2xx to giving up the BYE */
	QUALITY_TALK,       /* all that were answered */
	QUALITY_PDD,        /* INVITE to ringing or answer */
	QUALITY_MEANS
};

enum peer_figure {
	FIGURE_SER,
	FIGURE_SEER,
	FIGURE_ISA,
	FIGURE_SCR,
	FIGURE_ASR,
	FIGURE_NER,
	FIGURE_SRD,
	FIGURE_SRD_FAILED,
	FIGURE_PDD,
	FIGURE_SDD,
	FIGURE_SDT,
	FIGURE_SDT_FAILED,
	FIGURE_ACD,
	PEER_FIGURES
};
struct peer_figure_row {
	const char *name; /* "ser" */
	const char *unit; /* "%", "ms", "s" */
	const char *text; /* what it is, one line */
	bool higher;      /* a higher one is better */
};
extern const struct peer_figure_row peer_figure_rows[PEER_FIGURES];

struct peer_quality_mean {
	uint64_t n, sum_ms, max_ms;
};
struct peer_quality_sums {
	uint64_t counts[QUALITY_COUNTS];
	struct peer_quality_mean means[QUALITY_MEANS];
};
struct peer_quality_way {
	struct peer_quality_sums all, parts[PEER_QUALITY_PARTS];
	uint32_t missed; /* bit per enum peer_figure: its target is missed */
};
struct peer_quality {
	uint64_t part;    /* number of the present part since the clock's beginning */
	uint32_t part_ms; /* 0 = no window yet */
	struct peer_quality_way ways[2]; /* by enum peer_direction */
};

enum peer_judge { PEER_JUDGE_OUT, PEER_JUDGE_IN, PEER_JUDGE_BOTH };
struct peer_perf_conf {
	uint32_t window_s, min_calls;
	int judge;                      /* enum peer_judge: which calls the targets are for */
	bool report;                    /* its figures stand in /metrics */
	uint32_t targets[PEER_FIGURES]; /* in the figure's unit; 0 = none */
};
extern const struct conf_field peer_perf_fields[];

/* How an INVITE ended. */
struct peer_outcome {
	int status; /* final response, or the one that stands for its absence (408, 503) */
	bool heard; /* a response other than 100 came (or was given): after first_ms */
	bool rang;  /* that was a provisional one */
	uint64_t first_ms;
};
/* How a session ended that was answered. */
struct peer_ending {
	bool completed;   /* its BYE came, or got a 2xx */
	bool asked;       /* the BYE was sent by us: bye_ms is known */
	uint64_t talk_ms; /* from the answer to the BYE */
	uint64_t bye_ms;  /* from the BYE to its end */
};

struct peer;
/** The window is that of this configuration from now on; another length forgets what was in it. */
void peer_quality_window(struct peer *p, uint64_t now_ms);
void peer_quality_outcome(struct peer *p, enum peer_direction d, const struct peer_outcome *o,
			  uint64_t now_ms);
void peer_quality_ended(struct peer *p, enum peer_direction d, const struct peer_ending *e,
			uint64_t now_ms);

/** Sum of the window's parts. */
void peer_quality_sum(struct peer *p, enum peer_direction d, uint64_t now_ms,
		      struct peer_quality_sums *ret_sums);
/**
 * A figure of such sums: percent, milliseconds or seconds as its row says. ret_n: how many calls it is made of.
 * @return false: there is none, as no call counts for it.
 */
bool peer_quality_figure(const struct peer_quality_sums *s, enum peer_figure f, double *ret_value,
			 uint64_t *ret_n);
/** The same of the window, for those who choose by it: false also if it is of fewer calls than perf.min_calls. */
bool peer_quality_get(struct peer *p, enum peer_direction d, enum peer_figure f, uint64_t now_ms,
		      double *ret_value);
/** Compare with the targets; calls fn for each that is missed since now, or met again. @return how many are missed. */
typedef void(peer_judge_h)(void *arg, struct peer *p, enum peer_direction d, enum peer_figure f,
			   double value, bool missed);
unsigned peer_quality_judge(struct peer *p, uint64_t now_ms, peer_judge_h *fn, void *arg);
const char *peer_quality_count_name(enum peer_quality_count c);

#endif
