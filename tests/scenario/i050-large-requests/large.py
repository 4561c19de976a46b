#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: large.py on|off - off: this peer is never sent anything by TCP"""
import socket
import sys
import threading
import time

import sip_tls
from sip_tls import Caller, Server, check, connect, until

BNET, PBX, CORE = ("127.0.2.20", 5060), ("127.0.1.10", 5060), ("127.0.1.1", 5060)
PAD = "".join(f"a=x-filler-{i:03}:{'y' * 60}\r\n" for i in range(25))
seen = []


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(BNET)
threading.Thread(target=Server.serve_udp, args=(udp, BNET, seen), daemon=True).start()
pbx = Caller(connect(PBX[0], CORE), PBX, alias=False, proto="TCP")
small = sip_tls.sdp


def large(ip, port=30000):
    return small(ip, port) + PAD


def call(body):
    sip_tls.sdp = body
    start = time.monotonic()
    c = pbx.invite()
    sip_tls.sdp = small
    check(c["status"] == 200, f"call: {c['status']}")
    took = time.monotonic() - start
    check(pbx.bye(c) == 200, "BYE")
    return took


if sys.argv[1] == "off":
    call(large)
    until("the call over UDP", lambda: [m for m, _ in seen] == ["INVITE", "ACK", "BYE"])
    check(seen[0][1] > 1300, seen)
    sys.exit()

tcp = Server(BNET, proto="TCP")
call(small)
until("a small call over UDP", lambda: [m for m, _ in seen] == ["INVITE", "ACK", "BYE"])
check(tcp.accepted == 0, "a small one went by TCP")
del seen[:]
call(large)
until("the large INVITE over TCP", lambda: "INVITE" in tcp.methods())
check(not [n for m, n in seen if m == "INVITE"], f"it also went by UDP: {seen}")
check(tcp.seen[0][1].get("via").startswith("SIP/2.0/TCP 127.0.2.1:5060;"), tcp.seen[0][1].get("via"))
check(PAD.encode() in tcp.seen[0][1].body, "the body has changed")
until("its BYE", lambda: "BYE" in [m for m, _ in seen] + tcp.methods())

# nobody takes TCP there any more: back to UDP in time, and the next one at once
tcp.close()
time.sleep(0.2)
del seen[:]
call(large)
until("the large INVITE over UDP", lambda: [m for m, n in seen if n > 1300] == ["INVITE"])
check(call(large) < 1, "the second one tried TCP again")
until("both BYEs", lambda: [m for m, _ in seen].count("BYE") == 2)
print("  large requests by TCP, and by UDP where that is refused")
