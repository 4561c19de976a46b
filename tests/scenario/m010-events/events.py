#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two peers on UDP sockets: events.py PBX SBE_CORE BNET SBE_PEERING. Exit 0 only if every message was as it should be."""
import re, socket, sys

PBX, CORE, BNET, PEERING = sys.argv[1:5]
count = 0

class Peer:
    def __init__(self, ip, sbe):
        self.ip, self.sbe = ip, (sbe, 5060)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 5060))
        self.sock.settimeout(5)
    def send(self, text, body=""):
        head, _, _ = text.partition("\n\n")
        data = head.strip("\n").replace("\n", "\r\n") + f"\r\nContent-Length: {len(body.encode())}\r\n\r\n" + body
        self.sock.sendto(data.encode(), self.sbe)
    def get(self, start, skip=("SIP/2.0 100",)):
        """The next message that is no repetition of an answered one; it must start so."""
        while True:
            try:
                text = self.sock.recv(65535).decode()
            except socket.timeout:
                sys.exit(f"{self.ip} got no {start}")
            if text.startswith(skip):
                continue
            if not text.startswith(start):
                sys.exit(f"{self.ip} got instead of {start}:\n{text}")
            return text
    def nothing(self):
        self.sock.settimeout(0.3)
        try:
            sys.exit(f"{self.ip} got what it should not:\n{self.sock.recv(65535).decode()}")
        except socket.timeout:
            self.sock.settimeout(5)

def header(text, name):
    m = re.search(rf"(?im)^{name}[ \t]*:[ \t]*(.*?)\r$", text)
    return m.group(1) if m else None

def body(text):
    return text.partition("\r\n\r\n")[2]

def check(ok, what, text=""):
    if not ok:
        sys.exit(f"FAIL: {what}\n{text}")

def request(peer, method, more="", content="", uri=None, dialog=None):
    """Outside a dialog, or in the one given: (uri, from, to, call_id, cseq)."""
    global count
    count += 1
    uri, frm, to, call_id, cseq = dialog or (uri or f"sip:+4420@{CORE}", f"<sip:alice@{peer.ip}>;tag=a{count}", f"<sip:+4420@a.example>", f"id{count}@x", 1)
    peer.send(f"{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP {peer.ip}:5060;branch=z9hG4bK{count}\nMax-Forwards: 70\nFrom: {frm}\nTo: {to}\n"
              f"Call-ID: {call_id}\nCSeq: {cseq} {method}\nContact: <sip:x@{peer.ip}>\n{more}", content)

def answer(peer, text, status, more="", content="", tag="b1"):
    to = header(text, "To")
    to = to if "tag=" in to else to + f";tag={tag}"
    peer.send(f"SIP/2.0 {status}\nVia: {header(text, 'Via')}\nFrom: {header(text, 'From')}\nTo: {to}\nCall-ID: {header(text, 'Call-ID')}\n"
              f"CSeq: {header(text, 'CSeq')}\nContact: <sip:bob@{peer.ip}>\n{more}", content)

def hidden(text, peer):
    check(peer.ip not in text and "x@" not in (header(text, "Call-ID") or ""), "something of the other side is to be seen", text)

a, b = Peer(PBX, CORE), Peer(BNET, PEERING)
PIDF = "<?xml version='1.0'?><presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:bob@b.example'/>"

