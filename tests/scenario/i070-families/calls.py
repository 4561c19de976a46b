#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: calls.py PKI - see run.sh"""
import socket
import sys
import threading

from sip_tls import Caller, Server, check, client_context, connect, datagrams, host, server_context, until

PKI = sys.argv[1]
PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
context = client_context(f"{PKI}/ca.pem", f"{PKI}/pbx.pem", f"{PKI}/pbx.key", True)
server = server_context(f"{PKI}/bnet.pem", f"{PKI}/bnet.key", f"{PKI}/ca.pem")


class Datagrams:
    """bnet over UDP, with what the others have: seen."""

    def __init__(self, at):
        self.seen = []
        far = self

        class Watched:
            def __init__(self, sock):
                self.sock = sock

            def recvfrom(self, n):
                data, source = self.sock.recvfrom(n)
                far.seen.append(data.decode())
                return data, source

            def sendto(self, data, to):
                return self.sock.sendto(data, to)

        s = socket.socket(socket.AF_INET6 if ":" in at[0] else socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(at)
        threading.Thread(target=Server.serve_udp, args=(Watched(s), at), daemon=True).start()

    def invite(self):
        return [t for t in self.seen if t.startswith("INVITE ")][-1]

    def count(self):
        return len([t for t in self.seen if t.startswith("BYE ")])


class Streams(Server):
    def invite(self):
        m = [m for _, m in self.seen if m.method == "INVITE"][-1]
        return "\r\n".join([m.start] + [f"{n}: {v}" for n, v in m.headers] + ["", m.body.decode()])

    def count(self):
        return self.methods().count("BYE")


callees = []
for ip, sbe in (("10.2.0.20", "10.2.0.1"), ("fd00:2::20", "fd00:2::1")):
    for proto in ("UDP", "TCP", "TLS"):
        at = (ip, PORT[proto])
        far = Datagrams(at) if proto == "UDP" else Streams(at, server if proto == "TLS" else None, proto)
        callees.append((proto, sbe, far))

done = 0
for ip, sbe in (("10.1.0.10", "10.1.0.1"), ("fd00:1::10", "fd00:1::1")):
    for proto in ("UDP", "TCP", "TLS"):
        to, me = (sbe, PORT[proto]), (ip, PORT[proto])
        conn = datagrams(me, to) if proto == "UDP" else connect(ip, to, context if proto == "TLS" else None, "sbe.a.example")
        caller = Caller(conn, me, alias=proto == "TLS", proto=proto)
        for n, (out, ours, far) in enumerate(callees):
            what = f"{proto} {ip} to {out} {ours}"
            caller.number = f"+{n + 1}"
            before = far.count()
            call = caller.invite()
            check(call["status"] == 200, f"{what}: {call['status']} {call['answer'].all('reason')}")
            kind = "IP6 fd00:1::2" if ":" in ip else "IP4 10.1.0.2"
            check(f"c=IN {kind}\r\n".encode() in call["answer"].body, f"{what}: {call['answer'].body}")
            check(host(sbe) in call["answer"].get("contact"), f"{what}: {call['answer'].get('contact')}")
            check(caller.bye(call) == 200, f"{what}: BYE")
            until(f"{what}: BYE of the callee", lambda f=far, b=before: f.count() == b + 1)
            text = far.invite()
            kind = "IP6 fd00:2::2" if ":" in ours else "IP4 10.2.0.2"
            check(f"SIP/2.0/{out} {host(ours)}:{PORT[out]};" in text and f"@{host(ours)}" in text or f"<sip:{host(ours)}:{PORT[out]}" in text, f"{what}: {text}")
            check(f"c=IN {kind}\r\n" in text, f"{what}: {text}")
            check(ip not in text and sbe not in text, f"{what}: an inner address leaks: {text}")
            done += 1
        conn.close()
print(f"  {done} calls, each transport and family to each other")
