/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_main - seeds, processes, summary: sim [--seed N [--trace]] [--seeds FROM-TO] [--minutes N] [--jobs N]
 *
 * Each process takes its share of the seeds; one that finds a breach tells it and ends, and another one goes on behind
 * it, so that a run tells all seeds that fail (up to a number). Exit status 1 = there was one.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/table.h"
#include "sbe/sip/wire_out.h"
#include "tests/sim/sim.h"

#define JOBS_MAX 64
#define BREACHES_MAX 20
#define SEED_SECONDS_MAX 60U /* a seed takes milliseconds; one that hangs is a breach */

struct job {
	uint64_t next;      /* seed to be begun, or running */
	bool running, done; /* running: next is under way */
};

static struct {
	uint64_t from, to;
	unsigned jobs;
	uint64_t until_s; /* 0 = no limit */
} run = {0, 999, 1, 0};

static unsigned long random_calls;
static pid_t pids[JOBS_MAX];
static struct job *jobs; /* shared */
static uint64_t *rows;

/* ---- for all parts */

static uint64_t next_random(unsigned which)
{
	uint64_t z = sim.random[which] += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

unsigned sim_pick(unsigned n)
{
	return n ? (unsigned)(next_random(0) % n) : 0;
}

bool sim_chance(unsigned percent)
{
	return percent && sim_pick(100) < percent;
}

uint32_t sim_between(uint32_t from, uint32_t to)
{
	return from + sim_pick(to - from + 1);
}

/* Tokens, hash keys and shuffles of what is tested: by seed, in place of the kernel's. */
ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
	uint8_t *at = buffer;

	(void)flags;
	random_calls++;
	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)next_random(1);
	return (ssize_t)length;
}

void sim_trace(const char *format, ...)
{
	va_list ap;

	if (!sim.trace)
		return;
	printf("%9.3f ", (double)(clock_now_ms() - 1000000) / 1000);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
}

void sim_trace_message(const char *from, const char *to, const char *text, const char *why)
{
	static int whole = -1;
	const char *cseq;

	if (!sim.trace)
		return;
	if (whole < 0)
		whole = getenv("SIM_WHOLE") != NULL;
	cseq = strstr(text, "\r\nCSeq: ");
	sim_trace("%-16s -> %-16s %.*s  [%.*s]%s%s", from, to, (int)strcspn(text, "\r\n"), text,
		  cseq ? (int)strcspn(cseq + 8, "\r\n") : 0, cseq ? cseq + 8 : "",
		  why[0] ? "  " : "", why);
	if (whole)
		printf("%s\n", text);
}

void sim_breach(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "BREACH seed %" PRIu64 " at %.3f s: ", sim.seed,
		(double)(clock_now_ms() - 1000000) / 1000);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\n  again with: sim --seed %" PRIu64 " --trace\n", sim.seed);
	fflush(stderr);
	_exit(1);
}

/* ---- one process */

static uint64_t real_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

/* What is drawn once in a process must be the same whichever seed is the first. */
static void warm_up(void)
{
	struct table *t;

	sim.random[0] = sim.random[1] = 1;
	if (!table_new(0, &t)) {
		struct table_entry e = {0};

		table_add(t, &e, "x", 1, &e);
		table_remove(&e);
		table_free(t);
	}
}

/* A pool of random bytes is kept between messages; it begins anew with the seed. */
void sim_random_begin(uint64_t seed)
{
	unsigned long calls = random_calls;
	char token[8];

	sim.random[0] = seed * 0x9e3779b97f4a7c15ULL + 1;
	sim.random[1] = ~sim.random[0];
	while (calls == random_calls)
		wire_random_token(token, sizeof(token), 8);
}

static void run_one(uint64_t seed)
{
	alarm(SEED_SECONDS_MAX);
	sim_world_run(seed);
	alarm(0);
}

static void work(unsigned j)
{
	struct job *job = &jobs[j];

	sim_cover = rows + (size_t)j * SIM_COVER_COUNT;
	warm_up();
	if (sim.trace && getenv("SIM_LOG"))
		log_start("sim");
	for (; job->next <= run.to; job->next += run.jobs) {
		if (run.until_s && real_s() >= run.until_s)
			break;
		job->running = true;
		run_one(job->next);
		job->running = false;
	}
	job->done = true;
	fflush(stdout);
	_exit(0);
}

/* ---- all of them */

static void start(unsigned j)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid)
		work(j);
	pids[j] = pid;
}

/* @return breaches. */
static unsigned supervise(void)
{
	unsigned breaches = 0, alive = run.jobs;
	int status;
	pid_t pid;

	while (alive && (pid = wait(&status)) > 0) {
		unsigned j = 0;

		while (j < run.jobs && pids[j] != pid)
			j++;
		if (j == run.jobs)
			continue;
		if (jobs[j].done) {
			alive--;
			continue;
		}
		breaches++;
		if (WIFSIGNALED(status))
			fprintf(stderr, "BREACH seed %" PRIu64 ": %s\n", jobs[j].next,
				WTERMSIG(status) == SIGALRM ? "hangs"
							    : strsignal(WTERMSIG(status)));
		else if (WEXITSTATUS(status) != 1)
			fprintf(stderr, "BREACH seed %" PRIu64 ": exit status %d\n", jobs[j].next,
				WEXITSTATUS(status));
		jobs[j].next += run.jobs;
		jobs[j].running = false;
		if (breaches < BREACHES_MAX && jobs[j].next <= run.to)
			start(j);
		else
			alive--;
	}
	return breaches;
}

static void *shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: sim [--seed N [--trace]] [--seeds FROM-TO] [--minutes N] [--jobs N]\n");
	exit(2);
}

static void read_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--trace")) {
			sim.trace = true;
			continue;
		}
		if (!value)
			usage();
		i++;
		if (!strcmp(argv[i - 1], "--seed") && sscanf(value, "%" SCNu64, &run.from) == 1)
			run.to = run.from;
		else if (!strcmp(argv[i - 1], "--minutes"))
			run.until_s = real_s() + (uint64_t)(atof(value) * 60),
			run.to = UINT64_MAX / 2;
		else if (!strcmp(argv[i - 1], "--jobs") && atoi(value) > 0 &&
			 atoi(value) <= JOBS_MAX)
			run.jobs = (unsigned)atoi(value);
		else if (strcmp(argv[i - 1], "--seeds") ||
			 sscanf(value, "%" SCNu64 "-%" SCNu64, &run.from, &run.to) != 2 ||
			 run.to < run.from)
			usage();
	}
}

int main(int argc, char **argv)
{
	uint64_t started_s = real_s(), seeds = 0;
	unsigned breaches;
	bool good;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_level(NULL, getenv("SIM_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	read_arguments(argc, argv);
	if (run.to - run.from + 1 < run.jobs)
		run.jobs = (unsigned)(run.to - run.from + 1);
	jobs = shared(sizeof(*jobs) * JOBS_MAX);
	rows = shared(sizeof(*rows) * JOBS_MAX * SIM_COVER_COUNT);
	for (unsigned j = 0; j < run.jobs; j++) {
		jobs[j].next = run.from + j;
		start(j);
	}
	breaches = supervise();
	for (unsigned j = 0; j < run.jobs; j++)
		seeds += rows[j * SIM_COVER_COUNT + COVER_SEEDS];
	good = sim_cover_print(rows, run.jobs, seeds >= SIM_COVER_SEEDS && !breaches);
	printf("%" PRIu64 " seeds from %" PRIu64 ", %u breaches, %" PRIu64 " s\n", seeds, run.from,
	       breaches, real_s() - started_s);
	return breaches || !good;
}
