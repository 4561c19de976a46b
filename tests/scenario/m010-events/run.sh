#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# MESSAGE, SUBSCRIBE with its NOTIFYs and PUBLISH between two peers, and who may not (F1, F2, F4, F7, B10, B11, B14, C16, A16).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" '
for p in ("pbx", "bnet"):
    c["peers"][p]["im"] = {"page": True, "per_s": 5}
    c["peers"][p]["presence"] = {"events": ["presence", "message-summary"], "publish": True, "subscriptions": 3, "notify_per_s": 20}
'
net_start 1
python3 "$SPEER_ROOT/tests/scenario/m010-events/events.py" "$PBX" "$SBE_CORE" "$BNET" "$SBE_PEERING" || fail "see above"
ctl -o json subscription list | grep -q subscriber || fail "no list of subscriptions"
none() { [ "$(counter sbe_subscriptions)" = 0 ]; }
await 5 "no subscription is left" none
[ "$(counter 'sbe_events_total{result="passed"}')" -gt 5 ] || fail "passed requests are not counted"
net_assert_clean
net_stop
