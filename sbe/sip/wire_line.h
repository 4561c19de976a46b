/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_line - cuts raw SIP header text into lines, names and values; the names we know.
 *
 * The guard, the framer and the message view must agree on what a header line is and what it is called,
 * so all three cut with this. Nothing is allocated; slices point into the caller's bytes.
 * Thread: any (const tables only).
 */
#ifndef SBE_SIP_WIRE_LINE_H
#define SBE_SIP_WIRE_LINE_H

#include "sbe/sip/wire.h"

/* Known header names: lower case, compact letter (0 = none), vital = a message in which it is malformed
 * is refused. Most frequent first: the search is linear. */
#define WIRE_NAMES(X)                                                                              \
	X(WIRE_NAME_VIA, "via", 'v', 1)                                                            \
	X(WIRE_NAME_FROM, "from", 'f', 1)                                                          \
	X(WIRE_NAME_TO, "to", 't', 1)                                                              \
	X(WIRE_NAME_CALL_ID, "call-id", 'i', 1)                                                    \
	X(WIRE_NAME_CSEQ, "cseq", 0, 1)                                                            \
	X(WIRE_NAME_MAX_FORWARDS, "max-forwards", 0, 1)                                            \
	X(WIRE_NAME_CONTACT, "contact", 'm', 1)                                                    \
	X(WIRE_NAME_CONTENT_LENGTH, "content-length", 'l', 1)                                      \
	X(WIRE_NAME_CONTENT_TYPE, "content-type", 'c', 1)                                          \
	X(WIRE_NAME_ROUTE, "route", 0, 1)                                                          \
	X(WIRE_NAME_RECORD_ROUTE, "record-route", 0, 1)                                            \
	X(WIRE_NAME_SUPPORTED, "supported", 'k', 1)                                                \
	X(WIRE_NAME_ALLOW, "allow", 0, 0)                                                          \
	X(WIRE_NAME_USER_AGENT, "user-agent", 0, 0)                                                \
	X(WIRE_NAME_P_ASSERTED_IDENTITY, "p-asserted-identity", 0, 1)                              \
	X(WIRE_NAME_REQUIRE, "require", 0, 1)                                                      \
	X(WIRE_NAME_SESSION_EXPIRES, "session-expires", 'x', 1)                                    \
	X(WIRE_NAME_MIN_SE, "min-se", 0, 1)                                                        \
	X(WIRE_NAME_PRIVACY, "privacy", 0, 1)                                                      \
	X(WIRE_NAME_SERVER, "server", 0, 0)                                                        \
	X(WIRE_NAME_REASON, "reason", 0, 0)                                                        \
	X(WIRE_NAME_RACK, "rack", 0, 1)                                                            \
	X(WIRE_NAME_RSEQ, "rseq", 0, 1)                                                            \
	X(WIRE_NAME_ACCEPT, "accept", 0, 0)                                                        \
	X(WIRE_NAME_DATE, "date", 0, 0)                                                            \
	X(WIRE_NAME_EXPIRES, "expires", 0, 1)                                                      \
	X(WIRE_NAME_PROXY_REQUIRE, "proxy-require", 0, 1)                                          \
	X(WIRE_NAME_P_PREFERRED_IDENTITY, "p-preferred-identity", 0, 1)                            \
	X(WIRE_NAME_PROXY_AUTHORIZATION, "proxy-authorization", 0, 1)                              \
	X(WIRE_NAME_AUTHORIZATION, "authorization", 0, 1)                                          \
	X(WIRE_NAME_CONTENT_DISPOSITION, "content-disposition", 0, 0)                              \
	X(WIRE_NAME_CONTENT_ENCODING, "content-encoding", 'e', 0)                                  \
	X(WIRE_NAME_SUBJECT, "subject", 's', 0)                                                    \
	X(WIRE_NAME_REFER_TO, "refer-to", 'r', 1)                                                  \
	X(WIRE_NAME_REFERRED_BY, "referred-by", 'b', 1)                                            \
	X(WIRE_NAME_REPLACES, "replaces", 0, 1)                                                    \
	X(WIRE_NAME_EVENT, "event", 'o', 1)                                                        \
	X(WIRE_NAME_ALLOW_EVENTS, "allow-events", 'u', 0)                                          \
	X(WIRE_NAME_ACCEPT_CONTACT, "accept-contact", 'a', 0)                                      \
	X(WIRE_NAME_REJECT_CONTACT, "reject-contact", 'j', 0)                                      \
	X(WIRE_NAME_REQUEST_DISPOSITION, "request-disposition", 'd', 0)                            \
	X(WIRE_NAME_IDENTITY, "identity", 'y', 0)                                                  \
	X(WIRE_NAME_IDENTITY_INFO, "identity-info", 'n', 0)

#define WIRE_NAME_ENUM_(id, text, compact, vital) id,
enum wire_name { WIRE_NAME_UNKNOWN, WIRE_NAMES(WIRE_NAME_ENUM_) WIRE_NAME_COUNT };

/** Any case, long or compact. */
enum wire_name wire_name_find(struct wire_text name);
/** Lower-case long name; NULL for WIRE_NAME_UNKNOWN. */
const char *wire_name_text(enum wire_name id);
bool wire_name_is_vital(enum wire_name id);

struct wire_line {
	struct wire_text line;  /* with its folds, without the last line end */
	struct wire_text name;  /* without space before the colon; n = 0: there is no colon */
	struct wire_text value; /* without white space (and folds) at both ends */
	enum wire_name id;
	bool folded;
};

/**
 * Cut the next header line off *rest. A line end is CRLF or LF: who wants CRLF only checks before.
 * @return false at the end of the headers; *rest is then behind the empty line, with rest->s NULL if
 *         the text ended without one.
 */
bool wire_line_next(struct wire_text *rest, struct wire_line *ret_line);

/** Cut the next value off a comma list (commas in "" and <> do not count), trimmed. Empty values are left out. */
bool wire_list_next(struct wire_text *rest, struct wire_text *ret_value);

/** Where the first semicolon outside of "" is; t.n = there is none. */
size_t wire_semicolon(struct wire_text t);

/** 1*DIGIT with white space around. @return 0, -EINVAL, -ERANGE above max. */
int wire_number(struct wire_text value, uint32_t max, uint32_t *ret_number);

/** RFC 3261 25.1 token, at least one character. */
bool wire_is_token(struct wire_text t);

/** Without SP, TAB, CR and LF at both ends. */
struct wire_text wire_trim(struct wire_text t);

#endif
