#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: calls.py PKI - see run.sh"""
import sys

from sip_tls import Caller, Server, check, client_context, connect, server_context, until

PKI = sys.argv[1]
PBX, BNET = ("127.0.1.10", 5061), ("127.0.2.20", 5061)
CORE, PEERING = ("127.0.1.1", 5061), ("127.0.2.1", 5061)


def context(name):
    return client_context(f"{PKI}/ca.pem", f"{PKI}/{name}.pem", f"{PKI}/{name}.key", True)


def server(name):
    return server_context(f"{PKI}/{name}.pem", f"{PKI}/{name}.key", f"{PKI}/ca.pem")


bnet, pbx = Server(BNET, server("bnet")), Server(PBX, server("pbx"))

# Calls out: one connection to the peer for all of them (G4)
line = connect(PBX[0], CORE, context("pbx"), "sbe.a.example")
caller = Caller(line, PBX, alias=False)
for _ in range(3):
    check(caller.call() == 200, "call over TLS")
check(bnet.accepted == 1, f"{bnet.accepted} connections for 3 calls")
until("all of three calls", lambda: bnet.methods() == ["INVITE", "ACK", "BYE"] * 3)
via = bnet.seen[0][1].get("via")
check(via.startswith("SIP/2.0/TLS 127.0.2.1:5061;") and ";alias" in via, via)

# Calls in, before pbx said alias: it is called at its address
back = Caller(connect(BNET[0], PEERING, context("bnet"), "sbe.a.example"), BNET, alias=False)
check(back.call() == 200, "call in")
until("all of the call", lambda: pbx.accepted == 1 and pbx.methods() == ["INVITE", "ACK", "BYE"])
pbx.close_all()

# ... and after it did: over the connection that is there (RFC 5923)
caller.alias = ";alias"
check(caller.call() == 200, "a call that says alias")
import threading  # noqa: E402

result = []
thread = threading.Thread(target=lambda: result.append(back.call()))
thread.start()
while not result:
    m = line.recv()
    pbx.react(line, m)
    if m.method == "BYE":
        break
thread.join(10)
check(result == [200], f"call in over the alias: {result}")
check(pbx.accepted == 1, "the alias was not used")

# The alias is gone with its connection: a new one is opened (H9)
line.close()
until("the call after the alias is gone", lambda: back.call() == 200)
check(pbx.accepted == 2, f"{pbx.accepted} connections to pbx")

# SNI chooses the identity; one that is nobody's gets the first (H8)
for asked in ("core.a.example", "sbe.a.example"):
    c = connect(PBX[0], CORE, context("pbx"), asked)
    check(Caller(c, PBX).options().status == 200, f"OPTIONS as {asked}")
    c.close()

# sips: by TLS all the way, or not at all (RFC 5630)
line = connect(PBX[0], CORE, context("pbx"), "sbe.a.example")
caller = Caller(line, PBX, alias=False)
seen = len(bnet.seen)
c = caller.invite("sips")
check(c["status"] == 200 and c["target"].startswith("sips:127.0.1.1:5061"), f"sips: {c['status']} {c['target']}")
check(caller.bye(c) == 200, "BYE of the sips call")
until("all of it", lambda: len(bnet.seen) == seen + 3)
invite = bnet.seen[seen][1]
check(invite.start.startswith("INVITE sips:+44") and "<sips:127.0.2.1:5061>" in invite.get("contact"), f"{invite.start} {invite.get('contact')}")
plain = Server(("127.0.2.21", 5060), proto="TCP")
caller.number = "+49"
check(caller.call() == 200 and "INVITE" in plain.methods(), "sip: to a peer over TCP")
until("its BYE", lambda: "BYE" in plain.methods())
seen = len(plain.seen)
check(caller.invite("sips")["status"] == 480 and len(plain.seen) == seen, "sips: to a peer over TCP")
line.close()

# Known by certificate alone, from any address; its sip: URI counts, its DNS name does not (H6)
roam = Caller(connect("127.0.1.77", CORE, context("roam"), "sbe.a.example"), ("127.0.1.77", 5061))
check(roam.call() == 200, "a call of a peer without sources")
# BYE from the other side takes the alias, for there is no other way to it
c = roam.invite()
check(c["status"] == 200, "second call")
_, invite = [s for s in bnet.seen if s[1].method == "INVITE"][-1]
ours = invite.get("from")
host = bnet.conns[0]
host.send(f"BYE sip:127.0.2.1:5061;transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS {BNET[0]}:{BNET[1]};branch=z9hG4bKbye1\r\n"
          f"Max-Forwards: 70\r\nFrom: {invite.get('to')};tag=b{invite.get('call-id')[:8]}\r\nTo: {ours}\r\n"
          f"Call-ID: {invite.get('call-id')}\r\nCSeq: 5 BYE\r\nContent-Length: 0\r\n\r\n")
bye = roam.conn.recv()
check(bye and bye.method == "BYE", f"BYE over the alias: {bye and bye.start}")
pbx.react(roam.conn, bye)
print("  calls over TLS, by alias, by SNI and by certificate alone")
