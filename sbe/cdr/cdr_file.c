/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdr_file - the file being written: each append is whole or not there, whatever the disk does.
 *
 * Writing is done at the end of the last whole record (pwrite), so a part that got onto a full disk is
 * written over by the next try. The file is locked while it is in use, so that a process that starts
 * beside us does not take it for the remains of a crash.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/metric.h"
#include "sbe/cdr/cdr.h"
#include "sbe/cdr/cdr_private.h"

#define SUBSYSTEM "cdr"
#define FILE_MODE 0640 /* records tell who called whom */
#define DIRECTORY_MODE 0750
#define TAIL_BYTES 4096 /* looked through at a time for the last whole line */

/* ---- after a crash */

/* "<node>-<digits>T..." so that sbe1 does not take the files of sbe1-b. */
static bool is_ours(const char *name, const char *node)
{
	size_t n = strlen(node), len = strlen(name), suffix = strlen(CDR_SUFFIX_TMP);

	return len > n + 1 + suffix && !strncmp(name, node, n) && name[n] == '-' &&
	       isdigit((unsigned char)name[n + 1]) &&
	       !strcmp(name + len - suffix, CDR_SUFFIX_TMP) &&
	       !strchr(name + n + 1 + strcspn(name + n + 1, "-") + 1, '-');
}

/* Where the last whole line ends. @return offset, or -errno. */
static off_t whole_bytes(int fd)
{
	char buf[TAIL_BYTES];
	off_t end = lseek(fd, 0, SEEK_END);

	while (end > 0) {
		off_t from = end > TAIL_BYTES ? end - TAIL_BYTES : 0;
		ssize_t n = pread(fd, buf, (size_t)(end - from), from);

		if (n != end - from)
			return n < 0 ? -errno : -EIO;
		for (; n > 0; n--) {
			if (buf[n - 1] == '\n')
				return from + n;
		}
		end = from;
	}
	return end < 0 ? -errno : 0;
}

/* A name nobody has yet; link() never overwrites, rename() would. */
static int give_name(int dir, const char *tmp)
{
	char name[CDR_NAME_BYTES + 16];
	int stem = (int)(strlen(tmp) - strlen(CDR_SUFFIX_TMP));

	for (unsigned i = 0; i < 100; i++) {
		if (i == 0)
			snprintf(name, sizeof(name), "%.*s" CDR_SUFFIX, stem, tmp);
		else
			snprintf(name, sizeof(name), "%.*s.%u" CDR_SUFFIX, stem, tmp, i);
		if (renameat2(dir, tmp, dir, name, RENAME_NOREPLACE) == 0)
			return fsync(dir) < 0 ? -errno : 0;
		if (errno == EINVAL || errno == ENOSYS) /* a file system without it */
			return renameat(dir, tmp, dir, name) < 0 ? -errno : 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static int complete(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW), err = 0;
	struct stat st;
	off_t whole;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return 0; /* somebody is writing it, or it is no file of ours */
	}
	whole = whole_bytes(fd);
	if (whole < 0)
		err = (int)whole;
	else if (whole < st.st_size && ftruncate(fd, whole) < 0)
		err = -errno;
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (!err && whole == 0)
		err = unlinkat(dir, name, 0) < 0 ? -errno : 0;
	else if (!err)
		err = give_name(dir, name);
	close(fd);
	if (!err)
		LOG_NOTICE(SUBSYSTEM, "%s was left by a crash: %s", name,
			   whole ? "completed" : "removed, no record was in it");
	return err;
}

static int recover(int dir, const char *node)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0, e;
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	if (!d) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		return err;
	}
	while ((entry = readdir(d))) {
		if (!is_ours(entry->d_name, node))
			continue;
		e = complete(dir, entry->d_name);
		if (e) {
			/* the next start tries again: no reason to do without records now */
			LOG_ERROR(SUBSYSTEM, "cannot complete %s: %s", entry->d_name, strerror(-e));
		}
	}
	closedir(d);
	return 0;
}

static int open_directory(const char *path)
{
	int dir, err = 0;

	if (mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST)
		return -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) < 0) {
		err = -errno;
		close(dir);
	}
	return err ? err : dir;
}

int cdr_file_init(struct cdr_file *f, const char *directory, const char *node)
{
	int dir = open_directory(directory);

	*f = (struct cdr_file){.dir = -1, .fd = -1, .directory = directory, .node = node};
	if (dir < 0)
		return dir;
	f->dir = dir;
	return recover(dir, node);
}

/* ---- writing */

/* Somebody has removed the directory under us: make it again, or all records would be lost until a restart. */
static int reopen_directory(struct cdr_file *f)
{
	int dir = open_directory(f->directory);

	if (dir < 0)
		return dir;
	close(f->dir);
	f->dir = dir;
	return 0;
}

static int file_open(struct cdr_file *f, uint64_t sequence)
{
	char stamp[32], compact[32];
	size_t n = 0;
	int fd;

	clock_print(clock_wall_ms(), stamp, sizeof(stamp));
	for (const char *p = stamp; *p; p++) {
		if (!strchr("-:.", *p))
			compact[n++] = *p;
	}
	compact[n] = '\0';
	snprintf(f->name, sizeof(f->name), "%.100s-%s-%08llu" CDR_SUFFIX_TMP, f->node, compact,
		 (unsigned long long)sequence);
	fd = openat(f->dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    FILE_MODE);
	if (fd < 0 && errno == ENOENT && !reopen_directory(f))
		fd = openat(f->dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    FILE_MODE);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	f->fd = fd;
	f->good_bytes = 0;
	f->opened_ms = clock_now_ms();
	return 0;
}

int cdr_file_append(struct cdr_file *f, const char *lines, size_t len_bytes, uint64_t sequence)
{
	size_t done = 0;
	int err = f->fd < 0 ? file_open(f, sequence) : 0;

	while (!err && done < len_bytes) {
		ssize_t n =
			pwrite(f->fd, lines + done, len_bytes - done, f->good_bytes + (off_t)done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			err = -EIO;
		else if (errno != EINTR)
			err = -errno;
	}
	if (!err)
		f->good_bytes += (off_t)len_bytes;
	return err;
}

int cdr_file_finish(struct cdr_file *f)
{
	int err = 0;

	if (f->fd < 0)
		return 0;
	if (ftruncate(f->fd, f->good_bytes) < 0 || fsync(f->fd) < 0)
		return -errno;
	if (f->good_bytes == 0)
		err = unlinkat(f->dir, f->name, 0) < 0 && errno != ENOENT ? -errno : 0;
	else
		err = give_name(f->dir, f->name);
	if (err == -ENOENT) {
		/* somebody took the file away: nothing is left to do for it, and trying for ever helps nobody */
		LOG_ERROR(SUBSYSTEM, "%s is gone before it was complete", f->name);
		err = 0;
	}
	if (err)
		return err;
	if (f->good_bytes)
		metric_add(&cdr_metrics, CDR_FILES, 1);
	close(f->fd);
	f->fd = -1;
	return 0;
}

void cdr_file_close(struct cdr_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir >= 0)
		close(f->dir);
	f->fd = f->dir = -1;
}
