#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server that lies, dawdles and goes round in circles: liar.py ADDRESS PORT LOG. What it does goes by the first label under
.example or the number under .e164.example; each question is a line of LOG."""
import socket
import struct
import sys
import threading
import time

IP, PORT, LOG = sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "w", buffering=1, encoding="ascii")
A, CNAME, SRV, NAPTR = 1, 5, 33, 35
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((IP, PORT))
elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
elsewhere.bind((IP, PORT + 1))
GOOD = "8.8.8.8"  # public, and never called here
EVIL = "6.6.6.6"


def name(text):
    return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".") if p) + b"\0"


def srv(priority, weight, port, target):
    return SRV, struct.pack(">HHH", priority, weight, port) + name(target)


def text(value):
    return bytes([len(value)]) + value.encode("latin1")


def naptr(order, pref, flags, service, regexp, replacement="."):
    return NAPTR, struct.pack(">HH", order, pref) + text(flags) + text(service) + text(regexp) + name(replacement)


def a(ip):
    return A, socket.inet_aton(ip)


def response(query, records, rcode=0, truncated=False, ttl=60, ident=None, owner=b"\xc0\x0c"):
    end = 12
    while query[end]:
        end += query[end] + 1
    flags = 0x8400 | rcode | (0x200 if truncated else 0)
    out = (ident or query[:2]) + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + query[12:end + 5]
    for kind, data in records:
        out += owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data
    return out


def enum(number, kind):
    if kind != NAPTR:
        return []
    rule = lambda regexp: [naptr(10, 10, "u", "E2U+sip", regexp)]  # noqa: E731
    own = ".".join(reversed(number)) + ".e164.example"
    return {
        "100": lambda: [naptr(10, 10, "", "", "", own)],
        "101": lambda: [naptr(10, 10, "", "", "", "2.0.1.e164.example")],
        "102": lambda: [naptr(10, 10, "", "", "", "1.0.1.e164.example")],
        "104": lambda: rule("!^(\\+(1|1)*)*$!sip:x@static.example!"),
        "105": lambda: rule("^.*$sip:x@static.example"),
        "106": lambda: [naptr(10, 10, "u", "E2U+sip", "!^.*$!sip:u%d@nobody%d.example!" % (n, n)) for n in range(1000)],
        "107": lambda: rule("!^.*$!" + "x" * 240 + "!"),
        "108": lambda: rule("!^.*$!sip:'; rm -rf $(x)`@static.example!"),
    }.get(number, lambda: [naptr(10, 10, "", "", "", f"{int(number) + 1}.chain.e164.example")] if number == "103" else [])()


def answer(query, qname, kind, tcp):
    """-> list of (delay in s, socket or None, bytes)"""
    labels = qname.split(".")
    if labels[-2:] != ["e164", "example"]:
        case = labels[-2] if len(labels) > 1 else ""
    elif "chain" in labels:
        return [(0, None, response(query, [naptr(10, 10, "", "", "", f"{int(labels[0]) + 1}.chain.e164.example")]))]
    else:
        records = enum("".join(reversed(labels[:-2])), kind)
        big = len(records) > 10
        return [(0, None, response(query, [] if big and not tcp else records, truncated=big and not tcp))]
    plain = {NAPTR: [], SRV: [srv(10, 0, 5060, f"host.{case}.example")] if labels[0] == "_sip" and labels[1] == "_udp" else [], A: [a(GOOD)]}
    records = plain.get(kind, [])
    if case == "silent":
        return []
    if case == "late":
        return [(5, None, response(query, records))]
    if case == "nx":
        return [(0, None, response(query, [], rcode=3))]
    if case == "servfail":
        return [(0, None, response(query, [], rcode=2))]
    if case == "short":
        return [(0, None, response(query, records if tcp else [], truncated=not tcp))]
    if case == "alias":
        return [(0, None, response(query, [(CNAME, name("b.alias.example" if labels[0] != "b" else "c.alias.example"))]))]
    if case == "pointer":
        return [(0, None, response(query, records, owner=b"\xc0" + bytes([len(query) + 0 if len(query) < 256 else 12])))]
    if case == "many" and kind == SRV and records:
        return [(0, None, response(query, [srv(10, 1, 5060, f"h{n}.many.example") for n in range(1000)] if tcp else [], truncated=not tcp))]
    if case == "weight" and kind == SRV and records:
        return [(0, None, response(query, [srv(10, 0, 5060, f"h{n}.weight.example") for n in range(3)]))]
    if case == "port" and kind == SRV and records:
        return [(0, None, response(query, [srv(10, 0, 0, "host.port.example")]))]
    if case == "dot" and kind == SRV:
        return [(0, None, response(query, [srv(0, 0, 0, ".")]))]
    if case in ("ident", "race"):  # the forged answer is there first
        forged = response(query, [a(EVIL)] if kind == A else [srv(1, 0, 5060, "evil.example")] if kind == SRV else [],
                          ident=bytes([query[0] ^ 1, query[1]]) if case == "ident" else None)
        return [(0, elsewhere if case == "race" else None, forged), (0.1, None, response(query, records))]
    if case == "private" and kind == A:
        return [(0, None, response(query, [a("127.0.0.1"), a("10.0.0.1"), a("169.254.1.1"), a("224.0.0.1"), a("0.0.0.0"), a("255.255.255.255")]))]
    if case == "ttl0":
        return [(0, None, response(query, records, ttl=0))]
    if case == "ttl31":
        return [(0, None, response(query, records, ttl=2**31))]
    if case == "cut":
        return [(0, None, response(query, records)[:-3])]
    return [(0, None, response(query, records))] if case in ("good", "weight", "port", "many") else [(0, None, response(query, [], rcode=3))]


def take(query, reply, tcp):
    if len(query) < 17:
        return
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
        at += query[at] + 1
    qname, kind = ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0]
    print(kind, qname, "tcp" if tcp else "udp", file=LOG)
    for delay, sock, data in answer(query, qname, kind, tcp):
        send = reply if sock is None else lambda d, s=sock: s.sendto(d, reply.far)
        if delay:
            threading.Timer(delay, send, [data]).start()
        else:
            send(data)


class Reply:
    def __init__(self, far):
        self.far = far

    def __call__(self, data):
        udp.sendto(data, self.far)


def serve_tcp():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((IP, PORT))
    s.listen(64)
    while True:
        threading.Thread(target=serve_one, args=(s.accept()[0],), daemon=True).start()


def serve_one(c):
    f = c.makefile("rb")
    while True:
        head = f.read(2)
        if len(head) < 2:
            return
        take(f.read(struct.unpack(">H", head)[0]), lambda d: c.sendall(struct.pack(">H", len(d)) + d), True)


threading.Thread(target=serve_tcp, daemon=True).start()
time.sleep(0)
while True:
    data, far = udp.recvfrom(4096)
    take(data, Reply(far), False)
