/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_screen - what a request is refused for before anybody asks what it wants, and the one order of it:
 *
 *   1. its bytes (sbe/sip/guard.c): dropped, 400, 413, 505, 513
 *   2. its parse (sbe/sip/transport_in.c): 400, also for a Max-Forwards that is none (RFC 3261 20.22)
 *   3. a copy that came another way (sbe/sip/txn.c): 482; no room for it: 503
 *   4. who sends it: 403 to strangers; Digest: 401 (call_auth_server.c); in a dialog also 481 and 500 (call_none.c);
 *      403 when such calls are not what was agreed (call_ingress.c)
 *   5. its method: 405, 501, 481 (call_option.c)
 *   6. numbers the parser does not read: 400
 *   7. what is asked for: 416 the scheme, 404 a domain that is not ours to route, 403 a Route that is not ours
 *   8. how far it may go: 483, 440, 482
 *   9. what it requires: 420, 421, 422
 *  10. who calls and when, as the peer's policy asks
 *  11. what we could answer with: 406; what it brings: 415, 400
 *  12. whether there is room: 503; where it goes: 404, 503, 488
 *
 * So the same request gets the same answer whatever else is wrong with it behind that (RFC 3261 8.2, 16.3).
 * Owner: results are static rows. Thread: any.
 */
#ifndef SBE_CALL_CALL_SCREEN_H
#define SBE_CALL_CALL_SCREEN_H

#include "sbe/sip/wire.h"

struct call_screened {
	int status;
	const char *phrase; /* NULL = the standard one */
	const char *cause;  /* CDR word */
	const char *text;   /* for a Reason; NULL = none */
	const char *header; /* header line to answer with; NULL = none */
};

/* Each: NULL = go on. */
/** 6., of any request. */
const struct call_screened *call_screen_numbers(const struct wire_msg *m);
/** 8., of a new INVITE. @param key see call_loop.h */
const struct call_screened *call_screen_hops(const uint64_t secret[2], uint64_t key,
					     const struct wire_msg *m);
/** 11., but what only the parser of a body can tell. */
const struct call_screened *call_screen_content(const struct wire_msg *m);
/** Has it a body in an encoding we cannot read? */
bool call_screen_encoded(const struct wire_msg *m);
/** The header line of a 415 to this request: what would have been taken instead. */
const char *call_screen_taken(const struct wire_msg *m);
/** May a body that is nothing to us be left aside (RFC 3261 20.11)? */
bool call_screen_optional(const struct wire_msg *m);

#endif
