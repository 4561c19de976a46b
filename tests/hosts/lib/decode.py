# SPDX-License-Identifier: Apache-2.0
"""What the hosts said to each other: SIP, DNS, gate control, TLS handshakes and media, out of captured packets.

A Message has a key such as "INVITE", "200 BYE", "NAPTR? b.example", "SRV _sip._udp.b.example", "Add+Add", "Add+Add ok", "TLS", "RTP".
Repetitions of the same bytes between the same ends are one message, at the time of the first. RTP and ESP are one message for each pair
of hosts (RTP: and each phase, the low half of the SSRC), from the first packet to the last, in both directions.
"""
import re
import struct

from . import capture, net, tls

GATE_PORT, DNS_PORT = 2944, 53
TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 16: "TXT", 28: "AAAA", 33: "SRV", 35: "NAPTR"}
COMMANDS = {1: "Add", 2: "Modify", 3: "Subtract", 4: "Move", 5: "AuditValue", 6: "AuditCapabilities", 7: "Notify", 8: "ServiceChange"}
START = re.compile(rb"(SIP/2\.0 \d{3} |[A-Z]+ \S+ SIP/2\.0\r\n)")


class Message:
    """seen: {host: (begin, end)} in ns; at: the two ends as (address, port); tcp: the connection; body: SIP text or None."""

    def __init__(self, frm, to, key, text, both=False):
        self.frm, self.to, self.key, self.text, self.both = frm, to, key, text, both
        self.seen, self.body, self.at, self.proto, self.count = {}, None, None, "", 0

    def __repr__(self):
        return f"{self.frm}{'=' if self.both else '>'}{self.to} {self.key}"

    def begin(self):
        return min(b for b, _ in self.seen.values())

    def saw(self, host, time):
        begin, end = self.seen.get(host, (time, time))
        self.seen[host] = (min(begin, time), max(end, time))


class Decoder:
    def __init__(self, keylog):
        self.keylog, self.names, self.found = keylog, net.names(), {}
        self.unreadable = []

    def message(self, ident, ends, host, time, key, text, both=False, body=None, proto=""):
        """One observation. Only the first of each host counts, save for media."""
        src, dst = ends
        frm, to = self.names.get(src[0]), self.names.get(dst[0])
        if not frm or not to or host not in (frm, to):
            return
        if both and list(net.HOSTS).index(frm) > list(net.HOSTS).index(to):
            frm, to = to, frm
        m = self.found.get((frm, to, ident))
        if m is None:
            m = self.found[(frm, to, ident)] = Message(frm, to, key, text, both)
            m.body, m.at, m.proto = body, ends, proto
        if both:
            m.count += host == m.frm
            m.saw(host, time)
        elif host not in m.seen:
            m.saw(host, time)

    def packets(self, host, packets):
        for p in packets:
            ends = ((p.src, p.sport), (p.dst, p.dport))
            if p.proto == capture.ESP:
                self.message("ESP", ends, host, p.time, "ESP", "ESP", both=True)
            elif p.proto != capture.UDP:
                continue
            elif DNS_PORT in (p.sport, p.dport):
                self.dns(host, p, ends)
            elif START.match(p.data):
                self.sip(host, p.time, ends, p.data, "UDP")
            elif len(p.data) >= 12 and p.data[0] >> 6 == 2 and not 192 <= p.data[1] <= 223:
                phase = struct.unpack_from("!H", p.data, 10)[0]
                self.message(("RTP", phase), ends, host, p.time, "RTP", "RTP media, both ways", both=True)
        self.tcp(host, capture.streams(packets))

    def sip(self, host, time, ends, data, proto):
        head = data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "replace")
        words = head.split("\r\n", 1)[0].split(" ", 2)
        if words[0] == "SIP/2.0":
            found = re.search(r"(?im)^cseq\s*:\s*\d+\s+(\w+)", head)
            key = f"{words[1]} {found.group(1) if found else '?'}"
            text = f"{words[1]} {words[2]}" + (f" ({key.split()[1]})" if words[1] == "200" else "")
        else:
            key = text = words[0]
        self.message(data, ends, host, time, key, text, body=data.decode("utf-8", "replace"), proto=proto)

    def dns(self, host, p, ends):
        try:
            ident, flags, questions, answers = struct.unpack_from("!HHHH", p.data)
            name, at = dns_name(p.data, 12)
            kind = TYPES.get(struct.unpack_from("!H", p.data, at)[0], "?")
        except (struct.error, IndexError):
            return
        if not questions:
            return
        if not flags & 0x8000:
            self.message((ident, flags, name, kind, p.sport), ends, host, p.time, f"{kind}? {name}", f"{kind} query {name}")
            return
        what = dns_answers(p.data, at + 4, answers) or {3: "no such name"}.get(flags & 15, "nothing")
        self.message((ident, flags, name, kind, p.dport), ends, host, p.time, f"{kind} {name}", f"{kind} reply: {what}")

    def tcp(self, host, all_streams):
        """TCP connections: the opener's first packet is a SYN without ACK."""
        for i, (key, stream) in enumerate(all_streams):
            if stream.first.flags & 0x12 == 2:
                back = next((s for k, s in all_streams[i:] if k == (key[2], key[3], key[0], key[1])), None)
                self.connection(host, key, stream, back)

    def connection(self, host, key, client, server):
        ends = ((key[0], key[1]), (key[2], key[3]))
        self.message(("TCP", key[1], client.first.seq), ends, host, client.first.time, "TCP", "TCP connection")
        if server is None or not client.data:
            return
        gate = key[3] == GATE_PORT
        if client.data[0] != tls.HANDSHAKE:
            for ours, s in ((True, client), (False, server)):
                self.text(host, ends if ours else ends[::-1], [(bytes(s.data), len(s.data), s)], gate, "TCP")
            return
        t = tls.Session(client.data, server.data, self.keylog)
        if not t.readable:
            self.unreadable.append((host, ends))
        prefix = "gate " if gate else ""
        if t.done:
            self.message(("TLS", key[1], client.first.seq), ends, host, client.packet_at(t.done).time, f"{prefix}TLS", f"{prefix}TLS handshake")
            self.found_session(ends, client.first.seq, t)
        else:
            self.message(("TLS", key[1], client.first.seq), ends, host, client.packets[-1][1].time, f"{prefix}TLS refused", f"{prefix}TLS refused")
        for _ in range(1 + gate):  # a reply's words are those of its request, which may be in the other direction
            for ours, s in ((True, client), (False, server)):
                self.text(host, ends if ours else ends[::-1], [(x, end, s) for c, x, end in t.text if c == ours], gate, "TLS")

    def found_session(self, ends, seq, session):
        for (_, _, ident), m in self.found.items():
            if ident == ("TLS", ends[0][1], seq):
                m.body = session

    def text(self, host, ends, pieces, gate, proto):
        """Cut what a connection carried in one direction into messages; each is there when its last byte is."""
        buf, marks, upto = b"", [], 0
        for data, end, stream in pieces:
            buf += data
            upto += len(data)
            marks.append((upto, end, stream, len(data)))
        at = 0
        while at < len(buf):
            size = gate_size(buf, at) if gate else sip_size(buf, at)
            if size is None:
                return
            data, at = buf[at:at + size], at + size
            if not data.strip(b"\r\n"):
                continue
            done, end, stream, n = next(m for m in marks if m[0] >= at)
            where = end if proto == "TLS" else at
            time = stream.packet_at(where).time
            if gate:
                self.gate(host, time, ends, data[4:])
            else:
                self.sip(host, time, ends, data, proto)

    def gate(self, host, time, ends, data):
        e = fields(data)
        transaction = first(e, 4, 0)
        ident = ("gate", ends, transaction)
        if 5 in e:
            commands = fields(first(fields(first(e, 5, b"")), 1, b"")).get(5, [])
            key = "+".join(COMMANDS.get(first(fields(c), 1, 0), "?") for c in commands)
            self.message((*ident, "request"), ends, host, time, key, key)
            self.requests[(ends, transaction)] = key
        elif 6 in e:
            key = self.requests.get((ends[::-1], transaction))
            if key is None:
                return
            code = first(fields(first(e, 6, b"")), 1, 0)
            text = f"{key} {'ok' if not code else f'error {code}'}"
            self.message((*ident, "reply"), ends, host, time, text, text)

    requests = {}


