/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_codec - which payload types of a stream may pass a peer's codec list.
 *
 * Pure functions; nothing is allocated. A stream lives by its codecs: telephone-event, comfort noise,
 * redundancy and retransmission only help one.
 */
#ifndef SBE_SDP_BODY_CODEC_H
#define SBE_SDP_BODY_CODEC_H

#include <stdbool.h>
#include <stdint.h>
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_sdp.h"

/** Does it only help a codec (telephone-event, CN, red, rtx ...)? A stream cannot live by it. */
bool body_codec_is_helper(const struct body_format *f);

struct body_codec_rule {
	const char *const
		*allowed;   /* "PCMA", "telephone-event", "opus/48000"; case does not matter */
	unsigned n_allowed; /* 0 = everything */
	bool reorder;       /* put them in the order of this list, not of the offer */
};

/**
 * Which payloads of an RTP stream may pass. rtx goes with its codec (RFC 4588 apt).
 * n = 0 means that nothing is filtered: a non-RTP stream, or an empty rule.
 * @return 0, -ENOTSUP (only helpers like telephone-event, CN, red, rtx are left: refuse the stream).
 */
int body_codec_filter(const struct body_media *m, const struct body_codec_rule *rule,
		      struct body_payloads *ret_payloads);

struct body_codec_result {
	uint32_t refused; /* bit per m= line that has no codec left */
	struct body_payloads media[BODY_MAX_MEDIA];
};

/** The same for all streams that have a port; the result is filled in any case.
 * @return 0, -ENOTSUP (something was refused and nothing is left: 488). */
int body_codec_filter_all(const struct body_sdp *sdp, const struct body_codec_rule *rule,
			  struct body_codec_result *ret_result);

#endif
