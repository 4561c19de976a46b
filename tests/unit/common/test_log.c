/* SPDX-License-Identifier: Apache-2.0 */
/* log: format, levels, limits; a stuck reader never stops the caller (A29, D6). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

static int saved_stderr = -1;
static FILE *captured;

/* From here on stderr is a file. No assert before show_stderr: its message would go there too. */
static void hide_stderr(void)
{
	fflush(stderr);
	captured = tmpfile();
	assert_non_null(captured);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fileno(captured), STDERR_FILENO);
}

/* @return what was written meanwhile; valid until the next call. */
static const char *show_stderr(void)
{
	static char text[64 * 1024];
	ssize_t n;

	fflush(stderr);
	n = pread(fileno(captured), text, sizeof(text) - 1, 0);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	fclose(captured);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static int each_test(void **state)
{
	(void)state;
	clock_fake(5000000, 1769903999123);
	log_set_level(NULL, LOG_LEVEL_INFO);
	unsetenv("JOURNAL_STREAM");
	return 0;
}

static int after_each(void **state)
{
	(void)state;
	clock_real();
	return 0;
}

static void levels_have_names(void **state)
{
	static const char *const names[] = {"error", "warn", "notice", "info", "debug"};
	enum log_level level = LOG_LEVEL_WARN;

	(void)state;
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
	assert_int_equal(log_level_parse(NULL, &level), -EINVAL);
	assert_int_equal(log_level_parse("INFO", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_WARN);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(log_level_parse(names[i], &level), 0);
		assert_int_equal(level, i);
		assert_string_equal(log_level_name(level), names[i]);
	}
	assert_string_equal(log_level_name((enum log_level)17), "?");
}

static void subsystems_have_their_own_level(void **state)
{
	char name[32];

	(void)state;
	assert_true(log_enabled("call", LOG_LEVEL_INFO));
	assert_false(log_enabled("call", LOG_LEVEL_DEBUG));
	assert_int_equal(log_set_level("call", LOG_LEVEL_DEBUG), 0);
	assert_int_equal(log_set_level("gate", LOG_LEVEL_ERROR), 0);
	assert_true(log_enabled("call", LOG_LEVEL_DEBUG));
	assert_false(log_enabled("peer", LOG_LEVEL_DEBUG));
	assert_true(log_enabled("peer", LOG_LEVEL_INFO));
	assert_false(log_enabled("gate", LOG_LEVEL_WARN));
	assert_true(log_enabled("gate", LOG_LEVEL_ERROR));

	assert_int_equal(log_set_level(NULL, LOG_LEVEL_WARN), 0); /* all of them */
	assert_false(log_enabled("call", LOG_LEVEL_NOTICE));
	assert_true(log_enabled("gate", LOG_LEVEL_WARN));
	assert_false(log_enabled("peer", LOG_LEVEL_NOTICE));

	assert_int_equal(log_set_level("", LOG_LEVEL_DEBUG), -ENOENT);
	assert_int_equal(log_set_level("no such\nname", LOG_LEVEL_DEBUG), -ENOENT);
	assert_int_equal(log_set_level("a-name-that-is-longer-than-any-of-ours-is", LOG_LEVEL_INFO),
			 -ENOENT);
	for (int i = 0; i < 30; i++) { /* two names are in */
		snprintf(name, sizeof(name), "fill%d", i);
		assert_int_equal(log_set_level(name, LOG_LEVEL_WARN), 0);
	}
	assert_int_equal(log_set_level("one-too-many", LOG_LEVEL_DEBUG), -ENOENT);
	assert_false(log_enabled("one-too-many", LOG_LEVEL_DEBUG));
	assert_int_equal(log_set_level("call", LOG_LEVEL_INFO), 0);
}

static void unstarted_writes_to_stderr_at_once(void **state)
{
	const char *text;

	(void)state;
	hide_stderr();
	LOG_NOTICE("call", "leg %c: %d", 'a', 7);
	LOG_DEBUG("call", "not at this level");
	text = show_stderr();
	assert_non_null(strstr(text, "2026-01-31T23:59:59.123Z notice "));
	assert_non_null(strstr(text, " call: leg a: 7\n"));
	assert_null(strstr(text, "not at this level"));
}

static void started_names_the_program(void **state)
{
	int err, again;
	const char *text;

	(void)state;
	hide_stderr();
	err = log_start("sbe");
	again = log_start("sbe");
	LOG_ERROR("gate", "one");
	LOG_WARN("gate", "two");
	log_stop();
	log_stop();
	text = show_stderr();
	assert_int_equal(err, 0);
	assert_int_equal(again, -EALREADY);
	assert_string_equal(text, "2026-01-31T23:59:59.123Z error sbe gate: one\n"
				  "2026-01-31T23:59:59.123Z warn sbe gate: two\n");
}

static void journal_gets_priorities(void **state)
{
	char stream[64];
	struct stat st;
	const char *text;

	(void)state;
	hide_stderr();
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_start("dbe");
	LOG_ERROR("flow", "one");
	LOG_INFO("flow", "two");
	log_stop();
	setenv("JOURNAL_STREAM", "1:1", 1); /* stderr has been redirected since */
	log_start("dbe");
	LOG_ERROR("flow", "three");
	log_stop();
	text = show_stderr();
	assert_string_equal(text, "<3>error dbe flow: one\n<6>info dbe flow: two\n"
				  "2026-01-31T23:59:59.123Z error dbe flow: three\n");
}

/* A29: one event is one line of at most 512 bytes, whatever a peer put in. */
static void hostile_arguments_stay_on_one_line(void **state)
{
	static char huge[64 * 1024];
	const char *text;

	(void)state;
	memset(huge, 'A', sizeof(huge) - 1);
	hide_stderr();
	log_start("sbe");
	LOG_INFO("wire", "agent '%s'", "x\r\nerror sbe fake: line\x1b[31m\xff%n");
	LOG_INFO("wire", "agent '%s'", huge);
	log_stop();
	text = show_stderr();
	assert_non_null(strstr(text, " info sbe wire: agent 'x\\r\\nerror sbe fake: "
				     "line\\x1b[31m\\xff%n'\n"));
	text = strchr(text, '\n') + 1;
	assert_int_equal(strlen(text), 512);
	assert_string_equal(text + 508, "...\n");
}

static void log_one(int i)
{
	LOG_INFO("peer", "line %d", i);
}

static void call_site_is_limited_per_second(void **state)
{
	uint64_t before = log_dropped();
	const char *text, *p;
	int lines = 0;

	(void)state;
	hide_stderr();
	for (int i = 0; i < 50; i++)
		log_one(i);
	clock_advance_ms(1000);
	log_one(100);
	log_one(101);
	text = show_stderr();
	for (p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, LOG_SITE_PER_S + 2);
	assert_non_null(strstr(text, "peer: line 19\n"));
	assert_null(strstr(text, "peer: line 20\n"));
	assert_non_null(strstr(text, "peer: (30 like this left out) line 100\n"));
	assert_non_null(strstr(text, "peer: line 101\n"));
	assert_int_equal(log_dropped(), before + 30);
}

struct reader {
	int fd;
	uint64_t lines;
	char text[2 * 1024 * 1024];
	size_t n;
};

static void *read_to_the_end(void *arg)
{
	struct reader *r = arg;
	ssize_t n;

	while ((n = read(r->fd, r->text + r->n, sizeof(r->text) - 1 - r->n)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			r->lines += r->text[r->n + (size_t)i] == '\n';
		r->n += (size_t)n;
	}
	return NULL;
}

#define FLOOD 10000

/* D6: the reader of stderr hangs. Callers go on, surplus is counted and told. */
static void stuck_reader_never_stops_the_caller(void **state)
{
	uint64_t before = log_dropped(), dropped;
	static struct reader r;
	pthread_t thread;
	unsigned long told = 0;
	const char *at;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	log_start("sbe");
	for (int i = 0; i < FLOOD; i++) /* would hang here for ever if it waited */
		log_write(NULL, LOG_LEVEL_INFO, "wire", "%0100d", i);
	dropped = log_dropped() - before;
	r.fd = fds[0];
	pthread_create(&thread, NULL, read_to_the_end, &r);
	log_stop();
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	pthread_join(thread, NULL);
	close(fds[0]);
	assert_true(dropped > 0);
	/* the ring at least; 64 KiB of pipe and a batch in the writer's hand if it got a turn */
	assert_true(dropped <= FLOOD - 4096);
	assert_int_equal(r.lines, FLOOD - dropped + 1);
	/* of what tests before this one have lost, what nobody was told of is told now too */
	at = strstr(r.text, " warn sbe log: ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, " warn sbe log: %lu lines dropped,", &told), 1);
	assert_in_range(told, dropped, dropped + before);
}

static void stop_gives_up_on_a_reader_that_is_gone_for_good(void **state)
{
	uint64_t start_us, took_us;
	int fds[2];

	(void)state;
	clock_real();
	assert_int_equal(pipe(fds), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	log_start("sbe");
	for (int i = 0; i < 2000; i++)
		log_write(NULL, LOG_LEVEL_INFO, "wire", "%0100d", i);
	start_us = clock_now_us();
	log_stop();
	took_us = clock_now_us() - start_us;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(fds[0]);
	assert_in_range(took_us, 1900000, 4000000);
}

#define THREADS 4

static void *log_many(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_write(NULL, LOG_LEVEL_INFO, "wire", "%d", (int)(intptr_t)arg);
	return NULL;
}

static void any_thread_may_log(void **state)
{
	uint64_t before = log_dropped();
	pthread_t threads[THREADS];
	const char *text;
	int lines = 0;

	(void)state;
	hide_stderr();
	log_start("t");
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, log_many, (void *)i);
	log_set_level("call", LOG_LEVEL_DEBUG);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_stop();
	text = show_stderr();
	assert_int_equal(log_dropped(), before);
	for (const char *p = text; (p = strstr(p, " info t wire: ")); p++)
		lines++;
	/* 64 KiB of the file are looked at */
	assert_true(lines > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(levels_have_names, each_test, after_each),
		cmocka_unit_test_setup_teardown(unstarted_writes_to_stderr_at_once, each_test,
						after_each),
		cmocka_unit_test_setup_teardown(started_names_the_program, each_test, after_each),
		cmocka_unit_test_setup_teardown(journal_gets_priorities, each_test, after_each),
		cmocka_unit_test_setup_teardown(hostile_arguments_stay_on_one_line, each_test,
						after_each),
		cmocka_unit_test_setup_teardown(call_site_is_limited_per_second, each_test,
						after_each),
		cmocka_unit_test_setup_teardown(stuck_reader_never_stops_the_caller, each_test,
						after_each),
		cmocka_unit_test_setup_teardown(stop_gives_up_on_a_reader_that_is_gone_for_good,
						each_test, after_each),
		cmocka_unit_test_setup_teardown(any_thread_may_log, each_test, after_each),
		cmocka_unit_test_setup_teardown(subsystems_have_their_own_level, each_test,
						after_each),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
