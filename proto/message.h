/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - gate control messages as plain structs, and their wire form (protobuf, proto/gate.proto).
 *
 * Semantics are H.248's (RFC 3525): transactions of actions on contexts, commands on terminations,
 * streams with explicit presence: what is absent is left unchanged. Everything that comes from the
 * wire is checked here, once: counts, sizes, ranges, known enums. Sans-I/O.
 * Owner: plain data, no pointers into the wire buffer except record (see there). Thread: any.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define GATE_NAME_BYTES 64  /* node, realm and termination names, with the 0 */
#define GATE_STREAMS_MAX 8  /* m-lines of a call that are relayed */
#define GATE_COMMANDS_MAX 4 /* per action: two terminations, with room */
#define GATE_RECORD_MAX_BYTES 4096
#define GATE_TEXT_BYTES 128 /* error texts, with the 0 */
#define GATE_REALMS_MAX 32
#define GATE_RANGES_MAX 64 /* media addresses with their ports, of all realms */
#define GATE_CONTEXTS_PER_AUDIT 256
#define GATE_VERSION_MIN 1U
#define GATE_VERSION_MAX 1U

enum gate_mode { GATE_INACTIVE = 0, GATE_SENDONLY, GATE_RECVONLY, GATE_SENDRECV, GATE_MODES };
/* Which sources a termination accepts media from (H.248.43 filters, H.248.37 latch). */
enum gate_source {
	GATE_SOURCE_EXACT = 0, /* the signalled remote address and port; the default */
	GATE_SOURCE_ADDRESS,   /* the signalled address, any port */
	GATE_SOURCE_LATCH, /* first packet from source_prefix (default: the signalled address) pins address and
				  port, and is where media is sent to; nothing is sent before it */
	GATE_SOURCE_ANY, /* no filter: only for tests and trusted networks */
	GATE_SOURCES
};

/* Presence bits of struct gate_stream */
#define GATE_HAS_MODE 0x0001U
#define GATE_HAS_LOCAL 0x0002U
#define GATE_HAS_REMOTE 0x0004U
#define GATE_HAS_RTCP_MUX 0x0008U
#define GATE_HAS_SOURCE 0x0010U
#define GATE_HAS_PAYLOADS 0x0020U
#define GATE_HAS_RATE 0x0040U
#define GATE_HAS_DSCP 0x0080U
#define GATE_HAS_SILENCE 0x0100U
#define GATE_HAS_STATISTICS 0x0200U

/* Why a media packet was not relayed. Numbers go over the wire and are never reused. */
#define GATE_DROP_REASONS(X)                                                                       \
	X(GATE_DROP_MODE, 0, "mode", "the gate is not open in this direction")                     \
	X(GATE_DROP_SOURCE, 1, "source", "not from the address the source filter allows")          \
	X(GATE_DROP_PAYLOAD, 2, "payload_type", "payload type was not negotiated")                 \
	X(GATE_DROP_MALFORMED, 3, "malformed", "not a well-formed RTP or RTCP packet")             \
	X(GATE_DROP_RATE, 4, "rate", "above the policed rate")                                     \
	X(GATE_DROP_NO_REMOTE, 5, "no_remote", "the far side's address is not known yet")          \
	X(GATE_DROP_SEND, 6, "send", "the kernel refused to send it")
#define GATE_DROP_ENUM_(id, number, name, text) id = number,
enum gate_drop { GATE_DROP_REASONS(GATE_DROP_ENUM_) GATE_DROPS = 7 };

/* Counters of one stream on one termination: in = received from its far end, out = sent to it. */
struct gate_statistics {
	uint64_t packets_in, bytes_in, packets_out,
		bytes_out; /* RTP, payload and header, no IP/UDP */
	uint64_t rtcp_in, rtcp_out;
	uint64_t lost; /* RTP in: expected - received, never below 0 */
	uint32_t
		jitter_us; /* RTP in, RFC 3550 6.4.1, last value (clock rate from payload type, else 8000) */
	uint32_t jitter_max_us;
	uint64_t first_ms,
		last_ms; /* ms since the stream was opened when the first/last packet came in; 0 = none yet */
	uint64_t drops[GATE_DROPS];
};

