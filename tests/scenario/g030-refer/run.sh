#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# REFER: refused by default with a reason; relayed where that is agreed, with a target the other side can reach and a clean NOTIFY (C6).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["pbx"]["sip"] = {"refer": "relay"}'
net_start 1
dialog uac caller invite 'expect|200' ack pause\|100 \
	'send|REFER|Refer-To=<sip:+441234@127.0.1.77:5070;user=phone>|Referred-By=<sip:alice@127.0.1.10>' 'expect|202' \
	'recv|NOTIFY|Event=refer|Subscription-State=active|body=^SIP/2.0 180 Ringing' 'reply|200' \
	'recv|NOTIFY|Subscription-State=terminated|body=^SIP/2.0 200 OK' 'reply|200' pause\|500 'send|BYE' 'expect|200'
dialog uas callee invite 'reply|200|sdp' 'recv|ACK' \
	'recv|REFER|Refer-To=<sip:\+441234@a.example;user=phone>|Referred-By=<sip:alice@a.example>' 'reply|202' \
	'send|NOTIFY|Event=refer|Subscription-State=active;expires=60|type=message/sipfrag;version=2.0|body=SIP/2.0 180 Ringing\nTo: <sip:x@127.0.2.99>\n' 'expect|200' \
	'send|NOTIFY|Event=refer|Subscription-State=terminated;reason=noresource|type=message/sipfrag;version=2.0|body=SIP/2.0 200 Fine by 127.0.2.99\n' 'expect|200' \
	'send|REFER|Refer-To=<sip:+441234@127.0.2.20>' 'expect|403|Reason=transfer is not agreed' 'recv|BYE' 'reply|200'
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
saw_not uas '127\.0\.1\.'
saw_not uac '127\.0\.2\.'
one_cdr cause normal
net_assert_clean
net_stop
