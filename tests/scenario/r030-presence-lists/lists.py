#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A watcher and a presence server behind two peers: lists.py refused|agreed PBX SBE_CORE BNET SBE_PEERING."""
import re
import socket
import sys

MODE, PBX, CORE, BNET, PEERING = sys.argv[1:6]
LIST = ("--50\r\nContent-ID: <n1@b.example>\r\nContent-Type: application/rlmi+xml\r\n\r\n<list xmlns='urn:ietf:params:xml:ns:rlmi' "
        "uri='sip:friends@b.example' version='1' fullState='true'><resource uri='sip:x@b.example'/><resource uri='sip:y@b.example'/></list>\r\n"
        "--50\r\nContent-ID: <n2@b.example>\r\nContent-Type: application/pidf+xml\r\n\r\n<presence entity='pres:x@b.example'><note xml:lang='x-odd'>"
        "not a\tstandard  value</note></presence>\r\n--50--\r\n")
WATCHERS = ("<watcherinfo xmlns='urn:ietf:params:xml:ns:watcherinfo' version='0' state='full'><watcher-list resource='sip:x@b.example' "
            "package='presence'><watcher id='1' event='subscribe' status='pending'>sip:w@c.example</watcher></watcher-list></watcherinfo>")
count = 0


class Peer:
    def __init__(self, ip, sbe):
        self.ip, self.sbe = ip, (sbe, 5060)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 5060))
        self.sock.settimeout(5)

    def send(self, lines, body=""):
        data = "\r\n".join(lines + [f"Content-Length: {len(body.encode())}", "", body])
        self.sock.sendto(data.encode(), self.sbe)

    def get(self, start):
        while True:
            try:
                text = self.sock.recv(65535).decode()
            except socket.timeout:
                sys.exit(f"{self.ip} got no {start}")
            if text.startswith("SIP/2.0 100") or header(text, "CSeq").endswith("INVITE"):  # of the call before: its ACK was not ours to give
                continue
            check(text.startswith(start), f"{self.ip} got instead of {start}", text)
            return text

    def nothing(self):
        self.sock.settimeout(0.3)
        try:
            while True:
                text = self.sock.recv(65535).decode()
                check(header(text, "CSeq").endswith("INVITE"), f"{self.ip} got what it should not", text)
        except socket.timeout:
            self.sock.settimeout(5)


def check(ok, what, text=""):
    if not ok:
        sys.exit(f"FAIL: {what}\n{text}")


def header(text, name):
    m = re.search(rf"(?im)^{name}[ \t]*:[ \t]*(.*?)\r$", text)
    return m.group(1) if m else None


def request(peer, method, more, body="", dialog=None):
    global count
    count += 1
    uri, frm, to, call_id, cseq = dialog or ("sip:friends@a.example", f"<sip:w@{peer.ip}>;tag=a{count}", "<sip:+4420@a.example>", f"r{count}@x", 1)
    if not dialog:
        uri = f"sip:+4420@{CORE}"
    peer.send([f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/UDP {peer.ip}:5060;branch=z9hG4bKr{MODE}{count}", "Max-Forwards: 70", f"From: {frm}", f"To: {to}",
               f"Call-ID: {call_id}", f"CSeq: {cseq} {method}", f"Contact: <sip:w@{peer.ip}>"] + more, body)


def answer(peer, text, status, more=()):
    to = header(text, "To")
    peer.send([f"SIP/2.0 {status}", f"Via: {header(text, 'Via')}", f"From: {header(text, 'From')}", f"To: {to if 'tag=' in to else to + ';tag=b'}",
               f"Call-ID: {header(text, 'Call-ID')}", f"CSeq: {header(text, 'CSeq')}", f"Contact: <sip:ps@{peer.ip}>"] + list(more))


watcher, server = Peer(PBX, CORE), Peer(BNET, PEERING)
PACKAGES = (("presence", "multipart/related;type=\"application/rlmi+xml\";boundary=50", LIST),
            ("presence.winfo", "application/watcherinfo+xml", WATCHERS))

if MODE == "refused":  # nothing is agreed by default: not a byte of it goes on
    for package, _, _ in PACKAGES:
        request(watcher, "SUBSCRIBE", [f"Event: {package}", "Expires: 600"])
        text = watcher.get("SIP/2.0 ")
        check(text[8:11] in ("403", "405", "489"), package, text)
    request(watcher, "PUBLISH", ["Event: presence", "Expires: 600", "Content-Type: application/pidf+xml"], "<presence/>")
    check(watcher.get("SIP/2.0 ")[8:11] in ("403", "405", "489"), "PUBLISH")
    request(watcher, "MESSAGE", ["Content-Type: text/plain"], "x")
    check(watcher.get("SIP/2.0 ")[8:11] in ("403", "405"), "MESSAGE")
    server.nothing()
    sys.exit(0)

for package, kind, document in PACKAGES:
    request(watcher, "SUBSCRIBE", [f"Event: {package}", "Expires: 600", "Supported: eventlist", "Accept: multipart/related, application/rlmi+xml"])
    s = server.get("SUBSCRIBE ")
    check(header(s, "Event") == package and header(s, "Supported") == "eventlist", "SUBSCRIBE", s)
    answer(server, s, "200 OK", ["Expires: 600", "Require: eventlist"] if package == "presence" else ["Expires: 600"])
    watcher.get("SIP/2.0 200")
    theirs = [re.search("<(.*)>", header(s, "Contact")).group(1), header(s, "To") + ";tag=b", header(s, "From"), header(s, "Call-ID"), 1]
    request(server, "NOTIFY", [f"Event: {package}", "Subscription-State: active;expires=600", f"Content-Type: {kind}"], document, theirs)
    n = watcher.get("NOTIFY ")
    check(n.partition("\r\n\r\n")[2] == document, "the document changed", n)
    check(header(n, "Content-Type") == kind, "its type changed", n)
    answer(watcher, n, "200 OK")
    server.get("SIP/2.0 200")
    watcher.nothing()  # one for one: nobody else is told
    theirs[4] = 2
    request(server, "NOTIFY", [f"Event: {package}", "Subscription-State: terminated;reason=noresource"], "", theirs)
    answer(watcher, watcher.get("NOTIFY "), "200 OK")
    server.get("SIP/2.0 200")
print("all as it should be")