struct gate_stream {
	uint32_t id;  /* 1..; the same number on both terminations of a context */
	uint32_t has; /* GATE_HAS_ bits */
	uint8_t mode; /* enum gate_mode, as seen from outside the context */
	struct addr local_rtp, local_rtcp;   /* replies; in a request absent = choose */
	struct addr remote_rtp, remote_rtcp; /* remote_rtcp.family 0 = remote_rtp's port + 1 */
	bool rtcp_mux;
	uint8_t source;                   /* enum gate_source */
	struct addr_prefix source_prefix; /* for LATCH; net.family 0 = host prefix of remote_rtp */
	uint64_t payloads
		[2]; /* bit n = RTP payload type n allowed; all 0 = no check, and no RTP check at all
					     when rtp is false */
	bool rtp;    /* with PAYLOADS: this is RTP (else any UDP payload, e.g. udptl) */
	uint32_t rate_bytes_per_s, burst_bytes; /* 0 = not policed */
	uint8_t dscp;
	uint32_t
		silence_ms; /* event after so long without a packet in while the mode expects one; 0 = off */
	uint32_t first_packet_ms;          /* the same for the first packet; 0 = silence_ms */
	struct gate_statistics statistics; /* replies to Subtract and AuditValue */
};

enum gate_command_type {
	GATE_ADD = 1,
	GATE_MODIFY,
	GATE_SUBTRACT,
	GATE_MOVE,
	GATE_AUDIT_VALUE,
	GATE_AUDIT_CAPABILITIES,
	GATE_NOTIFY,
	GATE_SERVICE_CHANGE,
	GATE_COMMAND_TYPES
};
enum gate_ref { GATE_REF_ID = 0, GATE_REF_CHOOSE, GATE_REF_ALL, GATE_REF_ROOT };

/* ServiceChange (RFC 3525 7.2.8) */
enum gate_change_method {
	GATE_RESTART = 1,
	GATE_FORCED,
	GATE_GRACEFUL,
	GATE_DISCONNECTED,
	GATE_HANDOFF,
	GATE_FAILOVER
};
struct gate_realm_info {
	char name[GATE_NAME_BYTES];
	uint32_t ports_total, ports_free; /* RTP/RTCP pairs */
	bool ipv4, ipv6, up;
};
struct gate_media_range {
	uint8_t realm;     /* index in realms */
	struct addr first; /* as told to far ends, with the first port */
	uint16_t last;     /* port */
};
struct gate_service_change {
	uint8_t method; /* enum gate_change_method */
	uint16_t
		reason; /* 900.. as H.248: 901 cold, 902 warm, 905 out of service, 918 cancel graceful ... */
	uint32_t delay_s;
	uint32_t version_min, version_max; /* reply: version_max = the chosen one */
	char redirect[GATE_NAME_BYTES];    /* reply: register at this "ip:port" instead */
	struct gate_realm_info realms[GATE_REALMS_MAX];
	size_t nrealms;
	uint32_t contexts_max, contexts_now;
	struct gate_media_range ranges[GATE_RANGES_MAX];
	size_t nranges;
};

/* Notify: what happened (H.248.40 adid, H.248.37, H.248.11 ocp, pool) */
enum gate_event_type {
	GATE_EVENT_SILENCE = 1, /* nothing came in for silence_ms */
	GATE_EVENT_RESUMED,     /* media is back */
	GATE_EVENT_SOURCE, /* packets from an unexpected source; addr = it; value = packets so far */
	GATE_EVENT_LATCHED,  /* addr = the pinned source */
	GATE_EVENT_POLICED,  /* value = packets dropped so far */
	GATE_EVENT_POOL_LOW, /* realm; value = free pairs */
	GATE_EVENT_POOL_OK,
	GATE_EVENT_REALM_DOWN,
	GATE_EVENT_REALM_UP,
	GATE_EVENT_LOAD, /* periodic: value = percent busy (CPU or ports, the larger) */
	GATE_EVENT_TYPES
};
struct gate_event {
	uint8_t type;
	uint32_t stream_id;          /* 0 = whole termination or node */
	char realm[GATE_NAME_BYTES]; /* pool and realm events */
	struct addr addr;
	uint64_t value;
	uint64_t at_wall_ms;
};

