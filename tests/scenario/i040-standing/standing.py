#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: standing.py PKI - see run.sh"""
import sys

from sip_tls import Caller, Server, check, connect, server_context, until

PKI = sys.argv[1]
ONE, TWO = ("127.0.2.20", 5061), ("127.0.2.21", 5061)
context = server_context(f"{PKI}/bnet.pem", f"{PKI}/bnet.key", f"{PKI}/ca.pem")


class Far(Server):
    """Answers pings in the way of its connections: a double CRLF between messages."""
    pings = 0

    def serve(self, s, number):
        far = self

        class Counting:
            def __init__(self, sock):
                self.sock = sock

            def recv(self, n):
                data = self.sock.recv(n)
                if data == b"\r\n\r\n":
                    far.pings += 1
                    self.sock.sendall(b"\r\n")
                return data

            def __getattr__(self, name):
                return getattr(self.sock, name)

        class Wrapping:
            @staticmethod
            def wrap_socket(sock, server_side):
                return Counting(context.wrap_socket(sock, server_side=server_side))

        self.context = Wrapping
        super().serve(s, number)


one, two = Far(ONE), Far(TWO)
until("both connections", lambda: one.conns and two.conns, 15)
check(not one.seen and not two.seen, "something was sent before there was a call")
until("pings", lambda: one.pings and two.pings)

pbx = Caller(connect("127.0.1.10", ("127.0.1.1", 5060)), ("127.0.1.10", 5060), alias=False, proto="TCP")
for _ in range(3):
    check(pbx.call() == 200, "a call")
until("their BYEs", lambda: one.methods() == ["INVITE", "ACK", "BYE"] * 3)
check(one.accepted == 1 and not two.seen, f"{one.accepted} connections for 3 calls, {two.methods()}")

# Requests of the far end take the same connection (mutual TLS, our Via says alias)
line = one.conns[0]
one.answer = False
Caller(line, ONE).request("OPTIONS", "sip:a.example", {"n": 1, "tag": "x", "id": "back@b.example"}, 1)
until("the answer to their OPTIONS", lambda: 200 in one.methods())
one.answer = True

# Loss: the hop is down, calls take the other one at once
one.close()
until("the first call on the other hop", lambda: pbx.call() == 200 and two.seen, 15)
seen = len(two.seen)
check(pbx.call() == 200 and len(two.seen) > seen, "a call after the loss")
one = Far(ONE)
until("the connection to be back", lambda: one.conns, 40)
until("calls on the first hop again", lambda: pbx.call() == 200 and one.seen, 10)
print("  up before the first call, pinged, lost, and back")
