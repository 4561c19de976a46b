# SPDX-License-Identifier: Apache-2.0
"""A small SIP user agent over TLS or TCP for scenarios, for sipp has no TLS: blocking, one connection or server each, bounded waits.

Conn is one connection with its messages; Caller makes calls over one; Server answers calls on a listening socket, with a thread for
each connection, and writes down what it got.
"""
import itertools
import os
import re
import socket
import ssl
import threading
import time

WAIT = 10 * float(os.environ.get("SPEER_TIMEOUT_SCALE", "1"))
ids = itertools.count(1)


def client_context(ca, cert=None, key=None, name=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(ca)
    c.check_hostname = name is not None
    if cert:
        c.load_cert_chain(cert, key)
    return c


def server_context(cert, key, ca=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(cert, key)
    if ca:
        c.load_verify_locations(ca)
        c.verify_mode = ssl.CERT_REQUIRED
    return c


class Message:
    def __init__(self, head, body):
        lines = head.decode("utf-8", "replace").split("\r\n")
        self.start, self.body, self.headers = lines[0], body, []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0
        self.method = "" if self.status else self.start.split()[0]

    def all(self, name):
        return [v for n, v in self.headers if n == name]

    def get(self, name):
        return (self.all(name) or [""])[0]


class Conn:
    def __init__(self, sock):
        self.sock, self.buf, self.lock = sock, b"", threading.Lock()
        self.raw = 0  # bytes that came

    def send(self, text):
        with self.lock:
            self.sock.sendall(text.encode())

    def recv(self, wait=WAIT):
        """The next message; None when the far end has closed. TimeoutError."""
        until = time.monotonic() + wait
        while True:
            self.buf = self.buf.lstrip(b"\r\n")
            at = self.buf.find(b"\r\n\r\n")
            if at >= 0:
                n = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", self.buf[:at], re.I)
                end = at + 4 + (int(n.group(1)) if n else 0)
                if len(self.buf) >= end:
                    m = Message(self.buf[:at], self.buf[at + 4:end])
                    self.buf = self.buf[end:]
                    return m
            self.sock.settimeout(max(0.001, until - time.monotonic()))
            try:
                data = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError) as e:
                if isinstance(e, ssl.SSLError) and "timed out" in str(e):
                    raise TimeoutError from e
                return None
            if not data:
                return None
            self.raw += len(data)
            self.buf += data

    def close(self, reader=None):
        """reader: the thread that reads it; its descriptor must not become another connection's under it."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if reader:
            reader.join(WAIT)
        self.sock.close()


def host(ip):
    """As it stands in a URI."""
    return f"[{ip}]" if ":" in ip else ip


def datagrams(local, to):
    """A Conn over UDP; local: (ip, port)."""
    s = socket.socket(socket.AF_INET6 if ":" in local[0] else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(local)
    s.connect(to)
    return Conn(s)


def connect(local, to, context=None, name=None, wait=WAIT):
    s = socket.create_connection(to, timeout=wait, source_address=(local, 0))
    return Conn(context.wrap_socket(s, server_hostname=name) if context else s)


def sdp(ip, port=30000):
    kind = "IP6" if ":" in ip else "IP4"
    return (f"v=0\r\no=- 1 1 IN {kind} {ip}\r\ns=-\r\nc=IN {kind} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
            "a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n")


def with_body(head, body):
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}"


def respond(m, status, phrase, contact, body="", tag="b"):
    to = m.get("to")
    if ";tag=" not in to and status > 100:
        to += f";tag={tag}{m.get('call-id')[:8]}"
    head = f"SIP/2.0 {status} {phrase}\r\n" + "".join(f"Via: {v}\r\n" for v in m.all("via"))
    head += "".join(f"Record-Route: {v}\r\n" for v in m.all("record-route"))
    head += f"From: {m.get('from')}\r\nTo: {to}\r\nCall-ID: {m.get('call-id')}\r\nCSeq: {m.get('cseq')}\r\nContact: <{contact}>\r\n"
    return with_body(head, body)


class Caller:
    """Calls over one connection. me: (ip, port) in Via and Contact."""

    def __init__(self, conn, me, alias=True, proto="TLS", number="+44", domain="a.example"):
        self.conn, self.me, self.proto, self.number, self.domain = conn, me, proto, number, domain
        self.alias = ";alias" if alias else ""
        self.at = f"{host(me[0])}:{me[1]}"
        self.contact = f"sip:alice@{self.at};transport={proto.lower()}"

    def request(self, method, uri, call, cseq, to="", body="", extra=""):
        branch = f"z9hG4bK{os.getpid()}{next(ids)}"
        number = f"{self.number}{call['n']}"
        head = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.proto} {self.at};branch={branch}{self.alias}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:alice@{host(self.me[0])}>;tag={call['tag']}\r\nTo: <sip:{number}@{self.domain}>{to}\r\n"
                f"Call-ID: {call['id']}\r\nCSeq: {cseq} {method}\r\nContact: <{self.contact}>\r\n{extra}")
        self.conn.send(with_body(head, body))

    def final(self, call, method):
        """The final response of a request; what else comes is answered or dropped."""
        while True:
            m = self.conn.recv()
            if m is None:
                raise ConnectionError("closed")
            if m.status >= 200 and m.get("call-id") == call["id"] and m.get("cseq").endswith(method):
                return m
            if m.method == "OPTIONS":
                self.conn.send(respond(m, 200, "OK", self.contact))

    def options(self):
        n = next(ids)
        call = {"n": n, "tag": f"a{n}", "id": f"o{os.getpid()}x{n}@{self.me[0]}"}
        self.request("OPTIONS", f"sip:{self.domain}", call, 1)
        return self.final(call, "OPTIONS")

    def invite(self, scheme="sip", extra=""):
        n = next(ids)
        call = {"n": n, "tag": f"a{n}", "id": f"c{os.getpid()}x{n}@{self.me[0]}"}
        uri = f"{scheme}:{self.number}{n}@{self.domain}"
        self.request("INVITE", uri, call, 1, body=sdp(self.me[0]), extra=extra)
        m = self.final(call, "INVITE")
        call["to"] = ";tag=" + m.get("to").partition(";tag=")[2]
        call["status"], call["answer"] = m.status, m
        found = re.search(r"<([^>]+)>", m.get("contact"))
        call["target"] = found.group(1) if found else uri
        self.request("ACK", call["target"] if m.status < 300 else uri, call, 1, call["to"])
        return call

    def bye(self, call):
        self.request("BYE", call["target"], call, 2, call["to"])
        return self.final(call, "BYE").status

    def call(self, seconds=0):
        c = self.invite()
        if c["status"] != 200:
            return c["status"]
        time.sleep(seconds)
        return self.bye(c)


class Server:
    """Answers calls. seen: (connection number, Message); bytes: all that came, before any TLS too."""

    def __init__(self, at, context=None, proto="TLS", answer=True):
        self.at, self.context, self.proto, self.answer = at, context, proto, answer
        self.contact = f"sip:bob@{host(at[0])}:{at[1]};transport={proto.lower()}"
        self.seen, self.conns, self.errors, self.accepted = [], [], [], 0
        self.readers = {}
        self.sock = socket.socket(socket.AF_INET6 if ":" in at[0] else socket.AF_INET)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(at)
        self.sock.listen(64)
        self.accepting = threading.Thread(target=self.accept, daemon=True)
        self.accepting.start()

    def accept(self):
        while True:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(s, self.accepted), daemon=True).start()

    def serve(self, s, number):
        try:
            s.settimeout(WAIT)
            c = Conn(self.context.wrap_socket(s, server_side=True) if self.context else s)
        except (OSError, ssl.SSLError) as e:
            self.errors.append(str(e))
            s.close()
            return
        self.readers[c] = threading.current_thread()
        self.conns.append(c)
        while True:
            try:
                m = c.recv(600)
            except (TimeoutError, OSError):
                return
            if m is None:
                return
            self.seen.append((number, m))
            if self.answer:
                self.react(c, m)

    def react(self, c, m):
        if m.method == "INVITE":
            c.send(respond(m, 180, "Ringing", self.contact))
            c.send(respond(m, 200, "OK", self.contact, sdp(self.at[0])))
        elif m.method and m.method != "ACK":
            c.send(respond(m, 200, "OK", self.contact))

    @staticmethod
    def serve_udp(sock, at, seen=None):
        """The same over a datagram socket, until it is closed."""
        contact = f"sip:bob@{host(at[0])}:{at[1]}"
        while True:
            try:
                data, source = sock.recvfrom(65536)
            except OSError:
                return
            head, _, body = data.partition(b"\r\n\r\n")
            m = Message(head, body)
            if seen is not None:
                seen.append((m.method, len(data)))
            if m.method == "INVITE":
                sock.sendto(respond(m, 200, "OK", contact, sdp(at[0])).encode(), source)
            elif m.method and m.method != "ACK":
                sock.sendto(respond(m, 200, "OK", contact).encode(), source)

    def methods(self):
        return [m.method or m.status for _, m in self.seen]

    def close_all(self):
        for c in self.conns:
            c.close(self.readers.pop(c))
        self.conns = []

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.accepting.join(WAIT)
        self.sock.close()
        self.close_all()


def until(what, condition, wait=WAIT):
    end = time.monotonic() + wait
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"FAIL: waited {wait} s for: {what}")
        time.sleep(0.02)


def check(ok, what):
    if not ok:
        raise SystemExit(f"FAIL: {what}")
