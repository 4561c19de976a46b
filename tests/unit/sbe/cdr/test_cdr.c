/* SPDX-License-Identifier: Apache-2.0 */
/* No record is lost, written twice or torn: rotation, crash, full disk, full queue (U5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "sbe/cdr/cdr.h"

#define LIMIT_MS 20000 /* after which an event will not come any more */
#define FILES_MAX 256

static char dir[64];

static int up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/cdr-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that end so, sorted. */
static size_t list(const char *suffix, char *names[FILES_MAX])
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (len < strlen(suffix) || strcmp(e->d_name + len - strlen(suffix), suffix) ||
		    e->d_name[0] == '.')
			continue;
		assert_true(n < FILES_MAX);
		names[n++] = strdup(e->d_name);
	}
	closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	return n;
}

static size_t count(const char *suffix)
{
	char *names[FILES_MAX];
	size_t n = list(suffix, names);

	for (size_t i = 0; i < n; i++)
		free(names[i]);
	return n;
}

static int down(void **state)
{
	char *names[FILES_MAX], path[512];
	size_t n = list("", names);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
		free(names[i]);
	}
	return rmdir(dir);
}

static struct cdr_writer *start(uint32_t rotate_s, uint32_t rotate_bytes, uint32_t queue_bytes)
{
	struct cdr_writer *w = NULL;

	assert_int_equal(cdr_start(&(struct cdr_options){.directory = dir,
							 .node = "sbe1",
							 .rotate_s = rotate_s,
							 .rotate_bytes = rotate_bytes,
							 .queue_bytes = queue_bytes},
				   &w),
			 0);
	return w;
}

static int put(struct cdr_writer *w, int n)
{
	char buf[CDR_TEXT_BYTES];
	struct cdr_text t;

	cdr_text_init(&t, buf, sizeof(buf));
	cdr_text_string(&t, "type", "call");
	cdr_text_number(&t, "n", (uint64_t)n);
	cdr_text_string(&t, "text", "line\nend \x01 \xc3\xa4");
	return cdr_write(w, &t);
}

static void await(const char *what, bool (*fn)(void *arg), void *arg)
{
	for (int i = 0; i < LIMIT_MS; i++) {
		if (fn(arg))
			return;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	fail_msg("waited in vain for: %s", what);
}

static bool is_written(void *arg)
{
	return cdr_backlog_bytes(arg) == 0;
}

static bool one_file_done(void *arg)
{
	(void)arg;
	return count(".jsonl") >= 1;
}

/* All complete files in order: each line is a record, "n" counts from first, "sequence" from 1. @return records. */
static int check(int first)
{
	char *names[FILES_MAX], path[512], line[1024];
	size_t nfiles = list(".jsonl", names);
	int n = 0;

	for (size_t i = 0; i < nfiles; i++) {
		FILE *f;
		unsigned long long name_sequence = 0;
		bool head = true;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(sscanf(names[i], "sbe1-%*[0-9TZ]-%llu.jsonl", &name_sequence), 1);
		f = fopen(path, "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f)) {
			json_t *o = json_loads(line, 0, NULL);

			assert_non_null(o);
			assert_int_equal(json_integer_value(json_object_get(o, "n")), first + n);
			assert_int_equal(json_integer_value(json_object_get(o, "sequence")), n + 1);
			if (head)
				assert_int_equal(name_sequence, (unsigned long long)n + 1);
			head = false;
			assert_string_equal(json_string_value(json_object_get(o, "node")), "sbe1");
			assert_int_equal(strlen(json_string_value(json_object_get(o, "run"))), 24);
			json_decref(o);
			n++;
		}
		fclose(f);
		free(names[i]);
	}
	return n;
}

static void one_file_of_all(void **state)
{
	(void)state;
	struct cdr_writer *w = start(0, 0, 0);
	struct stat st;
	char *names[FILES_MAX], path[512];

	for (int i = 0; i < 1000; i++)
		assert_int_equal(put(w, i), 0);
	await("all is written", is_written, w);
	assert_int_equal(count(".jsonl"), 0);
	assert_int_equal(count(".jsonl.tmp"), 1);
	cdr_stop(w);
	assert_int_equal(count(".tmp"), 0);
	assert_int_equal(check(0), 1000);
	assert_int_equal(list(".jsonl", names), 1);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, names[0]);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640); /* who called whom is not for everybody (C10) */
	free(names[0]);
}

