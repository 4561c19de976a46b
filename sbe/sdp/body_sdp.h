/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_sdp - an SDP text split into lines, with typed views of what a border element must know.
 *
 * The text is copied and indexed, never re-printed: body_edit.h writes a changed copy in which every
 * line that was not asked to change keeps its bytes. Unknown lines and broken attributes are kept too.
 * Owner: the caller holds the one reference (mem_unref frees all, it is a single block); every
 * pointer inside points into that block or to constants. Read-only after the parse. Thread: any, no shared state.
 */
#ifndef SBE_SDP_BODY_SDP_H
#define SBE_SDP_BODY_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/addr.h"
#include "sbe/sdp/body_address.h"

#define BODY_MAX_BYTES 65536
#define BODY_MAX_LINES 1024
#define BODY_MAX_LINE_BYTES 1024 /* without the line end */
#define BODY_MAX_MEDIA 32
#define BODY_MAX_FORMATS 128 /* per m= line */

/** Bit 0 = the writer of this SDP sends, bit 1 = it receives. */
enum body_direction { BODY_INACTIVE = 0, BODY_SENDONLY = 1, BODY_RECVONLY = 2, BODY_SENDRECV = 3 };

struct body_line {
	uint32_t off; /* into body_sdp.text */
	uint16_t len; /* without the line end */
	char type;    /* the letter before '='; 0 = one of the blank lines at the very end */
};

/** One format of an m= line. The codec fields are only filled for RTP profiles. */
struct body_format {
	struct body_text token; /* as in the m= line */
	struct body_text name;  /* codec name of a=rtpmap, or of the static table (RFC 3551 6) */
	struct body_text fmtp;  /* first a=fmtp of this payload, after the number */
	uint32_t clock_hz;      /* 0 = unknown */
	int16_t payload;        /* 0..127; -1 = not an RTP payload number */
	uint8_t channels;       /* 1 unless rtpmap says more */
};

struct body_media {
	struct body_text type, proto; /* "audio", "RTP/AVP" */
	uint16_t port;                /* 0 = refused or switched off */
	uint16_t port_count;          /* 1 unless "port/count" */
	bool is_rtp;                  /* RTP/AVP, /SAVP, /AVPF, /SAVPF, UDP/TLS/RTP/SAVP(F) */
	bool is_secure;               /* one of the SAVP ones */
	bool has_crypto;              /* a=crypto (RFC 4568) */
	bool has_fingerprint;         /* a=fingerprint here or at session level */
	bool has_ice;                 /* a=candidate here or ice-ufrag here or at session level */

	unsigned n_formats;
	const struct body_format *formats;
	uint64_t payloads[2];    /* RTP: bit per payload number */
	int16_t telephone_event; /* first payload of that name, -1 = none (RFC 4733) */

	struct body_address address;   /* effective: own c=, else the session's */
	bool address_is_own;           /* has a c= line of its own */
	bool hold_zero;                /* old hold: the address is 0.0.0.0 or :: */
	enum body_direction direction; /* effective, with hold_zero: not receiving */
	enum body_direction written;   /* effective as the a= lines say; default sendrecv */

	bool rtcp_given; /* a valid a=rtcp (RFC 3605) */
	bool rtcp_mux;   /* a=rtcp-mux (RFC 5761) */
	struct addr rtp; /* address.addr with the port; family ADDR_NONE as there */
	struct addr
		rtcp; /* where RTCP is wanted: a=rtcp, else the RTP port + 1, or same with mux */

	uint32_t ptime_ms, maxptime_ms; /* 0 = not given or nonsense (over 1000) */
	uint32_t as_kbps, tias_bps;     /* b=AS, b=TIAS; 0 = not given; clamped to UINT32_MAX */
	struct body_text mid;           /* a=mid (RFC 5888) */

	unsigned first_line, n_lines; /* the section, m= line included */
};

/** o= (RFC 8866 5.2). The numbers are 0 and numeric is false when they do not fit 64 bits. */
struct body_origin_line {
	struct body_text username, sess_id_text, version_text;
	uint64_t sess_id, version;
	bool numeric;
	struct body_address address;
};

struct body_sdp {
	const char *text; /* our copy, 0-terminated */
	size_t len_bytes;
	const struct body_line *lines;
	unsigned n_lines, n_session_lines;
	const struct body_media *media;
	unsigned n_media;

	struct body_origin_line origin;
	struct body_text name;       /* s= */
	struct body_address address; /* session-level c= */
	enum body_direction written; /* session level, default sendrecv */
	uint32_t as_kbps, tias_bps;
};

/**
 * Index a session description. LF line ends, a missing last line end and blank lines at the end are
 * tolerated; NUL, a stray CR, a line that is not "x=...", a limit above, no v=0 first, no or two o=,
 * o= in a media section, a bad m= line (port not 0..65535, no format) are not.
 * @param ret_why set on failure to a constant sentence; may be NULL.
 * @return 0, -EBADMSG (not SDP), -E2BIG (over a limit), -ENOMEM.
 */
int body_sdp_parse(const char *text, size_t len_bytes, struct body_sdp **ret_sdp,
		   const char **ret_why);

/** The text of a line without its end. */
struct body_text body_sdp_line(const struct body_sdp *sdp, unsigned line);

/** Value of the first a=name:value (or a=name, then empty with at set) of a section. @param m NULL = session.
 * @return value; at is NULL when there is none. */
struct body_text body_sdp_attribute(const struct body_sdp *sdp, const struct body_media *m,
				    const char *name);

/** Does the payload number appear in the m= line? */
static inline bool body_media_has_payload(const struct body_media *m, unsigned payload)
{
	return payload < 128 && (m->payloads[payload / 64] >> (payload % 64) & 1);
}

#endif
