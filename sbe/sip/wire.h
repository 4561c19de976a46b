/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire - one parsed SIP message (by sofia-sip's message layer) behind typed, bounded accessors.
 *
 * The only view of a message the rest of the sbe has; sofia's types stay inside sbe/sip/. Slices
 * point into the message and live as long as it does: copy what a dialog keeps.
 * Owner: counted (mem_ref / mem_unref). Thread: loop. wire_setup() once before the first message.
 */
#ifndef SBE_SIP_WIRE_H
#define SBE_SIP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct wire_msg;

struct wire_text {
	const char *s; /* not 0-terminated; NULL = absent */
	size_t n;
};
#define WIRE_TEXT(literal) ((struct wire_text){literal, sizeof(literal) - 1})

enum wire_method {
	WIRE_OTHER = 0,
	WIRE_INVITE,
	WIRE_ACK,
	WIRE_BYE,
	WIRE_CANCEL,
	WIRE_OPTIONS,
	WIRE_PRACK,
	WIRE_UPDATE,
	WIRE_INFO,
	WIRE_REFER,
	WIRE_MESSAGE,
	WIRE_SUBSCRIBE,
	WIRE_NOTIFY,
	WIRE_PUBLISH,
	WIRE_REGISTER,
	WIRE_METHODS
};

/* A URI taken apart. Anything but sip/sips keeps all behind the colon in user. */
struct wire_uri {
	struct wire_text text; /* the whole URI, without <> */
	struct wire_text scheme, user,
		host;  /* user without password, still escaped; host without [] */
	uint16_t port; /* 0 = none given */
	struct wire_text params, headers; /* without the leading ; or ? */
	bool sips, is_sip, is_tel;
	bool is_page; /* im: or pres: (RFC 3860, 3859), split like a sip: one */
};

/* A name-addr header: From, To, Contact, PAI, Diversion, Route ... */
struct wire_party {
	struct wire_text value; /* the whole header value as received (one value of a list) */
	struct wire_text display;
	struct wire_uri uri;
	struct wire_text tag;
	struct wire_text params; /* header parameters as received, without the first ; */
};

void wire_setup(void);

/**
 * Parse one guarded message (sbe/sip/guard.h has passed it).
 * @return 0; -EBADMSG not parseable or not sane or a header sofia put aside as bad (ret_why a static text);
 *         -ENOMEM. With -EBADMSG *ret_msg may still be set when it is a request that can be answered 400
 *         (has Via, From, To, Call-ID, CSeq): the caller owns it then.
 */
int wire_parse(const uint8_t *data, size_t len_bytes, struct wire_msg **ret_msg,
	       const char **ret_why);

bool wire_is_request(const struct wire_msg *m);
enum wire_method wire_method(
	const struct wire_msg *m); /* of the request line, or of CSeq in a response */
struct wire_text wire_method_text(const struct wire_msg *m);
enum wire_method wire_method_of(struct wire_text name);
const char *wire_method_name(enum wire_method m);
int wire_status(const struct wire_msg *m);              /* 0 for a request */
struct wire_text wire_reason(const struct wire_msg *m); /* phrase of a response */

void wire_request_uri(const struct wire_msg *m, struct wire_uri *ret_uri);
struct wire_text wire_call_id(const struct wire_msg *m);
uint32_t wire_cseq(const struct wire_msg *m);
void wire_from(const struct wire_msg *m, struct wire_party *ret_party);
void wire_to(const struct wire_msg *m, struct wire_party *ret_party);
/** nth (0..) value of Contact. @return false if there are not so many. */
bool wire_contact(const struct wire_msg *m, unsigned nth, struct wire_party *ret_party);
/** nth Record-Route / Route value, in wire order. */
bool wire_record_route(const struct wire_msg *m, unsigned nth, struct wire_party *ret_party);
bool wire_route(const struct wire_msg *m, unsigned nth, struct wire_party *ret_party);
/** Max-Forwards. @return value, -ENOENT absent. */
int wire_max_forwards(const struct wire_msg *m);

/* Top Via */
struct wire_via {
	struct wire_text transport; /* "UDP" */
	struct wire_text host;      /* sent-by host, without [] */
	uint16_t port;              /* 0 = none */
	struct wire_text branch, received;
	bool has_rport,
		alias; /* alias: requests may come back over the same connection (RFC 5923) */
	bool rfc3261;  /* branch starts with the cookie */
};
bool wire_top_via(const struct wire_msg *m, struct wire_via *ret_via);
unsigned wire_via_count(const struct wire_msg *m);

/**
 * Walk all headers in wire order: name as received, canonical lower-case long name (compact forms are
 * expanded), raw value (folding kept), raw line. Several values on one line are one line.
 * it is 0 at first. @return false at the end.
 */
struct wire_header {
	struct wire_text name, value, line; /* line: up to and without the last CRLF */
	const char *canonical;              /* "p-asserted-identity"; static or in the message */
};
bool wire_header_next(const struct wire_msg *m, void **it, struct wire_header *ret_header);
/** Is it this one? The first letter answers nearly always, without a call. */
static inline bool wire_header_is(const struct wire_header *h, const char *canonical)
{
	return h->canonical[0] == canonical[0] && strcmp(h->canonical, canonical) == 0;
}
/** First header with this canonical lower-case name. */
bool wire_header_find(const struct wire_msg *m, const char *canonical,
		      struct wire_header *ret_header);
/** Is option tag in any line of Require / Supported / Proxy-Require ("require", "supported", ...)? */
bool wire_has_token(const struct wire_msg *m, const char *canonical, const char *token);

struct wire_text wire_content_type(
	const struct wire_msg *m); /* type/subtype and parameters, n = 0 if none */
struct wire_text wire_body(const struct wire_msg *m);
/** Size of the message on the wire. */
size_t wire_size(const struct wire_msg *m);

/** Split a URI / one name-addr value given as text (same rules). @return 0, -EINVAL. The text must outlive the result.
 *  A Contact of "*" is a party with the URI text "*" and nothing else. */
int wire_uri_parse(struct wire_text text, struct wire_uri *ret_uri);
int wire_party_parse(struct wire_text text, struct wire_party *ret_party);
/** Parameter of a ;a=b;c list. @return true if there; value n = 0 when it has none. Case-insensitive. */
bool wire_param(struct wire_text params, const char *name, struct wire_text *ret_value);

/** Exact. Here, so that the length of a literal is known when it is compiled. */
static inline bool wire_text_is(struct wire_text t, const char *s)
{
	return t.s && strlen(s) == t.n && memcmp(t.s, s, t.n) == 0;
}
static inline bool wire_text_is_nocase(struct wire_text t, const char *s)
{
	return t.s && strlen(s) == t.n && strncasecmp(t.s, s, t.n) == 0;
}
/** Copy into buf with a 0, cut if too long. @return buf. */
const char *wire_text_copy(struct wire_text t, char *buf, size_t size_bytes);

#endif
