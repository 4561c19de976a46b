#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# INVITE without SDP: the offer comes in the 200, the answer in the ACK; media flow both ways (S2, late offer).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario uac caller invite:nosdp answer ack:sdp pause:2000 bye
scenario uas callee invite:nosdp ringing answer ack bye
callee_up uas $BNET -m 1
caller uac -m 1
up_both_ways() { ctl -o json gate list | grep -c '"sendrecv"' | grep -qx 2; }
await 5 "the gates are open both ways" up_both_ways
ctl gate list
ctl -o json gate list | grep -q "127.0.1.10:10000" || fail "the caller's address from the ACK is not in the gate"
ctl -o json gate list | grep -q "127.0.2.20:10000" || fail "the callee's address from the 200 is not in the gate"
sip_wait uac
sip_wait uas
[ "$(grep -E -c '^c=IN IP4 127\.0\.2\.[23][^0-9]*$' "$TEST_TMP/uas.msg")" = 1 ] || fail "the callee's ACK carries our answer"
saw_not uas '127\.0\.1\.'
one_cdr cause normal
net_assert_clean
net_stop
