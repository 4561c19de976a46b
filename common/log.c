/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - levels, call site limits, and the writer thread.
 *
 * log_write makes the whole line on the caller's stack, puts it into the ring and wakes the writer.
 * Only the writer ever waits for stderr, in pieces of PIPE_BUF bytes, which neither tear nor block
 * once poll has said that there is room. Before log_start (tests, usage errors) lines go straight
 * to stderr.
 */
#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log_ring.h"
#include "common/log_text.h"

#define LOG_SUBSYSTEMS 32
#define LOG_NAME_BYTES 32
#define LOG_STOP_WAIT_MS 2000 /* for a stderr that nobody reads */
#define LOG_POLL_MS 100

static const char *const log_names[] = {"error", "warn", "notice", "info", "debug"};

/* Subsystems with a level of their own. A name is written once, before the count that shows it. */
static struct {
	char name[LOG_NAME_BYTES];
	atomic_int level;
} log_subsystems[LOG_SUBSYSTEMS];
static atomic_uint log_nsubsystems;
static atomic_int log_level_rest = LOG_LEVEL_INFO;
static atomic_int log_level_most = LOG_LEVEL_INFO; /* no subsystem logs more than this */
static pthread_mutex_t log_level_lock = PTHREAD_MUTEX_INITIALIZER;

static atomic_bool log_running, log_stopping, log_journal;
static char log_program[LOG_NAME_BYTES];
static pthread_t log_thread;
static sem_t log_wake;
static _Atomic uint64_t log_lost;       /* the ring was full */
static _Atomic uint64_t log_suppressed; /* a call site was over its limit */

/* ---- levels */

const char *log_level_name(enum log_level level)
{
	return level >= LOG_LEVEL_ERROR && level <= LOG_LEVEL_DEBUG ? log_names[level] : "?";
}

