#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Set-up time of calls to a static peer, alone and while many other calls wait for a name server that is silent or lies.

canary.py PBX SBE_CORE STATIC DNS. A call is INVITE, 200, ACK, BYE, 200 on plain sockets; the other calls are INVITEs to domains nobody
knows. Exit 0 only if the slow ones end within 5 s and the quick ones take at most twice as long as alone (A25, U2)."""
import os, re, select, socket, statistics, sys, threading, time

PBX, CORE, STATIC, DNS = sys.argv[1:5]
SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((PBX, 5060))
callee = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
callee.bind((STATIC, 5060))
number = 0

def header(text, name):
    return re.search(rf"(?im)^{name}: (.*?)\r$", text).group(1)

def invite(uri):
    global number
    number += 1
    body = SDP.format(PBX)
    sock.sendto(f"INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX}:5060;branch=z9hG4bKn{number}\r\nMax-Forwards: 70\r\nFrom: <sip:a@{PBX}>;tag=n{number}\r\n"
                f"To: <{uri}>\r\nCall-ID: n{number}@x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{PBX}>\r\nContent-Type: application/sdp\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode(), (CORE, 5060))
    return f"n{number}@x"

def callee_loop():
    while True:
        data, far = callee.recvfrom(65535)
        text = data.decode()
        if text.startswith(("ACK", "SIP/2.0")):
            continue
        body = SDP.format(STATIC) if text.startswith("INVITE") else ""
        to = header(text, "To") + ("" if "tag=" in header(text, "To") else ";tag=c")
        callee.sendto((f"SIP/2.0 200 OK\r\nVia: {header(text, 'Via')}\r\nFrom: {header(text, 'From')}\r\nTo: {to}\r\nCall-ID: {header(text, 'Call-ID')}\r\n"
                       f"CSeq: {header(text, 'CSeq')}\r\nContact: <sip:c@{STATIC}>\r\n" + ("Content-Type: application/sdp\r\n" if body else "")
                       + f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), far)
threading.Thread(target=callee_loop, daemon=True).start()

waiting = {}  # Call-ID of slow calls: when they were sent
longest = 0.0

def ack(text):
    """ACK of a refusal; of a 2xx it has a branch of its own."""
    branch = re.search("branch=([^;\r]*)", header(text, "Via")).group(1) + ("" if text[8] != "2" else "a")
    uri = re.search("<(.*?)>", header(text, "Contact") if text[8] == "2" else header(text, "To")).group(1)
    sock.sendto((f"ACK {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX}:5060;branch={branch}\r\nMax-Forwards: 70\r\nFrom: {header(text, 'From')}\r\nTo: {header(text, 'To')}\r\n"
                 f"Call-ID: {header(text, 'Call-ID')}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n").encode(), (CORE, 5060))
    return uri

def handle(timeout):
    """One message. The Call-ID and text of a final answer to a quick call, else None."""
    global longest
    if not select.select([sock], [], [], timeout)[0]:
        return None
    text = sock.recv(65535).decode()
    if not text.startswith("SIP/2.0 ") or text[8] == "1" or "INVITE" not in header(text, "CSeq"):
        return None
    call_id = header(text, "Call-ID")
    if call_id in waiting:
        longest = max(longest, time.monotonic() - waiting.pop(call_id))
        ack(text)
        return None
    return call_id, text

def canary():
    start = time.monotonic()
    call_id = invite(f"sip:+331@{CORE}")
    while time.monotonic() - start < 5:
        got = handle(0.05)
        if not got or got[0] != call_id:
            continue
        took, text = time.monotonic() - start, got[1]
        if text[8:11] != "200":
            sys.exit(f"the canary got {text.splitlines()[0]}")
        uri = ack(text)
        sock.sendto((f"BYE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX}:5060;branch=z9hG4bKb{call_id[:-2]}\r\nMax-Forwards: 70\r\nFrom: {header(text, 'From')}\r\n"
                     f"To: {header(text, 'To')}\r\nCall-ID: {call_id}\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n").encode(), (CORE, 5060))
        return took
    sys.exit("the canary's call was not answered")

PACE_S = 0.08  # apart: some 190 messages/s, a node that is not busy (it gathers from 400 on, and then with any name server)

def series(n, slow_each=0):
    times, start = [], time.monotonic()
    for i in range(n):
        while time.monotonic() < start + i * PACE_S:
            handle(0.01)
        for k in range(slow_each):
            waiting[invite(f"sip:x@n{i}-{k}-{len(waiting)}.b.example")] = time.monotonic()
        times.append(canary())
    return statistics.median(times)

def drain():
    end = time.monotonic() + 8
    while waiting and time.monotonic() < end:
        handle(0.1)
    if waiting:
        sys.exit(f"{len(waiting)} calls to unknown domains have no answer after 8 s")

alone = series(30)
slow = series(30, 5)
drain()
print(f"set-up of a call to a static peer: {alone * 1000:.2f} ms alone, {slow * 1000:.2f} ms while 150 calls ask a dead server")
if slow > max(2 * alone, 0.005):
    sys.exit("a dead server slows calls that do not need it")
if longest > 5 * float(os.environ.get("SPEER_TIMEOUT_SCALE", "1")):
    sys.exit(f"a call to an unknown domain took {longest:.1f} s to end")

# one that answers everything with garbage, other people's answers, circles and floods of records
liar = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
liar.bind((DNS, 5353))
def lie():
    n = 0
    while True:
        data, far = liar.recvfrom(65535)
        n += 1
        question = data[12:data.index(b"\0", 12) + 5]
        head = lambda id_, flags, answers: id_ + flags.to_bytes(2, "big") + b"\0\1" + answers.to_bytes(2, "big") + b"\0\0\0\0"
        alias = b"\xc0\x0c\0\5\0\1\0\0\0\x0a\0\2\xc0\x0c"                   # a CNAME to itself
        srv = b"\xc0\x0c\0\x21\0\1\xff\xff\xff\xff\0\7\0\0\0\0\0\0\0"       # port 0, target .
        loop = b"\xc0\x0c\0\5\0\1\0\0\0\x0a\0\2\xc0" + bytes([len(data)])   # a name that points to itself
        bomb = b"!(a*)*b!" * 30
        naptr = b"\xc0\x0c\0\x23\0\1\0\0\0\1" + (4 + 2 + 1 + 1 + len(bomb) + 1).to_bytes(2, "big") + b"\0\1\0\1\1u\0" + bytes([len(bomb)]) + bomb + b"\0"
        answer = [data[:2] + b"\x81", os.urandom(60), head(b"zz", 0x8180, 1) + question + srv, head(data[:2], 0x8180, 1) + question + alias,
                  head(data[:2], 0x8180, 1000) + question + srv * 1000, head(data[:2], 0x8180, 1) + question + loop,
                  head(data[:2], 0x8182, 0) + question, head(data[:2], 0x8180, 1) + question + naptr, head(data[:2], 0x8180, 65535) + question][n % 9]
        liar.sendto(answer, far)
threading.Thread(target=lie, daemon=True).start()
lying = series(30, 5)
drain()
print(f"and {lying * 1000:.2f} ms while it lies")
if lying > max(2 * alone, 0.005):
    sys.exit("a lying server slows calls that do not need it")
if longest > 5 * float(os.environ.get("SPEER_TIMEOUT_SCALE", "1")):
    sys.exit(f"a call to an unknown domain took {longest:.1f} s to end")
