#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# The first of two next hops is killed under 50 calls/s: no call fails that could use the second one; the hop is shown down with
# the reason and comes back by probe. Then one that swallows all: nobody waits for Timer B (C23, E5, A14).
# alone: it loads the machine
set -u
NET_TRY_MS=1000 NET_LOG=notice
NET_HOPS='"sip:127.0.2.20:5060","sip:127.0.2.21:5060"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
export PYTHONPATH=$SPEER_ROOT/tests/scenario/lib
HERE=$SPEER_ROOT/tests/scenario/t030-next-hop-killed
net_config
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["bnet"]["probe"] = {"interval_s": 1, "down_after": 2, "up_after": 1}'
scenario uac caller invite answer ack pause:300 bye:any
hop() { net_run "$1" "$HERE/hop.py" "$2"; await 5 "$1 listens" bound "$2:5060"; } # NAME ADDRESS
hop_is() { ctl peer show bnet | grep -qE "$1"; }
over() { [ "$(cdrs | wc -l)" -ge "$1" ]; }
seen=0
outcome() { # CALLS: looks at the CDRs of the last CALLS calls
	await 20 "CDRs of $1 calls" cdr_count $((seen + $1))
	cdrs | tail -n "+$((seen + 1))" | "$HERE/outcome.py" "$1" "$2" || fail "see above"
	seen=$((seen + $1))
}
load() { cp "$TEST_TMP/uac.xml" "$TEST_TMP/$1.xml"; caller "$1" -r "$2" -m "$3" -l 500; } # NAME RATE CALLS
hop first $BNET
hop second $BNET2
net_start 2
await 10 "the first hop is up" hop_is '127\.0\.2\.20.*up'

load killed 50 500
await 20 "100 calls are over" over 100
kill -KILL "$PID_first"; wait "$PID_first" 2>/dev/null
await 10 "the hop is shown down and why" hop_is '127\.0\.2\.20.*down since .*: 2 probes failed, the last: Connection refused'
sip_wait killed
outcome 500 unreachable
hop first $BNET
await 10 "the hop is back by probe" hop_is '127\.0\.2\.20.*up'

# it is there and says nothing
nft -f - <<N || fail "nft"
table inet hole {
	chain in {
		type filter hook input priority 0;
		ip daddr $BNET udp dport 5060 counter drop;
	}
}
N
load silent 20 100
sip_wait silent
outcome 100 timeout
await 10 "the silent hop is shown down and why" hop_is '127\.0\.2\.20.*down since .*: 2 probes failed, the last: no answer'
nft delete table inet hole
await 10 "the hop speaks again" hop_is '127\.0\.2\.20.*up'
load again 20 20
sip_wait again
await 20 "the last CDRs" cdr_count $((seen + 20))
[ "$(cdrs | tail -n 20 | grep -c "\"egress_address\":\"$BNET:5060\"")" = 20 ] || fail "the hop that is back is not used: $(cdrs | tail -n 1)"
net_assert_clean
net_stop
