#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# Mazes of redirects: to itself, to and fro, ever deeper, fifty targets, targets that smuggle headers, private addresses, other
# schemes. No call sends more than ten INVITEs, none goes where no peer is, no Contact reaches the caller; of a peer whose redirects
# are not trusted none is followed (A27, C19, X8).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" '
c["peers"]["bnet"]["redirect"] = "follow"
for n, name in enumerate("cdefgh"):
    at = "127.0.2.%d" % (30 + n)
    c["peers"][name + "net"] = {"realm": "peering", "sources": [at], "domains": [name + ".example"], "next_hops": ["sip:%s:5060" % at],
                                "redirect": "follow", "sip": {"try_ms": 2000}}
c["peers"]["plain"] = {"realm": "peering", "sources": ["127.0.2.40"], "domains": ["plain.example"], "next_hops": ["sip:127.0.2.40:5060"]}
c["routes"].insert(0, {"name": "plain", "from": ["pbx"], "number": "+45", "to": [{"peer": "plain"}]})'
net_start 1
python3 "$SPEER_ROOT/tests/scenario/t020-redirect-maze/maze.py" "$PBX" "$SBE_CORE" || { tail -n 20 "$TEST_TMP/sbe.log"; cdrs | tail -n 2; fail "see above"; }
net_assert_clean
net_stop
