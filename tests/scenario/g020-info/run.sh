#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# INFO crosses both ways with its body, and its answer comes back; the call goes on (RFC 6086, E16).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
dialog uac caller 'invite|Recv-Info=dtmf' 'expect|200|Recv-Info=dtmf' ack pause\|100 \
	'send|INFO|type=application/dtmf-relay|body=Signal=5\nDuration=160\n|Info-Package=dtmf|X-Core=pbx' 'expect|200' \
	'recv|INFO|body=Signal=9' 'reply|200' 'send|BYE' 'expect|200'
dialog uas callee 'invite|Recv-Info=dtmf' 'reply|180' 'reply|200|sdp|Recv-Info=dtmf' 'recv|ACK' \
	'recv|INFO|Info-Package=dtmf|Content-Type=dtmf-relay|body=Signal=5' 'reply|200' pause\|100 \
	'send|INFO|type=application/dtmf-relay|body=Signal=9\n' 'expect|200' 'recv|BYE' 'reply|200'
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
saw_not uas 'X-Core|127\.0\.1\.'
saw_not uac '127\.0\.2\.'
one_cdr cause normal
net_assert_clean
net_stop
