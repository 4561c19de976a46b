/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_quality - the table of figures, the parts of the window, and what is agreed about them.
 */
#include "sbe/peer/peer_quality.h"

#include <string.h>

#include "sbe/peer/peer.h"

METRIC_TABLE(peer_quality_metrics, PEER_QUALITY_METRICS)

#define COUNT(c) (1U << QUALITY_##c)
#define NO_MEAN QUALITY_MEANS

/* Ratios: the counts of `of` for a hundred requests; means: of which delay. */
const struct peer_figure_row peer_figure_rows[PEER_FIGURES] = {
	[FIGURE_SER] = {"ser", "%", "calls that were answered; 3xx left out (RFC 6076 4.6)", true},
	[FIGURE_SEER] =
		{"seer", "%",
		 "calls answered or refused by the user: 200, 480, 486, 600, 603; 3xx left out "
		 "(RFC 6076 4.7)",
		 true},
	[FIGURE_ISA] = {"isa", "%", "calls lost in the network: 408, 500, 503, 504 (RFC 6076 4.8)",
			false},
	[FIGURE_SCR] = {"scr", "%",
			"calls that were answered and ended by an answered BYE (RFC 6076 4.9)",
			true},
	[FIGURE_ASR] = {"asr", "%", "calls that were answered, of all", true},
	[FIGURE_NER] = {"ner", "%",
			"calls that reached the user: answered, refused by him, or it rang", true},
	[FIGURE_SRD] = {"srd", "ms",
			"INVITE to the first sign of life, of answered calls (RFC 6076 4.3.1)",
			false},
	[FIGURE_SRD_FAILED] =
		{"srd_failed", "ms",
		 "INVITE to the first sign of life or refusal, of failed calls (RFC 6076 4.3.2)",
		 false},
	[FIGURE_PDD] = {"pdd", "ms", "INVITE to ringing or answer", false},
	[FIGURE_SDD] = {"sdd", "ms", "BYE to its answer (RFC 6076 4.4)", false},
	[FIGURE_SDT] = {"sdt", "s", "answer to BYE, of sessions ended well (RFC 6076 4.5.1)", true},
	[FIGURE_SDT_FAILED] =
		{"sdt_failed", "s",
		 "answer to the end of waiting, of sessions whose BYE was not answered "
		 "(RFC 6076 4.5.2)",
		 true},
	[FIGURE_ACD] = {"acd", "s", "how long an answered call lasts", true},
};

static const struct {
	uint32_t counts;        /* numerator of a ratio */
	bool without_redirects; /* they are not in its denominator */
	uint8_t mean;           /* enum peer_quality_mean_id, NO_MEAN = a ratio */
	uint16_t per;           /* milliseconds in its unit */
} rules[PEER_FIGURES] = {
	[FIGURE_SER] = {COUNT(ANSWERED), true, NO_MEAN, 0},
	[FIGURE_SEER] = {COUNT(ANSWERED) | COUNT(EFFECTIVE), true, NO_MEAN, 0},
	[FIGURE_ISA] = {COUNT(INEFFECTIVE), false, NO_MEAN, 0},
	[FIGURE_SCR] = {COUNT(COMPLETED), false, NO_MEAN, 0},
	[FIGURE_ASR] = {COUNT(ANSWERED), false, NO_MEAN, 0},
	[FIGURE_NER] = {COUNT(ANSWERED) | COUNT(DELIVERED), false, NO_MEAN, 0},
	[FIGURE_SRD] = {0, false, QUALITY_SRD, 1},
	[FIGURE_SRD_FAILED] = {0, false, QUALITY_SRD_FAILED, 1},
	[FIGURE_PDD] = {0, false, QUALITY_PDD, 1},
	[FIGURE_SDD] = {0, false, QUALITY_SDD, 1},
	[FIGURE_SDT] = {0, false, QUALITY_SDT, 1000},
	[FIGURE_SDT_FAILED] = {0, false, QUALITY_SDT_FAILED, 1000},
	[FIGURE_ACD] = {0, false, QUALITY_TALK, 1000},
};

