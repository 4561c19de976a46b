/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path - a data plane behind one const table of functions: ends of streams, their rules, counters.
 *
 * An end is one stream on one termination: a local RTP port and the RTCP port after it. Two joined ends
 * relay to each other, byte for byte, what both their rules allow. All data planes obey the same rules and count
 * the same (the conformance suite in tests/unit/dbe/path says what that means).
 * Owner: the caller closes its ends before it destroys the path. Thread: that of the loop.
 */
#ifndef DBE_PATH_PATH_H
#define DBE_PATH_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/addr.h"

/* Why a packet was not relayed, in the order of the checks but for MODE and NO_REMOTE, which the far end
 * may also cause. Numbers go over the wire above us and are never reused. */
#define PATH_DROP_ROWS(X)                                                                          \
	X(PATH_DROP_MODE, 0, "mode", "the gate is not open in this direction")                     \
	X(PATH_DROP_SOURCE, 1, "source", "not from the address the source filter allows")          \
	X(PATH_DROP_PAYLOAD, 2, "payload_type", "payload type was not negotiated")                 \
	X(PATH_DROP_MALFORMED, 3, "malformed", "not a well-formed RTP or RTCP packet")             \
	X(PATH_DROP_RATE, 4, "rate", "above the policed rate")                                     \
	X(PATH_DROP_NO_REMOTE, 5, "no_remote", "the far side's address is not known yet")          \
	X(PATH_DROP_SEND, 6, "send", "the kernel refused to send it")
#define PATH_DROP_ENUM_(id, number, name, text) id = number,
enum path_drop { PATH_DROP_ROWS(PATH_DROP_ENUM_) PATH_DROPS = 7 };

/* Whose packets an end accepts. */
enum path_source {
	PATH_SOURCE_EXACT = 0, /* remote address and port */
	PATH_SOURCE_ADDRESS,   /* remote address, any port */
	PATH_SOURCE_LATCH, /* the first good packet from latch_from pins address and port (RFC 7362 4) */
	PATH_SOURCE_ANY
};

enum path_port { PATH_RTP = 0, PATH_RTCP = 1, PATH_PORTS = 2 };

/* What an end lets through. Complete and resolved: nothing is inherited from an earlier rule. */
struct path_rules {
	bool rtp_in, rtp_out; /* media from outside, media to outside */
	bool rtcp; /* reports, both ways: they flow also while media is one-way (RFC 3264 5.1) */
	bool rtp;  /* check RTP and RTCP; else any datagram passes (udptl) */
	bool rtcp_mux;                  /* RFC 5761: reports come and go on the RTP port */
	uint8_t source;                 /* enum path_source */
	uint8_t dscp;                   /* of what is sent */
	struct addr remote[PATH_PORTS]; /* family 0 = not known: nothing is sent there */
	struct addr_prefix latch_from;
	uint64_t payloads[2];                   /* bit n = payload type n; all 0 = any */
	uint32_t rate_bytes_per_s, burst_bytes; /* UDP payload taken in; 0 = not policed */
};

struct path_counters {
	uint64_t received; /* datagrams that came to the end's ports */
	uint64_t packets_in, bytes_in, packets_out, bytes_out; /* media: accepted, sent */
	uint64_t rtcp_in, rtcp_out;
	uint64_t lost;
	uint32_t jitter_us, jitter_max_us;
	uint64_t first_us,
		last_us; /* monotonic time of the first and last media packet accepted; 0 = none */
	uint64_t drops[PATH_DROPS]; /* of what came to this end */
	struct addr latched[PATH_PORTS];
};

enum path_event_type { PATH_EVENT_LATCHED, PATH_EVENT_SOURCE, PATH_EVENT_POLICED, PATH_EVENTS };
struct path_event {
	enum path_event_type type;
	enum path_port port;
	struct addr addr; /* LATCHED, SOURCE */
	uint64_t value;   /* SOURCE, POLICED: packets dropped so far */
};
/* SOURCE and POLICED come at most once in 5 s each per end. The handler must not close ends. */
typedef void(path_event_h)(void *arg, const struct path_event *event);

struct path_options {
	uint32_t receive_buffer_bytes; /* per socket; 0 = the kernel's default */
	uint32_t warm_pairs_max;       /* port pairs kept open for the next stream */
};

struct path_open {
	struct addr local[PATH_PORTS];
	struct path_rules rules;
	path_event_h *event;
	void *event_arg;
};

struct path;
struct path_end;

struct path_ops {
	const char *name;
	/** @return 0 or -errno. */
	int (*create)(uv_loop_t *loop, const struct path_options *o, struct path **ret_path);
	/** All ends are closed before. */
	void (*destroy)(struct path *p);
	/** Bind both ports. @return 0, -EADDRINUSE, -EADDRNOTAVAIL, -EMFILE, -ENOMEM ... Nothing stays open on failure. */
	int (*open)(struct path *p, const struct path_open *o, struct path_end **ret_end);
	/** Make a and b relay to each other; b NULL takes a apart from whom it was joined with. */
	void (*join)(struct path_end *a, struct path_end *b);
	/** New rules, all at once. @param rearm forget the latched sources and wait for new ones. */
	void (*change)(struct path_end *e, const struct path_rules *rules, bool rearm);
	void (*read)(const struct path_end *e, struct path_counters *ret_counters);
	/** Stops at once: nothing that is queued is relayed any more. NULL is fine. */
	void (*close)(struct path_end *e);
	/** Port pairs at this address that are kept open though no stream has them. */
	uint32_t (*warm)(struct path *p, const struct addr *ip);
};

/* Each data plane's struct begins with this. */
struct path {
	const struct path_ops *ops;
};

#endif
