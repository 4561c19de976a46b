/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/component/script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"

#define ANSWER_MS 8000U

void script_init(struct script *s, const char *node, uint64_t epoch)
{
	memset(s, 0, sizeof(*s));
	s->node = node;
	s->epoch = epoch;
	s->fd = -1;
}

void script_take(struct script *s, int fd)
{
	script_close(s);
	s->fd = fd;
	s->closed = false;
	s->have = 0;
}

void script_dial(struct script *s, unsigned port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &a.sin_addr), 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	script_take(s, fd);
}

void script_close(struct script *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

struct gate_message *script_compose(struct script *s, int body, uint32_t transaction)
{
	gate_message_clear(&s->out);
	s->out.version = GATE_VERSION_MAX;
	strcpy(s->out.sender, s->node);
	s->out.epoch = s->epoch;
	s->out.body = (uint8_t)body;
	s->out.transaction = transaction ? transaction : ++s->last;
	return &s->out;
}

void script_send_bytes(struct script *s, const void *bytes, size_t len_bytes)
{
	const uint8_t *p = bytes;

	while (len_bytes) {
		ssize_t n = send(s->fd, p, len_bytes, MSG_NOSIGNAL);

		if (n <= 0) /* it hung up: what it made of it is for the reader to find out */
			return;
		p += n;
		len_bytes -= (size_t)n;
	}
}

void script_send(struct script *s)
{
	static uint8_t wire[GATE_FRAME_HEAD_BYTES + GATE_FRAME_MAX_BYTES];
	size_t n;

	assert_int_equal(gate_message_encode(&s->out, wire + GATE_FRAME_HEAD_BYTES,
					     GATE_FRAME_MAX_BYTES, &n),
			 0);
	gate_frame_head(wire, n);
	script_send_bytes(s, wire, n + GATE_FRAME_HEAD_BYTES);
}

/* A whole frame from the buffer into in and raw. */
static bool take_frame(struct script *s)
{
	char why[GATE_TEXT_BYTES];
	uint16_t code;
	size_t n;

	if (s->have < GATE_FRAME_HEAD_BYTES)
		return false;
	n = (size_t)s->buf[0] << 24 | (size_t)s->buf[1] << 16 | (size_t)s->buf[2] << 8 | s->buf[3];
	assert_in_range(n, 1, GATE_FRAME_MAX_BYTES);
	if (s->have < GATE_FRAME_HEAD_BYTES + n)
		return false;
	memcpy(s->raw, s->buf + GATE_FRAME_HEAD_BYTES, n);
	s->raw_bytes = n;
	s->have -= GATE_FRAME_HEAD_BYTES + n;
	memmove(s->buf, s->buf + GATE_FRAME_HEAD_BYTES + n, s->have);
	if (gate_message_decode(s->raw, n, &s->in, &code, why))
		fail_msg("the far end sent what cannot be read: %s", why);
	return true;
}

/* @return false: closed, or nothing until end_ms */
static bool fill(struct script *s, uint64_t end_ms)
{
	uint64_t now_ms = clock_now_ms();
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	ssize_t n;

	if (s->fd < 0 || s->closed)
		return false;
	if (poll(&p, 1, end_ms > now_ms ? (int)(end_ms - now_ms) : 0) <= 0)
		return false;
	n = recv(s->fd, s->buf + s->have, sizeof(s->buf) - s->have, 0);
	if (n <= 0) {
		s->closed = true;
		return false;
	}
	s->have += (size_t)n;
	return true;
}

static void heartbeat(struct script *s)
{
	if (s->mute || s->in.transaction_last)
		return;
	script_compose(s, GATE_BODY_HEARTBEAT, s->in.transaction)->transaction_last = 1;
	script_send(s);
}

const struct gate_message *script_next(struct script *s, unsigned wait_ms)
{
	uint64_t end_ms = clock_now_ms() + wait_ms;

	for (;;) {
		while (!take_frame(s)) {
			if (!fill(s, end_ms))
				return NULL;
		}
		if (s->in.body == GATE_BODY_HEARTBEAT)
			heartbeat(s);
		else if (s->in.body != GATE_BODY_ACK)
			return &s->in;
	}
}

const struct gate_message *script_answer(struct script *s, uint32_t transaction)
{
	const struct gate_message *m;

	while ((m = script_next(s, ANSWER_MS))) {
		if ((m->body == GATE_BODY_REPLY || m->body == GATE_BODY_ERROR) &&
		    m->transaction == transaction)
			return m;
	}
	fail_msg("no answer to transaction %u: %s", transaction,
		 s->closed ? "connection closed" : "nothing came");
	return NULL;
}

const struct gate_message *script_ask(struct script *s)
{
	uint32_t transaction = s->out.transaction;

	script_send(s);
	return script_answer(s, transaction);
}

void script_until_closed(struct script *s, unsigned wait_ms)
{
	uint64_t end_ms = clock_now_ms() + wait_ms;

	while (!s->closed && clock_now_ms() < end_ms)
		(void)script_next(s, 100);
	if (!s->closed)
		fail_msg("the connection is open after %u ms", wait_ms);
	script_close(s);
}
