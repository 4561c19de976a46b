#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Limits of a peer: with one session allowed the second call gets 503 and never reaches the peer, after the first has
# ended there is room again; a limit of calls per second lets its burst through and no more; a blocked peer gets
# nothing; each refusal has a CDR that says why (C22, E14).
set -u
NET_LIMITS='"limits":{"sessions":1},'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
cause() { cdrs | grep -c "\"cause\":\"$1\""; }
scenario uas callee invite ringing answer ack bye
scenario held caller invite answer ack pause:1500 bye
scenario second caller invite busy:503
scenario third caller invite answer ack pause:100 bye
callee_up uas $BNET -m 100
caller held -m 1
await 5 "a call is up" calls_up 1
sip_run second "$TEST_TMP/second.xml" $PBX -p 5062 -mp 20000 -m 3 -r 100 $SBE_CORE:5060
sip_wait second
saw second '^Reason: SIP;cause=503;text='
calls_up 1 || fail "the first call suffered"
sip_wait held
[ "$(grep -c '^INVITE ' "$TEST_TMP/uas.msg")" = 1 ] || fail "a call above the limit reached the peer"
caller third -m 1
sip_wait third
await 5 "5 CDRs" cdr_count 5
[ "$(cdrs | grep -c '"cause":"normal"')" = 2 ] || fail "two calls were answered: $(cdrs)"
[ "$(cdrs | grep -c '"status":503,.*"result":"limit_sessions"')" = 3 ] || fail "three CDRs name the limit: $(cdrs)"

# calls per second, of the peer that calls
json_edit sbe.json 'c["peers"]["bnet"]["limits"] = {}; c["peers"]["pbx"]["limits"] = {"cps_in": 5}'
ctl config reload || fail reload
scenario fast caller invite answer_or:503 ack pause:100 bye
before=$(cause limit_cps)
sip_run fast "$TEST_TMP/fast.xml" $PBX -p 5064 -mp 22000 -m 20 -r 100 $SBE_CORE:5060
sip_wait fast
await 5 "25 CDRs" cdr_count 25
refused=$(( $(cause limit_cps) - before ))
note "cps: $refused of 20 calls within 0.2 s were refused"
[ $refused -ge 12 ] && [ $refused -le 15 ] || fail "5 calls a second with a burst of 5 let $((20 - refused)) of 20 through"

# blocked by the operator, as caller and as callee
json_edit sbe.json 'c["peers"]["pbx"]["limits"] = {}'
ctl config reload || fail reload
one_refused() { # NAME CAUSE
	scenario "$1" caller invite busy:503
	sip_run "$1" "$TEST_TMP/$1.xml" $PBX -p 5066 -mp 24000 -m 1 $SBE_CORE:5060
	sip_wait "$1"
}
ctl peer block pbx || fail "peer block"
one_refused blocked
await 5 "26 CDRs" cdr_count 26
[ "$(cdrs | tail -n 1 | json cause)" = peer_blocked ] || fail "blocked: $(cdrs | tail -n 1)"
ctl peer unblock pbx && ctl peer block bnet || fail "peer block"
one_refused blocked2
await 5 "27 CDRs" cdr_count 27
[ "$(cdrs | tail -n 1 | json status)" = 503 ] || fail "callee blocked: $(cdrs | tail -n 1)"
ctl peer unblock bnet
scenario last caller invite answer ack pause:100 bye
caller last -m 1
sip_wait last
sip_stop uas
net_assert_clean
net_stop
