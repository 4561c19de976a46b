#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls into mazes of redirects: maze.py PBX SBE. All peers are here; what each answers goes by the called number."""
import os
import re
import select
import socket
import sys
import time

PBX, CORE = sys.argv[1], sys.argv[2]
PEERS = {"b": "127.0.2.20", "plain": "127.0.2.40", **{name: f"127.0.2.{30 + n}" for n, name in enumerate("cdefgh")}}
OTHERS = ["127.0.2.99", "127.0.0.1", "127.0.2.21"]  # nobody's: no INVITE may come there
SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"
INVITES_MAX, SECONDS_MAX = 10, 5 * float(os.environ.get("SPEER_TIMEOUT_SCALE", "1"))


def bound(ip):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((ip, 5060))
    return s


socks = {name: bound(ip) for name, ip in PEERS.items()}
strays = [bound(ip) for ip in OTHERS]
pbx = bound(PBX)


def header(text, name):
    m = re.search(rf"(?im)^{name}: (.*?)\r$", text)
    return m.group(1) if m else ""


def respond(sock, text, far, status, contacts=()):
    tag = "" if ";tag=" in header(text, "To") else ";tag=x"
    sock.sendto((f"SIP/2.0 {status}\r\n" + "".join(f"Via: {v}\r\n" for v in re.findall(r"(?im)^Via: (.*?)\r$", text)) +
                 f"From: {header(text, 'From')}\r\nTo: {header(text, 'To')}{tag}\r\nCall-ID: {header(text, 'Call-ID')}\r\n"
                 f"CSeq: {header(text, 'CSeq')}\r\n" + "".join(f"Contact: {c}\r\n" for c in contacts) + "Content-Length: 0\r\n\r\n").encode(), far)


deeper = dict(zip("bcdefg", "cdefgh"))
count = 0
# case -> what the peer NAME answers: (status, Contacts)
CASES = {
    "itself": lambda name: ("302 M", [f"<sip:+44itself@{name}.example>"]),
    "itself-other-user": lambda name: ("302 M", [f"<sip:+44{count}-itself-other-user@{name}.example>"]),
    "to-and-fro": lambda name: ("302 M", [f"<sip:+44{count}-to-and-fro@{'c' if name == 'b' else 'b'}.example>"]),
    "deeper": lambda name: ("302 M", [f"<sip:+44deeper@{deeper.get(name, 'b')}.example>"]),
    "fifty": lambda name: ("302 M", [f"<sip:+44{n}-fifty@c.example>;q=0.{n % 10}" for n in range(50)]) if name == "b" else ("503 Busy", []),
    "fifty-that-redirect": lambda name: ("300 M", [f"<sip:+44{count}x{n}-fifty-that-redirect@{p}.example>" for n in range(8) for p in "bcdefgh"]),
    "expires": lambda name: ("302 M", ["<sip:+44expires@c.example>;expires=0"]) if name == "b" else ("486 Busy", []),
    "header-in-uri": lambda name: ("302 M", ["<sip:+44x@c.example?Route=%3Csip:127.0.2.99;lr%3E>", "<sip:+44x@c.example;maddr=127.0.2.99>",
                                             "<sip:+44x@c.example;transport=tcp;maddr=127.0.2.99>"]),
    "private": lambda name: ("302 M", ["<sip:+44x@127.0.2.99>", "<sip:+44x@127.0.0.1>", "<sip:+44x@10.0.0.1>", "<sip:+44x@[::1]>",
                                       "<sip:+44x@127.0.2.1>", "<sip:+44x@127.0.1.1>"]),
    "schemes": lambda name: ("302 M", ["<tel:+1900>", "<http://127.0.2.99/>", "<sips:+44x@127.0.2.99>", "<mailto:a@b>", "<urn:service:sos>"]),
    "nothing": lambda name: ("302 M", []),
    "nonsense": lambda name: ("302 M", ["<sip:@@>", "*", "<sip:", "sip:+44x@c.example;x=\"", ", ,"]),
}


def call(number):
    """-> final status, INVITEs the peers got, its text, seconds"""
    global count
    count = 0
    uri, key = f"sip:{number}@a.example", f"m{time.monotonic_ns()}"

    def say(method, branch, to, cseq, body=""):
        pbx.sendto((f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX}:5060;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\nFrom: <sip:a@{PBX}>;tag=t\r\n"
                    f"To: {to}\r\nCall-ID: {key}\r\nCSeq: {cseq}\r\nContact: <sip:a@{PBX}>\r\n" + ("Content-Type: application/sdp\r\n" if body else "") +
                    f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), (CORE, 5060))

    start = time.monotonic()
    say("INVITE", key, f"<{uri}>", "1 INVITE", SDP.format(PBX))
    case, seen = CASES[number.rpartition("+")[2][2:]], set()
    while time.monotonic() < start + 20:
        for s in select.select([pbx, *socks.values(), *strays], [], [], 0.2)[0]:
            data, far = s.recvfrom(65535)
            text = data.decode()
            if s in strays:
                sys.exit(f"FAIL: {number}: {s.getsockname()} got\n{text}")
            if s is pbx:
                if header(text, "Call-ID") != key or not text.startswith("SIP/2.0 ") or text[8] == "1":
                    continue
                say("ACK", key, header(text, "To"), "1 ACK")
                return int(text[8:11]), count, text, time.monotonic() - start
            name = next(n for n, o in socks.items() if o is s)
            if text.startswith("INVITE") and header(text, "Via") not in seen:
                seen.add(header(text, "Via"))
                count += 1
                respond(s, text, far, *case(name))
    sys.exit(f"FAIL: {number}: no final answer, {count} INVITEs")


for case in CASES:
    status, invites, text, seconds = call(f"+44{case}")
    print(f"  {case}: {status} after {invites} INVITEs and {seconds * 1000:.0f} ms")
    if not 400 <= status < 700 or invites > INVITES_MAX or not invites or seconds > SECONDS_MAX:
        sys.exit("FAIL: too many INVITEs, too long or no refusal")
    if re.search(r"(?im)^(Contact|m):", text) or "example" in text.replace("a.example", ""):
        sys.exit(f"FAIL: the caller learns of targets:\n{text}")
# a peer that may not redirect: one INVITE, whatever it says
for case in ("deeper", "private", "schemes"):
    status, invites, text, _ = call(f"+45{case}")
    print(f"  {case} of a peer that is not trusted: {status} after {invites} INVITE")
    if invites != 1 or status != 480 or "Contact" in text:
        sys.exit(f"FAIL: followed or passed on:\n{text}")
