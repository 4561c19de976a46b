#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requests larger than a packet to a UDP next hop go by TCP, and by UDP when TCP is refused; small ones and a peer that wants none of
# it stay with UDP (RFC 3261 18.1.1).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i050-large-requests/large.py" on || { tail -n 30 sbe.log; fail "large.py"; }
[ "$(counter 'sbe_sip_large_requests_total{result="udp"}')" = 1 ] || fail "$(ctl stats show | grep large)"
json_edit sbe.json "c['peers']['bnet']['sip']['udp_max_bytes'] = 0"
ctl config reload >/dev/null || fail "reload"
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i050-large-requests/large.py" off || { tail -n 30 sbe.log; fail "large.py off"; }
NET_FDS_MORE=3 net_assert_clean
net_stop
