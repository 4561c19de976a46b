/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdr_private - what the files of cdr/ share; nobody else includes it.
 *
 * cdr.c is the queue between the loop and the writer's thread, cdr_file.c the file of that thread.
 */
#ifndef SBE_CDR_CDR_PRIVATE_H
#define SBE_CDR_CDR_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CDR_SUFFIX ".jsonl"
#define CDR_SUFFIX_TMP ".jsonl.tmp"
#define CDR_NAME_BYTES 192

/* The open file, or none (fd -1). */
struct cdr_file {
	int dir; /* of the directory: names are relative to it, whatever happens to the path */
	int fd;
	const char *directory; /* of the writer, like node */
	const char *node;
	char name[CDR_NAME_BYTES]; /* with .tmp */
	off_t good_bytes;          /* whole records; a torn one behind it is written over */
	uint64_t opened_ms;        /* monotonic */
};

/** Make the directory if its parent exists, open it, complete what a crash left of this node's files. @return 0 or -errno. */
int cdr_file_init(struct cdr_file *f, const char *directory, const char *node);
/** Append whole lines; opens a file if there is none. All of it is there or none. @param sequence of the first line. */
int cdr_file_append(struct cdr_file *f, const char *lines, size_t len_bytes, uint64_t sequence);
/** fsync, close, give it its final name. No effect without a file. @return 0 or -errno: call again. */
int cdr_file_finish(struct cdr_file *f);
void cdr_file_close(struct cdr_file *f);

#endif
