#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# The first next hop refuses (503), is not there (ICMP), is silent: the call goes to the second one, the caller
# notices nothing (E5, A14). A refused or absent hop is left at once, a silent one after try_ms.
set -u
NET_TRY_MS=2000
NET_HOPS='"sip:127.0.2.20:5060","sip:127.0.2.21:5060"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario first callee invite "reject:503:Out Of Service"
try() { # NAME RESULT MIN_MS MAX_MS RECORDS: the first hop is as prepared, the second one answers; the CDR says when
	local ms
	scenario "uac$1" caller invite answer ack pause:200 bye
	scenario "uas$1" callee invite ringing answer ack bye
	callee_up "uas$1" $BNET2 -m 1
	caller "uac$1" -m 1
	sip_wait "uac$1"
	sip_wait "uas$1"
	await 5 "CDR $5" cdr_count "$5"
	ms=$(cdrs | tail -n 1 | json setup_ms)
	[ "$ms" -ge "$3" ] && [ "$ms" -le "$(scaled "$4")" ] || fail "$1: set up after $ms ms"
	[ "$(cdrs | tail -n 1 | json attempts.0.result)" = "$2" ] || fail "$1: $(cdrs | tail -n 1)"
	[ "$(cdrs | tail -n 1 | json attempts.1.result)" = answered ] || fail "$1: $(cdrs | tail -n 1)"
	ctl peer show bnet | grep -q "failed a moment ago" || fail "$1: the hop that failed is not marked"
	note "$1: $2, then answered, after $ms ms"
}
# A hop that failed is tried last for a while: a fresh sbe for each case.
again() { kill -TERM $PID_sbe; wait $PID_sbe; net_run sbe "$SPEER_BIN/sbe" -c "$TEST_TMP/sbe.json"; await 10 "2 dbes are in service" dbes_up 2; }
callee_up first $BNET -m 1
try refused peer_refused 0 1900 1
sip_wait first
again
try absent unreachable 0 1900 2
again
python3 -c 'import socket,time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.2.20", 5060)); time.sleep(60)' & NET_PIDS+=($!)
await 5 "the silent hop is there" bound $BNET:5060
try silent timeout 2000 8000 3
net_assert_clean
net_stop
