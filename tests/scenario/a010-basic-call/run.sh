#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One call pbx -> sbe -> bnet with RTP and RTCP both ways (G2, G3, C6, U5): set-up, media byte for byte,
# what each side may see, BYE, one CDR, nothing left.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
LIB=$SPEER_ROOT/tests/scenario/lib

net_config
net_start 2
"$SPEER_TOOLS/rtpmark" -n 1 -c 100 -t 30 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" & mark=$!
NET_PIDS+=($mark)
sip_run uas "$LIB/uas.xml" $BNET -m 1 -mp 10000
await 5 "sipp listens" bound $BNET:5060
sip_run uac "$LIB/uac.xml" $PBX -m 1 -d 4000 -mp 10000 $SBE_CORE:5060
await 5 "the call is up" sh -c "$SPEER_BIN/speerctl -s $SBE_SOCK -o json call list | grep -q '\"up\"'"
wait $mark || { cat "$TEST_TMP/rtp.out"; fail "media did not arrive as sent"; }
cat "$TEST_TMP/rtp.out"
sip_wait uac
sip_wait uas

# Nothing of the core is seen by the peer, in any message (C6): its addresses, names and private headers.
if grep -E "127\.0\.1\.|alice@|X-Core|o=alice" "$TEST_TMP/uas.msg"; then fail "the peer saw something of the core"; fi
grep -q "a=x-unknown:kept as it is" "$TEST_TMP/uas.msg" || fail "an unknown media attribute was lost (B17)"
grep -q "^Subject: scenario" "$TEST_TMP/uas.msg" || fail "Subject did not cross"
grep -q "^Max-Forwards: 69" "$TEST_TMP/uas.msg" || fail "Max-Forwards was not counted down (S1)"
grep -q 'Reason: Q.850;cause=16' "$TEST_TMP/uas.msg" || fail "Reason did not cross"
if grep -E "127\.0\.2\.(20|1)" "$TEST_TMP/uac.msg"; then fail "the core saw addresses of the peer"; fi

net_assert_clean
await 5 "one CDR" cdr_count 1
cdrs | json cause | grep -qx normal || fail "CDR cause"
cdrs | json media.0.caller.packets_in | grep -qx 100 || fail "CDR counts what the caller sent: $(cdrs)"
cdrs | json media.0.callee.packets_in | grep -qx 100 || fail "CDR counts what the callee sent: $(cdrs)"
net_stop