/* ---- configuration: "perf" */

static const char *const judge_words[] = {"out", "in", "both", NULL}; /* as enum peer_judge */

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_perf_conf, member)
#define PERCENT(figure, name, words)                                                               \
	{                                                                                          \
		FIELD(targets[figure], name), .type = CONF_UINT, .max = 100, .def = "0",           \
					      .text = words                                        \
	}
#define LIMIT(figure, name, most, words)                                                           \
	{                                                                                          \
		FIELD(targets[figure], name), .type = CONF_UINT, .max = most, .def = "0",          \
					      .text = words                                        \
	}

const struct conf_field peer_perf_fields[] = {
	{FIELD(window_s, "window_s"), .type = CONF_UINT, .min = 10, .max = 86400, .def = "900",
	 .text = "Figures are of the calls of the last so many seconds."},
	{FIELD(min_calls, "min_calls"), .type = CONF_UINT, .min = 1, .max = 1000000, .def = "20",
	 .text = "Fewer calls than this are no figure to judge or to route by."},
	{FIELD(judge, "judge"), .type = CONF_ENUM, .words = judge_words, .def = "out",
	 .text = "Which calls the targets are for: those we send to the peer, those it sends to us, or both."},
	{FIELD(report, "report"), .type = CONF_BOOL, .def = "true",
	 .text = "Its figures stand in /metrics (of 200 peers at most)."},
	PERCENT(FIGURE_SER, "ser_target",
		"Session establishment ratio (RFC 6076) shall be at least so many percent; 0 = no target."),
	PERCENT(FIGURE_SEER, "seer_target",
		"Session establishment effectiveness ratio shall be at least so many percent; 0 = no target."),
	PERCENT(FIGURE_ISA, "isa_target",
		"Ineffective session attempts shall be at most so many percent; 0 = no target."),
	PERCENT(FIGURE_SCR, "scr_target",
		"Session completion ratio shall be at least so many percent; 0 = no target."),
	PERCENT(FIGURE_ASR, "asr_target",
		"Answer seizure ratio shall be at least so many percent; 0 = no target."),
	PERCENT(FIGURE_NER, "ner_target",
		"Network effectiveness ratio shall be at least so many percent; 0 = no target."),
	LIMIT(FIGURE_SRD, "srd_target_ms", 600000,
	      "Session request delay of answered calls shall be at most this on average; 0 = no target."),
	LIMIT(FIGURE_PDD, "pdd_target_ms", 600000,
	      "Post dial delay shall be at most this on average; 0 = no target."),
	LIMIT(FIGURE_SDD, "sdd_target_ms", 600000,
	      "Session disconnect delay shall be at most this on average; 0 = no target."),
	LIMIT(FIGURE_ACD, "acd_target_s", 86400,
	      "Average call duration shall be at least this; 0 = no target."),
	CONF_END,
};

/* ---- the window */

/* Forget what is older than the window. */
static void roll(struct peer_quality *q, uint64_t now_ms)
{
	uint64_t part = q->part_ms ? now_ms / q->part_ms : 0;
	uint64_t gone = part - q->part;

	if (part <= q->part)
		return;
	if (gone > PEER_QUALITY_PARTS)
		gone = PEER_QUALITY_PARTS;
	for (uint64_t i = 0; i < gone; i++) {
		size_t at = (size_t)((part - i) % PEER_QUALITY_PARTS);

		for (int d = 0; d < 2; d++)
			q->ways[d].parts[at] = (struct peer_quality_sums){.counts = {0}};
	}
	q->part = part;
}

