#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The caller speaks TCP and the callee UDP, then the other way round; media both ways each time (K: 3261).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
run_one() { # NAME CALLER_TRANSPORT CALLEE_TRANSPORT
	"$SPEER_TOOLS/rtpmark" -n 1 -c 25 -t 30 "$TEST_TMP/uac$1.media" "$TEST_TMP/uas$1.media" >"$TEST_TMP/rtp.out" & local mark=$!
	NET_PIDS+=($mark)
	scenario "uac$1" caller invite answer ack pause:1500 bye
	scenario "uas$1" callee invite ringing answer ack bye
	callee_up "uas$1" $BNET -m 1 -t "$3"
	caller "uac$1" -m 1 -t "$2"
	wait $mark || { cat "$TEST_TMP/rtp.out"; fail "$1: media"; }
	sip_wait "uac$1"
	sip_wait "uas$1"
}
NET_FDS_MORE=2 # connections may stay open for the next call
NET_HOPS="\"sip:$BNET:5060\""
net_config
net_start 1
run_one tu t1 u1
cdrs | json ingress_transport | grep -qx TCP || { await 5 CDR cdr_count 1; cdrs | json ingress_transport | grep -qx TCP || fail "ingress is TCP"; }
saw uastu '^INVITE sip:'
saw uastu '^Via: SIP/2.0/UDP 127.0.2.1:5060'
net_assert_clean
net_stop
rm -rf "$TEST_TMP/cdr"; NET_HOPS="\"sip:$BNET:5060;transport=tcp\""
net_config
net_start 1
run_one ut u1 t1
saw uasut '^Via: SIP/2.0/TCP 127.0.2.1:5060'
saw uasut '^Contact: <sip:127.0.2.1:5060;transport=tcp>'
one_cdr cause normal egress_transport TCP ingress_transport UDP
net_assert_clean
net_stop
