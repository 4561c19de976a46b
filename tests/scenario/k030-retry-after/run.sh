#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A next hop answers 503 with Retry-After: 3. It gets no call for so long, the other one all; afterwards it is the first
# again. The caller, whose call went through, sees nothing of it (S10, B5).
# alone: it measures shares of a load
set -u
NET_HOPS='"sip:127.0.2.20:5060","sip:127.0.2.21:5060"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
scenario busy callee invite reject:503
sed -i 's/^Contact: <sip:bob.*/&\nRetry-After: 3/' "$TEST_TMP/busy.xml"
scenario uas callee invite ringing answer ack bye
scenario uac caller invite answer ack pause:100 bye
callee_up busy $BNET -m 1
callee_up uas $BNET2
caller uac -m 1
sip_wait uac
asked=$(date +%s%N)
saw_not uac '^SIP/2.0 503'
saw_not uac '^Retry-After'
sip_wait busy
ctl -o json peer show bnet | grep -q 'asked not to be used' || fail "peer show does not say it"
scenario first callee invite ringing answer ack bye
callee_up first $BNET
caller uac -m 1 # within the 3 s
sip_wait uac
if [ $(( ($(date +%s%N) - asked) / 1000000 )) -lt 2900 ]; then
	[ "$(grep -c '^INVITE ' "$TEST_TMP/first.msg" || true)" = 0 ] || fail "it was called although it had asked not to be"
fi
rested() { ! ctl -o json peer show bnet | grep -q 'asked not to be used'; }
await 6 "the hop may be used again" rested
# its refusal also put it last for half a minute: that is a health of its own and not what it asked for
ctl -o json peer show bnet | grep -q 'failed a moment ago' || fail "peer show: $(ctl -o json peer show bnet)"
sip_stop first
sip_stop uas
net_assert_clean
net_stop
