#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# kill -9 of one dbe under 20 calls a second: every call offered 2 s later or more succeeds, speerctl answers at
# once all the time, calls on the other dbe go on (C3, C10).
set -u
NET_GATE= # as by default
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario uas callee invite ringing answer ack bye
callee_up uas $BNET -m 10000
scenario before caller invite answer ack pause:9000 bye
caller before -m 20 -r 100 -l 20
twenty_up() { [ "$(ctl -o json call list | grep -c '"up"')" = 20 ]; }
await 5 "20 calls are up" twenty_up
n1=$(dbectl 1 -o json gate list | rows)
n2=$(dbectl 2 -o json gate list | rows)
note "calls up: $n1 on dbe1, $n2 on dbe2"
[ "$n1" -gt 0 ] && [ "$n2" -gt 0 ] || fail "both dbes should carry calls"
kill -KILL $PID_dbe1; killed_ms=$(( $(date +%s%N) / 1000000 ))
wait $PID_dbe1 2>/dev/null
slowest=0
for _ in $(seq 20); do # through the moment of the loss
	t=$(date +%s%N); ctl status >/dev/null || fail "speerctl"; t=$(( ($(date +%s%N) - t) / 1000000 ))
	[ $t -le $slowest ] || slowest=$t
done
await 2 "dbe1 is out" dbes_up 1
out_ms=$(( $(date +%s%N) / 1000000 - killed_ms ))
note "out after $out_ms ms; slowest speerctl $slowest ms"
[ $slowest -le "$(scaled 500)" ] || fail "the sbe was not there for $slowest ms"
[ $out_ms -le "$(scaled 2000)" ] || fail "out after $out_ms ms only"
scenario after caller invite answer ack pause:500 bye
SIPP_LIMIT=30 sip_run after "$TEST_TMP/after.xml" $PBX -p 5062 -mp 20000 -m 60 -r 20 $SBE_CORE:5060
sip_wait after # every call succeeds
as_before() { [ "$(dbectl 2 -o json gate list | rows)" = "$n2" ]; }
await 2 "dbe2 has its old calls and no other" as_before # gates of calls just ended go a little later
kill -TERM $PID_before 2>/dev/null
ctl -o json call list >"$TEST_TMP/left.json"
net_stop
