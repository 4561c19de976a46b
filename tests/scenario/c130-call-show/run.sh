#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# call show says what is with a call's media, from the dbe's own counters: one way and why, both ways, and that the dbe
# does not answer (design section 9; E17).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
# talk: A-law from IP:PORT to the relay a log line of sipp names, until a file is gone
cat >"$TEST_TMP/talk.py" <<'X2'
import os, socket, struct, sys, time
ip, port, log, flag = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
to = [l for l in open(log) if "MEDIA" in l][-1].split()[-2:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((ip, port))
n = 0
while os.path.exists(flag):
    s.sendto(struct.pack("!BBHII", 0x80, 8, n & 0xffff, n * 160, 7) + b"\xd5" * 160, (to[0], int(to[1])))
    n += 1
    time.sleep(0.02)
X2
talk() { touch "$TEST_TMP/$1"; net_run "$1" python3 "$TEST_TMP/talk.py" "$2" "$3" "$TEST_TMP/$4.media" "$TEST_TMP/$1"; }
hush() { local pid; rm "$TEST_TMP/$1"; eval "pid=\$PID_$1"; wait "$pid" || fail "$1: $(cat "$TEST_TMP/$1.log")"; }
show() { ctl -o json call show "$call" >"$TEST_TMP/show.json"; }
text_has() { show && json data.text <"$TEST_TMP/show.json" | grep -q -- "$1"; }
shows() { await 10 "call show says: $1" text_has "$1"; }
field() { json "data.streams.0.$1" <"$TEST_TMP/show.json"; }

scenario uac caller invite answer ack await_bye
scenario uas callee invite ringing answer ack bye
callee_up uas $BNET -m 1
caller uac -m 1
await 5 "a call is up" calls_up 1
await 5 "both know where to send" sh -c "grep -q MEDIA '$TEST_TMP/uac.media' && grep -q MEDIA '$TEST_TMP/uas.media'"
call=$(ctl -o json call list | json data.rows.0.0)
port_a=$(ctl -o json call show "$call" | json data.streams.0.caller.address); port_a=${port_a##*:}
port_b=$(ctl -o json call show "$call" | json data.streams.0.callee.address); port_b=${port_b##*:}

note "nobody sends"
shows "No media arrives from either side"
[ "$(field caller.packets_in)" = 0 ] || fail "nobody sent: $(cat "$TEST_TMP/show.json")"
[ "$(json data.route <"$TEST_TMP/show.json")" = out ] || fail "the route: $(cat "$TEST_TMP/show.json")"
[ "$(json data.attempts.0.result <"$TEST_TMP/show.json")" = answered ] || fail "the attempt: $(cat "$TEST_TMP/show.json")"

note "only the caller sends"
talk one $PBX "$port_a" uac
shows "One-way audio: no media arrives from the callee"
shows "Callee to caller: nothing arrives from $BNET:$port_b since the call began"
shows "Caller to callee: [0-9]* packets, ok"
[ "$(field caller.packets_in)" -gt 0 ] && [ "$(field callee.packets_out)" -gt 0 ] || fail "counted: $(cat "$TEST_TMP/show.json")"
[ "$(field callee.packets_in)" = 0 ] || fail "the callee sent nothing: $(cat "$TEST_TMP/show.json")"
ctl call show "$call" | grep -q "^One-way audio: no media arrives from the callee" || fail "on a screen: $(ctl call show "$call")"

note "the callee sends from an address it did not signal"
talk stray 127.0.2.66 40000 uas
shows "packets came from another address, 127.0.2.66:40000, (dropped as source): the peer sends from an address it did not signal"
[ "$(field callee.drops.source)" -gt 0 ] || fail "drops are counted: $(cat "$TEST_TMP/show.json")"
[ "$(field callee.unexpected_source)" = 127.0.2.66:40000 ] || fail "where from: $(cat "$TEST_TMP/show.json")"
hush stray

note "now it sends from the right one"
talk other $BNET "$port_b" uas
shows "Callee to caller: [0-9]* packets, ok"
text_has "One-way" && fail "it is not one-way any more: $(cat "$TEST_TMP/show.json")"

note "the dbe hangs: the call is shown all the same, in time"
kill -STOP $PID_dbe1
show || fail "call show failed while the dbe hangs"
kill -CONT $PID_dbe1
[ "$(json data.counters <"$TEST_TMP/show.json")" = "the dbe does not answer" ] || fail "counters: $(cat "$TEST_TMP/show.json")"
shows "Callee to caller: [0-9]* packets, ok"

note "the caller stops"
hush one
shows "Caller to callee: silent for .* and stopped"
hush other
ctl call kill "$call" >/dev/null || fail "call kill"
sip_wait uac
sip_wait uas
one_cdr released_by sbe cause operator
net_assert_clean
net_stop
