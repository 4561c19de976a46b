#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reliable provisional responses (S5): on both legs, on the callee's alone, on the caller's alone, and the offer of an INVITE without
# SDP in a reliable 183, its answer in the PRACK.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
call() { # NAME
	callee_up "uas_$1" $BNET -m 1
	caller "uac_$1" -m 1
	sip_wait "uac_$1"
	sip_wait "uas_$1"
	await 5 "the call of $1 has gone" no_calls
}
scenario uac_both caller invite:rel ring:180:rel prack ring:183:rel prack answer:nosdp ack pause:100 bye
scenario uas_both callee invite:keep say:180:x:rel=7 got:PRACK pause:50 say:183:x:7000:rel=8 got:PRACK pause:200 say:200:x got:ACK got:BYE
call both
saw uas_both '^RAck: 7 1 INVITE'
saw uas_both '^RAck: 8 1 INVITE'
saw_not uas_both '^CSeq: 1 PRACK'
[ "$(grep -ac '^RSeq: ' "$TEST_TMP/uac_both.msg")" = 2 ] || fail "the caller got other than two reliable responses"

scenario uac_callee caller invite ring:180 ring:183 answer ack pause:100 bye
scenario uas_callee callee invite:keep say:180:x:rel=1 got:PRACK say:183:x:7000:rel=2 got:PRACK pause:100 say:200:x got:ACK got:BYE
call callee
saw_not uac_callee '^Require:|^RSeq:'
saw uas_callee '^Supported: .*100rel'

scenario uac_caller caller invite:rel ring:183:rel pause:700 prack answer:nosdp ack pause:100 bye
scenario uas_caller callee invite:keep say:183:x:7000 say:200:x:7000 got:ACK got:BYE
call caller
saw_not uas_caller '^(Require|RAck):'
[ "$(grep -ac '^RSeq: ' "$TEST_TMP/uac_caller.msg")" = 2 ] || fail "the 183 was not sent again after T1, and once only"
# the 200 to the INVITE came behind the PRACK
[ "$(grep -a -A6 '^SIP/2.0 200' "$TEST_TMP/uac_caller.msg" | grep -ao '^CSeq: [0-9]* [A-Z]*' | head -1)" = "CSeq: 2 PRACK" ] || fail "the 200 did not wait for the PRACK"

scenario uac_late caller invite:nosdp:rel ring:183:rel prack:sdp answer:nosdp ack pause:600 bye
scenario uas_late callee invite:keep say:183:x:7000:rel=5 got:PRACK pause:100 say:200:x got:ACK got:BYE
callee_up uas_late $BNET -m 1
caller uac_late -m 1
open_both() { ctl -o json gate list | grep -c '"sendrecv"' | grep -qx 2; }
await 5 "media flow both ways" open_both
ctl -o json gate list | grep -q "127.0.2.20:7000" || fail "the callee's address from the 183 is not in the gate"
ctl -o json gate list | grep -q "127.0.1.10:10000" || fail "the caller's address from the PRACK is not in the gate"
sip_wait uac_late
sip_wait uas_late
grep -a -A25 '^PRACK ' "$TEST_TMP/uas_late.msg" | grep -aq '^c=IN IP4 127\.0\.2\.2' || fail "the PRACK to the callee carries no answer of ours"
await 5 "four CDRs" cdr_count 4
net_assert_clean
net_stop
