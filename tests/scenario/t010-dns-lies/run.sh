#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# A name server that is silent, late, cuts short, lies, points in circles and forges: each look-up ends within 5 s, with the right
# hosts or none; ENUM's mazes within 2 s and 10 questions; a static peer is called as quickly as ever meanwhile; names in headers are
# never looked up (A25, A26, C4, C7, C9, E3, E5).
# alone: it compares set-up times
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
DNS=127.0.5.54
HERE=$SPEER_ROOT/tests/scenario/t010-dns-lies
net_config
json_edit "$TEST_TMP/sbe.json" '
c["dns"] = {"servers": ["'$DNS':5353"], "try_ms": 400, "tries": 2}
del c["peers"]["bnet"]["next_hops"]
c["peers"]["world"] = {"realm": "peering", "mode": "on-demand", "limits": {"sessions": 5, "cps": 50}}
c["peers"]["static"] = {"realm": "peering", "sources": ["127.0.2.30"], "domains": ["static.example"], "next_hops": ["sip:127.0.2.30:5060"]}
c["routes"] = [{"name": "static", "from": ["pbx"], "number": "+33", "to": [{"peer": "static"}]}]
c["lookup"] = [{"type": "enum", "suffix": "e164.example", "timeout_ms": 1500}, {"type": "uri"}]
c["location"] = [{"type": "peers"}, {"type": "dns", "realm": "peering", "secure": False, "timeout_ms": 3000}]'
net_run liar "$HERE/liar.py" $DNS 5353 "$TEST_TMP/asked"
await 5 "the name server listens" bound "$DNS:5353"
net_start 1
python3 "$HERE/ask.py" "$SPEER_BIN/speerctl" "$SBE_SOCK" "$TEST_TMP/asked" || { tail -n 5 "$TEST_TMP/liar.log"; fail "see above"; }
python3 "$HERE/names.py" "$PBX" "$SBE_CORE" 127.0.2.30 "$TEST_TMP/asked" || fail "see above"
net_assert_clean
net_stop