int log_level_parse(const char *text, enum log_level *ret_level)
{
	for (int i = 0; text && i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(text, log_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* @return index, or the number of known subsystems. */
static unsigned log_find(const char *subsystem)
{
	unsigned n = atomic_load_explicit(&log_nsubsystems, memory_order_acquire), i;

	for (i = 0; i < n; i++) {
		if (strcmp(log_subsystems[i].name, subsystem) == 0)
			break;
	}
	return i;
}

bool log_enabled(const char *subsystem, enum log_level level)
{
	unsigned n, i;

	if ((int)level > atomic_load_explicit(&log_level_most, memory_order_relaxed))
		return false;
	n = atomic_load_explicit(&log_nsubsystems, memory_order_acquire);
	i = n > 0 ? log_find(subsystem) : n;
	if (i < n)
		return (int)level <=
		       atomic_load_explicit(&log_subsystems[i].level, memory_order_relaxed);
	return (int)level <= atomic_load_explicit(&log_level_rest, memory_order_relaxed);
}

static bool log_name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && n < LOG_NAME_BYTES && !name[n];
}

/* Call with the lock held. @return 0, -ENOENT: no subsystem can have that name, or too many. */
static int log_set_one(const char *subsystem, enum log_level level)
{
	unsigned i = log_find(subsystem);

	if (i == LOG_SUBSYSTEMS || !log_name_ok(subsystem))
		return -ENOENT;
	atomic_store(&log_subsystems[i].level, (int)level);
	if (i == atomic_load(&log_nsubsystems)) {
		strcpy(log_subsystems[i].name, subsystem);
		atomic_store_explicit(&log_nsubsystems, i + 1, memory_order_release);
	}
	return 0;
}

int log_set_level(const char *subsystem, enum log_level level)
{
	int most, err = 0;

	pthread_mutex_lock(&log_level_lock);
	if (subsystem) {
		err = log_set_one(subsystem, level);
	} else {
		atomic_store(&log_level_rest, (int)level);
		for (unsigned i = 0; i < atomic_load(&log_nsubsystems); i++)
			atomic_store(&log_subsystems[i].level, (int)level);
	}
	most = atomic_load(&log_level_rest);
	for (unsigned i = 0; i < atomic_load(&log_nsubsystems); i++) {
		if (atomic_load(&log_subsystems[i].level) > most)
			most = atomic_load(&log_subsystems[i].level);
	}
	atomic_store(&log_level_most, most);
	pthread_mutex_unlock(&log_level_lock);
	return err;
}

/* ---- making a line */

/* Is the caller's line within the limit of its site? ret_before: lines cut since the last one. */
static bool log_site_pass(struct log_site *site, uint32_t *ret_before)
{
	uint64_t now_s = clock_now_us() / 1000000 + 1; /* 0 is a site never used */
	uint64_t second = atomic_load_explicit(&site->second, memory_order_relaxed);
	uint32_t count;

	if (second != now_s && atomic_compare_exchange_strong(&site->second, &second, now_s)) {
		count = atomic_exchange(&site->count, 1);
		*ret_before = count > LOG_SITE_PER_S ? count - LOG_SITE_PER_S : 0;
		return true;
	}
	count = atomic_fetch_add_explicit(&site->count, 1, memory_order_relaxed);
	if (count < LOG_SITE_PER_S)
		return true;
	atomic_fetch_add_explicit(&log_suppressed, 1, memory_order_relaxed);
	return false;
}

/* What stands before the text. @return bytes. */
static size_t log_head_of(char *buf, size_t size_bytes, enum log_level level, const char *subsystem)
{
	const char *program = log_program[0] ? log_program : program_invocation_short_name;
	char when[32];
	int n;

	if (atomic_load_explicit(&log_journal, memory_order_relaxed))
		snprintf(when, sizeof(when), "<%d>", 3 + (int)level); /* 3 is syslog's error */
	else {
		clock_print(clock_wall_ms(), when, sizeof(when) - 1);
		strcat(when, " ");
	}
	n = snprintf(buf, size_bytes, "%s%s %.32s %.32s: ", when, log_level_name(level), program,
		     subsystem);
	return n > 0 ? (size_t)n : 0;
}

static size_t log_make_line(char *line, enum log_level level, const char *subsystem,
			    const char *text, size_t len_bytes)
{
	size_t n = log_head_of(line, LOG_LINE_MAX_BYTES, level, subsystem);

	n = log_text_append(line, LOG_LINE_MAX_BYTES - 1, n, text, len_bytes);
	line[n++] = '\n';
	return n;
}

void log_write(struct log_site *site, enum log_level level, const char *subsystem, const char *fmt,
	       ...)
{
	char line[LOG_LINE_MAX_BYTES], text[LOG_LINE_MAX_BYTES + 32];
	uint32_t before = 0;
	size_t used = 0;
	va_list ap;
	int n;

	if (site && !log_site_pass(site, &before))
		return;
	if (before > 0)
		used = (size_t)sprintf(text, "(%u like this left out) ", before);
	va_start(ap, fmt);
	n = vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	used += (size_t)n < sizeof(text) - used ? (size_t)n : sizeof(text) - used - 1;
	used = log_make_line(line, level, subsystem, text, used);
	if (!atomic_load_explicit(&log_running, memory_order_acquire)) {
		if (write(STDERR_FILENO, line, used) < 0)
			atomic_fetch_add_explicit(&log_lost, 1, memory_order_relaxed);
	} else if (log_ring_put(line, used)) {
		sem_post(&log_wake);
	} else {
		atomic_fetch_add_explicit(&log_lost, 1, memory_order_relaxed);
	}
}

uint64_t log_dropped(void)
{
	return atomic_load(&log_lost) + atomic_load(&log_suppressed);
}

/* ---- the writer */

static int log_waited_ms; /* of the writer: since it was told to stop */

/* Wait for room: for ever while running, since the ring fills and lines are counted as lost then;
 * for a bounded time in all once we are to stop. */
static bool log_wait_room(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	for (;;) {
		bool patient = log_waited_ms < LOG_STOP_WAIT_MS;

		if (poll(&p, 1, patient ? LOG_POLL_MS : 0) != 0)
			return true;
		if (!patient)
			return false;
		if (atomic_load(&log_stopping))
			log_waited_ms += LOG_POLL_MS;
	}
}

static void log_put_out(const char *text, size_t len_bytes)
{
	while (len_bytes > 0 && log_wait_room()) {
		ssize_t n = write(STDERR_FILENO, text, len_bytes);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return; /* stderr is gone; there is nobody left to tell */
		if (n > 0) {
			text += n;
			len_bytes -= (size_t)n;
		}
	}
}

/* Tell once that lines were lost, as soon as there is room again. */
static void log_report_lost(uint64_t *told)
{
	uint64_t lost = atomic_load(&log_lost);
	char line[LOG_LINE_MAX_BYTES], text[80];
	int n;

	if (lost == *told)
		return;
	n = snprintf(text, sizeof(text), "%llu lines dropped, they came faster than stderr takes",
		     (unsigned long long)(lost - *told));
	*told = lost;
	log_put_out(line, log_make_line(line, LOG_LEVEL_WARN, "log", text, (size_t)n));
}

static void log_drain(uint64_t *told)
{
	char batch[PIPE_BUF];
	size_t used;

	do {
		size_t n;

		used = 0;
		while ((n = log_ring_take(batch + used, sizeof(batch) - used)) > 0)
			used += n;
		log_put_out(batch, used);
		log_report_lost(told);
	} while (used > 0);
}

static void *log_writer(void *arg)
{
	uint64_t told = atomic_load(&log_lost);

	log_waited_ms = 0;
	while (!atomic_load(&log_stopping)) {
		while (sem_wait(&log_wake) < 0 && errno == EINTR)
			;
		log_drain(&told);
	}
	log_drain(&told);
	return arg;
}

/* systemd sets JOURNAL_STREAM to the device and inode of the stderr it made; if stderr has been
 * redirected since, the journal does not read it. */
static bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

int log_start(const char *program)
{
	sigset_t all, before;
	int err;

	if (atomic_load(&log_running))
		return -EALREADY;
	snprintf(log_program, sizeof(log_program), "%s", program);
	atomic_store(&log_journal, log_is_journal());
	atomic_store(&log_stopping, false);
	if (sem_init(&log_wake, 0, 0) < 0)
		return -errno;
	/* Signals are for the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&log_thread, NULL, log_writer, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		sem_destroy(&log_wake);
		return -err;
	}
	atomic_store_explicit(&log_running, true, memory_order_release);
	return 0;
}

void log_stop(void)
{
	if (!atomic_exchange(&log_running, false))
		return;
	atomic_store(&log_stopping, true);
	sem_post(&log_wake);
	pthread_join(log_thread, NULL);
}
