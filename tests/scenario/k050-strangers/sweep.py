#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a stranger can learn and make us send. usage: sweep.py SBE_IP OWN_IP [deaf]"""
import socket, sys, time

sbe, own = (sys.argv[1], 5060), sys.argv[2]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((own, 5060))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
n = 0

def ask(method, user, padding=60):
    global n
    n += 1
    return (f"{method} sip:{user}@a.example SIP/2.0\r\nVia: SIP/2.0/UDP {own}:5060;branch=z9hG4bK{n:08}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:x@y.example>;tag=t\r\nTo: <sip:z@a.example>\r\nCall-ID: {n:08}\r\nCSeq: 1 {method}\r\n"
            f"Contact: <sip:x@{own}>\r\nSubject: {'s' * padding}\r\nContent-Length: 0\r\n\r\n").encode()

def answers(seconds, most=1 << 30):
    end, got = time.time() + seconds, []
    while time.time() < end and len(got) < most:
        s.settimeout(max(end - time.time(), 0.001))
        try:
            got.append(s.recv(65536))
        except socket.timeout:
            break
    return got

if sys.argv[3:] == ["deaf"]:
    for method in ("INVITE", "OPTIONS", "REGISTER"):
        s.sendto(ask(method, "442079460000"), sbe)
    got = answers(1)
    sys.exit(f"answered while calls are shed: {got}" if got else print("strangers are not heard while calls are shed"))

# A23: users that exist beside users that do not, one at a time, below the rate of strangers
seen = set()
for i in range(16):
    for method in ("INVITE", "OPTIONS", "REGISTER"):
        s.sendto(ask(method, ("442079460000", "112112112112", "nosuchuser42", "adminandroot")[i % 4]), sbe)
        a = answers(2, 1) or sys.exit(f"no answer to {method}")
        seen.add((method, a[0].split(b"\r\n")[0], len(a[0])))
        time.sleep(0.02)
if len({m for m, _, _ in seen}) != len(seen):
    sys.exit(f"answers tell users apart: {sorted(seen)}")

# A24: no answer is larger than its request, whatever its size
for padding in range(0, 120, 5):
    request = ask("OPTIONS", "x", padding)
    s.sendto(request, sbe)
    for a in answers(0.3):
        if len(a) > len(request):
            sys.exit(f"{len(request)} bytes were answered with {len(a)}")
for what in (b"", b"\r\n\r\n", b"x", bytes(20), b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)):
    s.sendto(what, sbe)
if answers(0.5):
    sys.exit("what is no SIP was answered")

# a refused INVITE whose source could be forged: one packet, and no other for as long as timer G would have sent three
s.sendto(ask("INVITE", "442079460000"), sbe)
got = answers(4)
if len(got) != 1:
    sys.exit(f"{len(got)} packets for one INVITE")

# a flood: what is above the rate of strangers is not answered
sent = 20000
begin = time.time()
for i in range(sent):
    s.sendto(ask("OPTIONS", "x"), sbe)
took = time.time() - begin
got = answers(1)
limit = 200 + 100 * (took + 2)
if len(got) > limit:
    sys.exit(f"{len(got)} of {sent} OPTIONS within {took:.1f} s were answered, more than {limit:.0f}")
print(f"users look the same; {len(got)} of {sent} OPTIONS at {sent / took:.0f}/s were answered")
