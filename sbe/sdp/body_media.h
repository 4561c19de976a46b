/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_media - fill the typed view of one media section, line by line. Used by body_sdp only.
 *
 * The view and its formats belong to the body_sdp being built; nothing is allocated here.
 */
#ifndef SBE_SDP_BODY_MEDIA_H
#define SBE_SDP_BODY_MEDIA_H

#include <stdbool.h>
#include <stdint.h>
#include "sbe/sdp/body_sdp.h"

/** What the session block says for all media, and where we are inside a section. */
struct body_media_reader {
	struct body_media *media;
	struct body_format *formats; /* the same memory as media->formats, writable */
	int16_t by_payload[128];     /* index into formats, -1 = not in the m= line */
	bool has_direction, has_ufrag, has_candidate;
};

/** Read "audio 49170 RTP/AVP 0 8" (the m= value) and start the section. formats has room for all words.
 * @return NULL, or why the line is refused. */
const char *body_media_open(struct body_media_reader *r, struct body_text value,
			    struct body_media *media, struct body_format *formats);

/** One more line of the section. Broken attributes are passed over. */
void body_media_line(struct body_media_reader *r, char type, struct body_text value);

/** End of the section: fill what depends on everything before. @param session session-level values. */
void body_media_close(struct body_media_reader *r, const struct body_sdp *session,
		      bool session_fingerprint, bool session_ufrag);

/** "sendrecv" and friends. @return false: not a direction attribute. */
bool body_media_direction(struct body_text name, enum body_direction *ret_direction);

/** b= "AS:64" or "TIAS:64000" into the field it means; others are passed over. */
void body_media_bandwidth(struct body_text value, uint32_t *as_kbps, uint32_t *tias_bps);

#endif
