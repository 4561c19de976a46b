#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every step of a decision in words a new operator understands (issue 4 point 5; A7, A8, B9, G11): `route test` and `lookup` on a
# representative configuration are what tests/golden/explain says (UPDATE=1 writes it), and `call why` tells of real
# calls, also when they are over or were refused, who was matched by what, which policy, candidates, phases in their order.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
golden=$SPEER_ROOT/tests/golden/explain

# ---- route test, with its golden file
sed "s|SOCKET|$SBE_SOCK|; s|CDR|$TEST_TMP/cdr|" "$golden/sbe.json" >"$TEST_TMP/sbe.json"
mkdir -p "$TEST_TMP/cdr"
net_run sbe "$SPEER_BIN/sbe" -c "$TEST_TMP/sbe.json"
await 10 "the sbe answers speerctl" ctl status
explain() {
	echo "\$ speerctl $*"
	ctl "$@" 2>&1 | sed -E 's/[0-9]+ ms/N ms/g; s/took_ms: +[0-9]+/took_ms: N/; s/ +$//'
	echo
}
{
	echo "# Made by UPDATE=1 tests/run.sh scenario r020 from tests/golden/explain/sbe.json; read it as a new operator would."
	explain route test --from pbx --to +447700900123
	explain route test --from pbx --to sip:+442079460000@a.example
	explain route test --from pbx --to sip:bob@c.example
	explain route test --from pbx --to +33123456789
	explain route test --from bnet --to sip:+441@a.example
	explain route test --from anyone --to sip:+441@a.example
	explain lookup sip:bob@b.example
	ctl peer block cheap >/dev/null
	explain route test --from pbx --to sip:bob@c.example
} >"$TEST_TMP/route-test.txt"
if [ "${UPDATE:-}" ]; then cp "$TEST_TMP/route-test.txt" "$golden/route-test.txt"; fi
diff -u "$golden/route-test.txt" "$TEST_TMP/route-test.txt" || fail "route test says something else: UPDATE=1 if it is meant"
kill -TERM $PID_sbe; wait $PID_sbe

# ---- calls
net_config
net_start 1
one() { # CALLER CALLEE
	callee_up "$2" $BNET -m 1
	caller "$1" -m 1
	sip_wait "$1"
	sip_wait "$2"
}
scenario good caller invite ringing answer ack pause:300 bye
scenario answers callee invite ringing pause:100 answer ack bye
one good answers
scenario see486 caller invite busy:486
scenario no486 callee invite "reject:486:Busy Here"
one see486 no486
await 5 "two CDRs" cdr_count 2
ended() { ctl -o json call ended | python3 -c 'import json,sys
d = json.load(sys.stdin); d = d.get("data", d)
print(d["rows"][int(sys.argv[1])][d["columns"].index(sys.argv[2])])' "$1" "$2"; }
[ "$(ended 0 status)" = 486 ] || fail "the newest call stands first: $(ctl call ended)"
why() { ctl call why "$1" >"$TEST_TMP/why" || fail "call why $1"; cat "$TEST_TMP/why"; }
says() { grep -qE -- "$1" "$TEST_TMP/why" || fail "not told: $1: $(cat "$TEST_TMP/why")"; }
why "$(ended 1 call)"
says "127.0.1.10 is peer pbx by its source 127.0.1.10/32 in realm core"
says "policy of pbx: its own rules and the defaults"
says "decided by out: 1 candidate"
says "media ports reserved on dbe dbe1"
says "INVITE to bnet sip:127.0.2.20:5060 over UDP"
says "gates are open"
says "ended by the caller: normal"
ctl -o json call why "$(ended 1 call)" | python3 -c 'import json,sys
d = json.load(sys.stdin); d = d.get("data", d); p = d["phases"]
assert [x["phase"] for x in p] == ["discovery", "security", "signalling", "media"], p
times = [t for x in p for t in (x["from_ms"], x["to_ms"]) if t != "-"]
assert times == sorted(times) and len(times) == 6, p   # static peer, no TLS: security is empty (G11)
assert p[3]["to_ms"] - p[3]["from_ms"] >= 290, p
assert [s["ms"] for s in d["steps"]] == sorted(s["ms"] for s in d["steps"]), d["steps"]' || fail "phases"
# show of a call that is over tells the same; by Call-ID too
ctl call show "$(ended 1 call)" | grep -q "ended by the caller: normal" || fail "call show of a call that is over"
why "$(ended 0 call_id)"
says "bnet sip:127.0.2.20:5060: peer_refused \(486\)"
says "none: not answered"
# refused before there was a call
scenario lost caller invite busy:404
sed -i 's/+44\[call_number\]@/+991@/g' "$TEST_TMP/lost.xml"
caller lost -m 1
sip_wait lost
await 5 "three CDRs" cdr_count 3
[ "$(ended 0 state)" = refused ] || fail "the refused call is not there: $(ctl call ended)"
why "$(ended 0 call_id)"
says "refused with 404 before anything was set up: no_route"
ctl call why nosuchcall; [ $? = 3 ] || fail "a call nobody knows is exit 3"
net_assert_clean
net_stop
