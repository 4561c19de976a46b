#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""400 connections at once from one address and 100 from others; a peer's call goes through."""
import socket
import threading

from sip_tls import Caller, Server, check, connect

TCP, PBX, BNET = ("127.0.1.1", 5060), ("127.0.1.10", 5060), ("127.0.2.20", 5060)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(BNET)
threading.Thread(target=lambda: Server.serve_udp(udp, BNET), daemon=True).start()
socks = []
for i in range(500):
    s = socket.socket()
    s.settimeout(10)
    s.bind(("127.0.1.50" if i % 5 else f"127.0.3.{1 + i // 5}", 0))
    s.connect(TCP)
    socks.append(s)
check(Caller(connect(PBX[0], TCP), PBX, alias=False, proto="TCP").call() == 200, "a call in the storm")
for s in socks:  # resets
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    s.close()
check(Caller(connect(PBX[0], TCP), PBX, alias=False, proto="TCP").call() == 200, "a call after the storm")
