#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 183 with SDP: the callee is heard before the answer, the caller is not; after the answer both are.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
scenario uac caller invite progress answer ack pause:600 bye
scenario uas callee invite progress pause:1500 answer ack bye
callee_up uas $BNET -m 1
caller uac -m 1
gates() { ctl -o json gate list | python3 -c 'import json,sys
d = json.load(sys.stdin); d = d.get("data", d); r = d["rows"][0]; print(r[d["columns"].index("mode_a")], r[d["columns"].index("mode_b")])'; }
early() { [ "$(gates)" = "sendonly recvonly" ]; }
open_both() { [ "$(gates)" = "sendrecv sendrecv" ]; }
await 5 "early: towards the caller only" early
await 5 "answered: both ways" open_both
sip_wait uac
sip_wait uas
saw uac '^SIP/2.0 183 '
one_cdr cause normal
net_assert_clean
net_stop
