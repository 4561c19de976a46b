#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What communities share without our knowing their users: an unknown user is the peer's 404 (B8); watcher information and
# lists of presence documents pass whole where the package is agreed, one NOTIFY for one, and nothing where it is not (B10,
# B12, B13, B14, F2, F3, F10).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1

# B8: no user of the peer is configured anywhere; the callee alone knows
scenario caller caller invite busy:404
scenario nobody callee invite "reject:404:Not Found"
callee_up nobody $BNET -m 1
caller caller -m 1
sip_wait caller
sip_wait nobody
saw caller '^SIP/2.0 404 Not Found'
one_cdr status 404 released_by callee

play() { python3 "$SPEER_ROOT/tests/scenario/r030-presence-lists/lists.py" "$1" "$PBX" "$SBE_CORE" "$BNET" "$SBE_PEERING" || fail "$1: see above"; }
play refused
json_edit "$TEST_TMP/sbe.json" '
for p in ("pbx", "bnet"):
    c["peers"][p]["presence"] = {"events": ["presence", "presence.winfo"]}
'
ctl config reload >/dev/null || fail "reload"
play agreed
none() { [ "$(counter sbe_subscriptions)" = 0 ]; }
await 5 "no subscription is left" none
net_assert_clean
net_stop
