#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# Whoever comes without an agreement is served under the limits of the on-demand peer, and a flood of such callers from many
# addresses does not touch the static peers: each of their calls goes through (D7, C22, A11).
# alone: it loads the machine
set -u
NET_LOG=notice
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit "$TEST_TMP/sbe.json" '
c["peers"]["world"] = {"realm": "peering", "mode": "on-demand", "limits": {"sessions": 4, "cps": 5}}
c["routes"][1]["from"].append("world")'
scenario pbx callee invite ringing answer ack bye
cp "$TEST_TMP/pbx.xml" "$TEST_TMP/inside.xml"
scenario uac caller invite ringing answer ack pause:200 bye
scenario uas callee invite ringing answer ack bye
net_start 2
callee_up uas $BNET -m 100
# a stranger is served: RFC 5486's on-demand peering
cp "$TEST_TMP/uac.xml" "$TEST_TMP/stranger.xml"
sip_run inside "$TEST_TMP/inside.xml" $PBX -mp 12000 -m 1
await 5 "the inside listens" bound $PBX:5060
CALLER_IP=127.0.6.1 CALLER_TO=$SBE_PEERING:5060 caller stranger -m 1
sip_wait stranger
sip_wait inside
await 5 "its CDR" cdr_count 1
one_cdr ingress_peer world cause normal
# the flood, and a hundred calls of the static peer meanwhile
python3 - $SBE_PEERING 2500 500 <<'P' & NET_PIDS+=($!)
import socket, sys, time
to, n, rate = (sys.argv[1], 5060), int(sys.argv[2]), int(sys.argv[3])
socks = []
for i in range(50):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((f"127.0.6.{10 + i}", 5060))
    socks.append(s)
start = time.monotonic()
for i in range(n):
    time.sleep(max(0, start + i / rate - time.monotonic()))
    ip = f"127.0.6.{10 + i % 50}"
    sdp = f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"
    socks[i % 50].sendto((f"INVITE sip:+1{i}@a.example SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:5060;branch=z9hG4bKf{i}\r\nMax-Forwards: 70\r\nFrom: <sip:f@{ip}>;tag=f{i}\r\n"
        f"To: <sip:+1{i}@a.example>\r\nCall-ID: f{i}\r\nCSeq: 1 INVITE\r\nContact: <sip:f@{ip}>\r\nContent-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}").encode(), to)
P
flood=$!
caller uac -r 20 -m 100
sip_wait uac
sip_wait uas
wait "$flood"
static_normal() { [ "$(cdrs | grep '"ingress_peer":"pbx"' | grep -c '"cause":"normal"')" = 100 ]; }
await 10 "100 good calls of the static peer" static_normal
most=$(cdrs | grep '"ingress_peer":"world"' | grep -vc '"cause":"limit') || most=0
[ "$most" -le 40 ] || fail "$most calls of strangers were tried, with 5 a second agreed"
note "100 of 100 calls of the static peer; the flood had $(cdrs | grep -c '"ingress_peer":"world"') records, $most of them calls that were tried"
ctl peer show world >world.txt
grep -E 'limited:|limited_by' -A4 world.txt
[ "$(ctl -o json peer show world | json data.limited)" -ge 1000 ] || { cat world.txt; fail "the limits of the on-demand peer did not hold"; }
