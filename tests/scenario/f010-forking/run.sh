#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Eight phones ring, each with early media of its own; the third answers, the fifth a moment later (A15, S3): the caller sees one
# dialog, audio is the winner's, the loser gets ACK and BYE, one gate and one record for all.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
scenario uac caller invite ring:183 answer ack pause:3000 bye
scenario uas callee invite:keep:7003 say:183:f0:7000 pause:20 say:183:f1:7001 pause:20 say:183:f2:7002 pause:20 say:183:f3:7003 \
	pause:20 say:183:f4:7004 pause:20 say:183:f5:7005 pause:20 say:183:f6:7006 pause:20 say:183:f7:7007 pause:900 \
	say:200:f3:7003 got:ACK pause:100 say:200:f5:7005 got:ACK got:BYE got:BYE
"$SPEER_TOOLS/rtpmark" -n 1 -c 50 -t 10 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" & mark=$!
NET_PIDS+=($mark)
callee_up uas $BNET -m 1
caller uac -m 1
at_fork() { [ "$(ctl -o json gate list | grep -o "127.0.2.20:70[0-9]*" | sort -u)" = "127.0.2.20:700$1" ]; }
await 5 "early media of the last one that spoke" at_fork 7
await 5 "media of the one that answered" at_fork 3
[ "$(ctl -o json gate list | rows)" = 1 ] || fail "more than one gate"
wait $mark || { cat "$TEST_TMP/rtp.out"; fail "the winner's media did not arrive as sent"; }
at_fork 3 || fail "the loser's 200 moved the media"
sip_wait uac
sip_wait uas
[ "$(grep -a '^To:.*;tag=' "$TEST_TMP/uac.msg" | grep -a a.example | sed 's/.*;tag=//' | tr -d '\r' | sort -u | wc -l)" = 1 ] || fail "the caller saw more than one dialog"
[ "$(counter sbe_late_2xx_total)" = 1 ] || fail "the second 200 was not counted"
one_cdr cause normal status 200
net_assert_clean
net_stop
