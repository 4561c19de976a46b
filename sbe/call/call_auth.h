/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_auth - Digest in calls (RFC 3261 22, RFC 8760): challenges of a peer are answered from its credentials
 * (call_auth_client.c), and peers that must say who they are are challenged (call_auth_server.c).
 *
 * Credentials go to the configured peer only, for its configured realm only, by default under TLS only. A
 * challenge is between that peer and us: nothing of it is shown on the other leg.
 * Owner: what a leg knows of challenges is freed with it. Thread: loop.
 */
#ifndef SBE_CALL_CALL_AUTH_H
#define SBE_CALL_CALL_AUTH_H

#include "sbe/call/call.h"
#include "sbe/sip/wire_out.h"

#define CALL_AUTH_METRICS(X)                                                                       \
	X(CALL_AUTH_ANSWERED, COUNTER, "sbe_auth_client_total{result=\"answered\"}",               \
	  "challenges of peers, by what we did")                                                   \
	X(CALL_AUTH_FOREIGN, COUNTER, "sbe_auth_client_total{result=\"foreign\"}",                 \
	  "challenges of peers, by what we did")                                                   \
	X(CALL_AUTH_CLEAR, COUNTER, "sbe_auth_client_total{result=\"clear\"}",                     \
	  "challenges of peers, by what we did")                                                   \
	X(CALL_AUTH_REPEATED, COUNTER, "sbe_auth_client_total{result=\"repeated\"}",               \
	  "challenges of peers, by what we did")                                                   \
	X(CALL_AUTH_CHALLENGED, COUNTER, "sbe_auth_server_total{result=\"challenged\"}",           \
	  "requests of peers that must have credentials, by what came of them")                    \
	X(CALL_AUTH_ACCEPTED, COUNTER, "sbe_auth_server_total{result=\"accepted\"}",               \
	  "requests of peers that must have credentials, by what came of them")                    \
	X(CALL_AUTH_STALE, COUNTER, "sbe_auth_server_total{result=\"stale\"}",                     \
	  "requests of peers that must have credentials, by what came of them")                    \
	X(CALL_AUTH_REPLAYED, COUNTER, "sbe_auth_server_total{result=\"replayed\"}",               \
	  "requests of peers that must have credentials, by what came of them")                    \
	X(CALL_AUTH_WRONG, COUNTER, "sbe_auth_server_total{result=\"wrong\"}",                     \
	  "requests of peers that must have credentials, by what came of them")                    \
	X(CALL_AUTH_NOT_TLS, COUNTER, "sbe_auth_server_total{result=\"clear\"}",                   \
	  "requests of peers that must have credentials, by what came of them")
METRIC_ENUM(call_auth_metrics, CALL_AUTH_METRICS)

struct leg;
struct call_auth; /* what a leg knows of challenges; NULL until there was one */

/**
 * A 401 or 407 came for a request of ours on this leg.
 * @return true: credentials are ready; send the request once more at once, in the same dialog with the next CSeq,
 *         and call_auth_write. false: it failed (wrong realm, no credentials, refused once more).
 */
bool call_auth_again(struct leg *leg, const struct wire_msg *m);
/** Authorization for a request (its method and uri) on this leg to there, if the leg has been challenged before. */
void call_auth_write(struct leg *leg, const struct txn_request *r,
		     const struct transport_target *to, struct wire_out *o);
/** Words that belong to a request which may have to be sent again; kept only if the peer may challenge us. */
void call_auth_keep(struct leg *leg, struct wire_text words);
struct wire_text call_auth_kept(const struct leg *leg);
void call_auth_clear(struct leg *leg);
/** Is it a challenge? Not to be shown to anybody else. */
bool call_auth_is_challenge(int status);

/**
 * May this request of a known peer go on? If not, it has been answered and s is gone. Each request must carry its
 * own credentials: nothing follows from the connection or address of one that did (RFC 5922 8, H13).
 */
bool call_auth_admits(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
		      const struct peer *p);

#endif
