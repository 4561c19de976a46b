/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_luf_private - what the files of route_luf share: the kept answer with who waits for it and how it is asked for.
 */
#ifndef SBE_ROUTE_ROUTE_LUF_PRIVATE_H
#define SBE_ROUTE_ROUTE_LUF_PRIVATE_H

#include <sys/queue.h>

#include "common/table.h"
#include "sbe/route/route_luf.h"
#include "sbe/route/route_private.h"

#define LUF_KEY_BYTES 900

struct luf_entry {
	struct route_luf *luf;
	struct route_luf_answer *answer; /* NULL: never answered */
	uint64_t expires_ms;
	bool asking;
	TAILQ_HEAD(, route_luf_wait) waiters;
	TAILQ_ENTRY(luf_entry) used; /* least recently used first */
	struct table_entry by_key;
	/* how it is asked for */
	struct web_get *get;
	struct txn_client *invite;
	struct peer *peer; /* reference while it is asked */
	size_t hop;
	bool secure; /* only over TLS */
	uint64_t end_ms;
	struct timer deadline;
	char user[ROUTE_USER_BYTES], host[ROUTE_HOST_BYTES];
	size_t key_bytes;
	char key[];
};
struct route_luf {
	struct route_luf_options o;
	struct table *entries;
	TAILQ_HEAD(, luf_entry) used;
	size_t waiters;
};

/** A new answer; why NULL = none. NULL without memory. */
struct route_luf_answer *luf_answer_new(enum route_luf_result result, uint32_t ttl_s,
					const char *why);
/** The answer is there (a is consumed; NULL = no memory). Whoever waits is told. */
void luf_answered(struct luf_entry *e, struct route_luf_answer *a);
/** Begin to ask. @return 0 (luf_answered comes later), -errno. */
int luf_https_start(struct luf_entry *e, const struct route_luf_question *q);
int luf_sip_start(struct luf_entry *e, const struct route_luf_question *q);
void luf_sip_stop(struct luf_entry *e);

/** Take "sip:user@host;..." apart as a target: plain user and host. @return 0, -EINVAL. */
int luf_take_target(struct route_luf_answer *a, const char *uri, size_t len_bytes);
/** Add a URI to its Route set; the first one's host becomes the next hop's domain. @return 0, -errno. */
int luf_take_route(struct route_luf_answer *a, const char *uri, size_t len_bytes);

#endif
