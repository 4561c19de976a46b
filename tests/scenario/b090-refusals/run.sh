#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is not a call: OPTIONS 200, REGISTER 405 with Allow, BYE of nowhere 481, Max-Forwards 0 483, a required option 420,
# a stranger exactly "403 Unsupported Peer", an unknown number 404 (E11, C16, S1).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
# ask FROM_IP REQUEST_LINE_METHOD URI [HEADER...]: one datagram, prints the answer
ask() {
	python3 - "$@" <<'X'
import socket, sys
ip, method, uri, *more = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((ip, 0)); s.settimeout(2)
tag = "" if not any(h.startswith("To-tag") for h in more) else ";tag=nowhere"
mf = [h for h in more if h.startswith("Max-Forwards")] or ["Max-Forwards: 70"]
lines = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/UDP {ip}:{s.getsockname()[1]};branch=z9hG4bK{id(s)}{method};rport", *mf,
         f"From: <sip:x@{ip}>;tag=1", f"To: <{uri}>{tag}", f"Call-ID: {id(s)}{method}@t", f"CSeq: 1 {method}",
         f"Contact: <sip:x@{ip}>"] + [h for h in more if not h.startswith(("To-tag", "Max-Forwards"))] + ["Content-Length: 0", "", ""]
s.sendto("\r\n".join(lines).encode(), ("127.0.2.1" if ip.startswith("127.0.2") else "127.0.1.1", 5060))
while True:
    text = s.recv(65535).decode()
    if " 100 " not in text.split("\r\n")[0]:
        print(text); break
X
}
expect() { # WHAT REGEX ANSWER
	echo "$3" | head -n 1 | grep -E -q "$2" || fail "$1: expected $2, got: $3"
	note "$1: $(echo "$3" | head -n 1)"
}
a=$(ask $PBX OPTIONS sip:127.0.1.1); expect OPTIONS '^SIP/2.0 200 ' "$a"; echo "$a" | grep -q '^Allow: INVITE' || fail "Allow in the 200"
a=$(ask $PBX REGISTER sip:a.example); expect REGISTER '^SIP/2.0 405 ' "$a"; echo "$a" | grep -q '^Allow: INVITE' || fail "Allow in the 405"
expect BYE '^SIP/2.0 481 ' "$(ask $PBX BYE sip:x@127.0.1.1 To-tag)"
expect "INVITE in no dialog" '^SIP/2.0 481 ' "$(ask $PBX INVITE sip:x@127.0.1.1 To-tag)"
expect CANCEL '^SIP/2.0 481 ' "$(ask $PBX CANCEL sip:x@127.0.1.1)"
expect Max-Forwards '^SIP/2.0 483 ' "$(ask $PBX INVITE sip:+441@a.example 'Max-Forwards: 0')"
a=$(ask $PBX INVITE sip:+441@a.example 'Require: nonsense'); expect Require '^SIP/2.0 420 ' "$a"; echo "$a" | grep -q '^Unsupported: nonsense' || fail "Unsupported in the 420"
expect "unknown number" '^SIP/2.0 404 ' "$(ask $PBX INVITE sip:+991@a.example)"
expect "another's domain" '^SIP/2.0 404 ' "$(ask $PBX INVITE sip:x@elsewhere.example)"
expect "unknown scheme" '^SIP/2.0 416 ' "$(ask $PBX INVITE http://a.example/)"
expect "unknown method" '^SIP/2.0 501 ' "$(ask $PBX DANCE sip:a.example)"
expect "a Route of others" '^SIP/2.0 403 ' "$(ask $PBX INVITE sip:+441@a.example 'Route: <sip:192.0.2.9;lr>')"
for m in INVITE OPTIONS REGISTER; do
	a=$(ask 127.0.2.99 $m sip:+441@a.example); expect "stranger's $m" '^SIP/2.0 403 Unsupported Peer' "$a"
done
[ "$(ctl -o json status | json data.calls 2>/dev/null || ctl -o json status | json calls)" = 0 ] || fail "no call was made"
net_assert_clean
net_stop
