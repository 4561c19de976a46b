/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns - one entry per (name, type): its answer, and while servers are asked those who wait for it.
 */
#include "sbe/dns/dns.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/table.h"

METRIC_TABLE(dns_metrics, DNS_METRICS)

#define ENTRIES_DEFAULT 10000U
#define KEY_BYTES (DNS_NAME_BYTES + 2)

struct dns_question {
	struct entry *entry;
	dns_answer_h *fn;
	void *arg;
	struct timer deadline;
	TAILQ_ENTRY(dns_question) link;
};
struct entry {
	struct dns *dns;
	const struct dns_answer *answer; /* NULL: never answered */
	uint64_t expires_ms;
	uint64_t ticket; /* 0 = nobody is asked */
	TAILQ_HEAD(, dns_question) waiters;
	TAILQ_ENTRY(entry) used; /* least recently used first */
	struct table_entry by_key, by_ticket;
	int type;
	size_t key_bytes;
	char key[]; /* type digit, name in lower case */
};
struct dns {
	struct dns_options o;
	struct table *entries, *tickets;
	TAILQ_HEAD(, entry) used;
	uint64_t last_ticket;
	size_t waiters;
};

/* Given to a handler when there is no memory for an answer. Not counted: nobody may keep it. */
static const struct dns_answer no_memory = {.err = -ENOMEM};

static void measure(const struct dns *d)
{
	metric_set(&dns_metrics, DNS_ENTRIES, (int64_t)table_count(d->entries));
	metric_set(&dns_metrics, DNS_UNDER_WAY, (int64_t)table_count(d->tickets));
}

static void entry_destroy(void *obj)
{
	struct entry *e = obj;

	mem_unref((void *)(uintptr_t)e->answer);
}

static void entry_drop(struct entry *e)
{
	TAILQ_REMOVE(&e->dns->used, e, used);
	table_remove(&e->by_key);
	table_remove(&e->by_ticket);
	mem_unref(e);
}

static void dns_destroy(void *obj)
{
	struct dns *d = obj;
	struct entry *e;

	while ((e = TAILQ_FIRST(&d->used))) {
		struct dns_question *q;

		while ((q = TAILQ_FIRST(&e->waiters)))
			dns_cancel(q);
		entry_drop(e);
	}
	table_free(d->entries);
	table_free(d->tickets);
}

int dns_new(const struct dns_options *o, struct dns **ret_dns)
{
	struct dns *d = mem_zalloc(sizeof(*d), dns_destroy);
	int err;

	if (!d)
		return -ENOMEM;
	d->o = *o;
	if (!d->o.entries_max)
		d->o.entries_max = ENTRIES_DEFAULT;
	if (!d->o.stale_s)
		d->o.stale_s = DNS_STALE_S;
	TAILQ_INIT(&d->used);
	err = table_new(0, &d->entries);
	if (!err)
		err = table_new(DNS_QUESTIONS_MAX, &d->tickets);
	if (err) {
		mem_unref(d);
		return err;
	}
	*ret_dns = d;
	return 0;
}

void dns_free(struct dns *d)
{
	mem_unref(d);
}

/* ---- entries */

/* Room for one more: the least recently used one that nobody waits for goes. */
static int make_room(struct dns *d)
{
	struct entry *e;

	if (table_count(d->entries) < d->o.entries_max)
		return 0;
	TAILQ_FOREACH(e, &d->used, used) {
		if (e->ticket || !TAILQ_EMPTY(&e->waiters))
			continue;
		entry_drop(e);
		return 0;
	}
	return -EBUSY;
}

