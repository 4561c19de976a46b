#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Seven calls to a peer with known ends: the figures of RFC 6076 and ASR, NER per direction (S17), in peer quality, peer
# show and /metrics, and an alarm when what is agreed with the peer (perf) is missed.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
NET_LIMITS='"perf":{"window_s":600,"min_calls":5,"ser_target":60,"seer_target":70},'
net_config
net_start 2
scenario good caller invite answer ack pause:200 bye
scenario answers callee invite ringing pause:100 answer ack bye
one() { # CALLER CALLEE
	callee_up "$2" $BNET -m 1
	caller "$1" -m 1
	sip_wait "$1"
	sip_wait "$2"
}
one good answers
one good answers
one good answers
for s in 486 480 404; do
	scenario "no$s" callee invite "reject:$s:No"
	scenario "see$s" caller invite "busy:$s"
	one "see$s" "no$s"
done
scenario no302 callee invite "reject:302:Elsewhere"
scenario see302 caller invite busy:480
one see302 no302
net_assert_clean

# 7 INVITEs to bnet: 3 x 200, 486, 480, 404, 302
quality() { ctl -o json peer quality "$1" | python3 -c 'import json,sys
d = json.load(sys.stdin); d = d.get("data", d)
for k in sys.argv[1].split("."): d = d[k]
print(json.dumps(d))' "$2"; }
is() { local v; v=$(quality "$1" "$2"); [ "$v" = "$3" ] || fail "$2 of $1 is $v, not $3: $(ctl -o json peer quality "$1")"; }
for of in window since_start; do
	is bnet out.$of.counts.requests 7
	is bnet out.$of.counts.redirected 1
	is bnet out.$of.figures.ser_percent 50.0    # 3 of 6: without the 302
	is bnet out.$of.figures.seer_percent 83.3   # 5 of 6
	is bnet out.$of.figures.isa_percent 0.0
	is bnet out.$of.figures.scr_percent 42.9    # 3 of 7
	is bnet out.$of.figures.asr_percent 42.9
	is bnet out.$of.figures.ner_percent 71.4    # 5 of 7
done
is bnet in.window.counts.requests 0
is bnet in.window.figures.ser_percent null
# the caller's peer has had a 480 where bnet said 302
is pbx in.window.figures.ser_percent 42.9
is pbx in.window.figures.seer_percent 85.7
python3 - "$(quality bnet out.window.figures)" <<'P' || fail "delays of bnet"
import json, sys
f = json.loads(sys.argv[1])
print("  ", f)
assert 0 <= f["srd_ms"] < 500 and 0 <= f["pdd_ms"] < 500 and f["sdd_ms"] < 500, f # no pause in the calls is in them
assert 0.2 <= f["acd_s"] < 2 and f["sdt_failed_s"] is None, f
P
ctl peer quality | grep -E "^ *bnet +out +7 +42.9" || fail "peer quality: $(ctl peer quality)"
ctl -o json peer show bnet | grep -q '"ser_percent": *50.0' || fail "peer show bnet: $(ctl -o json peer show bnet)"

# ser 50 misses its target 60, seer does not: said in the log, counted, and shown, within the time of a look (5 s)
await 8 "the missed target is in the log" grep -q "peer bnet: ser of calls to it is 50.0 %, the target is at least 60" "$TEST_TMP/sbe.log"
[ "$(counter sbe_peer_targets_missed)" = 1 ] || fail "sbe_peer_targets_missed"
is bnet out.targets_missed '["ser"]'
metrics() { python3 -c 'import urllib.request,sys; print(urllib.request.urlopen("http://127.0.0.1:19090/metrics", timeout=5).read().decode())' >"$TEST_TMP/metrics"; grep -qxF "$1" "$TEST_TMP/metrics"; }
await 8 "metrics have the counts" metrics 'sbe_peer_calls_total{peer="bnet",direction="out",outcome="requests"} 7'
grep -qxF 'sbe_peer_calls_total{peer="bnet",direction="out",outcome="answered"} 3' "$TEST_TMP/metrics" || fail "answered in metrics"
grep -qxF 'sbe_peer_quality{peer="bnet",direction="out",figure="ser"} 50.0' "$TEST_TMP/metrics" || fail "ser in metrics"

# a reload keeps them; better calls meet the target again
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["bnet"]["perf"]["ser_target"] = 55'
ctl config reload >/dev/null || fail "reload"
is bnet out.window.counts.requests 7
one good answers
one good answers
await 8 "the target is met again" grep -q "peer bnet: ser of calls to it is 62.5 %: the target 55 is met again" "$TEST_TMP/sbe.log"
is bnet out.targets_missed '[]'
net_stop
