#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Header rules of both peers: pass, strip, add, replace, rewrite, on requests and on failures; what no rule names stays here.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/policy.sh"
net_config
json_edit "$TEST_TMP/sbe.json" "c['policies'] = {'trunk': {'headers': {'rules': [
  {'name': 'mark', 'direction': 'out', 'action': 'add', 'header': 'X-From', 'value': '{other}', 'methods': ['INVITE'], 'on': 'request'},
  {'direction': 'out', 'action': 'rewrite', 'header': 'X-Trunk', 'pattern': '^t([0-9]+)', 'value': 'trunk-{1}'}]}}}
c['peers']['bnet']['use'] = ['trunk']"
policy pbx '{"headers": {"rules": [{"direction": "in", "action": "pass", "header": "X-*"}, {"direction": "in", "action": "strip", "header": "Subject"},
  {"direction": "in", "action": "strip", "header": "X-Secret", "when": [{"header": "X-Trunk", "match": "prefix", "value": "t"}]},
  {"direction": "out", "action": "replace", "header": "Server", "value": "ours", "status": "4xx"}]}}'
net_start 1
scenario uac caller invite busy:486
inject uac INVITE "X-Trunk: t12
X-Secret: 1
x-host : ask $PBX
Subject: lunch
s: again
Priority: urgent
User-Agent: pbx"
scenario uas callee invite "reject:486:Busy Here"
inject uas "SIP/2.0 486" "Server: switch
X-Peer: 1"
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
has uas INVITE '^X-Trunk: trunk-12'
has uas INVITE '^X-From: pbx'
has uas INVITE '^Priority: urgent'
lacks uas INVITE '^(Subject|s|X-Secret|x-host|User-Agent) *:'
lacks uas ACK '^X-From'
has uac "SIP/2.0 486" '^Server: ours'
lacks uac "SIP/2.0 486" '^(X-Peer|Server: switch)'
# the same off-line
got uas INVITE >/dev/null
printf 'INVITE sip:+441@a.example SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK1\nFrom: <sip:a@%s>;tag=1\nTo: <sip:+441@a.example>\nCall-ID: 1\nCSeq: 1 INVITE\nX-Trunk: t12\nSubject: lunch\n\n' "$PBX" "$PBX" >m.sip
ctl policy test --peer pbx --direction in --other bnet m.sip >out.txt || fail "policy test"
grep -q 'X-Trunk: trunk-12 .*policies.trunk.headers.rules\[1\]' out.txt || fail "no rule is named: $(cat out.txt)"
grep -q 'X-From: pbx .*policies.trunk.headers.rules\[0\] mark' out.txt || fail "$(cat out.txt)"
grep -q 'Subject: lunch .*peers.pbx.policy.headers.rules\[1\]' out.txt || fail "$(cat out.txt)"
[ "$(ctl -o json policy test --peer pbx --direction in m.sip | json data.columns.1)" = line ] || fail "policy test has no JSON"
ctl policy show bnet | grep -q mark || fail "policy show"
net_assert_clean
net_stop
