/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of RFC 6076 on a fixed trace, worked out by hand; the window; targets (S17, issue 4 point 6). */
#include <string.h>

#include "common/clock.h"
#include "tests/unit/sbe/peer/peer_bed.h"

#define T0_MS 900000000U /* a multiple of all parts used here */

static struct peer_set *set;
static struct peer *p;

static void up(const char *perf)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{'peers':{'bnet':{'realm':'peering','sources':['198.51.100.20'],'perf':{%s}}}}",
		 perf);
	clock_fake(T0_MS * 1000ULL, 0);
	set = bed_set(text, NULL);
	p = peer_find_name(set, "bnet");
}

static int teardown(void **state)
{
	(void)state;
	peer_set_free(set);
	set = NULL;
	clock_real();
	return 0;
}

/* One line of the trace. */
struct line {
	int status;
	int first_ms; /* -1: nothing came */
	bool rang;
	int talk_ms, bye_ms; /* of those answered; bye_ms -1: the peer hung up */
	bool broken;
};

static void play(enum peer_direction d, const struct line *l, uint64_t now_ms)
{
	struct peer_outcome o = {l->status, l->first_ms >= 0, l->rang,
				 l->first_ms >= 0 ? (uint64_t)l->first_ms : 0};
	struct peer_ending e = {!l->broken, l->bye_ms >= 0, (uint64_t)l->talk_ms,
				l->bye_ms >= 0 ? (uint64_t)l->bye_ms : 0};

	peer_quality_outcome(p, d, &o, now_ms);
	if (l->status == 200)
		peer_quality_ended(p, d, &e, now_ms);
}

static const struct line trace[] = {
	{200, 500, true, 60000, 40, false},   /* we hung up: 2xx after 40 ms */
	{200, 200, false, 120000, -1, false}, /* answered at once; the peer hung up */
	{200, 300, true, 30000, 32000, true}, /* our BYE ran into its timer */
	{486, 400, true, 0, 0, false},        {480, 1000, false, 0, 0, false},
	{600, 100, false, 0, 0, false},       {603, 100, false, 0, 0, false},
	{302, 50, false, 0, 0, false},        {302, 70, false, 0, 0, false},
	{408, -1, false, 0, 0, false}, /* no response at all */
	{500, 20, false, 0, 0, false},        {503, 30, false, 0, 0, false},
	{504, 2000, false, 0, 0, false},      {404, 80, false, 0, 0, false},
	{487, 600, true, 0, 0, false},        {401, 10, false, 0, 0, false},
};
#define LINES (sizeof(trace) / sizeof(trace[0]))

static void is(const struct peer_quality_sums *s, enum peer_figure f, double expected, uint64_t of)
{
	double value = -1;
	uint64_t n = 0;

	assert_true(peer_quality_figure(s, f, &value, &n));
	if (value < expected - 0.005 || value > expected + 0.005)
		fail_msg("%s is %f, not %f", peer_figure_rows[f].name, value, expected);
	assert_int_equal(n, of);
}

static void all_figures(const struct peer_quality_sums *s)
{
	/* 16 INVITEs, 2 of them 3xx */
	is(s, FIGURE_SER, 100.0 * 3 / 14, 14);
	is(s, FIGURE_SEER, 100.0 * 7 / 14, 14); /* 3 x 200, 480, 486, 600, 603 */
	is(s, FIGURE_ISA, 100.0 * 4 / 16, 16);  /* 408, 500, 503, 504 */
	is(s, FIGURE_SCR, 100.0 * 2 / 16, 16);
	is(s, FIGURE_ASR, 100.0 * 3 / 16, 16);
	is(s, FIGURE_NER, 100.0 * 8 / 16, 16); /* 3 answered, 486, 480, 600, 603, 487 that rang */
	is(s, FIGURE_SRD, 1000.0 / 3, 3);
	/* 400 1000 100 100 20 30 2000 80 600: no 3xx, no challenge, nothing where nothing came */
	is(s, FIGURE_SRD_FAILED, 4330.0 / 9, 9);
	is(s, FIGURE_PDD, (500.0 + 200 + 300 + 400 + 600) / 5, 5);
	is(s, FIGURE_SDD, (40.0 + 32000) / 2, 2);
	is(s, FIGURE_SDT, 90, 2);
	is(s, FIGURE_SDT_FAILED, 62, 1);
	is(s, FIGURE_ACD, 70, 3);
}

