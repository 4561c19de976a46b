#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Overload control of RFC 7339 with peers that agree, in both roles: a caller that offers it is told in each Via what to
# leave out, and 503 has no Retry-After; a next hop that asks for none gets none, the call goes to the other one; when
# both ask the caller gets 503 without Retry-After. Who did not agree gets his Via as it was (S10).
# alone: it measures shares of a load
set -u
NET_HOPS='"sip:127.0.2.20:5060","sip:127.0.2.21:5060"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" "
c['peers']['pbx']['overload'] = {'consent': True, 'retry_after_s': 9}
c['peers']['bnet']['overload'] = {'consent': True}"
net_start 1
# SIPp knows nothing of it: its Via is given the offer, its answers the feedback
offer() { sed -i 's/;branch=\[branch\]/&;oc;oc-algo="loss"/' "$TEST_TMP/$1.xml"; }
feedback() { # NAME PARAMETERS: the Via back up to rport, then these
	python3 - "$TEST_TMP/$1.xml" "$2" <<'P'
import sys
x = open(sys.argv[1]).read()
take = '<action><ereg regexp="SIP/2.0/UDP [^;]*;branch=[^;]*;rport" search_in="hdr" header="Via:" check_it="true" assign_to="via"/>'
at = x.index("<recv request=\"INVITE\"")
end = x.index(">", at)
head, rest = x[:at], x[at:]
rest = rest.replace("<action>", take, 1)
rest = rest.replace("[last_Via:]", "Via: [$via];" + sys.argv[2])
open(sys.argv[1], "w").write(head + rest)
P
}
scenario plain caller invite answer ack pause:100 bye
scenario part caller invite answer ack pause:100 bye
offer part
scenario refused caller invite busy:503
offer refused
scenario uas callee invite ringing answer ack bye
scenario uas2 callee invite ringing answer ack bye
callee_up uas $BNET -m 2
callee_up uas2 $BNET2

# ---- what we tell
caller plain -m 1
sip_wait plain
saw plain '^SIP/2.0 200'
saw_not plain '^Via:.*;oc'
caller part -m 1
sip_wait part
saw part '^Via:.*;oc=0;oc-algo="loss";oc-validity=0;oc-seq=[0-9]+\.[0-9]+'
sip_wait uas
saw uas '^Via:.*;rport;oc;oc-algo="loss"' # our own offer, and not what the caller offered
[ "$(grep -c '^Via:' "$TEST_TMP/uas.msg")" -gt 0 ] && ! grep -E '^Via:.*oc-seq' "$TEST_TMP/uas.msg" | grep -q 'oc=0' || fail "the caller's parameters went on"
ctl overload shed 100 || fail "overload shed"
caller refused -m 1
sip_wait refused
saw refused '^Via:.*;oc=100;oc-algo="loss";oc-validity=500;oc-seq='
saw_not refused '^Retry-After'
[ "$(counter 'sbe_overload_shed_total{kind="call"}')" -ge 1 ] || fail "not counted"
ctl overload shed 0

# ---- what we are told
scenario asks callee invite ringing answer ack bye
feedback asks 'oc=100;oc-algo="loss";oc-validity=60000;oc-seq=5.5'
callee_up asks $BNET -m 1
caller part -m 1
sip_wait part
sip_wait asks
hop() { ctl -o json peer show bnet | python3 -c 'import json,sys
d = json.load(sys.stdin); d = d.get("data", d)
print([s["asks_percent"] for s in d["overload"]["servers"] if s["server"].startswith(sys.argv[1] + ":")])' "$1"; }
[ "$(hop $BNET)" = "[100]" ] || fail "peer show bnet: $(ctl -o json peer show bnet)"
before=$(grep -c '^INVITE ' "$TEST_TMP/uas2.msg" || true)
callee_up uas $BNET
caller plain -m 3
sip_wait plain
[ "$(grep -c '^INVITE ' "$TEST_TMP/uas.msg" || true)" = 0 ] || fail "a hop that asks for none got a call"
[ "$(grep -c '^INVITE ' "$TEST_TMP/uas2.msg")" = $((before + 3)) ] || fail "the other hop did not get them"
sip_stop uas2
scenario asks2 callee invite ringing answer ack bye
feedback asks2 'oc=100;oc-algo="loss";oc-validity=60000;oc-seq=5.5'
callee_up asks2 $BNET2 -m 1
caller plain -m 1
sip_wait plain
sip_wait asks2
scenario none caller invite busy:503
caller none -m 1
sip_wait none
saw_not none '^Retry-After'
await 5 "its record" eval 'cdrs | grep -q "\"cause\":\"peer_overload\""'
sip_stop uas
net_assert_clean
net_stop
