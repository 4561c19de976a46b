/* SPDX-License-Identifier: Apache-2.0 */
/* Peers and routes from configuration text, and plans as text, for the tests of this folder. */
#ifndef TESTS_UNIT_SBE_ROUTE_BED_H
#define TESTS_UNIT_SBE_ROUTE_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/conf.h"
#include "sbe/peer/peer.h"
#include "sbe/route/route_ask.h"

struct bed {
	struct conf_doc *doc;
	struct conf_list peer_confs;
	struct route_conf_lists lists;
	struct peer_set *peers;
	struct route_set *routes;
	struct conf_error error;
	struct dns *dns;               /* the caller's; may be NULL */
	void (*answer)(struct bed *b); /* lets the DNS answer; NULL = nobody is asked */
	bool planned;
	const char *method, *calling; /* of the next questions */
	uint64_t at_wall_ms;
	const struct route_quality *quality; /* of peer bnet; others have none */
	bool no_sip;
	struct route_env env; /* more of it, if its arg is there */
	struct route_plan plan;
};

/** Peers pbx, bnet (two hops, b.example), cnet, dnet (c.example, d.example) and what members adds, with ' for ".
 *  @return 0, or -errno with b->error. */
int bed_up(struct bed *b, const char *members);
void bed_down(struct bed *b);
struct peer *bed_peer(struct bed *b, const char *name);

/** "b: bnet/0 bnet/1" or "404 no route". from NULL = nobody. host of ours: a.example. */
const char *bed_plan(struct bed *b, const char *from, const char *user, const char *host,
		     uint64_t now_ms);
/** The why of the same, one step in a line: "step subject: result: text". Free with free(). */
char *bed_why(struct bed *b, const char *from, const char *user, const char *host);

#endif
