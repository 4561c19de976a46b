# SPDX-License-Identifier: Apache-2.0
"""SIP ends that are none of ours: a telephone or a foreign proxy's user side, on one host, over UDP, TCP or TLS.

A Phone listens; place() makes a call, and what comes is answered as `plan` says: a list of (status, phrase[, headers]), by default 180 and
200 with SDP. Requests without an answer are sent again (RFC 3261 17.1), repeated requests get the same answer again, so a busy machine
changes nothing. Dialog.media is where the other side wants its RTP.
"""
import itertools
import re
import select
import socket
import ssl
import threading
import time

from . import net, rtp

T1_S = 0.5
PASSED_ON_S = 5  # a provisional answer that does not come through by then never will
OK = (200, "OK")
RING_AND_ANSWER = [(180, "Ringing"), OK]


class Message:
    def __init__(self, data):
        head, _, self.body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        self.start = lines[0]
        self.headers = [(n.strip().lower(), v.strip()) for n, _, v in (x.partition(":") for x in lines[1:])]
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0
        self.method = self.get("cseq").split()[-1] if self.status else self.start.split()[0]

    def all(self, name):
        return [v for n, v in self.headers if n == name]

    def get(self, name):
        return (self.all(name) or [""])[0]

    def media(self):
        """(address, port) of the first m-line; None without SDP."""
        c, m = re.search(r"(?m)^c=IN IP[46] ([^\s/]+)", self.body), re.search(r"(?m)^m=\w+ (\d+)", self.body)
        return (c.group(1), int(m.group(1))) if c and m else None

    def rtcp(self):
        """(address, port) of the first m-line's RTCP: the port of a=rtcp, that of the media with rtcp-mux, else the next one."""
        ip, port = self.media()
        named = re.search(r"(?m)^a=rtcp:(\d+)", self.body)
        mux = re.search(r"(?m)^a=rtcp-mux", self.body)
        return ip, port if mux else int(named.group(1)) if named else port + 1

    def branch(self):
        found = re.search(r"branch=([^;,\s]+)", self.get("via"))
        return found.group(1) if found else ""


def uri_host(ip):
    return f"[{ip}]" if ":" in ip else ip


def tag_of(value):
    found = re.search(r";\s*tag=([^;\s]+)", value)
    return found.group(1) if found else ""


class Dialog:
    """One call of a phone, either way."""

    def __init__(self, phone, to, call_id, remote=""):
        self.phone, self.to, self.id = phone, to, call_id
        self.tag, self.remote, self.local_uri, self.remote_uri, self.target, self.routes = phone.unique("t"), remote, "", "", "", []
        self.cseq, self.invite_cseq, self.invite, self.media, self.seen = 0, 0, None, None, []
        self.uri = ""

    def wait(self, what, seconds=15.0):
        """Until a status (number) of an INVITE, "200 BYE" or a request's method has come; @return the message."""
        def found():
            for m in self.seen:
                if (m.status == what and m.method == "INVITE") or what in (f"{m.status} {m.method}", m.method if not m.status else ""):
                    return m
            return None

        with self.phone.changed:
            if not self.phone.changed.wait_for(found, seconds * net.SCALE):
                got = ", ".join(m.start for m in self.seen) or "nothing"
                raise net.Failure(f"{self.phone.host} waited {seconds:g} s for {what}; it got {got}")
            return found()

    def final(self, seconds=15.0):
        """The final response to the INVITE."""
        def found():
            return next((m for m in self.seen if m.status >= 200 and m.method == "INVITE"), None)

        with self.phone.changed:
            if not self.phone.changed.wait_for(found, seconds * net.SCALE):
                got = ", ".join(m.start for m in self.seen) or "nothing"
                raise net.Failure(f"{self.phone.host} waited {seconds:g} s for a final response; it got {got}")
            return found()

    def request(self, method, body="", extra="", cseq=0, uri=""):
        if not cseq:
            self.cseq += 1
            cseq = self.cseq
        p = self.phone
        remote = f";tag={self.remote}" if self.remote else ""
        routes = "".join(f"Route: {r}\r\n" for r in self.routes)
        text = (f"{method} {uri or self.target} SIP/2.0\r\nVia: SIP/2.0/{p.transport.upper()} {uri_host(p.at[0])}:{p.at[1]};branch=z9hG4bK{p.unique('b')}\r\n"
                f"{routes}Max-Forwards: {p.max_forwards}\r\nFrom: <{self.local_uri}>;tag={self.tag}\r\nTo: <{self.remote_uri}>{remote}\r\n"
                f"Call-ID: {self.id}\r\nCSeq: {cseq} {method}\r\nContact: <{p.contact}>\r\n{extra}")
        p.send_request(self, with_body(text, body), method)

    def bye(self):
        self.seen = [m for m in self.seen if m.method != "BYE"]
        self.request("BYE")
        return self.wait("200 BYE")

    def reinvite(self, body):
        """Another offer in the call; @return the answer."""
        self.seen = [m for m in self.seen if m.method not in ("INVITE", "ACK")]
        self.request("INVITE", body)
        self.invite_cseq = self.cseq
        return self.wait(200)

    def cancel(self):
        text = re.sub(r"^INVITE", "CANCEL", self.invite.split("\r\n\r\n")[0]).replace(" INVITE\r\n", " CANCEL\r\n")
        text = re.sub(r"(?m)^Content-\w+:.*\r\n", "", text + "\r\n")
        self.phone.send(text + "Content-Length: 0\r\n\r\n", self.to)


