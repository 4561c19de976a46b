/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_headers - what crosses from one leg to the other, by the policies of both peers. via = the listener it goes out by.
 * Owner: none. Thread: loop.
 */
#ifndef SBE_CALL_CALL_HEADERS_H
#define SBE_CALL_CALL_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "sbe/policy/policy.h"

struct call;
struct call_core;
struct leg;
struct peer;
struct transport_listener;
struct transport_target;
struct wire_msg;
struct wire_out;

/** Is a numeric address in it? */
bool call_text_names_host(struct wire_text t);
/** Contact line for who sends by t. */
void call_headers_contact(const struct transport_target *t, struct wire_out *o);
/** The way between two peers as the policies see it. */
void call_headers_way(const struct call_core *core, const struct peer *from, const struct peer *to,
		      const struct transport_listener *via, struct policy_way *ret_way);
/** Headers of m that may pass to that leg. */
void call_headers_pass(const struct leg *to, const struct transport_listener *via,
		       const struct wire_msg *m, struct wire_out *o);
/** Phrase of a response for that leg; NULL = the standard one. */
const char *call_headers_phrase(const struct leg *to, const struct wire_msg *m, char *buf,
				size_t size_bytes);
/** Value of a Reason header for that leg: of m (may be NULL) if it may be shown, else ours; NULL = none. */
const char *call_headers_reason(const struct leg *to, const struct wire_msg *m, const char *ours,
				char *buf, size_t size_bytes);
/** Status for that leg of a response (m NULL: a failure of ours); phrase is set if a rule says one. */
int call_headers_status(const struct leg *to, const struct wire_msg *m, int status,
			const char **phrase);
/** Who calls whom, as the callee is to see it. @return 0, -errno. */
int call_headers_parties(const struct call *call, const struct wire_msg *invite,
			 const struct transport_listener *via, struct policy_parties *ret_parties);
/** See policy_body(): a multipart body for that leg; one without an SDP. */
int call_headers_body(const struct leg *to, const struct wire_msg *m, struct wire_text body,
		      struct policy_body *ret_body);
/** May the type of its body pass to that leg? */
bool call_headers_body_passes(const struct leg *to, const struct wire_msg *m);
/** May this call go to the peer of leg 1? */
bool call_headers_leave(const struct call *call, const struct wire_msg *invite,
			struct policy_refusal *ret_refusal);

#endif
