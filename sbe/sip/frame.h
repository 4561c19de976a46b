/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame - cuts a byte stream into SIP messages by Content-Length (RFC 3261 18.3). Sans-I/O.
 *
 * Chunking never changes the outcome. CRLF keep-alives between messages are counted and skipped; a
 * double CRLF is answered by the caller with one CRLF (RFC 5626 4.4.1).
 * Owner: caller. The buffer grows with what arrives, to GUARD_MESSAGE_MAX_BYTES at most.
 */
#ifndef SBE_SIP_FRAME_H
#define SBE_SIP_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct frame;

#define FRAME_PONG 3

int frame_new(struct frame **ret_frame);
void frame_free(struct frame *f);

/** Add bytes. @return 0, -EMSGSIZE, -ENOMEM. */
int frame_feed(struct frame *f, const uint8_t *data, size_t len_bytes);

/**
 * Next complete message; valid until the next call of frame_feed or frame_next.
 * @return 1 one is there, 0 need more, 2 a keep-alive ping was seen (answer CRLF, then call again), FRAME_PONG the answer
 *         to a ping of ours,
 *         -EBADMSG the stream cannot be followed any more (no or bad Content-Length: answer 400 if
 *         ret_data is set - it then holds the headers - and close), -EMSGSIZE too large (close).
 */
int frame_next(struct frame *f, const uint8_t **ret_data, size_t *ret_bytes);

/** A ping of ours goes out: the next CRLF between messages is its answer, and no part of a ping. */
void frame_expect_pong(struct frame *f);

/** Bytes of an unfinished message (slow-sender deadline). */
size_t frame_pending(const struct frame *f);

#endif
