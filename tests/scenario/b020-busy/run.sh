#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Busy: the callee's 486 reaches the caller with its phrase; nothing is left; one CDR.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario uac caller invite busy:486
scenario uas callee invite "reject:486:Busy Here"
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
saw uac '^SIP/2.0 486 Busy Here'
one_cdr cause peer_refused status 486 released_by callee attempts.0.status 486
net_assert_clean
net_stop