static void trace_by_hand(void **state)
{
	struct peer_quality_sums s;

	(void)state;
	up("");
	for (size_t i = 0; i < LINES; i++)
		play(PEER_OUT, &trace[i], T0_MS);
	peer_quality_sum(p, PEER_OUT, T0_MS, &s);
	all_figures(&s);
	all_figures(&p->state->quality.ways[PEER_OUT].all);
	assert_int_equal(s.means[QUALITY_SRD_FAILED].max_ms, 2000);
	peer_quality_sum(p, PEER_IN, T0_MS, &s); /* directions are apart */
	assert_int_equal(s.counts[QUALITY_REQUESTS], 0);
}

static void no_calls_no_figure(void **state)
{
	struct peer_quality_sums s;
	double value = 4711;
	uint64_t n = 1;

	(void)state;
	up("");
	peer_quality_sum(p, PEER_IN, T0_MS, &s);
	for (int f = 0; f < PEER_FIGURES; f++) {
		assert_false(peer_quality_figure(&s, (enum peer_figure)f, &value, &n));
		assert_int_equal(n, 0);
	}
	/* redirects alone are no denominator of SER, but requests of ISA */
	play(PEER_IN, &trace[7], T0_MS);
	peer_quality_sum(p, PEER_IN, T0_MS, &s);
	assert_false(peer_quality_figure(&s, FIGURE_SER, &value, &n));
	assert_true(value == 4711);
	is(&s, FIGURE_ISA, 0, 1);
}

/* 100 s are ten parts of 10 s: a call is forgotten after 90 to 100 s. */
static void window_slides(void **state)
{
	struct peer_quality_sums s;

	(void)state;
	up("'window_s':100");
	play(PEER_OUT, &trace[3], T0_MS + 9999);
	play(PEER_OUT, &trace[10], T0_MS + 50000);
	peer_quality_sum(p, PEER_OUT, T0_MS + 99999, &s);
	assert_int_equal(s.counts[QUALITY_REQUESTS], 2);
	peer_quality_sum(p, PEER_OUT, T0_MS + 100000, &s);
	assert_int_equal(s.counts[QUALITY_REQUESTS], 1);
	is(&s, FIGURE_ISA, 100, 1);
	peer_quality_sum(p, PEER_OUT, T0_MS + 150000, &s);
	assert_int_equal(s.counts[QUALITY_REQUESTS], 0);
	play(PEER_OUT, &trace[3], T0_MS + 900000); /* after a long silence */
	peer_quality_sum(p, PEER_OUT, T0_MS + 900000, &s);
	assert_int_equal(s.counts[QUALITY_REQUESTS], 1);
	assert_int_equal(p->state->quality.ways[PEER_OUT].all.counts[QUALITY_REQUESTS], 3);
}

static struct told {
	unsigned n;
	enum peer_direction d;
	enum peer_figure f;
	double value;
	bool missed;
} told;

static void tell(void *arg, struct peer *of, enum peer_direction d, enum peer_figure f,
		 double value, bool missed)
{
	assert_ptr_equal(of, p);
	assert_null(arg);
	told = (struct told){told.n + 1, d, f, value, missed};
}

static void expect(unsigned now_missed, uint64_t at_ms, unsigned told_before)
{
	assert_int_equal(peer_quality_judge(p, at_ms, tell, NULL), now_missed);
	assert_int_equal(told.n, told_before);
}

