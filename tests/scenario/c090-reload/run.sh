#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGHUP with a call up: a new peer and route work at once, a bad file is refused with its line and changes nothing, what
# waits for a restart is named, the call stays up through all of it and ends as it should (D12).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
log_says() { grep -q "$1" "$TEST_TMP/sbe.log"; }
has_peer() { ctl peer show cnet; }
one_call() { # NAME CALLEE_IP STATUS
	if [ "$3" = 200 ]; then
		scenario "uac$1" caller invite answer ack pause:100 bye
		scenario "uas$1" callee invite ringing answer ack bye
		callee_up "uas$1" "$2" -m 1
	else
		scenario "uac$1" caller invite "busy:$3"
	fi
	sed -i 's/+44/+49/' "$TEST_TMP/uac$1.xml"
	sip_run "uac$1" "$TEST_TMP/uac$1.xml" $PBX -p 5062 -mp 20000 -m 1 $SBE_CORE:5060
	sip_wait "uac$1"
	[ "$3" != 200 ] || sip_wait "uas$1"
}
scenario held caller invite answer ack pause:6000 bye
scenario holder callee invite ringing answer ack bye
callee_up holder $BNET -m 1
caller held -m 1
await 5 "a call is up" calls_up 1
one_call 0 127.0.2.22 404

cp sbe.json good.json
json_edit sbe.json 'c["peers"]["cnet"] = {"realm": "peering", "sources": ["127.0.2.22"], "domains": ["c.example"], "next_hops": ["sip:127.0.2.22:5060"]}
c["routes"].append({"name": "german", "from": ["pbx"], "number": "+49", "to": [{"peer": "cnet"}]})'
cp sbe.json better.json
kill -HUP $PID_sbe
await 3 "the new peer is there" has_peer
one_call 1 127.0.2.22 200
saw uas1 '^INVITE sip:[^@]*@c.example'

# a bad file: by signal and by speerctl
json_edit sbe.json 'c["peers"]["cnet"]["limits"] = {"sesions": 1}; c["routes"] = []'
kill -HUP $PID_sbe
await 3 "the reload is refused" log_says 'reload refused.*sbe.json:[0-9]*: peers.cnet.limits.sesions: unknown key'
ctl config reload 2>"$TEST_TMP/stderr"; [ $? = 1 ] || fail "config reload of a bad file is exit 1"
grep -q 'sbe.json:[0-9]*: peers.cnet.limits.sesions' "$TEST_TMP/stderr" || fail "config reload says: $(cat "$TEST_TMP/stderr")"
echo '{' >sbe.json
ctl config reload 2>/dev/null; [ $? = 1 ] || fail "config reload of half a file is exit 1"
rm sbe.json
ctl config reload 2>/dev/null; [ $? = 1 ] || fail "config reload without a file is exit 1"
has_peer >/dev/null || fail "a refused reload took the peer away"
one_call 2 127.0.2.22 200

# what cannot change while it runs is named, the rest is taken
cp better.json sbe.json
json_edit sbe.json 'c["realms"]["core"]["listen"].append("udp:127.0.1.9:5060"); c["peers"]["cnet"]["limits"] = {"sessions": 7}'
[ "$(ctl -o json config reload | json data.waits_for_restart)" = realms ] || fail "config reload names what waits"
ctl peer show cnet | grep -q '\b7\b' || fail "the limit beside it is in use: $(ctl peer show cnet)"

# the peer of a call that is up is taken away: no new calls, the call stays
json_edit sbe.json 'c["realms"]["core"]["listen"].pop(); del c["peers"]["bnet"]; c["routes"] = [r for r in c["routes"] if r["name"] == "german"]'
ctl config reload || fail "config reload"
ctl peer show bnet 2>/dev/null; [ $? = 3 ] || fail "the peer is gone"
calls_up 1 || fail "the call did not survive its peer's removal"
for i in $(seq 30); do ctl config reload >/dev/null || fail "reload $i"; done
calls_up 1 || fail "the call did not survive 30 reloads"
cp good.json sbe.json
ctl config reload || fail "config reload of the first file"
sip_wait held
sip_wait holder
await 5 "CDRs" cdr_count 4
[ "$(cdrs | tail -n 1 | json cause)" = normal ] || fail "the held call: $(cdrs | tail -n 1)"
[ "$(cdrs | tail -n 1 | json egress_peer)" = bnet ] || fail "the held call: $(cdrs | tail -n 1)"
net_assert_clean
kill -HUP $PID_dbe1
dbe_says() { grep -q 'reload' "$TEST_TMP/dbe1.log"; }
await 3 "the dbe reloads too" dbe_says
net_stop
