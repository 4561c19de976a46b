/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_media - what is agreed with a peer about its media: the group "media" of its configuration, and how much
 * bandwidth its calls hold (requirements H, L3: media.relay, codecs, types, bandwidth, DSCP, early media, SRTP).
 *
 * Owner: the configuration is embedded in struct peer_conf, the count in struct peer_state. Thread: loop.
 */
#ifndef SBE_PEER_PEER_MEDIA_H
#define SBE_PEER_PEER_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

/* In the order of strictness: of two peers the lower one counts. */
enum peer_relay { PEER_RELAY_ALWAYS, PEER_RELAY_IF_NEEDED, PEER_RELAY_NEVER };
enum peer_early { PEER_EARLY_ALLOW, PEER_EARLY_BLOCK };
enum peer_srtp { PEER_SRTP_OFF, PEER_SRTP_OPTIONAL, PEER_SRTP_REQUIRED };
/* Media types of RFC 8866 5.14 that we tell apart. */
enum peer_media_kind {
	PEER_KIND_AUDIO,
	PEER_KIND_VIDEO,
	PEER_KIND_TEXT,
	PEER_KIND_IMAGE,
	PEER_KIND_OTHER,
	PEER_KINDS
};

#define PEER_DSCP_SAME 64 /* as the one for all */

struct peer_media_conf {
	int relay;                      /* enum peer_relay */
	struct conf_list types;         /* const char *; empty = all */
	struct conf_list codecs;        /* const char *, best first; empty = all */
	uint32_t ptime_min, ptime_max;  /* ms; 0 = any */
	int source;                     /* enum gate_source */
	uint32_t silence_s;             /* 0 = never */
	uint32_t dscp;                  /* of what has none of its own */
	uint32_t dscp_of[PEER_KINDS];   /* PEER_DSCP_SAME = dscp */
	uint32_t rate_kbps;             /* policing per stream; 0 = what the descriptions say */
	uint32_t stream_kbps, all_kbps; /* "bandwidth": 0 = no limit */
	int early;                      /* enum peer_early */
	int srtp;                       /* enum peer_srtp */
};
extern const struct conf_field peer_media_fields[];
/** Bounds fit each other, and nothing is asked of a gate that is never there. */
conf_check_h peer_media_check;

/** Type of an m= line ("audio"; case does not matter). */
enum peer_media_kind peer_media_kind(const char *type, size_t len_bytes);
/** May streams of this type be? */
bool peer_media_takes(const struct peer_media_conf *c, const char *type, size_t len_bytes);
/** DSCP of packets of this type towards the peer. */
uint8_t peer_media_dscp(const struct peer_media_conf *c, enum peer_media_kind kind);

struct peer;
/** Would peer_media_take say yes? Counts nothing. */
bool peer_media_room(const struct peer *p, uint32_t held, uint32_t wanted);
/**
 * A call of the peer held `held` kbit/s and wants `wanted` instead. More is given only within media.bandwidth.all_kbps;
 * less always. @return false: nothing has changed (counted as PEER_LIMIT_BANDWIDTH).
 */
bool peer_media_take(struct peer *p, uint32_t held, uint32_t wanted);

#endif
