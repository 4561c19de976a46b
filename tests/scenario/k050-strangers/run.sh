#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# Somebody who is no peer sweeps users, floods OPTIONS and sends what could be forged: every user gets the same code and
# size, no answer is larger than its request nor sent twice, and a peer's calls do not notice; while calls are shed
# strangers are not heard at all (A23, A24, C1, C5).
# alone: it loads the machine
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
scenario uas callee invite ringing answer ack bye
scenario uac caller invite answer ack pause:500 bye
callee_up uas $BNET
caller uac -m 60 -r 10
out=$("$SPEER_ROOT/tests/scenario/k050-strangers/sweep.py" $SBE_CORE 127.0.1.66) || fail "$out"
note "$out"
sip_wait uac
[ "$(cdrs | grep -vc '"cause":"normal"')" = 0 ] || fail "a stranger left a record, or a call suffered: $(cdrs | grep -v normal | head -n 3)"
[ "$(ctl -o json status | json data.transactions.server)" -le 200 ] || fail "strangers fill the table of transactions"
ctl overload shed 10
out=$("$SPEER_ROOT/tests/scenario/k050-strangers/sweep.py" $SBE_CORE 127.0.1.67 deaf) || fail "$out"
note "$out"
[ "$(counter 'shed_total{kind="stranger"}')" -ge 1 ] || fail "not counted"
sip_stop uas
net_assert_clean
net_stop
