/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard - looks at the bytes of a SIP message before the parser may see them.
 *
 * Cheap (one pass, no allocation), by rule: pass, drop silently, or answer statelessly. It keeps from
 * the parser what is known to hurt it: too many header lines (quadratic), NUL, wrong version, sizes. A
 * maddr in Via is no concern of it: answers go to where the packet came from, never to a name in a Via.
 * Thread: any (pure), the per-source limiter belongs to the loop.
 */
#ifndef SBE_SIP_GUARD_H
#define SBE_SIP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "sbe/sip/guard_head.h"

#define GUARD_MESSAGE_MAX_BYTES 65535U
#define GUARD_HEADER_LINES_MAX 128U
#define GUARD_LINE_MAX_BYTES 8192U
#define GUARD_VIAS_MAX 60U
#define GUARD_VALUES_MAX                                                                           \
	512U /* commas in all headers together: each value costs the parser an object */

/* Our tag in answers for which nothing is kept begins so: their ACKs need not be parsed. */
#define GUARD_TAG "0g-"

enum guard_verdict { GUARD_PASS, GUARD_DROP, GUARD_ANSWER };

/* Reasons are a table: metric label and log text come from it. */
#define GUARD_REASONS(X)                                                                           \
	X(GUARD_OK, "ok", "passed")                                                                \
	X(GUARD_KEEPALIVE, "keepalive", "CRLF keep-alive or empty datagram")                       \
	X(GUARD_STUN, "stun", "a STUN message (RFC 5389)")                                         \
	X(GUARD_TOO_SHORT, "short", "too short to be SIP, or the headers do not end")              \
	X(GUARD_TOO_LARGE, "large", "message larger than the limit")                               \
	X(GUARD_NUL, "nul", "a NUL byte in the headers")                                           \
	X(GUARD_BARE_CR, "bare_cr", "a CR or control character where none may be")                 \
	X(GUARD_START_LINE, "start_line", "the first line is neither a request nor a status line") \
	X(GUARD_VERSION, "version", "SIP version is not 2.0")                                      \
	X(GUARD_HEADER_NAME, "header_name", "a header line without a proper name")                 \
	X(GUARD_LINES, "lines", "too many header lines")                                           \
	X(GUARD_LINE_LENGTH, "line_length", "a header line is too long")                           \
	X(GUARD_NO_VIA, "no_via", "no Via header")                                                 \
	X(GUARD_VIA, "via", "the top Via is malformed")                                            \
	X(GUARD_VIAS, "vias", "too many Via values")                                               \
	X(GUARD_VALUES, "values", "too many comma-separated values")                               \
	X(GUARD_MISSING, "missing", "From, To, Call-ID or CSeq is missing")                        \
	X(GUARD_DUPLICATE, "duplicate", "a header that must be single is there twice")             \
	X(GUARD_CONTENT_LENGTH, "content_length",                                                  \
	  "Content-Length is not a number or does not fit")                                        \
	X(GUARD_RATE, "rate", "source is over its message rate")
#define GUARD_ENUM_(id, name, text) id,
enum guard_reason { GUARD_REASONS(GUARD_ENUM_) GUARD_REASON_COUNT };

struct guard_result {
	enum guard_verdict verdict;
	enum guard_reason reason;
	int status; /* with GUARD_ANSWER: 400, 505, 513 ... */
	const char *phrase;
	size_t skip_bytes; /* leading CR/LF to leave out */
	size_t len_bytes; /* length of the message behind skip_bytes (surplus after Content-Length on UDP is cut) */
	bool is_request;
	struct guard_head head; /* of a request that passes */
};

/** @param stream the framer has cut it by Content-Length (then that header is required, RFC 3261 18.3). */
void guard_check(const uint8_t *data, size_t len_bytes, bool stream,
		 struct guard_result *ret_result);

struct guard_reply {
	int status;
	const char *phrase;
	const char *headers; /* one more header line with CRLF, or NULL */
	const char *
		oc; /* ";oc=..." for the top Via in place of what is asked there, or NULL (RFC 7339) */
};

/**
 * Stateless answer to a request that may not be parsed: Vias, From, To (with a tag), Call-ID, CSeq copied as
 * found, those that are there (a Via must be). Never larger than the request: nothing to gain by forging a source.
 * @return bytes written, -ENOENT (no Via), -EMSGSIZE (too large for buf, or than the request): drop instead.
 */
int guard_answer(const uint8_t *data, size_t len_bytes, const struct guard_reply *r, char *buf,
		 size_t size_bytes);

/** The same from what the guard has seen of a request that passed. @return also -ENOENT: its lines are not simple enough. */
int guard_answer_head(const struct guard_head *h, size_t request_bytes, const struct guard_reply *r,
		      char *buf, size_t size_bytes);

const char *guard_reason_name(enum guard_reason r);

/* Per-source message rate, bounded table of sources; trusted sources (peers) are asked first by the caller. */
struct guard_limiter;
int guard_limiter_new(uint32_t per_s, uint32_t burst, struct guard_limiter **ret_limiter);
void guard_limiter_free(struct guard_limiter *l);
bool guard_limiter_take(struct guard_limiter *l, const struct addr *from, uint64_t now_us);

#endif
