/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformance - what every data plane has to do, as a table of cases: who sends what from where, where it
 * arrives, which counter moves, which event is raised.
 *
 * A driver puts a data plane and phones around it on real or pretended sockets. Two ends, A and B, are
 * joined; phone A sits behind A, phone B behind B, and there are others who have no business here.
 */
#ifndef TESTS_UNIT_DBE_PATH_CONFORMANCE_H
#define TESTS_UNIT_DBE_PATH_CONFORMANCE_H

#include <stddef.h>

#include "dbe/path/path.h"

#define BED_BYTES 9216

enum bed_phone {
	PHONE_A, /* RTP of A's far end */
	PHONE_A_RTCP,
	PHONE_B,
	PHONE_B_RTCP,
	PHONE_A_OTHER,  /* A's address, another port */
	PHONE_STRANGER, /* another address */
	PHONES,
	NOBODY
};
enum bed_port { AT_A, AT_A_RTCP, AT_B, AT_B_RTCP };

/* Packets by name; see conformance_packet.c. */
enum bed_what {
	SEND_RTP, /* payload type 8, 160 bytes of payload */
	SEND_RTP_MARKER,
	SEND_PT0,
	SEND_PT101,
	SEND_PT127,
	SEND_CSRC_EXTENSION_PADDING, /* all optional parts, well-formed */
	SEND_JUMBO,                  /* 9000 bytes of RTP */
	SEND_RR,                     /* RTCP receiver report and SDES */
	SEND_FEEDBACK,               /* reduced-size RTCP */
	SEND_UDPTL,                  /* neither */
	SEND_BAD_VERSION_0,
	SEND_BAD_VERSION_1,
	SEND_BAD_VERSION_3,
	SEND_BAD_CSRC,
	SEND_BAD_EXTENSION,
	SEND_BAD_PADDING,
	SEND_BAD_PADDING_0,
	SEND_BAD_RTCP_LENGTH,
	SEND_BAD_RTCP_COUNT,
	SEND_BAD_RTCP_TAIL,
	SEND_SHORT,                    /* + n: the first n bytes of SEND_RTP, 0..11 */
	SEND_NOTHING = SEND_SHORT + 12 /* the step is an action only */
};

/** Write a packet. @return its size. */
size_t bed_packet(int what, uint8_t buf[BED_BYTES]);

struct bed;

struct conformance_step {
	enum bed_phone from;
	enum bed_port to;
	int what;               /* enum bed_what */
	enum bed_phone arrives; /* and nowhere else; NOBODY = dropped */
	int drop;               /* enum path_drop when dropped */
	bool far;               /* MODE: closed at the far end, so the packet was accepted first */
	int event;              /* enum path_event_type + 1, 0 = none */
	void (*act)(struct bed *b); /* before sending; may be NULL */
};

#define CONFORMANCE_STEPS 24
struct conformance_case {
	const char *name;
	bool b_is_ipv6;
	void (*rules)(struct bed *b); /* change b->rules from the defaults; may be NULL */
	struct conformance_step steps[CONFORMANCE_STEPS]; /* ends with .from = NOBODY */
	int shorts; /* also: all packets of 0..11 bytes, on both ports, are malformed */
};

extern const struct conformance_case conformance_cases[];
extern const size_t conformance_ncases;

struct conformance_driver {
	const char *name;
	const struct path_ops *ops;
	uint32_t warm_pairs;
	uint32_t step_ms; /* how far the frozen clock moves before each packet */
	void (*start)(struct bed *b);
	void (*stop)(struct bed *b);
	void (*phone)(struct bed *b, enum bed_phone who, const char *ip); /* sets b->phone[who] */
	void (*send)(struct bed *b, enum bed_phone from, const struct addr *to, const void *data,
		     size_t len_bytes);
	/* One arrived packet, without waiting. @return its size, -1 = none */
	int (*receive)(struct bed *b, enum bed_phone who, uint8_t *buf, struct addr *ret_from,
		       int *ret_dscp);
	void (*work)(struct bed *b); /* let the data plane do what it can do now */
};

struct bed {
	const struct conformance_driver *driver;
	struct path *path;
	uv_loop_t loop;
	struct path_end *end[2];
	struct path_rules rules[2];
	struct addr local[2][PATH_PORTS];
	struct addr phone[PHONES];
	int fd[PHONES];
	struct path_event events[64];
	size_t nevents;
	uint8_t last_dscp;
};

void bed_run(const struct conformance_driver *d, const struct conformance_case *c);
/** Parts for tests of one data plane: a bed with default rules, both ends open and joined. */
void bed_open(struct bed *b, const struct conformance_driver *d, const struct conformance_case *c);
void bed_close(struct bed *b);
/** Push b->rules[side]. */
void bed_change(struct bed *b, int side, bool rearm);
/** Work until an end has received so many datagrams (awaited, at most 5 s). */
void bed_await(struct bed *b, int side, uint64_t received);

extern const struct conformance_driver driver_fake, driver_socket, driver_socket_busy,
	driver_socket_warm;

#endif
