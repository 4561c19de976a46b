#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An attended transfer that we do: the pbx has bnet in one call and cnet in another; its REFER with Replaces makes one call of them.
set -u
NET_SOURCES='"127.0.2.20"'
NET_PBX_SOURCES='"127.0.1.8/29"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" '
c["peers"]["pbx"]["sip"] = {"refer": "absorb"}
c["peers"]["cnet"] = {"realm": "peering", "sources": ["127.0.2.21"], "domains": ["c.example"], "next_hops": ["sip:127.0.2.21"]}
c["routes"].insert(0, {"name": "c", "from": ["pbx"], "number": "+49", "to": [{"peer": "cnet"}]})'
net_start 1
# the consultation call, by the same phone under another address, so that each sipp has one dialog
dialog consult caller 'invite|to=+4930' 'expect|200' ack 'recv|BYE' 'reply|200'
dialog target callee invite 'reply|200|sdp' 'recv|ACK' 'recv|INVITE' 'reply|200|sdp' 'recv|ACK' pause\|500 'send|BYE' 'expect|200'
callee_up target $BNET2 -m 1
CALLER_IP=127.0.1.11 caller consult -m 1
await 5 "the consultation call is up" calls_up 1
id=$(grep -a -m1 '^Call-ID: ' "$TEST_TMP/consult.msg" | tr -d '\r' | cut -d' ' -f2)
to_tag=$(grep -a '^To: .*;tag=' "$TEST_TMP/consult.msg" | tr -d '\r' | tail -1 | sed 's/.*;tag=//')
from_tag=$(grep -a -m1 '^From: .*;tag=' "$TEST_TMP/consult.msg" | tr -d '\r' | sed 's/.*;tag=//')
dialog uac caller invite 'expect|200' ack pause\|100 \
	"send|REFER|Refer-To=<sip:+4930@a.example?Replaces=${id/@/%40}%3Bto-tag%3D$to_tag%3Bfrom-tag%3D$from_tag>" 'expect|202' \
	'recv|NOTIFY|body=^SIP/2.0 100' 'reply|200' 'recv|NOTIFY|Subscription-State=terminated|body=^SIP/2.0 200' 'reply|200' 'recv|BYE' 'reply|200'
dialog uas callee invite 'reply|200|sdp' 'recv|ACK' 'recv|INVITE' 'reply|200|sdp' 'recv|ACK' 'recv|BYE' 'reply|200'
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait consult
sip_wait target
sip_wait uas
saw_not target '127\.0\.1\.'
[ "$(grep -a -c '^INVITE ' "$TEST_TMP/target.msg")" = 2 ] || fail "the target takes one INVITE in its dialog, no new call"
await 5 "three CDRs" cdr_count 3
[ "$(cdrs | grep -c '"cause":"transferred"\|"cause":"replaced"')" = 2 ] || fail "both old calls were transferred: $(cdrs)"
net_assert_clean
net_stop
