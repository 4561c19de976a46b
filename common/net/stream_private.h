/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_private - inside of a stream, for stream.c, stream_io.c and stream_listen.c only.
 *
 * References to a struct stream: one of its owner (given back by stream_close, or by the stream
 * itself when it ends after stream_close_flushed), and one for each uv handle until libuv has closed
 * it. So the memory lives on through any callback that closes it.
 */
#ifndef COMMON_NET_STREAM_PRIVATE_H
#define COMMON_NET_STREAM_PRIVATE_H

#include <sys/queue.h>

#include "common/net/stream.h"
#include "common/net/stream_tls.h"

#define STREAM_CONNECT_MS_DEFAULT 5000
#define STREAM_QUEUE_BYTES_DEFAULT (256U * 1024)
/* libuv reads up to 32 times in one turn while the buffer is filled: 64 KiB of one stream, then the others have
 * their turn, and what waits longer than a turn can be seen. */
#define STREAM_READ_BYTES STREAM_WHOLE_BYTES

enum stream_state {
	STREAM_CONNECTING, /* TCP SYN is out */
	STREAM_HANDSHAKE,  /* TLS under way */
	STREAM_OPEN,
	STREAM_FAILING, /* broken inside a call of the owner; h->closed comes from the loop */
	STREAM_CLOSED,  /* h->closed was called, waiting for the owner's stream_close */
	STREAM_ENDING,  /* stream_close_flushed: sending the rest, nobody listens any more */
	STREAM_DEAD,    /* handles are being closed */
};

struct stream {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} io;
	uv_timer_t timer; /* deadline of the state we are in */
	uv_connect_t connect_req;
	uv_shutdown_t shutdown_req;
	enum stream_state state;
	int err;
	bool io_live;  /* io is a handle that we have not closed */
	bool released; /* the owner has let go: no callback any more */
	bool urgent;   /* known to loop_turn */
	bool eof;      /* the far end will send no more */
	struct stream_handlers h;
	void *arg;
	struct stream_tls *tls; /* NULL = plain */
	struct addr remote, local;
	uint32_t connect_ms, idle_ms;
	uint64_t last_in_ms;    /* uv_now */
	uint64_t written_bytes; /* given to the kernel */
	size_t queued_bytes, queue_max_bytes;
	char error[160];

	/* accepted streams only */
	struct stream_listener *listener;   /* reference */
	struct stream_from *from;           /* count of its address */
	LIST_ENTRY(stream) handshake_entry; /* in the listener's list until accepted */
	bool in_handshakes;
};

/** A stream with its timer; io is not initialised yet. @return 0, -ENOMEM. */
int stream_new(uv_loop_t *loop, struct stream **ret_stream);
/** io has been initialised by uv_*_init: from here on it is closed by us. */
void stream_io_is_live(struct stream *s);
/** Connection is there (connected or accepted): addresses, options, TLS handshake or open. */
void stream_start(struct stream *s);
/* stream.c, called by stream_io.c */
/** Handshake done or plain: tell the owner, or the listener. */
void stream_opened(struct stream *s);
/** Something broke (err < 0) or the far end is done (0): tell the owner, from a uv callback only. */
void stream_fail(struct stream *s, int err);
/** The same from inside a call of the owner: it hears of it from the loop. */
void stream_fail_later(struct stream *s, int err);
/** Let go of everything; the owner's reference is given back. */
void stream_end(struct stream *s);
void stream_set_error(struct stream *s, const char *text);

/* stream_io.c */
int stream_read_start(struct stream *s);
/** Send bytes as they are, now or by the queue. @return 0, -ENOBUFS, -ENOMEM or the socket's error. */
int stream_write_raw(struct stream *s, const void *data, size_t len_bytes);
/** Send what TLS has to say. Same errors. */
int stream_flush_tls(struct stream *s);

/* stream_listen.c */
/** An accepted stream finished its handshake: hand it to the acceptor. */
void stream_listener_hand_over(struct stream *s);
/** Its descriptor is closed: counts go down, the reference to the listener goes. */
/* The TLS handshake failed: tell who listens. */
void stream_listener_refused(const struct stream *s);
void stream_listener_forget(struct stream *s);

#endif
