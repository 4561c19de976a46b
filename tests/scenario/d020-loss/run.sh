#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 150
# 5 % of all SIP datagrams are lost, each way, on both legs: at least 99.9 % of 1,000 calls complete by retransmission, none is
# doubled, nothing is left (A13).
# alone: it loads the machine
set -u
NET_LOG=notice NET_TRY_MS=16000
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
nft -f - <<X || fail "nft"
table inet loss {
	chain in {
		type filter hook input priority 0;
		udp dport 5060 numgen random mod 100 < 5 counter drop
	}
}
X
python3 "$SPEER_ROOT/tests/scenario/d020-loss/calls.py" "$PBX" "$SBE_CORE" "$BNET" 1000 40 || fail "fewer than 99.9 % of the calls"
nft list table inet loss | grep -q 'packets [1-9][0-9][0-9]' || fail "nothing was lost"
await 45 "all calls are over" no_calls
nft delete table inet loss
await 5 "1,000 CDRs" cdr_count 1000
good=$(cdrs | grep -c '"cause":"normal"')
[ "$good" -ge 999 ] || { cdrs | grep -v '"cause":"normal"' | head -5; fail "only $good CDRs say normal"; }
net_assert_clean
net_stop