static int entry_new(struct dns *d, const char *key, size_t key_bytes, int type, struct entry **ret)
{
	struct entry *e;
	int err = make_room(d);

	if (err)
		return err;
	e = mem_zalloc(sizeof(*e) + key_bytes + 1, entry_destroy);
	if (!e)
		return -ENOMEM;
	e->dns = d;
	e->type = type;
	e->key_bytes = key_bytes;
	memcpy(e->key, key, key_bytes);
	TAILQ_INIT(&e->waiters);
	err = table_add(d->entries, &e->by_key, e->key, key_bytes, e);
	if (err) {
		mem_unref(e);
		return err;
	}
	TAILQ_INSERT_TAIL(&d->used, e, used);
	*ret = e;
	return 0;
}

static size_t make_key(const char *name, int type, char key[KEY_BYTES])
{
	size_t n = 0;

	key[n++] = (char)('0' + type);
	for (const char *p = name; *p; p++)
		key[n++] = (char)tolower((unsigned char)*p);
	key[n] = '\0';
	return n;
}

static bool fresh(const struct entry *e)
{
	return e->answer && clock_now_ms() < e->expires_ms;
}

/* May what is there serve although its time is over? Only what helps a call: records, not a "no". */
static bool may_serve_stale(const struct entry *e)
{
	return e->answer && !e->answer->err && e->dns->o.stale_s != UINT32_MAX &&
	       clock_now_ms() < e->expires_ms + e->dns->o.stale_s * 1000ULL;
}

/* ---- those who wait */

static void question_free(struct dns_question *q)
{
	timer_stop(&q->deadline);
	TAILQ_REMOVE(&q->entry->waiters, q, link);
	q->entry->dns->waiters--;
	mem_unref(q);
}

void dns_cancel(struct dns_question *q)
{
	if (q)
		question_free(q);
}

static void deliver(struct dns_question *q, const struct dns_answer *a)
{
	dns_answer_h *fn = q->fn;
	void *arg = q->arg;

	question_free(q);
	fn(arg, a);
}

/* The same records, marked as being over their time. */
static const struct dns_answer *stale_of(const struct dns_answer *a, struct dns_answer *copy)
{
	metric_add(&dns_metrics, DNS_STALE, 1);
	*copy = *a;
	copy->stale = true;
	copy->ttl_s = 0;
	return copy;
}

static void too_late(void *arg)
{
	struct dns_question *q = arg;
	const struct dns_answer *old = NULL;
	struct dns_answer copy = {.err = -ETIMEDOUT};

	metric_add(&dns_metrics, DNS_TIMEOUT, 1);
	if (may_serve_stale(q->entry)) {
		old = mem_ref((void *)(uintptr_t)q->entry->answer);
		stale_of(old, &copy);
	}
	deliver(q, &copy);
	mem_unref((void *)(uintptr_t)old);
}

static int wait_for(struct entry *e, const struct dns_asker *asker,
		    struct dns_question **ret_question)
{
	struct dns_question *q;

	if (e->dns->waiters >= DNS_WAITERS_MAX)
		return -EBUSY;
	q = mem_zalloc(sizeof(*q), NULL);
	if (!q)
		return -ENOMEM;
	q->entry = e;
	q->fn = asker->fn;
	q->arg = asker->arg;
	TAILQ_INSERT_TAIL(&e->waiters, q, link);
	e->dns->waiters++;
	timer_start(e->dns->o.wheel, &q->deadline, asker->deadline_ms, too_late, q);
	*ret_question = q;
	return 0;
}

static int ask_servers(struct entry *e)
{
	struct dns *d = e->dns;
	int err;

	if (e->ticket)
		return 0;
	e->ticket = ++d->last_ticket;
	err = table_add(d->tickets, &e->by_ticket, &e->ticket, sizeof(e->ticket), e);
	if (!err)
		err = d->o.io.ask(d->o.io.ctx, e->key + 1, e->type, e->ticket);
	if (err) {
		table_remove(&e->by_ticket);
		e->ticket = 0;
		if (err == -ENOSPC) {
			metric_add(&dns_metrics, DNS_REFUSED, 1);
			err = -EBUSY;
		}
	}
	measure(d);
	return err;
}

