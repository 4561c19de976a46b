#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# 100 calls at once with marked RTP and RTCP both ways through two dbes: both carry calls, every packet
# arrives with its payload at the right far end and none elsewhere, nothing is left.
# alone: it counts packets of 100 calls at once
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
LIB=$SPEER_ROOT/tests/scenario/lib
N=100

net_config
net_start 2
"$SPEER_TOOLS/rtpmark" -n $N -c 250 -t 60 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" & mark=$!
NET_PIDS+=($mark)
sip_run uas "$LIB/uas.xml" $BNET -m $N -mp 10000
await 5 "sipp listens" bound $BNET:5060
sip_run uac "$LIB/uac.xml" $PBX -m $N -r 50 -l $N -d 14000 -mp 10000 $SBE_CORE:5060
all_up() { [ "$(ctl -o json call list | grep -c '"up"')" = $N ]; }
await 15 "$N calls are up at once" all_up
for i in 1 2; do
	gates=$(dbectl $i -o json gate list | rows)
	note "dbe$i carries $gates gates"
	[ "$gates" -ge 20 ] || fail "dbe$i carries only $gates of the gates of $N calls"
done
wait $mark || { cat "$TEST_TMP/rtp.out"; fail "media did not arrive as sent"; }
cat "$TEST_TMP/rtp.out"
sip_wait uac
sip_wait uas
net_assert_clean
await 5 "$N CDRs" cdr_count $N
[ "$(cdrs | grep -c '"cause": *"normal"')" = $N ] || fail "all CDRs say normal"
net_stop
