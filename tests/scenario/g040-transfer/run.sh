#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A blind transfer that we do: the target is called by the routes, the one that stays joins it, the transferor hears how it goes and is
# released; a target that is busy leaves the call as it was (RFC 3515, 5589; E16).
set -u
NET_SOURCES='"127.0.2.20"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" '
c["peers"]["pbx"]["sip"] = {"refer": "absorb"}
c["peers"]["cnet"] = {"realm": "peering", "sources": ["127.0.2.21"], "domains": ["c.example"], "next_hops": ["sip:127.0.2.21"]}
c["peers"]["dnet"] = {"realm": "peering", "sources": ["127.0.2.22"], "next_hops": ["sip:127.0.2.22"]}
c["routes"].insert(0, {"name": "c", "from": ["pbx"], "number": "+4931", "to": [{"peer": "cnet"}]})
c["routes"].insert(0, {"name": "d", "from": ["pbx"], "number": "+4930", "to": [{"peer": "dnet"}]})'
causes() { cdrs | grep -o "\"cause\":\"[a-z_]*" | cut -d\" -f4 | sort | xargs; }
net_start 1
dialog uac caller invite 'expect|200' ack pause\|100 'send|REFER|Refer-To=<sip:+4930@a.example>' 'expect|202' \
	'recv|NOTIFY|Subscription-State=active|body=^SIP/2.0 100' 'reply|200' 'recv|NOTIFY|body=^SIP/2.0 486' 'reply|200' \
	'send|REFER|Refer-To=<sip:+4931@a.example>' 'expect|202' \
	'recv|NOTIFY|Subscription-State=active|body=^SIP/2.0 100' 'reply|200' 'recv|NOTIFY|body=^SIP/2.0 180' 'reply|200' \
	'recv|NOTIFY|Subscription-State=terminated|body=^SIP/2.0 200' 'reply|200' 'recv|BYE' 'reply|200'
dialog uas callee invite 'reply|200|sdp' 'recv|ACK' 'recv|INVITE' 'reply|200|sdp' 'recv|ACK' pause\|300 'send|BYE' 'expect|200'
dialog busy callee invite 'reply|486' 'recv|ACK'
dialog target callee invite 'reply|180' pause\|200 'reply|200|sdp' 'recv|ACK' 'recv|BYE' 'reply|200'
callee_up uas $BNET -m 1
callee_up busy 127.0.2.22 -m 1
callee_up target $BNET2 -m 1
caller uac -m 1
sip_wait busy
sip_wait uac
await 5 "who stays and the target are in one call with one gate" calls_up 1
sip_wait uas
sip_wait target
saw target '^INVITE sip:\+4931@c.example'
saw_not target '127\.0\.1\.'
await 5 "CDRs of the call, of the busy target and of the new call" cdr_count 3
[ "$(causes)" = "normal peer_refused transferred" ] || fail "causes: $(causes)"
net_assert_clean
net_stop