def with_body(head, body):
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}"


class Phone:  # pylint: disable=too-many-instance-attributes
    """user at domain on a host; tls: an ssl context for a server, and in connect_tls one for a client."""

    numbers = itertools.count(1)

    def __init__(self, host, at, user, domain, transport="udp", tls=None, connect_tls=None):  # pylint: disable=too-many-arguments
        self.host, self.at, self.user, self.domain, self.transport = host, at, user, domain, transport
        self.contact = f"sip:{user}@{uri_host(at[0])}:{at[1]}" + (f";transport={transport}" if transport != "udp" else "")
        self.tls, self.connect_tls, self.max_forwards = tls, connect_tls, 70
        self.plan, self.pause_s, self.on_request, self.credentials = list(RING_AND_ANSWER), 0.05, None, None
        self.codecs, self.answered, self.errors = "8", {}, []
        self.attributes, self.others = [], []  # more lines of its descriptions; the telephones of the test-bed
        self.changed, self.dialogs, self.requests, self.waiting, self.open = threading.Condition(threading.RLock()), {}, [], {}, True
        self.connections, self.buffers = {}, {}
        self.media = rtp.Media(host, at[0], 30000 + 2 * next(Phone.numbers) % 10000)
        self.sock = net.udp_socket(host, at) if transport == "udp" else net.tcp_socket(host, at)
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def unique(self, word):
        return f"{word}{self.host}{next(Phone.numbers)}x"

    def close(self):
        self.open = False
        self.thread.join(2)
        for s in [self.sock, *self.connections.values()]:
            s.close()
        self.media.close()

    def sdp(self, direction="sendrecv", address=None, version=1):
        ip, port = address or self.media.at
        kind = "IP6" if ":" in ip else "IP4"
        lines = ["v=0", f"o={self.user} 1 {version} IN {kind} {ip}", "s=-", f"c=IN {kind} {ip}", "t=0 0", f"m=audio {port} RTP/AVP {self.codecs}",
                 *(f"a=rtpmap:{c} {n}" for c, n in (("0", "PCMU/8000"), ("8", "PCMA/8000")) if c in self.codecs.split()), f"a={direction}"]
        return "\r\n".join([*lines, *self.attributes]) + "\r\n"

    # ---- sockets
    def connection(self, to):
        """The open connection to an address, or a new one."""
        if to not in self.connections:
            s = net.tcp_socket(self.host, family=6 if ":" in to[0] else 4)
            s.settimeout(5)
            s.connect(to)
            if self.connect_tls:
                s = self.connect_tls.wrap_socket(s, server_hostname=None)
            self.connections[to] = s
            self.buffers[s] = b""
        return self.connections[to]

    def send(self, text, to):
        data = text.encode()
        try:
            if self.transport == "udp":
                self.sock.sendto(data, to)
            else:
                with self.changed:
                    self.connection(to).sendall(data)
        except OSError as e:
            self.errors.append(str(e))  # who waits for an answer finds out

    def loop(self):
        while self.open:
            self.repeat()
            socks = [self.sock, *(s for s in list(self.connections.values()) if s.fileno() >= 0)]
            try:
                ready, _, _ = select.select(socks, [], [], 0.05)
            except (OSError, ValueError):
                continue
            for s in ready:
                try:
                    self.readable(s)
                except (OSError, ssl.SSLError, KeyError):
                    self.drop(s)

    def drop(self, s):
        if s is not self.sock:
            self.connections = {k: v for k, v in self.connections.items() if v is not s}
            s.close()

    def readable(self, s):
        if self.transport == "udp":
            data, source = s.recvfrom(65536)
            if data.strip(b"\r\n\0"):
                self.received(data, source)
        elif s is self.sock:
            c, source = s.accept()
            c.settimeout(5)
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
            self.connections[source] = c
            self.buffers[c] = b""
        else:
            data = s.recv(65536)
            while isinstance(s, ssl.SSLSocket) and s.pending():
                data += s.recv(65536)
            if not data:
                self.drop(s)
                return
            self.buffers[s] += data
            self.cut(s, next(k for k, v in self.connections.items() if v is s))

    def cut(self, s, source):
        while True:
            buf = self.buffers[s].lstrip(b"\r\n")
            end = buf.find(b"\r\n\r\n")
            if end < 0:
                return
            n = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", buf[:end], re.I)
            size = end + 4 + (int(n.group(1)) if n else 0)
            if len(buf) < size:
                return
            self.buffers[s] = buf[size:]
            self.received(buf[:size], source)

    # ---- messages
    def send_request(self, dialog, text, method):
        branch = Message(text.encode()).branch()
        if method == "INVITE":
            dialog.invite = text
        if method != "ACK" and self.transport == "udp":
            with self.changed:
                self.waiting[branch] = [text, dialog.to, time.monotonic() + T1_S, T1_S]
        self.send(text, dialog.to)

    def repeat(self):
        with self.changed:
            for branch, w in list(self.waiting.items()):
                if time.monotonic() >= w[2]:
                    w[3] *= 2
                    w[2] += w[3]
                    self.send(w[0], w[1])
                    if w[3] > 16:
                        del self.waiting[branch]

    def received(self, data, source):
        m = Message(data)
        with self.changed:
            again = self.answered.get((m.branch(), m.method))
            if m.status:
                self.response(m)
            elif again is not None:  # repeated: so is what was said to it so far
                for text in again:
                    self.send(text, source)
            else:
                self.requests.append(m)
                if m.method != "ACK":
                    self.answered[(m.branch(), m.method)] = []
                self.request(m, source)
            self.changed.notify_all()

    def response(self, m):
        self.waiting.pop(m.branch(), None)
        d = self.dialogs.get(m.get("call-id"))
        if not d:
            return
        d.seen.append(m)
        if m.method != "INVITE" or m.status < 200:
            return
        cseq = int(m.get("cseq").split()[0])
        if m.status < 300:
            d.remote = tag_of(m.get("to"))
            contact = re.search(r"<([^>]+)>", m.get("contact"))
            d.target = contact.group(1) if contact else d.target
            d.routes = list(reversed(m.all("record-route")))
            d.media = m.media() or d.media
            d.request("ACK", cseq=cseq)
        else:
            text = re.sub(r"^INVITE", "ACK", d.invite.split("\r\n\r\n")[0]).replace(" INVITE\r\n", " ACK\r\n")
            text = re.sub(r"(?m)^(Content-\w+|Contact):.*\r\n", "", text + "\r\n")
            self.send(re.sub(r"(?m)^To:.*\r\n", f"To: {m.get('to')}\r\n", text) + "Content-Length: 0\r\n\r\n", d.to)

    def respond(self, m, source, status, phrase, body="", extra="", tag=""):  # pylint: disable=too-many-arguments
        to = m.get("to")
        if tag and status > 100 and not tag_of(to):
            to += f";tag={tag}"
        head = (f"SIP/2.0 {status} {phrase}\r\n" + "".join(f"Via: {v}\r\n" for v in m.all("via")) + "".join(f"Record-Route: {v}\r\n" for v in m.all("record-route")) +
                f"From: {m.get('from')}\r\nTo: {to}\r\nCall-ID: {m.get('call-id')}\r\nCSeq: {m.get('cseq')}\r\n"
                + ("" if "Contact:" in extra else f"Contact: <{self.contact}>\r\n") + extra)
        text = with_body(head, body)
        self.answered.setdefault((m.branch(), m.method), []).append(text)
        self.send(text, source)

    def request(self, m, source):
        if self.on_request and self.on_request(self, m, source):
            return
        d = self.dialogs.get(m.get("call-id"))
        if m.method == "INVITE" and d is None:
            d = self.dialogs[m.get("call-id")] = Dialog(self, source, m.get("call-id"), tag_of(m.get("from")))
            d.remote_uri = re.search(r"<?(sips?:[^>;\s]+|tel:[^>;\s]+)", m.get("from")).group(1)
            d.local_uri = re.search(r"<?(sips?:[^>;\s]+|tel:[^>;\s]+)", m.get("to")).group(1)
            d.uri, d.request_in, d.source = m.start.split()[1], m, source
            threading.Thread(target=self.follow_plan, args=(d, m, source, list(self.plan)), daemon=True).start()
        elif m.method == "INVITE":
            d.media = m.media() or d.media
            direction = re.search(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)", m.body)
            answer = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(direction.group(1) if direction else "", direction.group(1) if direction else "sendrecv")
            self.respond(m, source, 200, "OK", self.sdp(answer, version=2))
        elif m.method != "ACK":
            self.respond(m, source, 200, "OK", tag=d.tag if d else "x")
        if d:
            contact = re.search(r"<([^>]+)>", m.get("contact"))
            d.target = contact.group(1) if contact else d.target
            if m.method == "INVITE":
                d.routes, d.media = m.all("record-route"), m.media() or d.media
            d.seen.append(m)

    def follow_plan(self, d, m, source, plan):
        for i, (status, phrase, *extra) in enumerate(plan):
            if i:
                self.passed_on(plan[i - 1][0])
            with self.changed:
                self.respond(m, source, status, phrase, self.sdp() if status in (183, 200) else "", extra[0] if extra else "", d.tag)

    def passed_on(self, status):
        """Until whoever waits for an answer to an INVITE has got this provisional one, for in a drawing it comes before the next."""
        def unaware(phone):
            placed = [d.seen[:] for d in list(phone.dialogs.values()) if d.invite and not d.uri]
            answers = [[m.status for m in seen if m.method == "INVITE"] for seen in placed]
            return any(max(a, default=0) < 200 and status not in a for a in answers)

        end = time.monotonic() + PASSED_ON_S
        while status > 100 and any(unaware(p) for p in self.others if p is not self) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(self.pause_s)

    # ---- what a test does
    def answer(self, d, plan=(OK,)):
        """The rest of a plan that did not answer yet."""
        self.follow_plan(d, d.request_in, d.source, plan)

    def place(self, uri, to, extra="", body=None):
        """INVITE uri, sent to an address; @return the Dialog at once."""
        d = Dialog(self, to, f"{self.unique('c')}@{self.domain}")
        d.local_uri, d.remote_uri, d.target = f"sip:{self.user}@{self.domain}", uri, uri
        d.media_offer = body
        with self.changed:
            self.dialogs[d.id] = d
            d.request("INVITE", self.sdp() if body is None else body, extra)
            d.invite_cseq = d.cseq
        return d

    def incoming(self, seconds=15.0, after=0):
        """The dialog of the newest call that came in, once there are more than `after`."""
        def calls():
            return [d for d in self.dialogs.values() if d.uri]

        with self.changed:
            if not self.changed.wait_for(lambda: len(calls()) > after, seconds * net.SCALE):
                raise net.Failure(f"no call came to {self.host} within {seconds:g} s")
            return calls()[-1]

    @staticmethod
    def default_address(ip, port=5060):
        return (ip, port)


def address_info(ip):
    return socket.AF_INET6 if ":" in ip else socket.AF_INET
