/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_multipart - find the session description in a SIP body, alone or in a multipart body
 * (RFC 2046 5.1, RFC 5621), and put another in its place with all other parts byte for byte.
 *
 * Pure functions on ranges of the caller's text. Depth 1: a multipart inside a part is opaque.
 */
#ifndef SBE_SDP_BODY_MULTIPART_H
#define SBE_SDP_BODY_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include "sbe/sdp/body_address.h"

#define BODY_MAX_PARTS 16
#define BODY_MAX_BOUNDARY_BYTES 70

struct body_part {
	size_t off, len_bytes;         /* the SDP itself */
	size_t length_off, length_len; /* digits of its own Content-Length; len 0 = it has none */
	bool whole;                    /* the body is the SDP, no multipart */
	bool has_opaque;               /* other parts exist: they pass unread */
	unsigned n_parts;
};

/**
 * Find the SDP. content_type is the header's value with its parameters.
 * @param ret_why set on failure to a constant sentence; may be NULL.
 * @return 0; -ENOENT (a body without SDP); -EBADMSG (no or bad boundary, unterminated, over 16 parts);
 *         -ENOTSUP (two SDP parts, or one that is transfer-encoded: 415).
 */
int body_multipart_find(const char *content_type, const char *body, size_t len_bytes,
			struct body_part *ret_part, const char **ret_why);

/** Boundary of a multipart Content-Type. @return false: it is none, or has no usable one. */
bool body_multipart_boundary(const char *content_type, struct body_text *ret_boundary);

/**
 * Copy of the body with another SDP in the place of the found one; its Content-Length is adjusted.
 * @return 0, -EINVAL (part does not lie in body), -E2BIG (over 1 MiB), -ENOMEM. The caller frees with mem_free.
 */
int body_multipart_replace(const char *body, size_t len_bytes, const struct body_part *part,
			   struct body_text sdp, char **ret_body, size_t *ret_len_bytes);

#endif
