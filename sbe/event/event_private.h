/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_private - what the files of event/ share; nobody else includes it.
 *
 * event.c takes requests in and refuses, event_pass.c carries one request to the other side and its answer back,
 * event_sub.c keeps subscriptions.
 */
#ifndef SBE_EVENT_EVENT_PRIVATE_H
#define SBE_EVENT_EVENT_PRIVATE_H

#include <sys/queue.h>

#include "common/rate.h"
#include "common/table.h"
#include "sbe/event/event.h"
#include "sbe/policy/policy.h"
#include "sbe/sip/dialog.h"

#define EVENT_HEADERS_BYTES 16384
#define EVENT_PACKAGE_BYTES 64
#define EVENT_PASSES_MAX 10000U /* under way at once */
#define EVENT_SUB_PASSES_MAX 4U /* of one subscription */

struct event_sub;

struct event_leg { /* one side of a subscription: 0 subscriber, 1 notifier */
	struct event_sub *sub;
	uint8_t side;
	struct peer *peer;
	struct addr from; /* where its messages come from */
	struct dialog dialog;
};
struct event_sub {
	struct event_core *core;
	struct event_leg legs[2];
	char package[EVENT_PACKAGE_BYTES];
	bool up;     /* the notifier has accepted */
	bool ending; /* it is over when nothing of it is under way any more */
	uint32_t expires_s;
	struct timer expiry;
	struct rate notifies;
	unsigned passes;
	struct txn_server *early; /* a NOTIFY that came before the 2xx (RFC 6665 4.1.2.4) */
	struct wire_msg *early_notify;
	LIST_ENTRY(event_sub) link;
};

/* One request on its way to the other side. */
struct event_pass {
	struct event_core *core;
	struct txn_server *server; /* NULL: answered */
	struct txn_client *client;
	struct wire_msg *msg;
	enum wire_method method;
	struct peer *from, *to;
	struct event_sub *sub; /* of a SUBSCRIBE or NOTIFY */
	struct event_leg *leg; /* in a dialog: the leg it goes out on */
	struct route_asking *asking;
	struct route_plan plan;
	bool planned;
	size_t candidate;
	uint32_t expires_s; /* of a SUBSCRIBE, as we let it pass */
	LIST_ENTRY(event_pass) link;
};
struct event_core {
	struct event_options o;
	struct event_config c;
	struct table *dialogs;
	LIST_HEAD(, event_pass) passes;
	LIST_HEAD(, event_sub) subs;
	size_t npasses, nsubs;
	char headers[EVENT_HEADERS_BYTES];
};

/* event.c */
void event_refuse(struct txn_server *s, int status, const char *phrase, const char *headers);
/** Is the package (up to a parameter) in the peer's list? */
bool event_package_agreed(const struct peer_conf *c, struct wire_text package);
void event_way(const struct event_core *core, const struct peer *from, const struct peer *to,
	       const struct transport_listener *via, struct policy_way *ret_way);

/* event_pass.c */
/** A request outside a dialog; sub: the subscription it is to begin, given away. */
void event_pass_new(struct event_core *core, struct txn_server *s, const struct wire_msg *m,
		    struct peer *from, struct event_sub *sub);
/** A request in a subscription, out on this leg. */
void event_pass_in_dialog(struct event_leg *out, struct txn_server *s, const struct wire_msg *m,
			  uint32_t expires_s);
/** End it: the request is answered so (0 = not at all), nothing more is heard of it. */
void event_pass_end(struct event_pass *p, int status);

/* event_sub.c */
int event_sub_new(struct event_core *core, struct txn_server *s, const struct wire_msg *m,
		  struct peer *from, struct event_sub **ret_sub);
/** Check and clamp the Expires of a SUBSCRIBE. @return 0, or the status to refuse with and one more header. */
int event_sub_expires(const struct wire_msg *m, const struct peer_conf *c, uint32_t *ret_expires_s,
		      char *header, size_t size_bytes);
/** A request in a dialog of ours. */
void event_sub_request(struct event_leg *leg, struct txn_server *s, const struct wire_msg *m);
/** The other side has answered a SUBSCRIBE (m NULL: not at all) or NOTIFY of this subscription. */
void event_sub_answered(struct event_sub *sub, const struct event_pass *p, int status,
			const struct wire_msg *m);
/** Over: all that waits is answered 481. */
void event_sub_end(struct event_sub *sub);
void event_sub_free(struct event_sub *sub);

#endif
