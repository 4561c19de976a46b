#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 170
# Session timers in each role, all at the same time (RFC 4028, S6, A31): who refreshes, 422 both ways, and the end on both sides when
# nobody refreshes. An interval is 90 s at least, so we refresh after 45 s and give up after 60 s.
set -u
NET_PBX_SOURCES='"127.0.1.8/29"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
# A callee of its own for each case: numbers +441, +442 ... go to 127.0.2.31, .32 ...
json_edit "$TEST_TMP/sbe.json" '
timer = {"session_timer": {"se_s": 90, "min_se_s": 90}}
c["peers"]["pbx"].update({"sip": timer, "media": {"silence_s": 0}}) # nobody sends media here
for i in "12345":
    c["peers"]["c" + i] = {"realm": "peering", "sources": ["127.0.2.3" + i], "next_hops": ["sip:127.0.2.3" + i], "sip": timer, "media": {"silence_s": 0}}
    c["routes"].insert(0, {"name": "to" + i, "from": ["pbx"], "number": "+44" + i, "to": [{"peer": "c" + i}]})'
net_start 1

# 1: the caller is to refresh, does it once, and is dead then: both sides get BYE, 60 s later
dialog a1 caller 'invite|to=+441|Supported=timer|Session-Expires=90' 'expect|200|Session-Expires=^ *90;refresher=uac|Require=timer' ack pause\|2000 \
	'send|UPDATE|Supported=timer|Session-Expires=90;refresher=uac' 'expect|200|Session-Expires=90;refresher=uac' \
	'recv|BYE|Reason=session expired' 'reply|200'
dialog b1 callee 'invite|Session-Expires=90|Supported=timer' 'reply|200|sdp' 'recv|ACK' 'recv|BYE|Reason=session expired' 'reply|200'
# 2: we refresh the callee, by UPDATE without a body; then the call ends as ever
dialog a2 caller 'invite|to=+442' 'expect|200' ack pause\|50000 'send|BYE' 'expect|200'
dialog b2 callee invite 'reply|200|sdp|Supported=timer|Session-Expires=90;refresher=uac|Allow=INVITE, ACK, BYE, CANCEL, UPDATE' 'recv|ACK' \
	'recv|UPDATE|Session-Expires=90;refresher=uac|Content-Length=^ *0$' 'reply|200|Supported=timer|Session-Expires=90;refresher=uac' 'recv|BYE' 'reply|200'
# 3: a proxy of the caller wants a timer, the caller knows none: we refresh it by an INVITE that changes nothing
dialog a3 caller 'invite|to=+443|Session-Expires=60' 'expect|200|Session-Expires=90;refresher=uas' ack \
	'recv|INVITE|Session-Expires=90;refresher=uac' 'reply|200|sdp' 'recv|ACK' pause\|100 'send|BYE' 'expect|200'
dialog b3 callee invite 'reply|200|sdp' 'recv|ACK' 'recv|BYE' 'reply|200'
# 4: too small for us; 5: too small for the callee, who gets what it asks for
dialog a4 caller 'invite|to=+444|Supported=timer|Session-Expires=60' 'refused|422|Min-SE=90'
dialog a5 caller 'invite|to=+445' 'expect|200' ack pause\|200 'send|BYE' 'expect|200'
dialog b5 callee 'invite|Session-Expires=90' 'reply|422|Min-SE=120' 'recv|ACK' 'invite|Session-Expires=120|Min-SE=120' 'reply|200|sdp' 'recv|ACK' 'recv|BYE' 'reply|200'

export SIPP_LIMIT=110
for i in 1 2 3 5; do callee_up b$i 127.0.2.3$i -m 1; done
for i in 1 2 3 4 5; do CALLER_IP=127.0.1.1$((i - 1)) caller a$i -m 1; done
for i in a4 a5 b5 a3 b3 a2 b2 a1 b1; do sip_wait $i; done
# 3: the refresh says what the 200 said, o= and all
[ "$(grep -ao '^o=- [0-9]* [0-9]* IN IP4 127.0.1.2' "$TEST_TMP/a3.msg" | sort | uniq -c | awk '{print $1}')" = 2 ] ||
	fail "the refresh has another o= line: $(grep -a '^o=-' "$TEST_TMP/a3.msg")"
await 5 "five CDRs" cdr_count 5
# 1: 2 s, and 60 s from the refresh on: within 5 %
took=$(cdrs | grep session_expired | json duration_ms)
[ "${took:-0}" -ge 60800 ] && [ "$took" -le 65100 ] || fail "the call without refresh ended after $took ms"
[ "$(counter sbe_calls_session_expired_total)" = 1 ] || fail "one session expired, not $(counter sbe_calls_session_expired_total)"
cdrs | grep -q '"cause":"session_interval"' || fail "no CDR of the call that asked for too little"
net_assert_clean
net_stop
