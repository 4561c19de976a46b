/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_media - between session descriptions and the streams of a call: what each side said is checked and kept, and
 * our addresses become the description for the other side.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_MEDIA_H
#define SBE_CALL_CALL_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_sdp.h"

struct call;
struct wire_msg;
struct wire_out;

/* One m-line. index by side: local = our address towards that side, remote = theirs. */
struct call_stream {
	struct addr local_rtp[2], local_rtcp[2];
	struct addr remote_rtp[2], remote_rtcp[2];
	uint64_t payloads[2][2];
	uint32_t kbps[2];     /* that side asks for (b=); 0 = it does not say */
	uint8_t kind;         /* enum peer_media_kind */
	uint8_t direction[2]; /* enum body_direction as that side wrote it */
	uint8_t silent;       /* bit per side: the dbe has reported silence */
	bool active, rtp, mux;
	uint8_t policed;      /* bit per side: the dbe has been told a rate */
	uint64_t opened_ms;   /* when its gates were there, monotonic; 0 = never */
	struct addr stray[2]; /* last unexpected source of that side, as the dbe told */
	struct addr latched[2];
};

/* The body for side `to`: the received one with its SDP replaced. */
struct call_media_in {
	const struct wire_msg *msg; /* what the body came in */
	const struct body_sdp *sdp; /* parsed from it; NULL = there is none to send */
	bool offer;                 /* codecs of an offer are filtered */
};

/** The description in a message, to be given back with mem_unref.
 *  @return 0 (ret_sdp NULL: it has none), -ENOTSUP (a body we cannot read), -errno of body_sdp_parse with ret_why. */
int call_media_parse(const struct wire_msg *m, struct body_sdp **ret_sdp, const char **ret_why);
/** Is it one we can carry, to addresses that media may go to? @return 0, -EINVAL with ret_why (may be NULL) in words. */
int call_media_check(const struct call *call, const struct body_sdp *sdp, const char **ret_why);
/** Does an answer fit its offer (RFC 3264 6)? It is checked too. @return 0, -errno with ret_why. */
int call_media_fits(const struct call *call, const struct body_sdp *offer,
		    const struct body_sdp *answer, const char **ret_why);
/** May this offer follow on what the session has (RFC 3264 8, S2)? @return 0, -errno with ret_why. */
int call_media_may_change(const struct call *call, const struct body_sdp *offer,
			  const char **ret_why);
/** Make room for the streams of an offer. @return 0, -ENOMEM. */
int call_media_grow(struct call *call, const struct body_sdp *offer);
/** Remember what that side said. @return 0, -EACCES (its peer has no media there), -ENOMEM. */
int call_media_take(struct call *call, int side, const struct body_sdp *sdp, bool offer);
/** Another answer to the same offer is to be taken: undo what the last one refused. */
void call_media_again(struct call *call, const struct body_sdp *offer);
/** That description for side `to`, with our addresses. @return 0 (ret_out->text is to be given back with mem_free), -errno. */
int call_media_write(struct call *call, int to, const struct body_sdp *in, bool offer,
		     struct body_written *ret_out);
/** The whole body for side `to`; its Content-Type line goes to o. @return 0 (ret_body for mem_free, NULL: none), -errno. */
int call_media_body(struct call *call, int to, const struct call_media_in *in, struct wire_out *o,
		    char **ret_body, size_t *ret_bytes);
/** Do we carry it: RTP or T.38? */
bool call_media_relayed(const struct body_media *m);

#endif
