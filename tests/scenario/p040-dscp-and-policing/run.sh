#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# alone: loss is measured
# Marks of media by type and peer, and of signaling by realm, as the far end sees them (H: media.dscp); a stream that sends ten times what its
# description asks for is policed and counted, and the other call loses nothing (B5, C30).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit sbe.json "
c['peers']['pbx']['media'] = {'dscp': 8}
c['peers']['bnet']['media'] = {'dscp': 46, 'dscp_by_type': {'audio': 34}}
c['realms']['peering']['dscp'] = 24
c['peers']['watch'] = {'realm': 'peering', 'next_hops': ['sip:127.0.2.50:5060'], 'probe': {'interval_s': 1}}"
# signaling: what the probes are marked with
python3 - >"$TEST_TMP/sip.mark" <<'P' & watch=$!
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
s.bind(("127.0.2.50", 5060))
s.settimeout(15)
data, anc, _, _ = s.recvmsg(4096, 256)
assert data.startswith(b"OPTIONS "), data
print(anc[0][2][0] >> 2)
P
NET_PIDS+=($watch)
net_start 1
wait $watch || fail "no probe came"
[ "$(cat "$TEST_TMP/sip.mark")" = 24 ] || fail "signaling is marked $(cat "$TEST_TMP/sip.mark"), not 24"

scenario uac caller invite answer ack pause:9000 bye
scenario uas callee invite ringing answer ack bye
sed -i 's/^t=0 0/b=AS:80\nt=0 0/' "$TEST_TMP/uac.xml" "$TEST_TMP/uas.xml"
callee_up uas $BNET -m 2
caller uac -m 2 -r 2
await 5 "two calls are up" calls_up 2
python3 "$SPEER_ROOT/tests/scenario/p040-dscp-and-policing/phones.py" "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" || fail "media"
sip_wait uac
sip_wait uas
await 5 "two records" cdr_count 2
cdrs >"$TEST_TMP/cdrs"
python3 - "$TEST_TMP/cdrs" <<'P' || fail "records: $(cat "$TEST_TMP/cdrs")"
import json, sys
dropped = sorted(json.loads(line)["media"][0]["caller"]["dropped"] for line in open(sys.argv[1]))
assert dropped[0] == 0 and dropped[1] > 500, dropped
P
[ "$(dbe_counter 1 'reason="rate"')" -gt 500 ] || [ "$(dbe_counter 1 rate)" -gt 500 ] || fail "policed packets are not counted by reason: $(dbectl 1 stats show | grep drop)"
net_assert_clean
net_stop
exit 0