int dns_ask(struct dns *d, const char *name, int type, const struct dns_asker *asker,
	    struct dns_question **ret_question)
{
	char key[KEY_BYTES];
	size_t key_bytes;
	struct entry *e;
	int err = 0;

	*ret_question = NULL;
	if (type < 0 || type >= DNS_TYPES || !dns_name_valid(name))
		return -EINVAL;
	key_bytes = make_key(name, type, key);
	e = table_find(d->entries, key, key_bytes);
	if (!e)
		err = entry_new(d, key, key_bytes, type, &e);
	if (err)
		return err;
	TAILQ_REMOVE(&d->used, e, used);
	TAILQ_INSERT_TAIL(&d->used, e, used);
	if (fresh(e)) {
		const struct dns_answer *a = mem_ref((void *)(uintptr_t)e->answer);

		metric_add(&dns_metrics, DNS_CACHED, 1);
		asker->fn(asker->arg, a);
		mem_unref((void *)(uintptr_t)a);
		return 0;
	}
	metric_add(&dns_metrics, e->ticket ? DNS_SHARED : DNS_ASKED, 1);
	err = wait_for(e, asker, ret_question);
	if (!err)
		err = ask_servers(e);
	if (err && *ret_question) {
		question_free(*ret_question);
		*ret_question = NULL;
	}
	return err;
}

/* ---- what the servers say */

static const struct dns_answer *read_answer(const struct entry *e, int err, const uint8_t *packet,
					    size_t len_bytes)
{
	const struct dns_answer *a = NULL;

	if (err)
		return dns_answer_error(err, DNS_ERROR_TTL_S);
	if (dns_answer_read(packet, len_bytes, e->key + 1, e->type, &a))
		return NULL;
	return a;
}

static void keep(struct entry *e, const struct dns_answer *a)
{
	uint32_t ttl_s = a->ttl_s;

	if (a->err && a->err != -ENOENT) {
		metric_add(&dns_metrics, a->err == -ETIMEDOUT ? DNS_TIMEOUT : DNS_FAILED, 1);
		if (may_serve_stale(e))
			return; /* the old records are worth more than the error */
		ttl_s = DNS_ERROR_TTL_S;
	}
	mem_unref((void *)(uintptr_t)e->answer);
	e->answer = mem_ref((void *)(uintptr_t)a);
	e->expires_ms = clock_now_ms() + ttl_s * 1000ULL;
}

void dns_take(struct dns *d, uint64_t ticket, int err, const uint8_t *packet, size_t len_bytes)
{
	struct entry *e = table_find(d->tickets, &ticket, sizeof(ticket));
	const struct dns_answer *a, *say;
	struct dns_answer copy;
	struct dns_question *q;

	if (!e)
		return;
	table_remove(&e->by_ticket);
	e->ticket = 0;
	a = read_answer(e, err, packet, len_bytes);
	if (a)
		keep(e, a);
	say = a ? a : &no_memory;
	if (say->err && say->err != -ENOENT && may_serve_stale(e)) {
		mem_unref((void *)(uintptr_t)a);
		a = mem_ref((void *)(uintptr_t)e->answer);
		say = stale_of(a, &copy);
	}
	mem_ref(e); /* a handler may flush */
	mem_ref(d);
	while ((q = TAILQ_FIRST(&e->waiters)) && !e->ticket)
		deliver(q, say);
	measure(d);
	mem_unref(e);
	mem_unref(d);
	mem_unref((void *)(uintptr_t)a);
}

size_t dns_flush(struct dns *d)
{
	struct entry *e, *next;
	size_t n = 0;

	for (e = TAILQ_FIRST(&d->used); e; e = next) {
		next = TAILQ_NEXT(e, used);
		if (e->ticket || !TAILQ_EMPTY(&e->waiters))
			continue;
		entry_drop(e);
		n++;
	}
	measure(d);
	return n;
}

size_t dns_waiting(const struct dns *d)
{
	return d->waiters;
}
