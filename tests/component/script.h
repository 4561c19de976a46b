/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script - one end of gate control played by a test over a blocking socket, message by message: it can
 * say what no well-made end would say. Uses proto/ for the encoding only.
 *
 * Owner: caller, static (it is large). Thread: the test.
 */
#ifndef TESTS_COMPONENT_SCRIPT_H
#define TESTS_COMPONENT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"
#include "proto/message.h"

struct script {
	const char *node;
	uint64_t epoch;
	bool mute;     /* heartbeats are not answered */
	int fd;        /* -1 = closed */
	bool closed;   /* by the far end */
	uint32_t last; /* the transaction id used last */
	struct gate_message out, in;
	uint8_t raw[GATE_FRAME_MAX_BYTES]; /* of in */
	size_t raw_bytes;
	uint8_t buf[2 * GATE_FRAME_MAX_BYTES];
	size_t have;
};

void script_init(struct script *s, const char *node, uint64_t epoch);
/** Dial, or take over an accepted socket. */
void script_dial(struct script *s, unsigned port);
void script_take(struct script *s, int fd);
void script_close(struct script *s);

/** s->out cleared for a message; a request gets a new transaction id when it is 0. @return s->out */
struct gate_message *script_compose(struct script *s, int body, uint32_t transaction);
/** Send s->out. */
void script_send(struct script *s);
void script_send_bytes(struct script *s, const void *bytes, size_t len_bytes);

/**
 * The next message into s->in; heartbeats are answered (unless mute) and passed over like acknowledgements.
 * @return it, or NULL: nothing for so long, or closed (then s->closed).
 */
const struct gate_message *script_next(struct script *s, unsigned wait_ms);
/** The next answer (reply or error) to this transaction; others are passed over. Fails the test if none comes. */
const struct gate_message *script_answer(struct script *s, uint32_t transaction);
/** Send s->out as a request and wait for the answer. */
const struct gate_message *script_ask(struct script *s);
/** Read until the far end closes; fails the test when it does not. */
void script_until_closed(struct script *s, unsigned wait_ms);

#endif
