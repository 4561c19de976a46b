/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_option - the one table of option tags and the one table of methods: what we say we can do, and what we
 * refuse because we cannot.
 *
 * Allow, Supported, Unsupported (420) and the choice of 405, 481 or 501 are made from these rows only. A row
 * can depend on the peer: the same tag may be agreed with one carrier and not with the next.
 * Owner: nothing, tables are static. Thread: loop.
 */
#ifndef SBE_CALL_CALL_OPTION_H
#define SBE_CALL_CALL_OPTION_H

#include "sbe/call/call.h"
#include "sbe/sip/wire_out.h"

struct leg;

/** Is it agreed with this peer? In a row NULL means: with nobody. */
typedef bool(call_option_on_h)(const struct peer_conf *c);

struct call_option {
	const char *tag;      /* lower case */
	call_option_on_h *on; /* a peer may require it of us, and we name it in Supported */
	bool quiet;           /* understood, but not named in Supported */
};

struct call_method {
	enum wire_method method;
	call_option_on_h *on; /* named in Allow */
	/* In a dialog; NULL = not a request that comes to a leg. leg->peer has been checked. */
	void (*in_dialog)(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
	/* Outside; NULL = it lives in dialogs only, and is answered 481 there. */
	void (*outside)(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
			struct peer *p);
};

/**
 * RFC 3261 8.2.2.3: does the request require what is not agreed with this peer?
 * @param line gets "Unsupported: a, b\r\n" with only the tags that are not supported; what is no token or does
 *        not fit is not named. @return true: refuse it with 420.
 */
bool call_option_refused(const struct wire_msg *m, const struct peer_conf *c, char *line,
			 size_t size_bytes);
/** Is this tag (lower case) agreed with the peer? */
bool call_option_agreed(const struct peer_conf *c, const char *tag);
/** "Supported: ...\r\n", or nothing when nothing is. @param without a tag that does not fit here, or NULL. */
void call_option_supported(const struct peer_conf *c, const char *without, struct wire_out *o);
/** "Allow: INVITE, ...\r\n" */
void call_option_allow(const struct peer_conf *c, struct wire_out *o);

/** The row of a method, also when it is not agreed; NULL = there is none. */
const struct call_method *call_option_method(enum wire_method method);
/** Take a request that came in a dialog / outside of one to its row, or refuse it: 405, 481, 501. */
void call_option_in_dialog(struct leg *leg, struct txn_server *s, const struct wire_msg *m);
void call_option_outside(struct call_core *core, struct txn_server *s, const struct wire_msg *m,
			 struct peer *p);
/** 405, or 501 for what nobody knows. */
void call_option_refuse(const struct peer_conf *c, struct txn_server *s, const struct wire_msg *m);
/** Does a message's Allow name this method? Without an Allow: what every RFC 3261 peer can do. */
bool call_option_peer_allows(const struct wire_msg *m, const char *method);

#endif
