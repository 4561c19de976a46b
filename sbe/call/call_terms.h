/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_terms - what both peers agreed to about media, kept to by descriptions: types, codecs and their order, packet
 * times, encryption, bandwidth (C21, C25, H: media.*).
 *
 * A stream of an offer that does not keep to it is refused with port 0, the offer with 488 when none is left.
 * Owner: nothing. Thread: loop.
 */
#ifndef SBE_CALL_CALL_TERMS_H
#define SBE_CALL_CALL_TERMS_H

#include <stdbool.h>

#include "sbe/sdp/body_codec.h"
#include "sbe/sdp/body_negotiate.h"
#include "sbe/sdp/body_sdp.h"

struct call;
struct leg;

/**
 * Which streams of an offer to side `to`, with which payloads, both peers agreed to.
 * @return 0 all as it is, 1 what ret_result says, -ENOTSUP nothing is left.
 */
int call_terms_filter(const struct call *call, int to, const struct body_sdp *offer,
		      struct body_codec_result *ret_result);
/** Why nothing is left of an offer: CDR word, and a sentence. */
const char *call_terms_cause(const struct call *call, const struct body_sdp *offer,
			     const char **ret_text);
/** Codecs of an answer to side `to` that both agreed to: RFC 3264 6.1 lets it name more. @return false: all. */
bool call_terms_codecs(const struct call *call, int to, const struct body_sdp *answer,
		       struct body_codec_result *ret_result);
/** An answer that fits its offer: keys where they must be, and no codec that was not agreed. @return 0, -ENOTSUP. */
int call_terms_answer(const struct call *call, const struct body_sdp *offer,
		      const struct body_sdp *answer, const struct body_negotiation *n,
		      const char **ret_why);
/** Is the callee not to be heard before the answer? */
bool call_terms_early_blocked(const struct call *call);

/* ---- bandwidth (kbit/s) ---- */

/** What a stream asks for by its b= lines, 0 = it does not say. */
uint32_t call_terms_said_kbps(const struct body_sdp *sdp, const struct body_media *m);
/** What a description will use: its b= lines, else its codecs. */
uint32_t call_terms_kbps(const struct body_sdp *sdp);
/** The leg's peer gives so much to this call. @return false: it has not so much; nothing changes. */
bool call_terms_take(struct leg *leg, uint32_t kbps);
/** Both legs' peers have room for this description in place of what the call has. */
bool call_terms_room(const struct call *call, const struct body_sdp *sdp);
/** What was agreed counts from now on, whatever it is. */
void call_terms_agreed(struct call *call, const struct body_sdp *answer);

#endif
