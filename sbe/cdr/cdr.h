/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdr - writes call detail records as JSON lines, on a thread of its own.
 *
 * cdr_write only queues (bounded by bytes; when the disk stalls and the queue is full the record is counted as
 * lost, after an alarm). The open file is NAME.jsonl.tmp; it is flushed per record batch, fsynced and renamed to
 * NAME.jsonl when it is rotated by age or size and at stop; a .tmp left by a crash is completed (torn last line cut)
 * and renamed at the next start. File name: <node>-<UTC start>-<sequence>.jsonl.
 * Owner: the app. Thread: cdr_write from the loop.
 */
#ifndef SBE_CDR_CDR_H
#define SBE_CDR_CDR_H

#include <jansson.h>
#include <stdint.h>

struct cdr_writer;

struct cdr_options {
	const char *directory; /* made if the parent exists */
	const char *node;
	uint32_t rotate_s;     /* 0 = 300 */
	uint32_t rotate_bytes; /* 0 = 64 MiB */
	uint32_t queue_bytes;  /* 0 = 64 MiB */
};

/** @return 0 or -errno (directory not writable, ...). */
int cdr_start(const struct cdr_options *o, struct cdr_writer **ret_writer);

/** Queue a record; "sequence" and "node" are added. Takes over the reference. @return 0, -ENOSPC (queue full, counted), -ENOMEM. */
int cdr_write(struct cdr_writer *w, json_t *record);

/** Write what is queued (at most 5 s), rotate, end the thread. NULL is fine. */
void cdr_stop(struct cdr_writer *w);

uint64_t cdr_lost(const struct cdr_writer *w);
size_t cdr_backlog_bytes(const struct cdr_writer *w);

#endif
