#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All new calls are shed: emergency calls and calls with a priority pass, each of them, and so does what belongs to a call
# that is up; OPTIONS of a peer are answered (E7, S10, C22).
# alone: it loads the machine
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" "
c['limits'] = {'emergency': ['112', '999']}
c['routes'].insert(0, {'name': 'sos', 'from': ['pbx'], 'number': '112', 'to': [{'peer': 'bnet'}]})"
net_start 1
scenario uas callee invite ringing answer ack bye
callee_up uas $BNET
scenario held caller invite answer ack pause:3000 reinvite:sendonly reanswer ack bye
scenario uash callee invite ringing answer ack reinvite:sendonly reanswer:recvonly ack bye
scenario normal caller invite busy:503
scenario sos caller invite answer ack pause:100 bye
sed -i 's/sip:+44\[call_number\]@a.example SIP/sip:112@a.example SIP/' "$TEST_TMP/sos.xml"
scenario prio caller invite answer ack pause:100 bye
sed -i '0,/^Max-Forwards: 70/s//Max-Forwards: 70\nResource-Priority: esnet.1/' "$TEST_TMP/prio.xml"
sip_stop uas
callee_up uash $BNET -m 1
caller held -m 1
await 5 "a call is up" calls_up 1
ctl overload shed 100 || fail "overload shed"
sip_run normal "$TEST_TMP/normal.xml" $PBX -p 5062 -mp 12000 -m 20 -r 50 $SBE_CORE:5060
sip_wait normal
sip_wait held # its re-INVITE, ACK and BYE passed
sip_wait uash
callee_up uas $BNET
sip_run sos "$TEST_TMP/sos.xml" $PBX -p 5064 -mp 14000 -m 30 -r 30 $SBE_CORE:5060
sip_wait sos
sip_run prio "$TEST_TMP/prio.xml" $PBX -p 5066 -mp 16000 -m 30 -r 30 $SBE_CORE:5060
sip_wait prio
[ "$(counter sbe_overload_priority_total)" = 60 ] || fail "let in: $(counter sbe_overload_priority_total)"
[ "$(counter 'limit_rejects_total{limit="overload"}')" = 20 ] || fail "shed: $(counter 'limit_rejects_total{limit="overload"}')"
saw normal 'text="border element is overloaded"'
ctl -o json overload show | grep -q '"cause": *"forced"' || fail "overload show: $(ctl -o json overload show)"
python3 - <<P || fail "OPTIONS of a peer were not answered"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("$PBX", 5070))
s.settimeout(5)
s.sendto(b"OPTIONS sip:$SBE_CORE SIP/2.0\r\nVia: SIP/2.0/UDP $PBX:5070;branch=z9hG4bKo\r\nMax-Forwards: 70\r\nFrom: <sip:p@$PBX>;tag=1\r\n"
         b"To: <sip:$SBE_CORE>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", ("$SBE_CORE", 5060))
assert s.recv(2000).startswith(b"SIP/2.0 200")
P
ctl overload shed 0
caller sos -m 1
sip_wait sos
sip_stop uas
net_assert_clean
net_stop
