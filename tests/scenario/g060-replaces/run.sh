#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# INVITE with Replaces: another phone of the pbx takes over its call; the far end sees a new session in its dialog. Identifiers of a call that
# is not the peer's own are unknown to us (RFC 3891, A16).
set -u
NET_PBX_SOURCES='"127.0.1.8/29"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["pbx"]["sip"] = {"replaces": "absorb"}
c["peers"]["bnet"]["sip"]["replaces"] = "absorb"'
net_start 1
dialog old caller invite 'expect|200' ack 'recv|BYE' 'reply|200'
dialog uas callee invite 'reply|200|sdp' 'recv|ACK' 'recv|INVITE' 'reply|200|sdp' 'recv|ACK' 'recv|BYE' 'reply|200'
callee_up uas $BNET -m 1
caller old -m 1
await 5 "the call is up" calls_up 1
id=$(grep -a -m1 '^Call-ID: ' "$TEST_TMP/old.msg" | tr -d '\r' | cut -d' ' -f2)
to_tag=$(grep -a '^To: .*;tag=' "$TEST_TMP/old.msg" | tr -d '\r' | tail -1 | sed 's/.*;tag=//')
from_tag=$(grep -a -m1 '^From: .*;tag=' "$TEST_TMP/old.msg" | tr -d '\r' | sed 's/.*;tag=//')
# bnet's other host knows all of it and is not the pbx; then nonsense
dialog thief caller "invite|Replaces=$id;to-tag=$to_tag;from-tag=$from_tag" 'refused|481'
CALLER_IP=$BNET2 CALLER_TO=$SBE_PEERING:5060 caller thief -m 1
sip_wait thief
dialog guess caller 'invite|Replaces=1@2;to-tag=3;from-tag=4' 'refused|481'
CALLER_IP=127.0.1.12 caller guess -m 1
sip_wait guess
calls_up 1 || fail "the call is gone"
dialog new caller "invite|Require=replaces|Replaces=$id;to-tag=$to_tag;from-tag=$from_tag" 'expect|200' ack pause\|300 'send|BYE' 'expect|200'
CALLER_IP=127.0.1.11 caller new -m 1
sip_wait old
sip_wait new
sip_wait uas
saw_not uas 'Replaces|127\.0\.1\.'
cdrs | grep -q '"cause":"replaced"' || fail "no CDR of the replaced call"
net_assert_clean
net_stop
