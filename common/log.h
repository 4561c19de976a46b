/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - levels per subsystem, one line per event, never blocks the caller.
 *
 * Lines go through a bounded ring to a writer thread (stderr, with <N> priority prefixes when the
 * journal reads it); when the ring is full lines are dropped and counted. Control characters and
 * invalid UTF-8 in arguments are escaped, a line is at most 512 bytes, and each call site is limited to
 * LOG_SITE_PER_S lines a second (the surplus is counted and reported).
 * Thread: log_write is safe from any thread. Only the layer that decides logs; common, proto and
 * parsers return errors instead.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

#define LOG_SITE_PER_S 20

/* A call site's rate state; the macros make one static instance per site. */
struct log_site {
	_Atomic uint64_t second;
	_Atomic uint32_t count;
};

/** Start the writer. @param program name in front of each line. @return 0 or -errno. */
int log_start(const char *program);
/** Write what is queued and end the writer. */
void log_stop(void);

/** Set the level of one subsystem, or of all with subsystem NULL. @return 0, -ENOENT (no such subsystem). */
int log_set_level(const char *subsystem, enum log_level level);
/** "error" .. "debug" -> level. @return 0, -EINVAL. */
int log_level_parse(const char *text, enum log_level *ret_level);
const char *log_level_name(enum log_level level);
bool log_enabled(const char *subsystem, enum log_level level);

void log_write(struct log_site *site, enum log_level level, const char *subsystem, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));

/** Lines dropped because the ring was full, and lines suppressed by site limits. */
uint64_t log_dropped(void);

#define LOG_AT(level, subsystem, ...)                                                              \
	do {                                                                                       \
		static struct log_site log_site_;                                                  \
		if (log_enabled(subsystem, level))                                                 \
			log_write(&log_site_, level, subsystem, __VA_ARGS__);                      \
	} while (0)
#define LOG_ERROR(subsystem, ...) LOG_AT(LOG_LEVEL_ERROR, subsystem, __VA_ARGS__)
#define LOG_WARN(subsystem, ...) LOG_AT(LOG_LEVEL_WARN, subsystem, __VA_ARGS__)
#define LOG_NOTICE(subsystem, ...) LOG_AT(LOG_LEVEL_NOTICE, subsystem, __VA_ARGS__)
#define LOG_INFO(subsystem, ...) LOG_AT(LOG_LEVEL_INFO, subsystem, __VA_ARGS__)
#define LOG_DEBUG(subsystem, ...) LOG_AT(LOG_LEVEL_DEBUG, subsystem, __VA_ARGS__)

#endif
