/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy - what may cross between two peers, and in which form: the entry of this folder.
 *
 * Without a word in the configuration: what is harmless crosses, nothing inner does (RFC 6404 C6, C12), no identity is
 * believed (RFC 3325). Everything here works on one message, keeps nothing, and is the same code in a call, in
 * `policy test` and in the fuzzer.
 * Owner: compiled policies belong to the peer's configuration (policy_compile, policy_free). Thread: loop.
 */
#ifndef SBE_POLICY_POLICY_H
#define SBE_POLICY_POLICY_H

#include "common/metric.h"
#include "sbe/peer/peer.h"
#include "sbe/sip/wire_out.h"

#define POLICY_METRICS(X)                                                                          \
	X(POLICY_HIDDEN, COUNTER, "sbe_policy_hidden_total",                                       \
	  "headers kept back because something of the inside was in them")                         \
	X(POLICY_REFUSED, COUNTER, "sbe_policy_refused_total",                                     \
	  "calls refused by identity, privacy, number or body rules")                              \
	X(POLICY_SKIPPED, COUNTER, "sbe_policy_skipped_total",                                     \
	  "rules not carried out because their result would not fit or took too long")
METRIC_ENUM(policy_metrics, POLICY_METRICS)

/* One change, for who asks `policy test`. Texts live during the call only. */
struct policy_note {
	struct wire_text before, after; /* a header line or a part of the message; s NULL = none */
	const char *why;                /* the rule, as a path of the configuration, or words */
};
typedef void(policy_trace_h)(void *arg, const struct policy_note *note);

/* From which peer to which. The peers' own policies are looked up in their configuration. */
struct policy_way {
	const struct peer *from, *to;      /* NULL = somebody nothing was agreed with */
	const struct transport *transport; /* whose listeners are ours; NULL = none */
	const char *const *domains;        /* ours */
	size_t ndomains;
	const char *our_host;  /* what we call ourselves towards `to` */
	policy_trace_h *trace; /* NULL = nobody asks */
	void *trace_arg;
};

/* Why a message does not go on. */
struct policy_refusal {
	int status;         /* 0 = it does */
	const char *phrase; /* NULL = the usual one */
	const char *cause;  /* CDR word, static */
	const char *text;   /* for a Reason header, static */
	char header[200];   /* one more header line, or "" */
};

/* ---- life ---- */

/** Mix and compile what each peer uses. @param named "policies", confs "peers" of the document.
 *  @return 0, -EINVAL with err set (FILE:LINE: path), -ENOMEM; then policy_free is still to be called. */
int policy_compile(const struct conf_doc *doc, const struct conf_list *named,
		   const struct conf_list *confs, struct conf_error *err);
void policy_free(const struct conf_list *confs);
/** What counts for a peer, everything mixed; new reference. */
json_t *policy_values(const struct peer_conf *c);

/* ---- headers (policy_headers.c) ---- */

/** Write all headers of m that cross. */
void policy_pass(const struct policy_way *way, const struct wire_msg *m, struct wire_out *o);
/** The phrase of a response for the other side; NULL = the usual one. */
const char *policy_phrase(const struct policy_way *way, const struct wire_msg *m, char *buf,
			  size_t size_bytes);
#define POLICY_REASONS_MAX 3
/** Value of a Reason header towards way->to: up to POLICY_REASONS_MAX of m (NULL = none) that may be shown, else ours. @return NULL: none */
const char *policy_reason(const struct policy_way *way, const struct wire_msg *m, const char *ours,
			  char *buf, size_t size_bytes);

/* ---- who calls whom (policy_party.c) ---- */

#define POLICY_PARTY_BYTES 640 /* display 123, user 200, host 255, and what stands between */
struct policy_parties {
	char local[POLICY_PARTY_BYTES], remote[POLICY_PARTY_BYTES],
		uri[POLICY_PARTY_BYTES]; /* From, To (without tags), Request-URI of the leg we start */
};
struct policy_target { /* of the Request-URI we send */
	const char *host;
	struct wire_text user; /* n 0 = the one that came */
};
/** @return 0, -EPROTO: the called user names what is inner. */
int policy_parties(const struct policy_way *way, const struct wire_msg *invite,
		   const struct policy_target *target, struct policy_parties *ret_parties);
/** The called user as routes see it: unescaped, normalised by the rules of who sent it. @return buf */
const char *policy_called(const struct peer *from, const struct wire_uri *uri, char *buf,
			  size_t size_bytes);

/* ---- yes or no (policy_admit.c) ---- */

/** A new call from way->from: identity, ownership of the number (C15), body types. @return true: go on. */
bool policy_admit(const struct policy_way *way, const struct wire_msg *invite,
		  struct policy_refusal *ret_refusal);
/** The same call towards way->to: anonymity, privacy that cannot be given. */
bool policy_leave(const struct policy_way *way, const struct wire_msg *invite,
		  struct policy_refusal *ret_refusal);
/** May the peer use this method; is this option tag agreed? As far as its policy goes. */
bool policy_method_allowed(const struct peer_conf *c, enum wire_method method);
bool policy_option_allowed(const struct peer_conf *c, const char *tag, size_t len_bytes);

/* ---- causes (policy_cause.c) ---- */

struct policy_outcome {
	int status;
	const char *phrase; /* NULL = the usual one */
	const char *why;    /* the rule, NULL = none */
};
/** What a response becomes for way->to. m NULL: a failure of ours with this status. */
void policy_outcome(const struct policy_way *way, const struct wire_msg *m, int status,
		    struct policy_outcome *ret_outcome);

/* ---- bodies (policy_body.c) ---- */

/** Of a new call from way->from: types, what is encrypted, parts that name something of the inside. @return true: go on. */
bool policy_body_admit(const struct policy_way *way, const struct wire_msg *m,
		       struct policy_refusal *ret_refusal);
/** May the whole body of m (no session description) go to way->to as it is? */
bool policy_body_passes(const struct policy_way *way, const struct wire_msg *m);

struct policy_body {
	char *text; /* NULL = as it was; else mem_free */
	size_t len_bytes;
	char type[256]; /* its Content-Type */
};
/**
 * A multipart body as it may go to way->to: parts that may not are taken out, so are headers of parts and what stands
 * around them if they name something of the inside. @param m what it came in; body has its SDP changed already.
 * @return 0, -EBADMSG (no readable multipart), -ENOTSUP (nothing would be left), -ENOMEM.
 */
int policy_body(const struct policy_way *way, const struct wire_msg *m, struct wire_text type,
		struct wire_text body, struct policy_body *ret_body);

#endif
