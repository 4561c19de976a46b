/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_cancel - what the transaction layer says about an INVITE we received: CANCEL, no ACK, the end.
 * Owner: none. Thread: loop.
 */
#ifndef SBE_CALL_CALL_CANCEL_H
#define SBE_CALL_CALL_CANCEL_H

#include "sbe/sip/txn.h"

extern const struct txn_server_handlers call_server_handlers; /* arg: struct leg */

#endif