static void targets(void **state)
{
	double value = 0;

	(void)state;
	up("'window_s':100,'min_calls':4,'asr_target':60,'srd_target_ms':350");
	told = (struct told){.n = 0};
	for (int i = 0; i < 3; i++)
		play(PEER_OUT, &trace[10], T0_MS);
	expect(0, T0_MS, 0); /* three calls are too few to judge */
	assert_false(peer_quality_get(p, PEER_OUT, FIGURE_ASR, T0_MS, &value));
	play(PEER_OUT, &trace[2], T0_MS);
	expect(1, T0_MS, 1);
	assert_true(told.d == PEER_OUT && told.f == FIGURE_ASR && told.missed && told.value == 25);
	assert_true(peer_quality_get(p, PEER_OUT, FIGURE_ASR, T0_MS, &value) && value == 25);
	expect(1, T0_MS + 1000, 1); /* said once */
	for (int i = 0; i < 4; i++) {
		play(PEER_OUT, &trace[0], T0_MS + 1000);
		play(PEER_IN, &trace[10], T0_MS + 1000); /* not judged */
	}
	/* 5 of 8 answered; their mean delay (300 + 4 x 500) / 5 = 460 ms of 5 calls */
	expect(1, T0_MS + 2000, 3);
	assert_true(told.d == PEER_OUT && told.f == FIGURE_SRD && told.missed);
	expect(1, T0_MS + 200000, 3); /* silence clears nothing */
	for (int i = 0; i < 4; i++)
		play(PEER_OUT, &trace[2], T0_MS + 200000);
	expect(0, T0_MS + 200000, 4);
	assert_true(told.f == FIGURE_SRD && !told.missed && told.value == 300);
}

static void judged_both_ways(void **state)
{
	(void)state;
	up("'min_calls':1,'judge':'both','isa_target':10");
	told = (struct told){.n = 0};
	play(PEER_IN, &trace[10], T0_MS);
	play(PEER_OUT, &trace[10], T0_MS);
	expect(2, T0_MS, 2);
}

/* Figures outlive a reload; a window of another length begins anew, what is of the start stays. */
static void reload(void **state)
{
	struct peer_set *next;
	struct peer_quality_sums s;

	(void)state;
	up("'window_s':100");
	play(PEER_OUT, &trace[0], T0_MS);
	next = bed_set("{'peers':{'bnet':{'realm':'peering','sources':['198.51.100.20'],"
		       "'perf':{'window_s':200}}}}",
		       set);
	peer_set_free(set);
	set = next;
	p = peer_find_name(set, "bnet");
	peer_quality_sum(p, PEER_OUT, T0_MS, &s);
	assert_int_equal(s.counts[QUALITY_ANSWERED], 1);
	peer_quality_window(p, T0_MS);
	peer_quality_sum(p, PEER_OUT, T0_MS, &s);
	assert_int_equal(s.counts[QUALITY_ANSWERED], 0);
	assert_int_equal(p->state->quality.ways[PEER_OUT].all.counts[QUALITY_ANSWERED], 1);
}

static void refused_by_a_limit(void **state)
{
	struct peer_quality_sums s;

	(void)state;
	up("");
	peer_count_refused(p, PEER_LIMIT_OVERLOAD);
	peer_quality_sum(p, PEER_IN, T0_MS, &s);
	is(&s, FIGURE_ISA, 100, 1);
	is(&s, FIGURE_SER, 0, 1);
}

static void refused_keys(void **state)
{
	static const char *const bad[] = {"'ser_target':101", "'window_s':9", "'isa':1",
					  "'judge':'all'"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "{'peers':{'bnet':{'realm':'p','sources':['192.0.2.1'],'perf':{%s}}}}",
			 bad[i]);
		assert_null(bed_conf(text));
		assert_non_null(strstr(bed_error.text, "perf"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(trace_by_hand, teardown),
		cmocka_unit_test_teardown(no_calls_no_figure, teardown),
		cmocka_unit_test_teardown(window_slides, teardown),
		cmocka_unit_test_teardown(targets, teardown),
		cmocka_unit_test_teardown(judged_both_ways, teardown),
		cmocka_unit_test_teardown(reload, teardown),
		cmocka_unit_test_teardown(refused_by_a_limit, teardown),
		cmocka_unit_test(refused_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
