/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdr - writes call detail records as JSON lines, on a thread of its own.
 *
 * cdr_write only queues (bounded by bytes; when the disk stalls and the queue is full the record is counted as
 * lost, after an alarm). The open file is NAME.jsonl.tmp; it is flushed per record batch, fsynced and renamed to
 * NAME.jsonl when it is rotated by age or size and at stop; a .tmp left by a crash is completed (torn last line cut)
 * and renamed at the next start. File name: <node>-<UTC of opening>-<sequence of its first record>.jsonl.
 * A full or failing disk is tried again and again, each time a little later; nothing is written twice or torn.
 *
 * Each record gets "node", "run" (when this process began to write, RFC 3339 UTC) and "sequence" (1, 2, 3 ... within
 * that run, across its files). The three together are unique for ever, and a gap in the sequence is a lost record.
 * A counter kept on disk would save "run", but would be wrong just when it matters: after a crash or a restored disk.
 *
 * Owner: the app. Thread: cdr_write from the loop; the numbers from anywhere.
 */
#ifndef SBE_CDR_CDR_H
#define SBE_CDR_CDR_H

#include <stdint.h>

#include "common/metric.h"
#include "sbe/cdr/cdr_text.h"

#define CDR_METRICS(X)                                                                             \
	X(CDR_WRITTEN, COUNTER, "sbe_cdr_written_total",                                           \
	  "call detail records written to the file")                                               \
	X(CDR_LOST, COUNTER, "sbe_cdr_lost_total",                                                 \
	  "call detail records lost: queue full, or not written at the end")                       \
	X(CDR_ERRORS, COUNTER, "sbe_cdr_errors_total",                                             \
	  "failures of the disk that were tried again")                                            \
	X(CDR_FILES, COUNTER, "sbe_cdr_files_total", "files completed")                            \
	X(CDR_BACKLOG, GAUGE, "sbe_cdr_backlog_bytes", "records waiting to be written")
METRIC_ENUM(cdr_metrics, CDR_METRICS)

struct cdr_writer;

struct cdr_options {
	const char *directory; /* made if the parent exists */
	const char *node;
	uint32_t rotate_s;     /* 0 = 300 */
	uint32_t rotate_bytes; /* 0 = 64 MiB */
	uint32_t queue_bytes;  /* 0 = 64 MiB */
};

/** Completes what a crash has left first. @return 0 or -errno (directory not writable, ...). */
int cdr_start(const struct cdr_options *o, struct cdr_writer **ret_writer);

/** Queue a record whose object is still open; "node", "run" and "sequence" are added. @return 0, or (counted as lost)
 *  -ENOSPC (queue full), -EMSGSIZE (record too large), -ENOMEM. */
int cdr_write(struct cdr_writer *w, struct cdr_text *record);

/** Write what is queued (at most 2 s, also when the disk does not answer at all), rotate, end the thread. NULL is fine. */
void cdr_stop(struct cdr_writer *w);

uint64_t cdr_lost(const struct cdr_writer *w);
size_t cdr_backlog_bytes(const struct cdr_writer *w);

#endif
