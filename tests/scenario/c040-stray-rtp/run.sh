#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RTP from an address that was not signalled is not relayed, before, during and after the call; it is counted (B1, B2, C26).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
# spray: valid RTP from a third address and from the right address with a wrong port, at every even port of the dbe
cat >"$TEST_TMP/spray.py" <<'X'
import socket, sys, time
end = time.time() + float(sys.argv[1])
p = bytes([0x80, 8]) + bytes(10) + b"S" * 160
socks = []
for ip in ("127.0.2.66", "127.0.2.20", "127.0.1.10"):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((ip, 0)); s.setblocking(False); socks.append(s)
while time.time() < end:
    for port in range(16384, 16464, 2):
        for s in socks:
            for host in ("127.0.1.2", "127.0.2.2"):
                try: s.sendto(p, (host, port))
                except OSError: pass
    time.sleep(0.005)
X
NET_PORTS=16384-16463
net_config_dbe 1; kill -TERM $PID_dbe1; wait $PID_dbe1; net_run dbe1 "$SPEER_BIN/dbe" -c "$TEST_TMP/dbe1.json"
await 10 "dbe1 with 40 port pairs a realm" dbes_up 1
python3 "$TEST_TMP/spray.py" 6 & spray=$!
NET_PIDS+=($spray)
"$SPEER_TOOLS/rtpmark" -n 1 -c 100 -t 30 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" & mark=$!
NET_PIDS+=($mark)
scenario uac caller invite answer ack pause:3500 bye
scenario uas callee invite ringing answer ack bye
callee_up uas $BNET -m 1
caller uac -m 1
wait $mark || { cat "$TEST_TMP/rtp.out"; fail "foreign RTP got through, or the call's own did not"; }
cat "$TEST_TMP/rtp.out"
sip_wait uac
sip_wait uas
one_cdr cause normal
strays=$(cdrs | json media.0.callee.dropped_source)
[ "$strays" -gt 50 ] || fail "strays are counted in the CDR: $strays"
note "$strays stray packets were dropped on the callee's side alone"
wait $spray
net_assert_clean
net_stop
