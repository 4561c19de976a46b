/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest - SIP Digest authentication (RFC 3261 22, RFC 7616, RFC 8760): challenges and credentials as text,
 * and the digests they carry. Sans-I/O: no clock, no secret is kept here.
 *
 * Values stay as they were written, without the quotes around them and with escapes not undone: that is what
 * both sides hash. Everything is bounded; what has a field too long, twice or half is refused as a whole.
 * Owner: slices point into the caller's text. Thread: any.
 */
#ifndef SBE_SIP_DIGEST_H
#define SBE_SIP_DIGEST_H

#include "sbe/sip/wire.h"
#include "sbe/sip/wire_out.h"

#define DIGEST_FIELD_MAX_BYTES 1024U
#define DIGEST_HEX_BYTES 65 /* SHA-256 in hex with the 0 */
#define DIGEST_CNONCE_BYTES 33

/* Stronger ones later: of what both know the highest is used. */
enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_ALGORITHMS };

/* One challenge or one set of credentials. Absent fields have s = NULL. */
struct digest_fields {
	struct wire_text realm, nonce, opaque, algorithm, qop, stale;
	struct wire_text username, uri, response, cnonce, nc, userhash; /* of credentials */
};

/** The name it has on the wire; -EINVAL for others (also "MD5-sess"). An absent name is MD5 (RFC 7616 3.3). */
int digest_algorithm_of(struct wire_text name, enum digest_algorithm *ret_algorithm);
const char *digest_algorithm_name(enum digest_algorithm a);

/**
 * Value of WWW-Authenticate, Proxy-Authenticate, Authorization or Proxy-Authorization; unknown parameters are passed
 * over. @return 0; -ENOTSUP another scheme than Digest; -EBADMSG no well-formed list, or a field twice; -EMSGSIZE.
 */
int digest_parse(struct wire_text value, struct digest_fields *ret_fields);

/** Is this word in a list of qop values? "auth" is not in "auth-int". */
bool digest_has_qop(struct wire_text qop, const char *word);

/** H(user:realm:password), in hex. @return 0, -ENOTSUP (this OpenSSL has no such digest). */
int digest_ha1(enum digest_algorithm a, const char *user, const char *realm, const char *password,
	       char ret_hex[DIGEST_HEX_BYTES]);

/* What a response is made of besides HA1. */
struct digest_input {
	struct wire_text method, uri, nonce;
	struct wire_text nc, cnonce; /* with qop=auth; nc.s NULL = without qop (RFC 2069) */
};
/** RFC 7616 3.4.1 in lower-case hex. @return 0, -ENOTSUP. */
int digest_response(enum digest_algorithm a, const char *ha1, const struct digest_input *in,
		    char ret_hex[DIGEST_HEX_BYTES]);

/** Same digest? In constant time; upper-case hex is the same. Of another length is not. */
bool digest_equal(struct wire_text received, const char *hex);

/* What our own credentials are written from. */
struct digest_answer {
	const char *header; /* "Authorization" or "Proxy-Authorization" */
	enum digest_algorithm algorithm;
	const char *user, *realm, *ha1;
	const char *method, *uri;
	struct wire_text nonce, opaque; /* as in the challenge; opaque.s NULL = none */
	uint32_t nc;                    /* 0 = the challenge has no qop */
};
/** Write the header line, with a random cnonce. @return 0, -ENOTSUP; what does not fit shows in wire_out_end. */
int digest_write_answer(const struct digest_answer *a, struct wire_out *o);

/** Write one WWW-Authenticate line. stale: said only when it is. */
void digest_write_challenge(enum digest_algorithm a, const char *realm, const char *nonce,
			    bool stale, struct wire_out *o);

#endif