void peer_quality_window(struct peer *p, uint64_t now_ms)
{
	struct peer_quality *q = &p->state->quality;
	uint32_t part_ms = p->conf->perf.window_s * 1000 / PEER_QUALITY_PARTS;

	if (q->part_ms == part_ms) {
		roll(q, now_ms);
		return;
	}
	q->part_ms = part_ms;
	q->part = part_ms ? now_ms / part_ms : 0;
	for (int d = 0; d < 2; d++)
		memset(q->ways[d].parts, 0, sizeof(q->ways[d].parts));
}

/* Where to note now: in all, and in the present part. */
struct noting {
	struct peer_quality_sums *to[2];
};

static struct noting noting(struct peer *p, enum peer_direction d, uint64_t now_ms)
{
	struct peer_quality *q = &p->state->quality;

	roll(q, now_ms);
	return (struct noting){{&q->ways[d].all, &q->ways[d].parts[q->part % PEER_QUALITY_PARTS]}};
}

static void count(const struct noting *n, enum peer_quality_count c)
{
	n->to[0]->counts[c]++;
	n->to[1]->counts[c]++;
}

static void measure(const struct noting *n, enum peer_quality_mean_id id, uint64_t ms)
{
	for (int i = 0; i < 2; i++) {
		struct peer_quality_mean *m = &n->to[i]->means[id];

		m->n++;
		m->sum_ms += ms;
		if (ms > m->max_ms)
			m->max_ms = ms;
	}
}

/* The user's own word: RFC 6076 4.7. */
static bool is_effective(int status)
{
	return status == 480 || status == 486 || status == 600 || status == 603;
}

static bool is_ineffective(int status)
{
	return status == 408 || status == 500 || status == 503 || status == 504;
}

/* A question for credentials is no failure (RFC 6076 4.3.2). */
static bool is_challenge(int status)
{
	return status == 401 || status == 402 || status == 407;
}

void peer_quality_outcome(struct peer *p, enum peer_direction d, const struct peer_outcome *o,
			  uint64_t now_ms)
{
	struct noting n = noting(p, d, now_ms);
	bool answered = o->status >= 200 && o->status < 300;

	count(&n, QUALITY_REQUESTS);
	if (answered) {
		count(&n, QUALITY_ANSWERED);
	} else if (o->status >= 300 && o->status < 400) {
		count(&n, QUALITY_REDIRECTED);
	} else {
		if (is_effective(o->status))
			count(&n, QUALITY_EFFECTIVE);
		if (is_ineffective(o->status))
			count(&n, QUALITY_INEFFECTIVE);
		if (o->rang || is_effective(o->status))
			count(&n, QUALITY_DELIVERED);
		if (o->heard && !is_challenge(o->status))
			measure(&n, QUALITY_SRD_FAILED, o->first_ms);
	}
	if (answered && o->heard)
		measure(&n, QUALITY_SRD, o->first_ms);
	if (o->heard && (answered || o->rang))
		measure(&n, QUALITY_PDD, o->first_ms);
}

void peer_quality_ended(struct peer *p, enum peer_direction d, const struct peer_ending *e,
			uint64_t now_ms)
{
	struct noting n = noting(p, d, now_ms);

	count(&n, e->completed ? QUALITY_COMPLETED : QUALITY_BROKEN);
	measure(&n, QUALITY_TALK, e->talk_ms);
	if (e->completed)
		measure(&n, QUALITY_SDT, e->talk_ms);
	else
		measure(&n, QUALITY_SDT_FAILED, e->talk_ms + e->bye_ms);
	if (e->asked)
		measure(&n, QUALITY_SDD, e->bye_ms);
}

/* ---- figures */

void peer_quality_sum(struct peer *p, enum peer_direction d, uint64_t now_ms,
		      struct peer_quality_sums *ret_sums)
{
	struct peer_quality *q = &p->state->quality;
	struct peer_quality_sums s = {.counts = {0}};

