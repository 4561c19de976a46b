#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends the torture messages of RFC 4475 and RFC 5118 to an sbe and holds what comes back against table.json.

usage: torture.py all udp|tcp|tls [CA.pem]    each message, as it is and with the transport in its top Via made true
       torture.py shuffled COUNT SEED         over UDP and TCP, in random order, each in a transaction of its own
       torture.py docs                        docs/torture.md on stdout

The sbe listens at 127.0.1.1 (calls come from 127.0.1.10) and sends calls to us at 127.0.2.20. After each message an OPTIONS must
be answered as if nothing had been. Exit 1 with one line for each rule that is broken.
"""
import json
import os
import random
import re
import socket
import ssl
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CALLER, CALLEE = "127.0.1.10", ("127.0.2.20", 5060)
SBE = {"udp": ("127.0.1.1", 5060), "tcp": ("127.0.1.1", 5060), "tls": ("127.0.1.1", 5061)}
WITHIN_MS = 100 * int(os.environ.get("SPEER_TIMEOUT_SCALE", "1"))
QUIET_S = 0.15  # a drop is silence for so long
TABLE = json.load(open(os.path.join(HERE, "table.json"), encoding="utf-8"))
broken = []


def wrong(name, text):
    broken.append(name)
    print(f"FAIL: {name}: {text}", flush=True)


def message(name):
    with open(os.path.join(HERE, "messages", name + ".dat"), "rb") as f:
        return f.read()


def field(data, *names):
    """First value of a header, folds included; None if it is not there."""
    for n in names:
        m = re.search(rb"(?im)^" + n + rb"[ \t]*:[ \t]*((?:\r\n[ \t]|[^\r])*)", data.partition(b"\r\n\r\n")[0])
        if m:
            return m.group(1)
    return None


def call_id(data):
    return field(data, b"Call-ID", b"i")


def status(data):
    return int(data.split(b" ", 2)[1]) if data.startswith(b"SIP/2.0 ") else 0


def unique(data, mark):
    """The same message in a dialog and transaction of its own."""
    data = re.sub(rb"(?im)^((?:call-id|i)[ \t]*:[^\r]*)", lambda m: m.group(1) + mark, data)
    return re.sub(rb"(?i)(branch=z9hG4bK[^;,\s]+)", lambda m: m.group(1) + mark, data)


def true_transport(data, kind):
    return re.sub(rb"(?im)^((?:via|v)\s*:\s*SIP\s*/\s*[0-9.]+\s*/\s*)\w+", lambda m: m.group(1) + kind.upper().encode(), data, count=1)


# ---- sockets: send(data), recv(seconds) -> a message, None (nothing), b"" (closed)

class Udp:
    PORTS = (5060, 5050, 6050, 19823)  # where the Vias of the messages want their answers

    def __init__(self):
        self.s = []
        for port in self.PORTS:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((CALLER, port))
            s.setblocking(False)
            self.s.append(s)

    def send(self, data):
        self.s[0].sendto(data, SBE["udp"])

    def recv(self, seconds):
        import select
        ready = select.select(self.s, [], [], max(0, seconds))[0]
        return ready[0].recv(65536) if ready else None

    def close(self):
        for s in self.s:
            s.close()


class Stream:
    def __init__(self, kind, ca=None, accepted=None):
        self.buf = b""
        if accepted:
            self.s = accepted
            return
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.bind((CALLER, 0))
        s.settimeout(5)
        s.connect(SBE[kind])
        if kind == "tls":
            context = ssl.create_default_context(cafile=ca)
            s = context.wrap_socket(s, server_hostname="127.0.1.1")
        self.s = s

    def send(self, data):
        self.s.sendall(data)

    def whole(self):
        head, gap, body = self.buf.partition(b"\r\n\r\n")
        n = int(field(self.buf, b"Content-Length", b"l") or 0)
        if not gap or len(body) < n:
            return None
        self.buf = body[n:]
        return head + gap + body[:n]

    def recv(self, seconds):
        end = time.monotonic() + seconds
        while True:
            got = self.whole()
            if got:
                return got
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.s.settimeout(left)
            try:
                more = self.s.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                return None
            except OSError:
                return b""
            if not more:
                return b""
            self.buf += more

    def close(self):
        self.s.close()


# ---- the callee

def answer_of(offer):
    """An answer that takes every stream as it was offered."""
    lines = ["v=0", "o=callee 1 1 IN IP4 127.0.2.20", "s=-", "c=IN IP4 127.0.2.20", "t=0 0"]
    port = 40000
    for media in re.findall(rb"(?m)^m=[^\r\n]*(?:\r?\n(?!m=)[^\r\n]*)*", offer):
        words = media.split(b"\n")[0].decode("latin-1").split()
        port += 2
        lines.append(f"{words[0]} {port} " + " ".join(words[2:]))
        lines += [a.strip() for a in media.decode("latin-1").split("\n")[1:] if a.startswith("a=rtpmap")]
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


class Callee(threading.Thread):
    """Answers every INVITE, or first sends what `script` holds. Keeps what it has seen."""

    def __init__(self):
        super().__init__(daemon=True)
        self.u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.u.bind(CALLEE)
        self.l = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.l.bind(CALLEE)
        self.l.listen(16)
        self.lock = threading.Condition()
        self.seen, self.script, self.hold = [], None, 0
        threading.Thread(target=self.accept, daemon=True).start()
        self.start()

    def accept(self):
        while True:
            s, _ = self.l.accept()
            threading.Thread(target=self.stream, args=(Stream("tcp", accepted=s),), daemon=True).start()

    def stream(self, s):
        while True:
            data = s.recv(60)
            if data == b"":
                return
            if data:
                self.take(data, s.send)

    def run(self):
        while True:
            data, source = self.u.recvfrom(65536)
            self.take(data, lambda d, to=source: self.u.sendto(d, to))

    def reply(self, data, line, body=b"", tag=b";tag=callee"):
        heads = [h for h in data.partition(b"\r\n\r\n")[0].split(b"\r\n") if re.match(rb"(?i)(via|v|from|f|call-id|i|cseq|record-route)[ \t]*:", h)]
        to = re.search(rb"(?im)^(?:to|t)[ \t]*:[^\r]*", data).group(0)
        if b"tag=" not in to:
            to += tag
        heads += [to, b"Contact: <sip:callee@127.0.2.20:5060>"]
        if body:
            heads.append(b"Content-Type: application/sdp")
        return b"\r\n".join([b"SIP/2.0 " + line, *heads, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body

    def take(self, data, send):
        method = data.split(b" ", 1)[0]
        with self.lock:
            self.seen.append((time.monotonic(), data))
            first, self.script = (self.script, None) if method == b"INVITE" else (None, None if method == b"INVITE" else self.script)
            hold = self.hold
            self.lock.notify_all()
        if method in (b"BYE", b"CANCEL", b"OPTIONS"):
            send(self.reply(data, b"200 OK"))
        if method != b"INVITE":
            return
        if first:
            send(first(data))
        if hold:  # what was sent first shows what it does in this time
            threading.Timer(hold, lambda: send(self.reply(data, b"200 OK", answer_of(data.partition(b"\r\n\r\n")[2])))).start()
        else:
            send(self.reply(data, b"200 OK", answer_of(data.partition(b"\r\n\r\n")[2])))

    def got(self, method, since, seconds=2):
        with self.lock:
            end = time.monotonic() + seconds
            while True:
                found = [d for t, d in self.seen if t >= since and d.startswith(method + b" ")]
                if found or time.monotonic() > end:
                    return found
                self.lock.wait(max(0, end - time.monotonic()))


# ---- one message

counter = 0


def options(kind, link):
    global counter
    counter += 1
    ident = f"canary{counter}-{os.getpid()}"
    data = (f"OPTIONS sip:127.0.1.1 SIP/2.0\r\nVia: SIP/2.0/{kind.upper()} {CALLER}:5060;branch=z9hG4bK{ident}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:x@{CALLER}>;tag=f\r\nTo: <sip:127.0.1.1>\r\nCall-ID: {ident}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()
    link.send(data)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        got = link.recv(end - time.monotonic())
        if got == b"":
            return False
        if got and call_id(got) == ident.encode():
            return status(got) == 200
    return False


def finish_call(kind, link, sent, ok):
    """ACK and BYE; both must arrive at the callee."""
    target = re.search(rb"(?im)^contact[ \t]*:[^<\r]*<([^>]*)>", ok).group(1)
    heads = b"\r\n".join([b"Max-Forwards: 70", b"From: " + field(ok, b"From", b"f"), b"To: " + field(ok, b"To", b"t"),
                          b"Call-ID: " + call_id(ok), b"Content-Length: 0"]) + b"\r\n\r\n"
    number = int(re.match(rb"\s*(\d+)", field(ok, b"CSeq")).group(1))
    for method, n in ((b"ACK", number), (b"BYE", number + 1)):
        via = f"\r\nVia: SIP/2.0/{kind.upper()} {CALLER}:5060;branch=z9hG4bK{method.decode()}{time.monotonic_ns()}\r\nCSeq: {n} {method.decode()}\r\n"
        link.send(method + b" " + target + b" SIP/2.0" + via.encode() + heads)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        got = link.recv(end - time.monotonic())
        if got and status(got) == 200 and b"BYE" in (field(got, b"CSeq") or b""):
            return True
        if got == b"":
            break
    return False


def same_call(got, data):
    """Whether got may belong to data: a late copy of the answer to an earlier message does not, and UDP brings those."""
    ident, known = call_id(data), call_id(got)
    return ident is None or known is None or known == ident


def finals(link, data, seconds, want):
    """What is said to data: final statuses with their texts, 'closed' at last if it was. Ends when `want` were seen.
    @return that, and when the first word came (a 100 is one)."""
    said, end, first = [], time.monotonic() + seconds, None
    while len(said) < want and time.monotonic() < end:
        got = link.recv(end - time.monotonic())
        if got is None:
            break
        if got == b"":
            said.append("closed")
            break
        if want == 1 and not same_call(got, data):
            continue
        first = first or time.monotonic()
        if status(got) >= 200:
            said.append(got)
    return said, first or time.monotonic()


def ack_refusal(kind, link, data, got):
    """A refused INVITE over UDP is repeated until its ACK, which has the same Via."""
    via = field(data, b"Via", b"v")
    to = field(got, b"To", b"t")
    if not data.startswith(b"INVITE ") or kind != "udp" or via is None or to is None or call_id(data) is None:
        return
    uri = data.split(b"\r\n", 1)[0].split(b" ")[1]
    n = re.match(rb"\s*(\d+)", field(got, b"CSeq") or b"")
    if n:
        link.send(b"ACK " + uri + b" SIP/2.0\r\nVia: " + (field(got, b"Via", b"v") or via) + b"\r\nMax-Forwards: 70\r\nFrom: " + (field(got, b"From", b"f") or b"") +
                  b"\r\nTo: " + to + b"\r\nCall-ID: " + call_id(data) + b"\r\nCSeq: " + n.group(1) + b" ACK\r\nContent-Length: 0\r\n\r\n")


def request(row, kind, link, data, callee, label):
    """Send one, compare. @return what was seen, as in the table."""
    expect = row.get("stream", row["udp"]) if kind != "udp" else row["udp"]
    words = expect.split()
    limit = 13 if expect == "timeout" else 3
    began = time.monotonic()
    link.send(data)
    said, first = finals(link, data, limit, len(words))
    took_ms = (first - began) * 1000
    seen = ["timeout" if s == "closed" and took_ms > 5000 else "close" if s == "closed" else str(status(s)) for s in said]
    answers = [s for s in said if s != "closed"]
    text = " ".join(seen) or "nothing"
    if data.startswith(b"INVITE ") and answers and status(answers[0]) == 200:
        invites = callee.got(b"INVITE", began)
        acked = finish_call(kind, link, data, answers[0])
        text = "call" if invites and acked and callee.got(b"ACK", began) and callee.got(b"BYE", began) else "a call that came to nothing"
        for pattern in row.get("callee", ()):
            if invites and not re.search(pattern.encode(), invites[0], re.I | re.M):
                wrong(label, f"the callee's INVITE has no {pattern}:\n{invites[0].decode('utf-8', 'replace')}")
    elif answers and status(answers[0]) >= 300:
        ack_refusal(kind, link, data, answers[0])
    if text != expect:
        why = answers[0].decode("utf-8", "replace") if answers else ""
        wrong(label, f"expected {expect}, saw {text}\n{why}")
    elif expect != "timeout" and took_ms > WITHIN_MS:
        return text, took_ms
    for pattern in row.get("answer", ()):
        if answers and not re.search(pattern.encode(), answers[0], re.I):
            wrong(label, f"the answer has no {pattern}:\n{answers[0].decode('utf-8', 'replace')}")
    return text, 0


# ---- messages that are responses

OFFER = b"v=0\r\no=caller 1 1 IN IP4 127.0.1.10\r\ns=-\r\nc=IN IP4 127.0.1.10\r\nt=0 0\r\nm=audio 41000 RTP/AVP 0 12\r\nm=video 41002 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n"


def adapted(data, invite):
    """The message as an answer to invite: what it tests stays as it is."""
    head, _, body = data.partition(b"\r\n\r\n")
    out, vias = [], 0
    for line in head.split(b"\r\n"):
        name = line.split(b":", 1)[0].strip().lower()
        if name == b"via":
            vias += 1
            line = line if vias > 1 else b"Via: " + field(invite, b"Via")
        elif name == b"call-id":
            line = b"Call-ID: " + call_id(invite)
        elif name == b"from":
            line = b"From: " + field(invite, b"From")
        elif name == b"to":
            line = b"To: " + field(invite, b"To") + b";tag=callee"
        elif name == b"cseq" and b"INVITE" in line:
            line = b"CSeq: " + field(invite, b"CSeq")
        elif name == b"contact":
            line = b"Contact: <sip:callee@127.0.2.20:5060>"
        out.append(line)
    return b"\r\n".join(out) + b"\r\n\r\n" + body


def response(row, kind, link, data, callee, label):
    global counter
    counter += 1
    ident = f"reply{counter}-{os.getpid()}"
    to = "tcp" if kind != "udp" else "udp"
    invite = (f"INVITE sip:+1@{to}.example SIP/2.0\r\nVia: SIP/2.0/{kind.upper()} {CALLER}:5060;branch=z9hG4bK{ident}\r\nMax-Forwards: 70\r\n"
              f"From: <sip:x@example.org>;tag=f\r\nTo: <sip:+1@{to}.example>\r\nCall-ID: {ident}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{CALLER}:5060>\r\n"
              f"Content-Type: application/sdp\r\nContent-Length: {len(OFFER)}\r\n\r\n").encode() + OFFER
    with callee.lock:
        # raw first: answers to nothing; then the same as an answer to our INVITE
        callee.script = lambda got: data + (b"" if kind != "udp" else b"") if row.get("raw") else adapted(data, got)
        callee.hold = 0.8
    began = time.monotonic()
    link.send(invite)
    said, _ = finals(link, invite, 5, 1)
    took_ms = (time.monotonic() - began) * 1000
    with callee.lock:
        callee.hold = 0
    if not said or said[0] == "closed" or status(said[0]) != 200:
        wrong(label, f"the call was not answered: {said}")
        return "no call", 0
    invites = callee.got(b"INVITE", began)
    if not finish_call(kind, link, invite, said[0]) or not callee.got(b"ACK", began):
        wrong(label, "the call did not complete")
    # A 200 that counts is passed on at once; a 100 that counts ends our retransmissions (0.5 s over UDP).
    final = data.startswith(b"SIP/2.0 2") or data.startswith(b"SIP/2.0 5")
    heeded = took_ms < 400 if final else kind != "udp" or len(invites) == 1
    if row["udp"] == "dropped":
        heeded = not (took_ms >= 700 and (kind != "udp" or len(invites) > 1))
    text = "accepted" if heeded else "dropped"
    if text != row["udp"]:
        wrong(label, f"expected {row['udp']}, it was {text} (answered after {took_ms:.0f} ms, {len(invites)} INVITEs)")
    return text, 0


def stray(link_udp, data, label):
    """As it is, it answers nothing of ours: silence."""
    link_udp.send(data)
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end:
        got = link_udp.recv(end - time.monotonic())
        if got and same_call(got, data):
            wrong(label, f"a response was answered:\n{got.decode('utf-8', 'replace')}")


# ---- runs

def play(row, kind, data, callee, ca, links, label):
    """One message on a link of its own (streams), or the one UDP socket set."""
    link = links["udp"] if kind == "udp" else Stream(kind, ca)
    while kind == "udp" and link.recv(0):
        pass
    act = response if row.get("kind") == "response" else request
    seen, late_ms = act(row, kind, link, data, callee, label)
    again = row.get("twice") and not late_ms
    if again:  # a second request that shares only the branch is no retransmission
        second = unique(data, b".second").replace(b"CSeq: 8 ", b"CSeq: 9 ")
        request(row, kind, link, second, callee, label + " (second)")
    if kind != "udp":
        link.close()
    return seen, late_ms


def run_all(kind, ca):
    callee, links, used, late, n = Callee(), {"udp": Udp()}, set(), {}, 0
    for exact in (True, False):
        for row in TABLE:
            data = message(row["name"])
            label = f"{row['name']} over {kind}{'' if exact else ', its Via true'}"
            if not exact and kind != "udp" and row.get("stream") == "timeout":
                continue  # once is enough to wait for
            if not exact:
                data = true_transport(data, kind)
            keys = {call_id(data), re.sub(rb"\s|SIP/\d.\d/\w+", b"", field(data, b"Via", b"v") or b"")}
            if keys & used:  # another one's retransmission it must not be
                data = unique(data, b".%d" % n)
            used |= keys
            n += 1
            if exact and row.get("kind") == "response":
                stray(links["udp"], data, label)
            _, late_ms = play(row, kind, data, callee, ca, links, label)
            if late_ms:  # others use this machine too: once more
                late[label], late_ms = late_ms, play(row, kind, unique(data, b".late"), callee, ca, links, label)[1]
            if late_ms:
                wrong(label, f"answered late twice: {late[label]:.0f} and {late_ms:.0f} ms")
            if not options("udp", links["udp"]):
                wrong(label, "the OPTIONS after it was not answered")
    for label, ms in late.items():
        print(f"  late: {label}: {ms:.0f} ms")
    links["udp"].close()
    print(f"{kind}: {n} messages, {len(set(broken))} wrong")


def run_shuffled(count, seed, ca):
    rng, callee, links = random.Random(seed), Callee(), {"udp": Udp()}
    rows = [r for r in TABLE if r.get("stream", r["udp"]) != "timeout"]
    for n in range(count):
        row, kind = rng.choice(rows), rng.choice(("udp", "tcp"))
        if row.get("kind") == "response" and rng.random() < 0.8:  # each takes a second
            row = rng.choice([r for r in rows if not r.get("kind")])
        play(row, kind, unique(message(row["name"]), b".s%d" % n), callee, ca, links, f"{row['name']} over {kind}, {n} of seed {seed}")
        if n % 20 == 0 and not options("udp", links["udp"]):
            wrong(row["name"], "the OPTIONS after it was not answered")
        if len(broken) > 20:
            break
    print(f"shuffled: {count} messages, seed {seed}, {len(set(broken))} wrong")


def docs():
    out = ["# Torture messages", "",
           "All messages of RFC 4475 (49) and RFC 5118 (12), sent one by one and shuffled over UDP, TCP and TLS by the scenario",
           "`tests/scenario/l010-torture`; made by `make docs` from `tests/torture/table.json`, which that scenario holds against the running sbe.",
           "RFC 5118's are written as they travel: with CRLF, the empty line, and the Content-Length of their body.", "",
           "*demanded* is what an element like this one has to do; *ours* is what it does: a status, `call` (passed on, answered, ended),",
           "`accepted` or `dropped` (the message is a response, sent in answer to an INVITE of ours), `close` and `timeout` (the connection is closed).", "",
           "| message | section | what it is | demanded | ours | on a stream | why |", "|---|---|---|---|---|---|---|"]
    for r in TABLE:
        cells = [f"`{r['name']}`", f"{r.get('rfc', 4475)} {r['section']}", r["what"], r["demand"], r["udp"], r.get("stream", "the same"), r.get("why", "")]
        out.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    print("\n".join(out))


def main():
    if sys.argv[1:] == ["docs"]:
        docs()
    elif sys.argv[1:2] == ["all"] and len(sys.argv) > 2:
        run_all(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
    elif sys.argv[1:2] == ["shuffled"]:
        run_shuffled(int(sys.argv[2]), int(sys.argv[3]), None)
    else:
        sys.exit(__doc__)
    sys.exit(1 if broken else 0)


main()