# ---- MESSAGE: passes byte for byte, with identifiers of our own, and its answer comes back
request(a, "MESSAGE", "Content-Type: text/plain\n", "hello \u00e4")
m = b.get("MESSAGE sip:+4420@b.example")
hidden(m, a)
check(body(m) == "hello \u00e4" and header(m, "Contact") is None and header(m, "Max-Forwards") == "69", "the message changed", m)
answer(b, m, "202 Accepted")
r = a.get("SIP/2.0 202")
hidden(r, b)
# what is not agreed: type, size, method
request(a, "MESSAGE", "Content-Type: text/html\n", "<b>")
check("text/plain" in header(a.get("SIP/2.0 415"), "Accept"), "415 without what would be taken")
request(a, "MESSAGE", "Content-Type: text/plain\n", "x" * 1301)
a.get("SIP/2.0 413")
request(a, "MESSAGE", "Content-Type: text/plain\nRequire: nonsense\n", "x")
a.get("SIP/2.0 420")
b.nothing()
# the peer refuses: told so; its challenge is not
request(a, "MESSAGE", "Content-Type: text/plain\n", "x")
answer(b, b.get("MESSAGE"), "486 Busy Here")
a.get("SIP/2.0 486")
request(a, "MESSAGE", "Content-Type: text/plain\n", "x")
answer(b, b.get("MESSAGE"), "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n"\n')
check(header(a.get("SIP/2.0 403"), "WWW-Authenticate") is None, "a challenge of the peer was shown")
# too many a second
for _ in range(10):
    request(a, "MESSAGE", "Content-Type: text/html\n", "x")
seen = sorted(a.get("SIP/2.0 ")[8:11] for _ in range(10))
check(seen[0] == "415", f"answers {seen}")
import time
time.sleep(1.2)  # the rate is per second: no event tells that it has passed

# ---- SUBSCRIBE: not every package, not for too short; too long gets less
request(a, "SUBSCRIBE", "Event: dialog\nExpires: 600\n")
check("presence" in header(a.get("SIP/2.0 489"), "Allow-Events"), "489 without what would be taken")
request(a, "SUBSCRIBE", "Event: presence\nExpires: 10\n")
check(header(a.get("SIP/2.0 423"), "Min-Expires") == "60", "423 without Min-Expires")
b.nothing()
request(a, "SUBSCRIBE", "Event: presence;id=7\nExpires: 99999\nAccept: application/pidf+xml\nSupported: eventlist\n")
s = b.get("SUBSCRIBE sip:+4420@b.example")
hidden(s, a)
check(header(s, "Event") == "presence;id=7" and header(s, "Expires") == "3600" and header(s, "Accept") == "application/pidf+xml"
      and header(s, "Supported") == "eventlist" and PEERING in header(s, "Contact"), "SUBSCRIBE", s)
# the NOTIFY is faster than the answer (RFC 6665 4.1.2.4): it waits for it
their = (re.search("<(.*)>", header(s, "Contact")).group(1), header(s, "To") + ";tag=b7", header(s, "From"), header(s, "Call-ID"), 1)
request(b, "NOTIFY", "Event: presence;id=7\nSubscription-State: active;expires=3600\nContent-Type: application/pidf+xml\n", PIDF, dialog=their)
a.nothing()
answer(b, s, "200 OK", "Expires: 3600\n", tag="b7")
got = {a.sock.recv(65535).decode() for _ in range(2)}
ok = [t for t in got if t.startswith("SIP/2.0 200")][0]
n = [t for t in got if t.startswith("NOTIFY")][0]
hidden(ok, b)
hidden(n, b)
check(header(ok, "Expires") == "3600" and CORE in header(ok, "Contact"), "200 to SUBSCRIBE", ok)
check(body(n) == PIDF and header(n, "Event") == "presence;id=7" and header(n, "Subscription-State") == "active;expires=3600", "NOTIFY", n)
answer(a, n, "200 OK")
b.get("SIP/2.0 200")
# refresh by the subscriber
ours = (re.search("<(.*)>", header(ok, "Contact")).group(1), header(ok, "From"), header(ok, "To"), header(ok, "Call-ID"), 2)
request(a, "SUBSCRIBE", "Event: presence;id=7\nExpires: 300\n", dialog=ours)
s = b.get("SUBSCRIBE")
check(header(s, "Expires") == "300" and "tag=b7" in header(s, "To"), "refresh", s)
answer(b, s, "200 OK", "Expires: 300\n")
a.get("SIP/2.0 200")
# the right identifiers from the wrong side, and the wrong method
request(b, "NOTIFY", "Event: presence\nSubscription-State: active\n", dialog=(their[0], header(ok, "To"), header(ok, "From"), header(ok, "Call-ID"), 9))
b.get("SIP/2.0 481")
request(b, "SUBSCRIBE", "Event: presence\nExpires: 300\n", dialog=their[:4] + (2,))
b.get("SIP/2.0 405")
a.nothing()
# the notifier ends it
request(b, "NOTIFY", "Event: presence;id=7\nSubscription-State: terminated;reason=noresource\n", dialog=their[:4] + (3,))
n = a.get("NOTIFY")
check(header(n, "Subscription-State").startswith("terminated"), "terminated", n)
answer(a, n, "200 OK")
b.get("SIP/2.0 200")
request(b, "NOTIFY", "Event: presence;id=7\nSubscription-State: active\n", dialog=their[:4] + (4,))
b.get("SIP/2.0 481")
# refused by the peer: nothing stays
request(a, "SUBSCRIBE", "Event: presence\nExpires: 600\n")
answer(b, b.get("SUBSCRIBE"), "403 Forbidden")
a.get("SIP/2.0 403")
# not more than three at a time; who unsubscribes makes room
subs = []
for i in range(3):
    request(a, "SUBSCRIBE", "Event: presence\nExpires: 600\n")
    s = b.get("SUBSCRIBE")
    answer(b, s, "200 OK", "Expires: 600\n", tag=f"c{i}")
    subs.append((s, a.get("SIP/2.0 200")))
request(a, "SUBSCRIBE", "Event: presence\nExpires: 600\n")
a.get("SIP/2.0 503")
for i, (s, ok) in enumerate(subs):
    their = (re.search("<(.*)>", header(s, "Contact")).group(1), header(s, "To") + f";tag=c{i}", header(s, "From"), header(s, "Call-ID"), 1)
    request(b, "NOTIFY", "Event: presence\nSubscription-State: terminated;reason=timeout\n", dialog=their)
    answer(a, a.get("NOTIFY"), "200 OK")
    b.get("SIP/2.0 200")

# ---- PUBLISH: entity tags pass, so does "you are not up to date"
request(a, "PUBLISH", "Event: presence\nExpires: 600\nContent-Type: application/pidf+xml\n", PIDF)
p = b.get("PUBLISH")
hidden(p, a)
check(body(p) == PIDF and header(p, "Expires") == "600", "PUBLISH", p)
answer(b, p, "200 OK", "SIP-ETag: e1\nExpires: 600\n")
check(header(a.get("SIP/2.0 200"), "SIP-ETag") == "e1", "no entity tag")
request(a, "PUBLISH", "Event: presence\nSIP-If-Match: e0\nExpires: 600\n")
p = b.get("PUBLISH")
check(header(p, "SIP-If-Match") == "e0", "SIP-If-Match", p)
answer(b, p, "412 Conditional Request Failed")
a.get("SIP/2.0 412")
# ---- REGISTER never crosses a peering (C16); nobody answers for what was not asked
request(a, "REGISTER")
a.get("SIP/2.0 405")
a.nothing()
b.nothing()
print("all as it should be")
