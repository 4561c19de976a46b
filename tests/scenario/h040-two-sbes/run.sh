#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# Two sbes whose routes point at each other: the call ends by itself, with 483, within its 70 hops, and nothing is left (A7, S1).
# A proxy that sends our own INVITE back unchanged gets 482 at once.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
SBE2=127.0.2.40
net_config
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["bnet"]["next_hops"] = ["sip:127.0.2.40:5060"]; c["peers"]["bnet"]["sources"] = ["127.0.2.40"]
c["routes"] = [{"name": "all", "to": [{"peer": "bnet"}]}]'
python3 - "$TEST_TMP" <<'P'
import json, sys
d = sys.argv[1]
c = json.load(open(d + "/sbe.json"))
c.update(node="sbe2", domains=["b.example"], control={"socket": d + "/sbe2.sock"}, http={"listen": "127.0.0.1:19099"},
         gate_control={"listen": ["127.0.0.1:29450"], "dbes": ["dbe2"]}, cdr={"directory": d + "/cdr2"},
         realms={"peering": {"listen": ["udp:127.0.2.40:5060"], "media": "peering"}},
         peers={"one": {"realm": "peering", "sources": ["127.0.2.1"], "domains": ["a.example"], "next_hops": ["sip:127.0.2.1:5060"]}},
         routes=[{"name": "all", "to": [{"peer": "one"}]}])
json.dump(c, open(d + "/sbe2.json", "w"))
P
# A dbe for each: one that had both would refuse media in a circle long before (488).
json_edit "$TEST_TMP/dbe2.json" 'c["controllers"] = ["127.0.0.1:29450"]'
mkdir -p "$TEST_TMP/cdr2"
net_run sbe2 "$SPEER_BIN/sbe" -c "$TEST_TMP/sbe2.json"
net_start 1
net_run dbe2 "$SPEER_BIN/dbe" -c "$TEST_TMP/dbe2.json"
two() { "$SPEER_BIN/speerctl" -s "$TEST_TMP/sbe2.sock" "$@"; }
two_has_a_dbe() { two -o json dbe list | grep -q '"up"'; }
await 10 "the second sbe has a dbe" two_has_a_dbe

scenario uac caller invite busy:483
start=$(date +%s%N)
caller uac -m 1
sip_wait uac
ms=$(( ($(date +%s%N) - start) / 1000000 ))
first=$(counter sbe_call_attempts_total)
second=$(two -o json stats show | sum_of sbe_call_attempts_total)
[ $((first + second)) = 71 ] || fail "the call came by $first and $second times"
note "70 hops in $ms ms, $first and $second INVITEs"
two_is_empty() { [ "$(two -o json call list | rows)" = 0 ]; }
await 10 "nothing is left in the second sbe" two_is_empty
net_assert_clean
kill -TERM $PID_sbe2; wait $PID_sbe2 || fail "the second sbe ended with $?"

# In its place a proxy: what comes is sent back with its Via on top.
python3 - $SBE2 $SBE_PEERING >"$TEST_TMP/proxy.log" <<'P' &
import re, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 5060))
s.settimeout(20)
while True:
    m = s.recv(65536).decode()
    if m.startswith("INVITE"):
        first, rest = m.split("\r\n", 1)
        hops = int(re.search(r"Max-Forwards: (\d+)", m)[1])
        rest = rest.replace(f"Max-Forwards: {hops}", f"Max-Forwards: {hops - 1}")
        s.sendto(f"{first}\r\nVia: SIP/2.0/UDP {sys.argv[1]}:5060;branch=z9hG4bK-p{hops}\r\n{rest}".encode(), (sys.argv[2], 5060))
    elif m.startswith("SIP/2.0") and "z9hG4bK-p" in m.split("Via:")[1]:
        status = m.split()[1]
        if status == "100":
            continue
        print(status, flush=True)
        s.sendto(re.sub(r"Via: [^\r]*branch=z9hG4bK-p[^\r]*\r\n", "", m, count=1).encode(), (sys.argv[2], 5060))
        if status == "482":
            s.recv(65536)
            break
P
NET_PIDS+=($!)
proxy=$!
await 5 "the proxy is there" bound $SBE2:5060
scenario again caller invite busy:482
caller again -m 1
sip_wait again
wait $proxy || fail "the proxy"
[ "$(cat "$TEST_TMP/proxy.log")" = 482 ] || fail "the proxy got $(cat "$TEST_TMP/proxy.log")"
loop_cdr() { cdrs | grep -q '"cause":"loop"'; }
await 5 "a CDR that says loop" loop_cdr
net_assert_clean
net_stop
