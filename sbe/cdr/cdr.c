/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdr - the queue between the loop and the thread that writes.
 *
 * The loop makes the line and puts it into a list under a lock that is held for a few instructions.
 * The thread takes the whole list, makes its lines one buffer (a batch) and writes that until it is on
 * the disk; meanwhile the list grows up to its bound. What counts against the bound is everything that
 * is not written yet, the batch included.
 */
#include "sbe/cdr/cdr.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "sbe/cdr/cdr_private.h"

METRIC_TABLE(cdr_metrics, CDR_METRICS)

#define SUBSYSTEM "cdr"
#define ROTATE_S 300U
#define ROTATE_BYTES (64U * 1024 * 1024)
#define QUEUE_BYTES (64U * 1024 * 1024)
#define BATCH_BYTES (1024U * 1024)
#define BACKOFF_MIN_MS 100U
#define BACKOFF_MAX_MS 5000U
#define GATHER_MS 100U /* records wait so long for company */
#define STOP_MS 2000U
#define STOP_GRACE_MS 200U /* for the thread's own limit to take effect */
#define ALARM_MS 10000U    /* between two complaints about lost records */

struct cdr_line {
	STAILQ_ENTRY(cdr_line) next;
	uint64_t sequence;
	size_t len_bytes; /* with the line end */
	char text[];
};
STAILQ_HEAD(cdr_lines, cdr_line);

struct cdr_writer {
	uint32_t rotate_s, rotate_bytes;
	size_t queue_bytes;
	char *node, *directory;
	char run[32];
	uint64_t sequence; /* of the loop */
	uint64_t alarm_ms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, over;
	struct cdr_lines lines; /* under the lock */
	bool stopping;          /* under the lock */
	bool ended;             /* under the lock: the thread is on its way out */
	uint64_t stop_ms;       /* under the lock: when to give up */
	atomic_size_t backlog_bytes;
	_Atomic uint64_t lost;
	/* of the thread */
	struct cdr_lines taken;
	struct cdr_file file;
	char *batch;
	size_t batch_bytes, batch_size;
	uint64_t batch_sequence;
	uint32_t batch_records;
	uint32_t backoff_ms;
};

/* ---------------------------------------------------------------- the thread */

static void count_backlog(struct cdr_writer *w)
{
	metric_set(&cdr_metrics, CDR_BACKLOG, (int64_t)atomic_load(&w->backlog_bytes));
}

static void count_lost(struct cdr_writer *w, uint64_t n)
{
	atomic_fetch_add(&w->lost, n);
	metric_add(&cdr_metrics, CDR_LOST, (int64_t)n);
}

static uint64_t rotate_at_ms(const struct cdr_writer *w)
{
	return w->file.fd < 0 ? UINT64_MAX : w->file.opened_ms + (uint64_t)w->rotate_s * 1000;
}

/* Wait until somebody signals c or the time has come. Under the lock. */
static void wait_until(struct cdr_writer *w, pthread_cond_t *c, uint64_t at_ms)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
	struct timespec ts;

	if (wait_ms > 60000)
		wait_ms = 60000;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(wait_ms / 1000);
	ts.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(c, &w->lock, &ts);
}

/* Something could not be done: wait before it is tried again. @return false: time to give up. */
static bool back_off(struct cdr_writer *w, const char *what, int err)
{
	uint64_t until_ms;
	bool go_on = true;

	metric_add(&cdr_metrics, CDR_ERRORS, 1);
	LOG_ERROR(SUBSYSTEM, "cannot %s %s: %s; %zu bytes wait, next try in %u ms", what,
		  w->file.name, strerror(-err), atomic_load(&w->backlog_bytes), w->backoff_ms);
	until_ms = clock_now_ms() + w->backoff_ms;
	pthread_mutex_lock(&w->lock);
	while (clock_now_ms() < until_ms) {
		if (w->stopping && clock_now_ms() >= w->stop_ms) {
			go_on = false;
			break;
		}
		wait_until(w, &w->wake,
			   w->stopping && w->stop_ms < until_ms ? w->stop_ms : until_ms);
	}
	pthread_mutex_unlock(&w->lock);
	w->backoff_ms = w->backoff_ms * 2 < BACKOFF_MAX_MS ? w->backoff_ms * 2 : BACKOFF_MAX_MS;
	return go_on;
}

/* A batch ends where the file should, but a single record may be larger. */
static bool batch_has_room(const struct cdr_writer *w, const struct cdr_line *l)
{
	off_t left = (off_t)w->rotate_bytes - w->file.good_bytes;
	size_t max = left > BATCH_BYTES ? BATCH_BYTES : left > 0 ? (size_t)left : 0;

	return w->batch_bytes == 0 || w->batch_bytes + l->len_bytes <= max;
}

