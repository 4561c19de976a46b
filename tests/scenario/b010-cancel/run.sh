#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The caller gives up while it rings: CANCEL goes on, both sides end with 487, one CDR (A9, S4).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario uac caller invite ringing cancel busy:487
scenario uas callee invite ringing cancel
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
saw uas '^CANCEL sip:'
saw uac '^SIP/2.0 487 '
one_cdr cause cancelled status 487 released_by caller duration_ms 0
net_assert_clean
net_stop
