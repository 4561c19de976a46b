#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# UPDATE (RFC 3311): before the answer and after it, hold and back, a refresh without SDP, and to a side that does not know it (A10, S2).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
modes() { ctl -o json gate list | python3 -c 'import json,sys
d = json.load(sys.stdin); d = d.get("data", d); r = d["rows"][0]; print(r[d["columns"].index("mode_a")], r[d["columns"].index("mode_b")])'; }
mode_is() { [ "$(modes)" = "$*" ]; }
scenario uac caller invite:rel ring:183:rel prack update:sendrecv:11000 pause:600 answer:nosdp ack update:none pause:400 update:sendonly:11000 pause:800 \
	update:sendrecv:11000 pause:600 bye
scenario uas callee invite:keep say:183:x:7000:rel=1 got:PRACK got:UPDATE:sdp pause:600 say:200:x got:ACK got:UPDATE:sdp got:UPDATE:sdp got:BYE
callee_up uas $BNET -m 1
caller uac -m 1
early() { mode_is sendonly recvonly && ctl -o json gate list | grep -q 127.0.1.10:11000; }
await 5 "an early UPDATE moves the media, one way still" early
await 5 "answered: both ways" mode_is sendrecv sendrecv
await 5 "on hold" mode_is recvonly sendonly
await 5 "and back" mode_is sendrecv sendrecv
sip_wait uac
sip_wait uas
[ "$(grep -ac '^UPDATE ' "$TEST_TMP/uas.msg")" = 3 ] || fail "the refresh without SDP went through, or another one did not"
saw_not uas '127\.0\.1\.'

# the callee does not know UPDATE: it gets an INVITE
scenario uac2 caller invite:rel answer ack pause:200 update:sendonly pause:500 bye
scenario uas2 callee invite answer ack reinvite:sendonly reanswer:recvonly ack bye
callee_up uas2 $BNET -m 1
caller uac2 -m 1
await 5 "on hold by INVITE" mode_is recvonly sendonly
sip_wait uac2
sip_wait uas2
saw_not uas2 '^UPDATE '
await 5 "two CDRs" cdr_count 2
net_assert_clean
net_stop
