/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_edit - write the outgoing SDP from a received one: our addresses, our origin, refused
 * streams, filtered codecs; every other line byte for byte and in order (RFC 6406 media security, B17).
 *
 * Pure: in and the rewrite are only read. A zeroed struct body_rewrite changes nothing.
 * Owner: the caller frees ret_out->text with mem_free.
 *
 * What relaying changes (X1): c=, m= port, a=rtcp are ours; a=candidate, end-of-candidates,
 * remote-candidates, ice-* , source-filter, altc, ccap go away; a=path gets our address. All other lines pass,
 * unless they carry an address that the received o=, c= or a=rtcp told us (a leak).
 */
#ifndef SBE_SDP_BODY_EDIT_H
#define SBE_SDP_BODY_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sbe/sdp/body_origin.h"
#include "sbe/sdp/body_sdp.h"

/** Payload numbers in the order they shall be offered; n = 0: all of them. */
struct body_payloads {
	unsigned n;
	uint8_t list[BODY_MAX_FORMATS];
};

/** What happens to one m= line. Zero = it stays as it is. */
struct body_stream_out {
	bool refused;       /* port 0; c= and everything with an address is hidden as with relay */
	bool relay;         /* we carry the media: address and ports below */
	struct addr rtp;    /* our address and port; port 0 is refused with -EINVAL: use refused */
	uint16_t rtcp_port; /* 0 = RTP port + 1, or the RTP port with mux */
	bool hold_modern;   /* write c=0.0.0.0 as our address and a=sendonly/inactive */
	bool set_direction; /* write this direction instead of the received one */
	enum body_direction direction;
	const struct body_payloads
		*payloads;        /* NULL = all; else these, with their rtpmap, fmtp, rtcp-fb */
	const char *const *strip; /* attribute names to remove here; policy, logged by the caller */
	unsigned n_strip;
};

struct body_rewrite {
	const struct body_origin *origin; /* NULL = keep the received o= */
	struct addr address;              /* ours, for o= and for c= where no stream gives one */
	const struct body_stream_out
		*media;           /* one per m= line in the same order; NULL = keep all */
	unsigned n_media;         /* must equal in->n_media when media is given */
	bool hide;                /* drop u= e= p= (they name people and places inside) */
	bool strip_leaks;         /* remove unknown lines with an inner address (else only count) */
	const char *const *strip; /* attribute names to remove at session and media level */
	unsigned n_strip;
};

struct body_written {
	char *text; /* 0-terminated; all line ends are CRLF */
	size_t len_bytes;
	struct body_origin origin; /* store it in the leg when the text is sent */
	unsigned leaks;      /* lines with an inner address: passed, or removed with strip_leaks */
	unsigned stripped;   /* lines removed because of a strip list */
	char first_leak[64]; /* start of the first such line, printable, for the alarm; "" = none */
};

/**
 * Write the outgoing text. A stream whose received port is 0 keeps port 0 whatever is asked.
 * c=0.0.0.0 (hold) stays the any-address of our family unless hold_modern.
 * @return 0, -EINVAL (n_media, an address without family or port 0 for a relayed stream), -ENOMEM.
 */
int body_sdp_write(const struct body_sdp *in, const struct body_rewrite *rw,
		   struct body_written *ret_out);

#endif
