#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# 1,000 calls: all complete, one CDR each, nothing is left, both daemons stop in order. In the sanitizer build this is
# the leak check: a report of either daemon fails the test.
# alone: it loads the machine
set -u
SIPP_LIMIT=90 NET_LOG=notice
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario uac caller invite answer ack pause:300 bye
scenario uas callee invite ringing answer ack bye
sed -i '/<ereg\|<log message\|<Reference/d' "$TEST_TMP"/ua?.xml
callee_up uas $BNET -m 1000
caller uac -m 1000 -r 60
sip_wait uac
sip_wait uas
net_assert_clean
await 5 "1,000 CDRs" cdr_count 1000
[ "$(cdrs | grep -c '"cause":"normal"')" = 1000 ] || fail "all CDRs say normal"
[ "$(cdrs | sed 's/.*"sequence"://' | sort -n | uniq | wc -l)" = 1000 ] || fail "each CDR has a number of its own"
net_stop