/* One command of a request, or its result in a reply (then code/text tell how it went). */
struct gate_command {
	uint8_t type;                      /* enum gate_command_type */
	uint8_t ref;                       /* enum gate_ref: which termination */
	char termination[GATE_NAME_BYTES]; /* id with GATE_REF_ID; in replies the id chosen */
	char realm[GATE_NAME_BYTES];       /* Add with CHOOSE: in which realm */
	uint8_t family; /* Add with CHOOSE: ADDR_V4, ADDR_V6, ADDR_NONE = either */
	bool optional;  /* a failure does not stop the action */
	size_t nstreams;
	struct gate_stream streams[GATE_STREAMS_MAX];
	struct gate_service_change change; /* SERVICE_CHANGE; reply to AUDIT_CAPABILITIES of ROOT */
	struct gate_event event;           /* NOTIFY */
	uint16_t code; /* replies: 0 = done, else an H.248 error code (proto/result.h) */
	char text[GATE_TEXT_BYTES]; /* replies: words for code */
};

/* Ordered commands on one context. */
struct gate_action {
	uint8_t context_ref; /* GATE_REF_ID, CHOOSE (request: make one), ALL (audit, clear), ROOT = null context */
	uint32_t context; /* id; in replies the id chosen */
	bool has_record;  /* the opaque recovery record comes with this action */
	const uint8_t *
		record; /* request: borrowed by the encoder; decoded: points into the gate_message's storage */
	size_t record_bytes;
	bool has_emergency, emergency;
	size_t ncommands;
	struct gate_command commands[GATE_COMMANDS_MAX];
	/* AuditValue on context ALL: the ids that exist (reply) */
	size_t ncontexts;
	uint32_t contexts[GATE_CONTEXTS_PER_AUDIT];
	bool more; /* audit reply: ask again with context = the last id of this reply */
};

enum gate_body {
	GATE_BODY_REQUEST = 1,
	GATE_BODY_REPLY,
	GATE_BODY_PENDING,
	GATE_BODY_ACK,
	GATE_BODY_ERROR,
	GATE_BODY_HEARTBEAT
};

/* One transaction has one action here: the sbe never needs more, and a reply stays small. */
struct gate_message {
	uint32_t version;
	char sender[GATE_NAME_BYTES]; /* node name; must be the TLS identity */
	uint64_t epoch;               /* of the sender's process: grows at each start */
	uint8_t body;                 /* enum gate_body */
	uint32_t
		transaction; /* id, unique per sender and epoch; ACK: first of the range; HEARTBEAT: number */
	uint32_t
		transaction_last; /* ACK: last of the range; HEARTBEAT: not 0 = this is the answer */
	uint16_t code;            /* ERROR, or a REPLY that failed as a whole */
	char text[GATE_TEXT_BYTES];
	struct gate_action action; /* REQUEST, REPLY */
	uint8_t record_storage[GATE_RECORD_MAX_BYTES];
	bool may_wait; /* not on the wire: nobody waits for it, it may leave together with the next */
};

/*
 * These structs are large and hot: nothing clears them whole. The functions below clear what the codec reads (counts,
 * bits, first bytes of strings), so only what a message uses is ever touched: change and event have clears of their own.
 */
void gate_stream_clear(struct gate_stream *s);
void gate_change_clear(struct gate_service_change *c);
void gate_event_clear(struct gate_event *e);
void gate_command_clear(struct gate_command *c);
void gate_action_clear(struct gate_action *a);
void gate_message_clear(struct gate_message *m);
/** Append a cleared command of a type. @return it, NULL when the action is full. */
struct gate_command *gate_action_add(struct gate_action *a, int type, int ref);

/** 1-63 of [A-Za-z0-9_.-], first a letter or digit. Termination ids also take '/' and ':'. */
bool gate_name_valid(const char *name);
bool gate_termination_valid(const char *id);

/** Wire form of m, without the frame's length. @return 0, -EMSGSIZE (over size), -EINVAL (not encodable), -ENOMEM. */
int gate_message_encode(const struct gate_message *m, uint8_t *buf, size_t size_bytes,
			size_t *ret_bytes);

/**
 * Read and check one message. On -EINVAL ret_message->transaction is set if it could be read, and
 * *ret_code / ret_text say what is wrong as an H.248 error, fit for an answer.
 * @return 0, -EINVAL, -ENOMEM. ret_message is large: keep one per connection, not on the stack of a deep call.
 */
int gate_message_decode(const uint8_t *buf, size_t len_bytes, struct gate_message *ret_message,
			uint16_t *ret_code, char ret_text[GATE_TEXT_BYTES]);

const char *gate_mode_name(int mode);
const char *gate_drop_name(int drop);
const char *gate_event_name(int type);
const char *gate_command_name(int type);

#endif