static void no_record_no_file(void **state)
{
	(void)state;
	cdr_stop(start(0, 0, 0));
	assert_int_equal(count(""), 0);
	cdr_stop(NULL);
}

static void rotation_by_size(void **state)
{
	(void)state;
	struct cdr_writer *w = start(0, 2000, 0);
	char *names[FILES_MAX], path[512];
	size_t n;

	for (int i = 0; i < 200; i++)
		assert_int_equal(put(w, i), 0);
	cdr_stop(w);
	assert_int_equal(check(0), 200);
	n = list(".jsonl", names);
	assert_true(n >= 10);
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_size < 2000 + 200); /* at most one record more */
		free(names[i]);
	}
}

/* Also when no further record comes to notice it by. */
static void rotation_by_age(void **state)
{
	(void)state;
	struct cdr_writer *w = start(1, 0, 0);

	assert_int_equal(put(w, 0), 0);
	await("the file is complete by itself", one_file_done, NULL);
	assert_int_equal(count(".tmp"), 0);
	assert_int_equal(put(w, 1), 0);
	cdr_stop(w);
	assert_int_equal(check(0), 2); /* the sequence goes on in the next file */
	assert_int_equal(count(".jsonl"), 2);
}

static void write_file(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void file_is(const char *name, const char *text)
{
	char path[512], buf[8192];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is not there", name);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = '\0';
	fclose(f);
	assert_string_equal(buf, text);
}

static void torn_line_is_cut(void **state)
{
	(void)state;
	char torn[6000];

	write_file("sbe1-20260101T000000000Z-00000001.jsonl.tmp", "{\"a\":1}\n{\"a\":2}\n{\"a\"");
	write_file("sbe1-20260101T000000000Z-00000007.jsonl.tmp", "{\"a\":7}\n");
	write_file("sbe1-20260101T000000000Z-00000009.jsonl.tmp", "{\"a\"");
	memset(torn, 'x', sizeof(torn));
	memcpy(torn, "{}\n", 3);
	torn[sizeof(torn) - 1] = '\0';
	write_file("sbe1-20260101T000000000Z-00000011.jsonl.tmp",
		   torn); /* longer than what is read at a time */
	write_file("sbe1-b-20260101T000000000Z-00000001.jsonl.tmp", "{\"of\":\"another node\"}\n{");
	write_file("sbe1-20260102T000000000Z-00000001.jsonl", "{\"done\":1}\n");
	write_file("sbe1-20260102T000000000Z-00000001.jsonl.tmp", "{\"same\":1}\n");
	cdr_stop(start(0, 0, 0));
	file_is("sbe1-20260101T000000000Z-00000001.jsonl", "{\"a\":1}\n{\"a\":2}\n");
	file_is("sbe1-20260101T000000000Z-00000007.jsonl", "{\"a\":7}\n");
	file_is("sbe1-20260101T000000000Z-00000011.jsonl", "{}\n");
	file_is("sbe1-b-20260101T000000000Z-00000001.jsonl.tmp", "{\"of\":\"another node\"}\n{");
	file_is("sbe1-20260102T000000000Z-00000001.jsonl",
		"{\"done\":1}\n"); /* never overwritten */
	file_is("sbe1-20260102T000000000Z-00000001.1.jsonl", "{\"same\":1}\n");
	assert_int_equal(count(".jsonl"), 5);
	assert_int_equal(count(".tmp"), 1);
}

/* kill -9 in the middle: what was written is there after the next start. */
static void killed_in_between(void **state)
{
	(void)state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct cdr_writer *w;
		struct cdr_options o = {.directory = dir, .node = "sbe1"};

		if (cdr_start(&o, &w))
			_exit(1);
		for (int i = 0; i < 500; i++)
			put(w, i);
		while (cdr_backlog_bytes(w))
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(count(".jsonl.tmp"), 1);
	cdr_stop(start(0, 0, 0));
	assert_int_equal(check(0), 500);
	assert_int_equal(count(".tmp"), 0);
}

/* A second process of the same node must not take the file that the first one is writing. */
static void a_file_in_use_is_left_alone(void **state)
{
	(void)state;
	struct cdr_writer *w = start(0, 0, 0);

	assert_int_equal(put(w, 0), 0);
	await("all is written", is_written, w);
	cdr_stop(start(0, 0, 0));
	assert_int_equal(count(".jsonl"), 0);
	assert_int_equal(put(w, 1), 0);
	cdr_stop(w);
	assert_int_equal(check(0), 2);
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static bool has_failed(void *arg)
{
	return metric_get(&cdr_metrics, CDR_ERRORS) > *(int64_t *)arg;
}

/* The disk is full in the middle of a record, stays so for a while, and is free again. */
static void full_disk_recovers(void **state)
{
	(void)state;
	int64_t errors = metric_get(&cdr_metrics, CDR_ERRORS);
	struct cdr_writer *w;

	(void)signal(SIGXFSZ, SIG_IGN);
	w = start(0, 0, 0);
	set_file_limit(5000);
	for (int i = 0; i < 300; i++)
		assert_int_equal(put(w, i), 0);
	await("writing has failed", has_failed, &errors);
	assert_true(cdr_backlog_bytes(w) > 0);
	set_file_limit(RLIM_INFINITY);
	await("all is written", is_written, w);
	assert_int_equal(cdr_lost(w), 0);
	cdr_stop(w);
	assert_int_equal(check(0), 300);
}

/* The bound holds, what does not fit is counted, and the gap shows in the sequence. */
static void full_queue_is_bounded_and_counted(void **state)
{
	(void)state;
	int64_t errors = metric_get(&cdr_metrics, CDR_ERRORS);
	int lost = 0, got;
	struct cdr_writer *w;

	(void)signal(SIGXFSZ, SIG_IGN);
	w = start(0, 0, 10000);
	set_file_limit(0);
	for (int i = 0; i < 300; i++) {
		int err = put(w, i);

		assert_true(err == 0 || err == -ENOSPC);
		lost += err != 0;
		assert_true(cdr_backlog_bytes(w) <= 10000);
	}
	await("writing has failed", has_failed, &errors);
	assert_in_range(lost, 150, 299);
	assert_int_equal(cdr_lost(w), lost);
	set_file_limit(RLIM_INFINITY);
	await("all is written", is_written, w);
	cdr_stop(w);
	got = check(0); /* the first ones are there without a gap */
	assert_int_equal(got, 300 - lost);
}

static void removed_directory_is_made_again(void **state)
{
	(void)state;
	struct cdr_writer *w = start(0, 0, 0);

	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(put(w, 0), 0);
	cdr_stop(w);
	assert_int_equal(check(0), 1);
}

static void errors_of_start(void **state)
{
	(void)state;
	struct cdr_writer *w = (void *)dir;

	assert_int_equal(
		cdr_start(&(struct cdr_options){.directory = "/nowhere/at/all", .node = "x"}, &w),
		-ENOENT);
	assert_int_equal(
		cdr_start(&(struct cdr_options){.directory = "/dev/null", .node = "x"}, &w),
		-ENOTDIR);
	assert_ptr_equal(w, dir);
}

/* Memory of a record that cannot be had: counted, and the writer goes on. */
static void out_of_memory_is_counted(void **state)
{
	(void)state;
	struct cdr_writer *w = start(0, 0, 0);
	char small[8];
	struct cdr_text t;

	mem_fail_at(1);
	assert_int_equal(put(w, 0), -ENOMEM);
	mem_fail_at(0);
	cdr_text_init(&t, small, sizeof(small));
	cdr_text_string(&t, "far", "too large");
	assert_int_equal(cdr_write(w, &t), -EMSGSIZE);
	assert_int_equal(cdr_lost(w), 2);
	cdr_stop(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_file_of_all, up, down),
		cmocka_unit_test_setup_teardown(no_record_no_file, up, down),
		cmocka_unit_test_setup_teardown(rotation_by_size, up, down),
		cmocka_unit_test_setup_teardown(rotation_by_age, up, down),
		cmocka_unit_test_setup_teardown(torn_line_is_cut, up, down),
		cmocka_unit_test_setup_teardown(killed_in_between, up, down),
		cmocka_unit_test_setup_teardown(a_file_in_use_is_left_alone, up, down),
		cmocka_unit_test_setup_teardown(full_disk_recovers, up, down),
		cmocka_unit_test_setup_teardown(full_queue_is_bounded_and_counted, up, down),
		cmocka_unit_test_setup_teardown(removed_directory_is_made_again, up, down),
		cmocka_unit_test_setup_teardown(errors_of_start, up, down),
		cmocka_unit_test_setup_teardown(out_of_memory_is_counted, up, down),
	};

	return cmocka_run_group_tests_name("sbe/cdr", tests, NULL, NULL);
}
