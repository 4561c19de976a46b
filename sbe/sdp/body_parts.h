/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_parts - all parts of a multipart body (RFC 2046 5.1), as slices, for who has to look at each.
 *
 * The same reading as body_multipart.h, which only looks for the session description. Depth 1.
 * Owner: plain values that borrow the body. Thread: any.
 */
#ifndef SBE_SDP_BODY_PARTS_H
#define SBE_SDP_BODY_PARTS_H

#include <stdbool.h>

#include "sbe/sdp/body_multipart.h"

struct body_piece {
	struct body_text head; /* header lines, without the blank line */
	struct body_text body; /* without the line end that belongs to the delimiter */
};

struct body_parts {
	unsigned n;
	struct body_piece part[BODY_MAX_PARTS];
	bool outside; /* something stands before the first delimiter or behind the last */
};

/** @return 0, -EBADMSG (no part, not closed, over BODY_MAX_PARTS). */
int body_parts_split(struct body_text body, struct body_text boundary,
		     struct body_parts *ret_parts);

/** Cut the next header off *head, folds included. @return false at the end. name len 0: a line without a colon. */
bool body_parts_header(struct body_text *head, struct body_text *ret_line,
		       struct body_text *ret_name, struct body_text *ret_value);

#endif
