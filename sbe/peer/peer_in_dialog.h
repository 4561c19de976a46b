/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_in_dialog - which requests of a peer inside a call go to the other side: sip.in_dialog.
 *
 * Owner: embedded in struct peer_conf. Thread: any (plain values).
 */
#ifndef SBE_PEER_PEER_IN_DIALOG_H
#define SBE_PEER_PEER_IN_DIALOG_H

#include "common/conf.h"

enum peer_in_dialog { PEER_IN_DIALOG_REFUSE, PEER_IN_DIALOG_PASS };

struct peer_in_dialog_conf { /* enum peer_in_dialog; both sides must pass it */
	int info, message, subscribe, notify;
	int options; /* not passed: we answer it */
};
extern const struct conf_field peer_in_dialog_fields[];

#endif
