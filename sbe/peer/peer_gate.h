/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_gate - refuses requests that a limit or overload would refuse anyway, before they cost a parser.
 *
 * In dialogs everything passes: ACK, BYE, PRACK, re-INVITE, and CANCEL and responses too. Of new calls an
 * emergency or priority call passes while others are shed (E7, C22). A known peer is answered 503 from the bytes;
 * a stranger never, and under overload he is not heard at all. Each refused call is counted, and has a CDR: one
 * of its own up to PEER_RECORDS_PER_S of a peer, above that one record for all of a second.
 *
 * Owner: the app embeds it. Thread: loop.
 */
#ifndef SBE_PEER_PEER_GATE_H
#define SBE_PEER_PEER_GATE_H

#include "sbe/cdr/cdr.h"
#include "sbe/peer/peer.h"
#include "sbe/sip/guard_head.h"
#include "sbe/sip/overload.h"

#define PEER_RECORDS_PER_S 100U
#define PEER_PROBES_PER_S 20U /* OPTIONS of a peer that are answered while calls are shed */

struct peer_gate_options {
	struct overload_options overload;
	uint32_t cps;               /* new calls a second of the whole node; 0 = no limit */
	struct conf_list emergency; /* const char *: users that are emergency numbers */
	struct cdr_writer *cdr;     /* NULL = none */
};

struct peer_gate {
	struct peer_gate_options o;
	struct overload overload;
	struct rate cps, probes;
	unsigned ticks;
	bool said;            /* the log has been told of this episode */
	uint64_t shed_before; /* count when it began */
	char headers[192], oc[WIRE_OC_TEXT_BYTES];
	uint64_t seq_ms; /* last oc-seq */
};

void peer_gate_init(struct peer_gate *g, const struct peer_gate_options *o);

/** A message that is not parsed yet. @param p NULL = a stranger. See handlers.gate in sbe/sip/transport.h. */
enum guard_verdict peer_gate_take(struct peer_gate *g, struct peer *p,
				  const struct transport_offer *o, struct guard_reply *ret_reply,
				  uint16_t *ret_port);
/** Every OVERLOAD_TICK_MS: measures, divides, writes what is due. */
void peer_gate_tick(struct peer_gate *g, struct peer_set *s, const struct overload_sample *sample);
/** Shall this call of p pass limits and overload? Of the Request-URI and whether it has a Resource-Priority. */
bool peer_gate_is_urgent(const struct conf_list *emergency, const struct peer *p,
			 struct wire_text uri, bool priority);
/** Overload parameters for a response to p, ";oc=..."; the text is good until the next call. */
const char *peer_gate_oc(struct peer_gate *g, const struct peer *p);

/* peer_gate_record.c */
/** A CDR of a call that was refused unparsed; none if there were too many, then it is counted for one of all. */
void peer_gate_record(struct peer_gate *g, struct peer *p, const struct guard_head *h,
		      enum peer_limit why);
/** Once a second: what was only counted. */
void peer_gate_record_rest(struct peer_gate *g, struct peer_set *s);

#endif