	roll(q, now_ms);
	for (size_t i = 0; i < PEER_QUALITY_PARTS; i++) {
		const struct peer_quality_sums *part = &q->ways[d].parts[i];

		for (size_t c = 0; c < QUALITY_COUNTS; c++)
			s.counts[c] += part->counts[c];
		for (size_t m = 0; m < QUALITY_MEANS; m++) {
			s.means[m].n += part->means[m].n;
			s.means[m].sum_ms += part->means[m].sum_ms;
			if (part->means[m].max_ms > s.means[m].max_ms)
				s.means[m].max_ms = part->means[m].max_ms;
		}
	}
	*ret_sums = s;
}

bool peer_quality_figure(const struct peer_quality_sums *s, enum peer_figure f, double *ret_value,
			 uint64_t *ret_n)
{
	const struct peer_quality_mean *m;
	uint64_t n, of = 0;

	if (rules[f].mean == NO_MEAN) {
		n = s->counts[QUALITY_REQUESTS];
		if (rules[f].without_redirects)
			n -= s->counts[QUALITY_REDIRECTED];
		for (int c = 0; c < QUALITY_COUNTS; c++)
			of += rules[f].counts >> c & 1 ? s->counts[c] : 0;
	} else {
		m = &s->means[rules[f].mean];
		n = m->n;
		of = m->sum_ms;
	}
	*ret_n = n;
	if (!n)
		return false;
	*ret_value = rules[f].mean == NO_MEAN ? 100.0 * (double)of / (double)n
					      : (double)of / (double)n / rules[f].per;
	return true;
}

bool peer_quality_get(struct peer *p, enum peer_direction d, enum peer_figure f, uint64_t now_ms,
		      double *ret_value)
{
	struct peer_quality_sums s;
	uint64_t n;
	double value;

	peer_quality_sum(p, d, now_ms, &s);
	if (!peer_quality_figure(&s, f, &value, &n) || n < p->conf->perf.min_calls)
		return false;
	*ret_value = value;
	return true;
}

/* ---- targets */

static bool judged(const struct peer_perf_conf *c, enum peer_direction d)
{
	return c->judge == PEER_JUDGE_BOTH ||
	       c->judge == (d == PEER_IN ? PEER_JUDGE_IN : PEER_JUDGE_OUT);
}

/* With too few calls to judge by a target stays as it is: silence neither raises nor clears an alarm. */
static void judge_one(struct peer *p, enum peer_direction d, enum peer_figure f,
		      const struct peer_quality_sums *s, peer_judge_h *fn, void *arg)
{
	const struct peer_perf_conf *c = &p->conf->perf;
	uint32_t *missed = &p->state->quality.ways[d].missed, bit = 1U << f;
	bool was = *missed & bit, is;
	double value = 0;
	uint64_t n;

	if (!c->targets[f] || !judged(c, d)) {
		*missed &= ~bit;
		return;
	}
	if (!peer_quality_figure(s, f, &value, &n) || n < c->min_calls)
		return;
	is = peer_figure_rows[f].higher ? value < c->targets[f] : value > c->targets[f];
	*missed = is ? *missed | bit : *missed & ~bit;
	if (is != was && fn)
		fn(arg, p, d, f, value, is);
}

unsigned peer_quality_judge(struct peer *p, uint64_t now_ms, peer_judge_h *fn, void *arg)
{
	struct peer_quality_sums s;
	unsigned n = 0;

	for (int d = 0; d < 2; d++) {
		peer_quality_sum(p, (enum peer_direction)d, now_ms, &s);
		for (int f = 0; f < PEER_FIGURES; f++)
			judge_one(p, (enum peer_direction)d, (enum peer_figure)f, &s, fn, arg);
		n += (unsigned)__builtin_popcount(p->state->quality.ways[d].missed);
	}
	return n;
}

const char *peer_quality_count_name(enum peer_quality_count c)
{
#define QUALITY_NAME(id, word) [id] = word,
	static const char *const names[QUALITY_COUNTS] = {PEER_QUALITY_COUNTS(QUALITY_NAME)};

	return (unsigned)c < QUALITY_COUNTS ? names[c] : "";
}
