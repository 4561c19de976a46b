#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input at every door of both daemons. Prints one line per door; exit 1 when a rule is broken.

usage: attack.py sip SOURCE_IP | tcp SOURCE_IP | gate PORT | media DBE_IP | socket PATH | http PORT
Seeded, so that a failure can be repeated.
"""
import random
import re
import socket
import sys
import time

rng = random.Random(20260722)
CORE = ("127.0.1.1", 5060)
seen = set()  # Call-IDs of cases that are over


def fail(text):
    print(f"FAIL: {text}")
    sys.exit(1)


def request(method="OPTIONS", uri="sip:127.0.1.1", ip="127.0.1.10", port=5060, headers=(), body=b"", proto="UDP", ident="x", skip=()):
    lines = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/{proto} {ip}:{port};branch=z9hG4bK{ident};rport", "Max-Forwards: 70",
             f"From: <sip:x@{ip}>;tag=f{ident}", f"To: <{uri}>", f"Call-ID: {ident}@attack", f"CSeq: 1 {method}",
             f"Contact: <sip:x@{ip}>", *headers, f"Content-Length: {len(body)}"]
    lines = [line for line in lines if not line.startswith(tuple(skip) or ("\0",))]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape") + body


def call_id(text):
    found = re.search(rb"^Call-ID: (.*)\r$", text, re.M)
    return found.group(1) if found else b"\0"


def answers(s, seconds, data, enough=lambda text: False):
    """What comes within the time in answer to data: what is for another Call-ID is a retransmission of an earlier case."""
    got, end = [], time.time() + seconds
    while time.time() < end and not (got and enough(got[-1])):
        s.settimeout(max(0.01, end - time.time()))
        try:
            text = s.recv(65535)
        except TimeoutError:
            break
        if call_id(text) == call_id(data) or call_id(text) not in seen:
            got.append(text)
    seen.add(call_id(data))
    return got


def final(s, name, data):
    got = answers(s, 3, data, lambda text: not text.startswith(b"SIP/2.0 1"))
    if not got or got[-1].startswith(b"SIP/2.0 1"):
        fail(f"{name}: no answer")
    return got[-1]


def sip(ip):
    """Each datagram is answered or dropped as its rule says, whoever sends it; an answer is never larger than what asked for it (A24)."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((ip, 0))
    port = s.getsockname()[1]

    def r(ident, **more):
        return request(ip=ip, port=port, ident=f"{ident}-{port}", **more)

    whole = r("cut")
    # name, datagram, statuses that are right (none = it must be dropped)
    cases = [
        ("empty", b"", ()), ("one byte", b"x", ()), ("CRLF", b"\r\n", ()), ("CRLF CRLF", b"\r\n\r\n", ()),
        ("NULs", b"\0" * 1000, ()), ("noise", rng.randbytes(1400), ()), ("STUN", bytes.fromhex("000100002112a442") + b"\1" * 12, ()),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ()), ("65507 bytes of A", b"A" * 65507, ()),
        ("NUL in a header", r("nul", headers=["Subject: a\0b"]), (400,)),
        ("lone LF", r("lf", headers=["Subject: a\nX-Smuggled: 1"]), (400,)),
        ("lone CR", r("cr", headers=["Subject: a\rX-Smuggled: 1"]), (400,)),
        ("12,000 headers", r("many", headers=["a:"] * 12000), (400, 513)),
        ("a header of 60,000 bytes", r("long", headers=["Subject: " + "s" * 60000]), (400, 513)),
        ("12,000 commas", r("commas", headers=["Supported: " + "," * 12000]), (400, 513)),
        ("500 Vias", r("vias", headers=[f"Via: SIP/2.0/UDP 127.0.9.9:{i + 1};branch=z9hG4bKv{i}" for i in range(500)]), (400, 513)),
        ("no Via", r("novia", skip=("Via",)), ()), ("no From", r("nofrom", skip=("From",)), (400,)),
        ("no Call-ID", r("nocallid", skip=("Call-ID",)), (400,)), ("two CSeqs", r("cseqs", headers=["CSeq: 2 OPTIONS"]), (400,)),
        ("SIP/3.0", r("three").replace(b"sip:127.0.1.1 SIP/2.0", b"sip:127.0.1.1 SIP/3.0"), (505,)),
        ("a response to nothing", b"SIP/2.0 200 OK\r\n" + r("resp").split(b"\r\n", 1)[1], ()),
        ("status 999", b"SIP/2.0 999 ?\r\n" + r("resp9").split(b"\r\n", 1)[1], ()),
        ("an ACK of nothing", r("ack", method="ACK"), ()),
        ("Content-Length too large", r("cl").replace(b"Content-Length: 0", b"Content-Length: 5000"), (400,)),
        ("Content-Length negative", r("cln").replace(b"Content-Length: 0", b"Content-Length: -1"), (400,)),
        ("Content-Length 2^64", r("cl64").replace(b"Content-Length: 0", b"Content-Length: 18446744073709551616"), (400,)),
        ("cut in the headers", whole[: len(whole) // 2], (400,)),
        ("INVITE with a body of noise", r("noise", method="INVITE", uri="sip:+441@a.example", headers=["Content-Type: application/sdp"],
                                          body=rng.randbytes(500)), (400, 403, 488)),
        ("INVITE with SDP of one long line", r("sdp", method="INVITE", uri="sip:+441@a.example",
                                               headers=["Content-Type: application/sdp"], body=b"v=0\r\no=" + b"-" * 50000), (400, 403, 488, 513)),
        ("a Via with a name to resolve", r("name").replace(f"UDP {ip}:{port}".encode(), b"UDP a.name.that.must.not.be.resolved.example"), (200, 403)),
    ]
    slowest = 0
    for name, data, right in cases:
        started = time.time()
        s.sendto(data, CORE)
        got = [final(s, name, data)] if right else answers(s, 0.15, data)
        slowest = max(slowest, time.time() - started)
        for text in got:
            status = int(text.split(b" ", 2)[1])
            if status == 100:
                continue
            if status not in right:
                fail(f"{name}: answered {status}, expected {right or 'nothing'}")
            if status >= 400 and len(text) > len(data) + 160: # the stateful ones carry a tag and a Reason
                fail(f"{name}: an answer of {len(text)} bytes to {len(data)}")
    # every prefix of a good request, and the good request with single bytes changed: no answer is asked for, just no harm
    n = 0
    for cut in range(0, len(whole), 3):
        s.sendto(whole[:cut], CORE)
        n += 1
    for _ in range(1500):
        b = bytearray(request(ident=f"m{rng.randrange(10 ** 6)}", ip=ip, port=port))
        for _ in range(rng.randrange(1, 4)):
            b[rng.randrange(len(b))] = rng.randrange(256)
        s.sendto(bytes(b), CORE)
        n += 1
        if n % 50 == 0:
            time.sleep(0.005)
    s.close()
    print(f"sip from {ip}: {len(cases)} kinds, {n} more datagrams")


def tcp(ip):
    """A byte at a time is a message all the same; a stream that lost its frame is closed, and at once."""
    def conn():
        c = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        c.bind((ip, 0))
        c.connect(CORE)
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        c.settimeout(3)
        return c

    c = conn()
    data = request(ip=ip, port=c.getsockname()[1], proto="TCP", ident="slow")
    for i in range(0, len(data), 1):
        c.sendall(data[i:i + 1])
    if not c.recv(65535).startswith(b"SIP/2.0 200"):
        fail("a request in single bytes was not answered")
    c.sendall(b"".join(request(ip=ip, port=5060, proto="TCP", ident=f"pipe{i}") for i in range(50)))
    got = b""
    while got.count(b"\r\n\r\n") < 50:
        more = c.recv(65535)
        if not more:
            fail("a pipeline of 50 was cut")
        got += more
    c.close()
    # what has no end of headers could still become a message: closed when the time for one is over (10 s, A20)
    unfinished = []
    for data in (rng.randbytes(3000), b"\0" * 3000, request(proto="TCP")[:50]):
        unfinished.append(conn())
        unfinished[-1].sendall(data)
    for name, data in (("no Content-Length", request(proto="TCP", ident="nocl", skip=("Content-Length",)) * 3),
                       ("Content-Length 2^31", request(proto="TCP", ident="big").replace(b"Content-Length: 0", b"Content-Length: 2147483648")),
                       ("endless header", b"OPTIONS sip:x SIP/2.0\r\nSubject: " + b"s" * 300000)):
        c = conn()
        try:
            c.sendall(data)
            while c.recv(65535):
                pass
        except TimeoutError:
            fail(f"tcp {name}: the connection stays open")
        except ConnectionError:
            pass
        c.close()
    for _ in range(200):  # connected, half a message, gone
        c = conn()
        c.sendall(request(proto="TCP")[: rng.randrange(1, 200)])
        c.close()
    for c in unfinished:
        c.settimeout(13)
        try:
            while c.recv(65535):
                pass
        except TimeoutError:
            fail("tcp: an unfinished message is waited for without end")
        except ConnectionError:
            pass
    print(f"tcp from {ip}: single bytes, pipeline, 3 broken streams, 3 unfinished, 200 half messages")


def gate(port):
    """Whatever is no ServiceChange ends the connection (C2); nothing is allocated for a length."""
    kinds = [("length 0", b"\0\0\0\0"), ("length -1", b"\xff\xff\xff\xff" + b"x" * 100), ("length 2^31", b"\x80\0\0\0"), ("length 65537", b"\0\1\0\1"),
             ("noise", rng.randbytes(5000)), ("a frame of noise", b"\0\0\1\0" + rng.randbytes(256)), ("SIP", request()),
             ("TLS hello", bytes.fromhex("1603010200010001fc0303") + rng.randbytes(500)), ("nested", b"\0\0\4\0" + b"\x0a\xff" * 512)]
    for name, data in kinds:
        c = socket.create_connection(("127.0.0.1", port), timeout=8)
        try:
            c.sendall(data)
            while c.recv(65535):
                pass
        except TimeoutError:
            fail(f"gate {name}: the connection stays open")
        except ConnectionError:
            pass
        c.close()
    # says nothing, and says half a frame: both are given up (5 s)
    quiet = [socket.create_connection(("127.0.0.1", port), timeout=8) for _ in range(20)]
    for c in quiet[10:]:
        c.sendall(b"\0\0\1\0\x0a")
    started = time.time()
    for c in quiet:
        try:
            while c.recv(65535):
                pass
        except TimeoutError:
            fail("gate: a silent connection stays open")
        except ConnectionError:
            pass
    print(f"gate: {len(kinds)} kinds, silent connections closed after {time.time() - started:.1f} s")


def media(ip):
    """Bad RTP, RTCP and STUN at the ports of a dbe."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.2.20", 0))
    n = 0
    for port in range(16384, 16464):
        for size in (0, 1, 11, 12, 13, 172, 1500, 9000, 65507):
            for head in (b"\x80\x08", b"\x9f\x08", b"\xbf\x88", b"\x00\x01", b"\xff\xff", b"\x81\xc9"):
                try:
                    s.sendto((head + rng.randbytes(10) + b"\xff" * size)[:size], (ip, port))
                    n += 1
                except OSError:
                    pass
    print(f"media at {ip}: {n} datagrams")


def control(path):
    """The operators' socket: no reply is owed to noise, the daemon goes on."""
    for data in (b"\0" * 100, b"{" * 60000 + b"\n", b'{"v":1,"cmd":["status"]' + b" " * 70000, b'{"v":2,"cmd":["status"],"opts":{}}\n', b'{"v":1,"cmd":"status"}\n',
                 b'{"v":1,"cmd":[1,2],"opts":{}}\n', b"[]\n", rng.randbytes(5000) + b"\n", b'{"v":1,"cmd":["call","show","\\u0000"],"opts":{}}\n'):
        c = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        c.settimeout(1)
        c.connect(path)
        try:
            c.sendall(data)
            c.shutdown(socket.SHUT_WR)
            while c.recv(65535):
                pass
        except (TimeoutError, ConnectionError):
            pass
        c.close()
    print(f"socket {path.rsplit('/', 1)[1]}: 9 kinds")


def http(port):
    """The metrics port."""
    for data in (rng.randbytes(2000), b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10000 + b"\r\n", b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"GET /../../etc/passwd HTTP/1.0\r\n\r\n"):
        c = socket.create_connection(("127.0.0.1", port), timeout=1)
        got = b""
        try:
            c.sendall(data)
            while more := c.recv(65535):
                got += more
        except (TimeoutError, ConnectionError):
            pass
        c.close()
        if got.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            fail(f"http {data[:30]!r}: {got[:80]!r}")
    print(f"http {port}: 4 kinds")


if __name__ == "__main__":
    what, arg = sys.argv[1:]
    {"sip": sip, "tcp": tcp, "gate": lambda a: gate(int(a)), "media": media, "socket": control, "http": lambda a: http(int(a))}[what](arg)
