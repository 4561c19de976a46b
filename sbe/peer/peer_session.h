/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_session - what is agreed with a peer about session timers (RFC 4028, S6): sip.session_timer.
 *
 * Owner: embedded in struct peer_conf. Thread: any (plain values).
 */
#ifndef SBE_PEER_PEER_SESSION_H
#define SBE_PEER_PEER_SESSION_H

#include "common/conf.h"

#define PEER_MIN_SE_S 90 /* RFC 4028 4: no interval may be shorter */

enum peer_timer_mode { PEER_TIMER_OFF, PEER_TIMER_ACCEPT, PEER_TIMER_REQUIRE };
enum peer_refresher { PEER_REFRESHER_AUTO, PEER_REFRESHER_US, PEER_REFRESHER_THEM };

struct peer_session_conf {
	int mode;          /* enum peer_timer_mode */
	uint32_t se_s;     /* interval we ask for, and the longest we grant; default 1800 */
	uint32_t min_se_s; /* shortest interval we take, at least PEER_MIN_SE_S */
	int refresher;     /* enum peer_refresher; counts when the peer leaves us the choice */
};
extern const struct conf_field peer_session_fields[];
/** se_s may not be less than min_se_s. */
conf_check_h peer_session_check;

#endif
