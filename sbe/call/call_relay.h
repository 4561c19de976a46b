/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_relay - requests inside a call that are nothing to us: INFO, MESSAGE, SUBSCRIBE, NOTIFY, OPTIONS go to the
 * other leg's dialog, and its response comes back.
 *
 * Only headers that may cross do; bodies that describe sessions or messages do not pass. A leg has few of them
 * under way and so many a second (A16); more get 500 with Retry-After.
 * Owner: embedded in struct leg; what is under way belongs to the leg the request came from. Thread: loop.
 */
#ifndef SBE_CALL_CALL_RELAY_H
#define SBE_CALL_CALL_RELAY_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/rate.h"
#include "sbe/sip/txn.h"

#define CALL_RELAY_MAX 8    /* of one leg at the same time */
#define CALL_RELAY_PER_S 20 /* of one leg: more than anybody can dial */
#define CALL_RELAY_BURST 40

struct leg;
struct peer_conf;
struct call_relayed;

struct call_relay {
	LIST_HEAD(call_relayed_list, call_relayed) under_way;
	unsigned n;
	struct rate rate; /* starts with the first request */
};

/** What to do with a response that has come, instead of or before passing it; NULL m: there was none. */
typedef void(call_relay_h)(struct leg *from, int status);

/** May this peer send us this method inside a call, to be passed on? */
bool call_relay_allowed(const struct peer_conf *c, enum wire_method method);
/** Row of the method table. */
void call_relay_request(struct leg *leg, struct txn_server *s, const struct wire_msg *m);

struct call_relay_what {
	const struct wire_msg *msg; /* what came: method, headers, body */
	const char *headers;        /* more header lines for the other side; NULL = none */
	const char *body;           /* in place of the received one; NULL = that one */
	call_relay_h *done;         /* called when it is answered; NULL = nobody */
};
/** The same with something changed; all checks are made, s is answered in any case. */
void call_relay_send(struct leg *leg, struct txn_server *s, const struct call_relay_what *what);
/** The call ends: what is under way is answered 481. */
void call_relay_end(struct leg *leg);

#endif
