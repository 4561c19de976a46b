#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a failure is called on the other side: statuses of a peer, statuses to a peer, Q.850 causes (RFC 3398), methods that
# are not agreed (405).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/policy.sh"
net_config
policy bnet '{"causes": {"in": [{"status": "486", "q850": 34, "to": 503}, {"status": "606", "to": 488, "phrase": "Not Like That"}], "prefer": "status"}}'
policy pbx '{"causes": {"reason": "add", "out": [{"status": "503", "to": 480}, {"status": "404", "to": 604}]}, "methods": {"forbid": ["OPTIONS"]}}'
net_start 1
n=0
attempt() { # SENT REASON WANTED
	n=$((n + 1))
	uas=uas$n uac=uac$n
	scenario "$uac" caller invite "busy:$3"
	scenario "$uas" callee invite "reject:$1:Whatever"
	[ -z "$2" ] || inject "$uas" "SIP/2.0 $1" "Reason: $2"
	callee_up "$uas" $BNET -m 1
	caller "$uac" -m 1
	sip_wait "$uac"
	sip_wait "$uas"
}
attempt 486 "" 486
has $uac "SIP/2.0 486" '^Reason: Q.850;cause=17'
attempt 486 "Q.850;cause=34" 480 # 486 became 503 by the one, 480 by the other
has $uac "SIP/2.0 480" '^Reason: Q.850;cause=34'
attempt 606 "" 488
saw $uac '^SIP/2.0 488 Not Like That'
policy bnet '{"causes": {"prefer": "q850"}}'
ctl config reload >/dev/null || fail "reload"
attempt 500 "Q.850;cause=1;text=\"no such number\"" 604 # 1 is 404 (RFC 3398), which this PBX calls 604
# our own failures too: nobody has a route for it
scenario uacx caller invite busy:604
called uacx 999
caller uacx -m 1
sip_wait uacx
options() { python3 - "$PBX" "$SBE_CORE" <<'P'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
s.settimeout(3)
p = s.getsockname()[1]
s.sendto(f"OPTIONS sip:a.example SIP/2.0\r\nVia: SIP/2.0/UDP {sys.argv[1]}:{p};branch=z9hG4bKo1\r\nMax-Forwards: 9\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: o1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode(), (sys.argv[2], 5060))
print(s.recv(4096).decode())
P
}
options >out.txt
grep -q '^SIP/2.0 405' out.txt || fail "OPTIONS is forbidden: $(cat out.txt)"
grep -i '^Allow:' out.txt | grep -q OPTIONS && fail "and yet offered: $(cat out.txt)"
net_assert_clean
net_stop
