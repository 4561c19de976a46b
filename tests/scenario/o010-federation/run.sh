#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# A federation (A12): its rules are those of its members, its cap is of all of them together. Its central redirect proxy is asked over a
# connection that was there before the call, without one question to the DNS, and its 302 leads to a member (G8, X8).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
CNET=127.0.2.30 HUB=127.0.2.60
net_config
json_edit "$TEST_TMP/sbe.json" '
c["federations"] = {"eu": {"cap": {"sessions": 1}, "rules": {"realm": "peering", "sip": {"try_ms": 1500}}}}
c["peers"]["bnet"]["federations"] = ["eu"]; del c["peers"]["bnet"]["realm"]; del c["peers"]["bnet"]["sip"]
c["peers"]["cnet"] = {"federations": ["eu"], "sources": ["'$CNET'"], "domains": ["c.example"], "next_hops": ["sip:'$CNET':5060"]}
c["peers"]["hub"] = {"realm": "peering", "sources": ["'$HUB'"], "next_hops": ["sip:'$HUB':5060;transport=tcp"], "redirect": "follow", "sip": {"standing": True}}
c["dns"] = {"servers": ["127.0.5.53:5353"]}
c["routes"] = [{"name": "out", "from": ["pbx"], "number": "+44", "to": [{"peer": "bnet"}]}, {"name": "in", "domain": "a.example", "to": [{"peer": "pbx"}]}]
c["lookup"] = [{"type": "table"}, {"type": "uri"}]
c["location"] = [{"type": "redirect", "peer": "hub"}]'
scenario hub callee invite "moved:<sip:+15550199@c.example;user=phone>"
sip_run hub "$TEST_TMP/hub.xml" $HUB -mp 10000 -t t1 -m 1
await 5 "the proxy listens" bound $HUB:5060
net_start 1
hub_connected() { ctl connection list | grep -q "$HUB:5060 .*open"; }
await 10 "the connection to the proxy stands before any call" hub_connected
[ "$(counter sbe_call_attempts_total)" = 0 ] || fail "a call was before"

scenario uac caller invite ringing answer ack pause:100 bye
scenario uas callee invite ringing answer ack bye
sed 's/@a.example/@b.example/' uac.xml >uacb.xml
cp uas.xml target.xml
callee_up target $CNET -m 1
caller uacb -m 1
for name in uacb hub target; do sip_wait $name; done
saw_not uacb 'c\.example|SIP/2.0 3'
saw target '^INVITE sip:\+15550199@c\.example'
one_cdr cause normal egress_peer cnet
[ "$(counter 'sbe_dns_questions_total{from="server"}')" = 0 ] || fail "the DNS was asked"

# one call of cnet fills the cap of all: a call to bnet is refused, and goes when there is room again
scenario hold caller invite ringing answer ack pause:3000 bye
cp uas.xml held.xml; cp uas.xml first.xml
callee_up held $PBX -m 1
CALLER_IP=$CNET CALLER_TO=$SBE_PEERING:5060 caller hold -m 1
await 5 "cnet's call is up" calls_up 1
scenario full caller invite busy:503
CALLER_IP=127.0.1.11
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["pbx"]["sources"].append("127.0.1.11")'
ctl config reload >/dev/null || fail "reload: $(ctl config reload 2>&1)"
caller full -m 1
sip_wait full
[ "$(ctl -o json peering show bnet | json data.federations.0.sessions)" = 1 ] || fail "$(ctl peering show bnet)"
[ "$(ctl -o json peering show bnet | json data.federations.0.limited)" -ge 1 ] || fail "$(ctl peering show bnet)"
sip_wait hold; sip_wait held
callee_up first $BNET -m 1
cp uac.xml again.xml
caller again -m 1
sip_wait again; sip_wait first
net_assert_clean
net_stop
