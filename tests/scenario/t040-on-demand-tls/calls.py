#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: calls.py PKI SPEERCTL SOCKET - see run.sh"""
import json
import socket
import subprocess
import sys

from sip_tls import Caller, Server, check, connect, server_context, until

PKI, CTL, SOCKET = sys.argv[1:4]
PBX, CORE = ("127.0.1.10", 5060), ("127.0.1.1", 5060)


def tls(name, ip):
    return Server((ip, 5061), server_context(f"{PKI}/{name}.pem", f"{PKI}/{name}.key", f"{PKI}/ca.pem"))


def clear_watch(ip):
    """Sockets that must stay silent: SIP in clear, both transports."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((ip, 5060))
    udp.setblocking(False)
    return udp, Server((ip, 5060), proto="TCP")


def silent(watch, what):
    udp, tcp = watch
    try:
        check(False, f"{what}: in clear: {udp.recv(4096)}")
    except BlockingIOError:
        pass
    check(not tcp.accepted, f"{what}: a connection in clear")


def asked():
    out = subprocess.run([CTL, "-s", SOCKET, "-o", "json", "stats", "show"], stdout=subprocess.PIPE, check=True).stdout
    d = json.loads(out)
    return sum(r[1] for r in d.get("data", d)["rows"] if 'sbe_dns_questions_total{from="server"}' in r[0])


servers = {ip: tls(name, ip) for name, ip in (("far", "127.0.2.50"), ("rogue", "127.0.2.66"), ("forged", "127.0.2.67"), ("half", "127.0.2.51"))}
clear = {ip: clear_watch(ip) for ip in [*servers, "127.0.2.68"]}
line = connect(PBX[0], CORE)


def call(domain):
    pbx = Caller(line, PBX, alias=False, proto="TCP", number="bob", domain=domain)
    return pbx.call()


# the first call asks and connects, the second does neither
before = asked()
check(call("far.example") == 200, "the first call")
questions, far = asked() - before, servers["127.0.2.50"]
check(3 <= questions <= 6 and far.accepted == 1, f"{questions} questions, {far.accepted} connections")
check(call("far.example") == 200, "the second call")
check(asked() - before == questions and far.accepted == 1, f"again: {asked() - before - questions} questions, {far.accepted} connections")
until("both calls", lambda: far.methods() == ["INVITE", "ACK", "BYE"] * 2)
print(f"  found and called: {questions} questions, one handshake for two calls")

# no host SRV names has the domain's certificate: nobody hears of the call
status = call("forged.example")
raw = {ip: sum(c.raw for c in servers[ip].conns) for ip in ("127.0.2.66", "127.0.2.67")}
check(status in (480, 503) and not any(raw.values()), f"forged: {status}, {raw} bytes of SIP")
print(f"  forged: {status}, no byte of SIP to either host")

# the first host is not of the domain, the second is
check(call("half.example") == 200, "the second record is good")
check(not sum(c.raw for c in servers["127.0.2.66"].conns), "the rogue host got SIP")
print("  half forged: answered by the good host")

# a domain that offers SIP in clear only, to a template that asks for TLS
status = call("clear.example")
check(status in (404, 480, 503), f"clear: {status}")
print(f"  clear only: {status}")
# and one whose TLS is gone
far.close()
status = call("far.example")
check(status in (480, 503), f"TLS is gone: {status}")
for ip, watch in clear.items():
    silent(watch, ip)
print(f"  TLS gone: {status}, nothing in clear")