static bool batch_reserve(struct cdr_writer *w, size_t bytes)
{
	char *larger;

	if (bytes <= w->batch_size)
		return true;
	larger = mem_resize(w->batch, bytes);
	if (!larger)
		return false;
	w->batch = larger;
	w->batch_size = bytes;
	return true;
}

/* Take lines off the list. */
static void batch_fill(struct cdr_writer *w)
{
	struct cdr_line *l;

	while ((l = STAILQ_FIRST(&w->taken)) && batch_has_room(w, l)) {
		if (!batch_reserve(w, w->batch_bytes + l->len_bytes)) {
			if (w->batch_bytes)
				break; /* write these first */
			count_lost(w, 1);
			atomic_fetch_sub(&w->backlog_bytes, l->len_bytes);
		} else {
			if (!w->batch_bytes)
				w->batch_sequence = l->sequence;
			memcpy(w->batch + w->batch_bytes, l->text, l->len_bytes);
			w->batch_bytes += l->len_bytes;
			w->batch_records++;
		}
		STAILQ_REMOVE_HEAD(&w->taken, next);
		mem_free(l);
	}
}

/* Until it is on the disk. @return false: given up. */
static bool batch_write(struct cdr_writer *w)
{
	int err;

	while (w->batch_bytes) {
		err = cdr_file_append(&w->file, w->batch, w->batch_bytes, w->batch_sequence);
		if (err) {
			if (!back_off(w, "write", err))
				return false;
			continue;
		}
		w->backoff_ms = BACKOFF_MIN_MS;
		metric_add(&cdr_metrics, CDR_WRITTEN, w->batch_records);
		atomic_fetch_sub(&w->backlog_bytes, w->batch_bytes);
		w->batch_bytes = 0;
		w->batch_records = 0;
		count_backlog(w);
	}
	return true;
}

static bool rotate(struct cdr_writer *w)
{
	int err;

	while ((err = cdr_file_finish(&w->file))) {
		if (!back_off(w, "complete", err))
			return false;
	}
	return true;
}

static bool rotate_due(const struct cdr_writer *w)
{
	return w->file.fd >= 0 &&
	       (w->file.good_bytes >= (off_t)w->rotate_bytes || clock_now_ms() >= rotate_at_ms(w));
}

/* Wait for work. @return false: the end, and nothing is left. */
static bool next_lines(struct cdr_writer *w)
{
	uint64_t gather_ms;
	bool more;

	pthread_mutex_lock(&w->lock);
	while (STAILQ_EMPTY(&w->lines) && !w->stopping && !rotate_due(w))
		wait_until(w, &w->wake, rotate_at_ms(w));
	gather_ms = clock_now_ms() + GATHER_MS;
	while (!w->stopping && !rotate_due(w) && clock_now_ms() < gather_ms)
		wait_until(w, &w->wake, gather_ms);
	STAILQ_CONCAT(&w->taken, &w->lines);
	more = !w->stopping || !STAILQ_EMPTY(&w->taken);
	pthread_mutex_unlock(&w->lock);
	return more;
}

/* @return false: given up; the .tmp is completed at the next start. */
static bool write_all(struct cdr_writer *w)
{
	while (next_lines(w)) {
		do {
			batch_fill(w);
			if (!batch_write(w) || (rotate_due(w) && !rotate(w)))
				return false;
		} while (!STAILQ_EMPTY(&w->taken));
	}
	return rotate(w);
}

static void *run(void *arg)
{
	struct cdr_writer *w = arg;

	write_all(w);
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_signal(&w->over);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---------------------------------------------------------------- the loop's side */

static void writer_destroy(void *obj)
{
	struct cdr_writer *w = obj;
	struct cdr_line *l;

	STAILQ_CONCAT(&w->taken, &w->lines);
	while ((l = STAILQ_FIRST(&w->taken))) {
		STAILQ_REMOVE_HEAD(&w->taken, next);
		count_lost(w, 1);
		mem_free(l);
	}
	count_lost(w, w->batch_records);
	cdr_file_close(&w->file);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->over);
	mem_free(w->batch);
	mem_unref(w->node);
	mem_unref(w->directory);
}

static void init_sync(struct cdr_writer *w)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(
		&attr, CLOCK_MONOTONIC); /* or a step of the wall clock would stall rotation */
	pthread_cond_init(&w->wake, &attr);
	pthread_cond_init(&w->over, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&w->lock, NULL);
	STAILQ_INIT(&w->lines);
	STAILQ_INIT(&w->taken);
}

