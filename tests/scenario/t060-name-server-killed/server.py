#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server: every domain under .example has one host for SIP over UDP. server.py ADDRESS PORT LOG answers|mute"""
import socket
import struct
import sys

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], int(sys.argv[2])))
with open(sys.argv[3], "w", buffering=1, encoding="ascii") as log:
    while True:
        query, far = sock.recvfrom(4096)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
            at += query[at] + 1
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        print(kind, ".".join(labels), file=log)
        if sys.argv[4] == "mute":
            continue
        records = b""
        if kind == 33 and labels[:2] == ["_sip", "_udp"]:
            target = b"".join(bytes([len(x)]) + x.encode() for x in ["host", *labels[2:]]) + b"\0"
            records = b"\xc0\x0c" + struct.pack(">HHIHHHH", 33, 1, 60, 6 + len(target), 10, 0, 5060) + target
        elif kind == 1:
            records = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton("8.8.8.8")
        sock.sendto(query[:2] + struct.pack(">HHHHH", 0x8400, 1, 1 if records else 0, 0, 0) + query[12:at + 5] + records, far)
