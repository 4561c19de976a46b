#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# Bad input at every door of both daemons, with a call up: each message is answered or dropped by rule and counted,
# the call and its media do not notice, memory stays, a call placed afterwards works (C24, C29, C2, A24).
# alone: it loads the machine
set -u
NET_PORTS=16384-16463
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
attack() {
	local out
	out=$("$SPEER_ROOT/tests/scenario/c060-malformed/attack.py" "$@" 2>&1) || { echo "$out"; net_logs; fail "attack $*"; }
	note "$out"
}
rss_kib() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }
grown_kib=30720
! grep -q __asan_init "$SPEER_BIN/sbe" || grown_kib=409600 # the sanitizer keeps what was freed
one_call() { # NAME END...
	local name=$1
	shift
	set -- "$name" "$*"
	# shellcheck disable=SC2086 # steps
	scenario "uac$1" caller invite answer ack $2
	scenario "uas$1" callee invite ringing answer ack bye
	callee_up "uas$1" $BNET -m 1
	caller "uac$1" -m 1
}
"$SPEER_TOOLS/rtpmark" -n 1 -c 600 -t 30 "$TEST_TMP/uac1.media" "$TEST_TMP/uas1.media" >"$TEST_TMP/rtp.out" & mark=$!
NET_PIDS+=($mark)
one_call 1 await_bye # however long the attacks take here
await 5 "a call is up" calls_up 1
sbe_kib=$(rss_kib $PID_sbe) dbe_kib=$(rss_kib $PID_dbe1)
attack sip 127.0.1.10 & NET_PIDS+=($!); peer=$! # sipp has port 5060 there, the attack another one
wait $peer || fail "attack from the peer's address"
attack sip 127.0.1.66
attack tcp 127.0.1.10 & NET_PIDS+=($!); tcp=$!
attack gate $NET_GATE_PORT & NET_PIDS+=($!); gates=$!
attack media 127.0.2.2
attack socket "$SBE_SOCK"
attack socket "$TEST_TMP/dbe1.sock"
attack http 19090
attack http 19091
wait $gates || fail "attack at gate control"
wait $tcp || fail "attack at TCP"
ctl status >/dev/null || fail "the sbe does not answer"
dbectl 1 status >/dev/null || fail "the dbe does not answer"
calls_up 1 || fail "the call that was up is gone"
for reason in keepalive short nul bare_cr start_line version lines line_length no_via vias values missing duplicate content_length; do
	[ "$(counter "sbe_sip_guard_total{reason=\"$reason\"}")" -gt 0 ] || fail "no message was counted as $reason"
done
[ "$(counter sbe_sip_malformed_total)" -gt 0 ] || fail "the parser refused nothing"
[ "$(counter sbe_sip_slow_senders_total)" -ge 3 ] || fail "unfinished messages are not counted"
[ "$(dbe_counter 1 dbe_drops_total)" -gt 0 ] || fail "the dbe counted no drops"
[ "$(counter sbe_gate_joins_refused_total)" -gt 0 ] || fail "refused joins are not counted"
wait $mark || { cat "$TEST_TMP/rtp.out"; fail "the call's media suffered"; }
ctl call kill "$(ctl -o json call list | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d.get("data",d)["rows"][0][0])')" >/dev/null || fail "call kill"
sip_wait uac1
sip_wait uas1
one_call 2 pause:100 bye
sip_wait uac2
sip_wait uas2
await 5 "the CDRs" sh -c "cat $TEST_TMP/cdr/* | grep -c -E '\"cause\":\"(normal|operator)\"' | grep -qx 2"
now=$(rss_kib $PID_sbe); note "sbe: $sbe_kib -> $now KiB; dbe: $dbe_kib -> $(rss_kib $PID_dbe1) KiB"
[ $((now - sbe_kib)) -le $grown_kib ] || fail "the sbe grew"
[ $(($(rss_kib $PID_dbe1) - dbe_kib)) -le $grown_kib ] || fail "the dbe grew"
NET_FDS_MORE=1 net_assert_clean
net_stop
