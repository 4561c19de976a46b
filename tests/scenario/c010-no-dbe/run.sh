#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An sbe without any dbe answers 503 with a Reason that says so; when a dbe joins, calls work.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 0
scenario uac0 caller invite busy:503
caller uac0 -m 1
sip_wait uac0
saw uac0 '^Reason: SIP;cause=503;text="no media relay \(dbe\) is connected"'
one_cdr cause no_dbe status 503
net_run dbe1 "$SPEER_BIN/dbe" -c "$TEST_TMP/dbe1.json"
await 10 "the dbe joins without any change to the sbe" dbes_up 1
scenario uac caller invite answer ack pause:100 bye
scenario uas callee invite ringing answer ack bye
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
await 5 "two CDRs" cdr_count 2
NET_FDS_MORE=1 net_assert_clean # the dbe's connection
net_stop