def gate_size(buf, at):
    return 4 + struct.unpack_from("!I", buf, at)[0] if len(buf) >= at + 4 and len(buf) >= at + 4 + struct.unpack_from("!I", buf, at)[0] else None


def sip_size(buf, at):
    if buf[at:at + 1] in b"\r\n":
        return 1
    end = buf.find(b"\r\n\r\n", at)
    if end < 0:
        return None
    n = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", buf[at:end + 2], re.I)
    size = end + 4 - at + (int(n.group(1)) if n else 0)
    return size if at + size <= len(buf) else None


def fields(b):
    """Protobuf without a schema: {number: [values]}."""
    out, at = {}, 0
    while at < len(b):
        tag, at = varint(b, at)
        if tag & 7 == 0:
            value, at = varint(b, at)
        elif tag & 7 == 1:
            value, at = b[at:at + 8], at + 8
        elif tag & 7 == 2:
            size, at = varint(b, at)
            value, at = b[at:at + size], at + size
        else:
            value, at = b[at:at + 4], at + 4
        out.setdefault(tag >> 3, []).append(value)
    return out


def first(f, number, default):
    return f.get(number, [default])[0]


def varint(b, at):
    value = shift = 0
    while True:
        value |= (b[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if b[at - 1] < 128:
            return value, at


def dns_name(b, at):
    labels, after = [], None
    for _ in range(64):
        n = b[at]
        if n >= 192:
            after = at + 2 if after is None else after
            at = struct.unpack_from("!H", b, at)[0] & 0x3fff
        elif n == 0:
            return ".".join(labels).lower(), at + 1 if after is None else after
        else:
            labels.append(b[at + 1:at + 1 + n].decode("ascii", "replace"))
            at += 1 + n
    raise IndexError("a name that does not end")


def dns_answers(b, at, count):
    """A word for each record of the answer, sorted, for a server may turn them round."""
    words = set()
    for _ in range(count):
        _, at = dns_name(b, at)
        kind, _, _, size = struct.unpack_from("!HHIH", b, at)
        at += 10
        if kind == 1:
            words.add(".".join(map(str, b[at:at + 4])))
        elif kind == 28:
            words.add(capture.ipaddress.IPv6Address(b[at:at + 16]).compressed)
        elif kind == 33:
            words.add(f"{dns_name(b, at + 6)[0]}:{struct.unpack_from('!H', b, at + 4)[0]}")
        elif kind == 35:
            n = b[at + 4]
            n2 = b[at + 5 + n]
            words.add(b[at + 6 + n:at + 6 + n + n2].decode("ascii", "replace"))
        at += size
    return ", ".join(sorted(words))


def messages(packets, keylog_path):
    """All messages of a capture, oldest first."""
    d = Decoder(tls.read_keylog(keylog_path))
    d.requests = {}
    hosts = {}
    for p in packets:
        hosts.setdefault(p.host, []).append(p)
    for host, seen in hosts.items():
        d.packets(host, seen)
    return sorted(d.found.values(), key=Message.begin), d
