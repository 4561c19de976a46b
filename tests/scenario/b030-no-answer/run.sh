#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nobody answers: after ring_s the callee gets CANCEL and the caller 408 (A14, timer C).
set -u
NET_RING_S=1
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario uac caller invite ringing busy:408
scenario uas callee invite ringing cancel
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
saw uac '^Reason: SIP;cause=408;text="no answer"'
one_cdr cause no_answer status 408 released_by sbe
net_assert_clean
net_stop
