# SPDX-License-Identifier: Apache-2.0
"""A provider's own proxy (RFC 3261 16) over UDP: it keeps no state, stays in the way by Record-Route, and sends where `where` says."""
import random
import re
import socket
import struct
import threading

from . import net
from .sip import Message

NAPTR = 35


class Proxy:
    """where(uri) -> (new uri, Route set or [], (address, port)) for a request outside a dialog, or None: 404."""

    def __init__(self, host, at, where):
        self.host, self.at, self.where = host, at, where
        self.sock, self.open = net.udp_socket(host, at), True
        self.sock.settimeout(0.2)
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def close(self):
        self.open = False
        self.thread.join(2)
        self.sock.close()

    def loop(self):
        while self.open:
            try:
                data, source = self.sock.recvfrom(65536)
            except socket.timeout:
                continue
            if data.strip(b"\r\n\0"):
                self.take(data.decode(), source)

    def take(self, text, source):
        m = Message(text.encode())
        head, _, body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        if m.status:
            self.back(lines, body)
            return
        me = f"{self.at[0]}:{self.at[1]}"
        for i, x in enumerate(lines):
            if x.lower().startswith("max-forwards:"):
                lines[i] = f"Max-Forwards: {int(x.split(':')[1]) - 1}"
            if x.lower().startswith("via:"):
                break
        first = next(i for i, x in enumerate(lines) if x.lower().startswith("via:"))
        lines[first] += f";received={source[0]};rport={source[1]}" if ";rport=" not in lines[first] else ""
        routes = [x for x in lines if x.lower().startswith("route:")]
        uri, inside = lines[0].split()[1], bool(re.search(r";tag=", m.get("to")))
        if routes and me in routes[0]:
            lines.remove(routes.pop(0))
        if routes:
            to = target_of(routes[0])
        elif inside or m.method in ("ACK", "CANCEL") and not self.where(uri):
            to = target_of(uri)
        else:
            found = self.where(uri)
            if not found:
                self.refuse(m, source)
                return
            uri, more, to = found
            lines[0] = f"{m.method} {uri} SIP/2.0"
            lines[1:1] = [f"Route: <{r}>" for r in more]
        branch = f"z9hG4bKp{abs(hash(m.branch())) % 10**12:x}"
        lines.insert(1, f"Via: SIP/2.0/UDP {me};branch={branch}")
        if m.method == "INVITE" and not inside:
            lines.insert(2, f"Record-Route: <sip:{me};lr>")
        lines = [f"Max-Forwards: {int(x.split(':')[1]) - 1}" if x.lower().startswith("max-forwards:") and i > first else x for i, x in enumerate(lines)]
        self.sock.sendto("\r\n".join([*lines, "", body]).encode(), to)

    def refuse(self, m, source):
        if m.method != "ACK":
            vias = "".join(f"Via: {v}\r\n" for v in m.all("via"))
            self.sock.sendto((f"SIP/2.0 404 Not Found\r\n{vias}From: {m.get('from')}\r\nTo: {m.get('to')};tag=p\r\nCall-ID: {m.get('call-id')}\r\n"
                              f"CSeq: {m.get('cseq')}\r\nContent-Length: 0\r\n\r\n").encode(), source)

    def back(self, lines, body):
        """A response: our Via goes, the next one says where to."""
        lines.remove(next(x for x in lines if x.lower().startswith("via:")))
        via = next(x for x in lines if x.lower().startswith("via:"))
        received, port = re.search(r";received=([^;\s]+)", via), re.search(r";rport=(\d+)", via)
        sent_by = re.search(r"SIP/2\.0/\w+ ([^;\s]+)", via).group(1)
        to = (received.group(1) if received else sent_by.split(":")[0], int(port.group(1)) if port else int((sent_by.split(":") + ["5060"])[1]))
        self.sock.sendto("\r\n".join([*lines, "", body]).encode(), to)


def target_of(value):
    """(address, port) of a numeric URI."""
    ip, _, port = re.search(r"sips?:(?:[^@>]*@)?([0-9.:]+)", value).group(1).partition(":")
    return (ip, int(port or 5060))


def enum(host, server, number, root):
    """What ENUM says of a number (RFC 6116): the first URI of E2U+sip, or None. The question is asked from the host."""
    name = ".".join(reversed(re.sub(r"\D", "", number))) + "." + root
    query = struct.pack(">HHHHHH", random.randrange(65536), 0x100, 1, 0, 0, 0)
    query += b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0" + struct.pack(">HH", NAPTR, 1)
    with net.inside(host):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(3)
    s.sendto(query, (server, 53))
    answer = s.recv(4096)
    s.close()
    m = re.search(rb"E2U\+sip.!([^!]*)!([^!]*)!", answer)
    return re.sub(m.group(1).decode(), m.group(2).decode(), number) if m else None
