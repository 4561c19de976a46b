#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: names.py PBX SBE STATIC LOG - calls to a static peer whose headers name hosts, alone and while slow look-ups are under way:
no name is asked for, and the set-up time stays."""
import re
import socket
import statistics
import sys
import threading
import time

PBX, CORE, STATIC, LOG = sys.argv[1:5]
SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"
sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/lib")
from sip_tls import Server  # noqa: E402

callee = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
callee.bind((STATIC, 5060))
threading.Thread(target=lambda: Server.serve_udp(callee, (STATIC, 5060)), daemon=True).start()
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((PBX, 5060))
sock.settimeout(5)
n = 0


def header(text, name):
    m = re.search(rf"(?im)^{name}: (.*?)\r$", text)
    return m.group(1) if m else ""


def say(method, uri, to, cseq, branch, extra="", body="", call=None, contact="via-contact.example"):
    text = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP via-name.example:5060;maddr=via-maddr.example;branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:a@from-name.example>;tag=t\r\nTo: {to}\r\nCall-ID: {call}\r\nCSeq: {cseq}\r\nContact: <sip:a@{contact}>\r\n{extra}"
            + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}")
    sock.sendto(text.encode(), (CORE, 5060))


def invite(uri, call):
    say("INVITE", uri, f"<{uri}>", "1 INVITE", call, "Route: <sip:{0}:5060;lr>\r\n".format(CORE) if n % 2 else "", SDP.format(PBX), call)


def call_once():
    """-> seconds to the 200"""
    global n
    n += 1
    uri, key, start = f"sip:+33{n}@a.example", f"nm{n}", time.monotonic()
    invite(uri, key)
    done = None
    while True:
        text = sock.recv(65535).decode()
        if header(text, "Call-ID") != key or not text.startswith("SIP/2.0 ") or text[8] == "1":
            continue
        if "INVITE" in header(text, "CSeq"):
            if not text.startswith("SIP/2.0 200"):
                sys.exit(f"FAIL: {text}")
            done = done or time.monotonic() - start
            target = re.search("<(.*?)>", header(text, "Contact")).group(1)
            say("ACK", target, header(text, "To"), "1 ACK", key + "a", call=key)
            say("BYE", target, header(text, "To"), "2 BYE", key + "b", call=key)
        else:
            return done


def calls(count):
    """-> median seconds; 30 ms apart, so that the node is not busy (from 400 messages/s on it gathers, whatever others wait for)"""
    times, start = [], time.monotonic()
    for i in range(count):
        time.sleep(max(0, start + i * 0.03 - time.monotonic()))
        times.append(call_once())
    return statistics.median(times)


def asked(what):
    with open(LOG, encoding="ascii") as f:
        return [q for q in f.read().splitlines() if what in q]


alone = calls(40)
for i in range(60):  # they wait for a server that says nothing
    invite(f"sip:bob@s{i}.silent.example", f"slow{i}")
beside = calls(40)
print(f"  set-up {alone * 1000:.2f} ms alone, {beside * 1000:.2f} ms while 60 look-ups wait")
names = asked("via-") + asked("from-name")
if names:
    sys.exit(f"FAIL: names of headers were looked up: {names}")
if not asked("silent"):
    sys.exit("FAIL: nothing was waiting")
if beside > max(2 * alone, alone + 0.010):
    sys.exit("FAIL: the static peer waits for the others' names")
