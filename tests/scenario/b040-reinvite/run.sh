#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hold, resume, and media moved to another port by re-INVITE: offers and answers pass, gates follow (S2, G10).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
scenario uac caller invite answer ack pause:300 reinvite:sendonly reanswer ack pause:1200 reinvite:sendrecv:15000 reanswer ack pause:1200 bye
scenario uas callee invite ringing answer ack reinvite:sendonly reanswer:recvonly ack reinvite:sendrecv reanswer:sendrecv ack bye
callee_up uas $BNET -m 1
caller uac -m 1
gate_says() { ctl -o json gate list | grep -q "$1"; }
await 5 "the gate is held: media flow only from the caller" gate_says '"recvonly"'
gate_says '"sendonly"' || fail "towards the callee the gate is sendonly: $(ctl gate list)"
await 5 "the gate is open again, towards the new port" gate_says '127.0.1.10:15000'
gate_says '"recvonly"' && fail "the hold is over but the gate is not: $(ctl gate list)"
sip_wait uac
sip_wait uas
saw uas '^a=sendonly'
saw uac '^a=recvonly'
[ "$(grep -c '^o=- [0-9]* [0-9]* IN IP4 127.0.2.2' "$TEST_TMP/uas.msg")" = 3 ] || fail "our o= line towards the callee stands in 3 offers"
[ "$(grep -o '^o=- [0-9]* [0-9]*' "$TEST_TMP/uas.msg" | awk '{print $2}' | sort -u | wc -l)" = 1 ] || fail "the session id changed"
saw_not uas '127\.0\.1\.'
one_cdr cause normal
net_assert_clean
net_stop