/* Signals are the loop's. */
static int start_thread(struct cdr_writer *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int cdr_start(const struct cdr_options *o, struct cdr_writer **ret_writer)
{
	struct cdr_writer *w = mem_zalloc(sizeof(*w), writer_destroy);
	int err;

	if (!w)
		return -ENOMEM;
	init_sync(w);
	w->file.fd = w->file.dir = -1;
	w->rotate_s = o->rotate_s ? o->rotate_s : ROTATE_S;
	w->rotate_bytes = o->rotate_bytes ? o->rotate_bytes : ROTATE_BYTES;
	w->queue_bytes = o->queue_bytes ? o->queue_bytes : QUEUE_BYTES;
	w->backoff_ms = BACKOFF_MIN_MS;
	clock_print(clock_wall_ms(), w->run, sizeof(w->run));
	err = mem_strdup(o->node, 255, &w->node);
	if (!err)
		err = mem_strdup(o->directory, 4095, &w->directory);
	if (!err)
		err = cdr_file_init(&w->file, w->directory, w->node);
	if (!err)
		err = start_thread(w);
	if (err) {
		mem_unref(w);
		return err;
	}
	metric_register(&cdr_metrics);
	*ret_writer = w;
	return 0;
}

/* One line of text with its line end. */
static struct cdr_line *make_line(struct cdr_writer *w, struct cdr_text *record, uint64_t sequence)
{
	struct cdr_line *l;

	cdr_text_string(record, "node", w->node);
	cdr_text_string(record, "run", w->run);
	cdr_text_number(record, "sequence", sequence);
	cdr_text_close(record, '}');
	if (record->err)
		return NULL;
	l = mem_buffer(sizeof(*l) + record->len_bytes + 1);
	if (!l)
		return NULL;
	memcpy(l->text, record->buf, record->len_bytes);
	l->text[record->len_bytes] = '\n';
	l->len_bytes = record->len_bytes + 1;
	l->sequence = sequence;
	return l;
}

static int lose(struct cdr_writer *w, int err)
{
	uint64_t now_ms = clock_now_ms();

	count_lost(w, 1);
	if (!w->alarm_ms || now_ms - w->alarm_ms >= ALARM_MS) {
		w->alarm_ms = now_ms ? now_ms : 1;
		LOG_ERROR(SUBSYSTEM, "call detail records are being lost (%s), %llu so far",
			  err == -ENOSPC     ? "the queue is full, the disk does not take them"
			  : err == -EMSGSIZE ? "a record is too large"
					     : "out of memory",
			  (unsigned long long)atomic_load(&w->lost));
	}
	return err;
}

int cdr_write(struct cdr_writer *w, struct cdr_text *record)
{
	/* a lost record takes its number with it, so that the gap is seen */
	struct cdr_line *l = make_line(w, record, ++w->sequence);

	if (!l)
		return lose(w, record->err ? record->err : -ENOMEM);
	if (atomic_load(&w->backlog_bytes) + l->len_bytes > w->queue_bytes) {
		mem_free(l);
		return lose(w, -ENOSPC);
	}
	atomic_fetch_add(&w->backlog_bytes, l->len_bytes);
	pthread_mutex_lock(&w->lock);
	/* Waking the thread for each record would cost more than the record: the first of a batch does. */
	if (STAILQ_EMPTY(&w->lines))
		pthread_cond_signal(&w->wake);
	STAILQ_INSERT_TAIL(&w->lines, l, next);
	pthread_mutex_unlock(&w->lock);
	count_backlog(w);
	return 0;
}

void cdr_stop(struct cdr_writer *w)
{
	uint64_t limit_ms = clock_now_ms() + STOP_MS;
	bool ended;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	w->stop_ms = limit_ms;
	pthread_cond_signal(&w->wake);
	while (!w->ended && clock_now_ms() < limit_ms + STOP_GRACE_MS)
		wait_until(w, &w->over, limit_ms + STOP_GRACE_MS);
	ended = w->ended;
	pthread_mutex_unlock(&w->lock);
	if (ended) {
		pthread_join(w->thread, NULL);
		mem_unref(w);
		return;
	}
	/* A disk that does not even answer with an error (a dead NFS server): the thread cannot be ended, and it uses
	 * w, so both are left to the end of the process. */
	LOG_ERROR(SUBSYSTEM, "the disk does not answer: %zu bytes of records are lost",
		  atomic_load(&w->backlog_bytes));
	pthread_detach(w->thread);
}

uint64_t cdr_lost(const struct cdr_writer *w)
{
	return atomic_load(&w->lost);
}

size_t cdr_backlog_bytes(const struct cdr_writer *w)
{
	return atomic_load(&w->backlog_bytes);
}
