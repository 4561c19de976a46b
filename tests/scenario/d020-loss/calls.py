#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls between two user agents that retransmit as RFC 3261 says, on a network that loses: calls.py PBX SBE BNET N RATE.
Prints how many calls were answered, acknowledged and ended on both sides."""
import heapq, re, select, socket, sys, time

PBX, CORE, BNET, N, RATE = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
T1, T2 = 0.5, 4.0
SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
for s, ip in ((a, PBX), (b, BNET)):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind((ip, 5060))
timers, serial = [], 0
again = {}    # (socket, key) -> [text, far, interval, end]
answered, ended, at_callee, seen_invites = set(), set(), {}, set()

def header(text, name):
    m = re.search(rf"(?im)^{name}: (.*?)\r$", text)
    return m.group(1) if m else ""

def after(seconds, fn, *args):
    global serial
    serial += 1
    heapq.heappush(timers, (time.monotonic() + seconds, serial, fn, args))

def repeat(key):
    if key not in again:
        return
    sock, text, far, interval, cap, end = again[key]
    if time.monotonic() > end:
        del again[key]
        return
    sock.sendto(text, far)
    again[key] = (sock, text, far, min(interval * 2, cap), cap, end)
    after(interval, repeat, key)

def keep_sending(key, sock, text, far, cap):
    again[key] = (sock, text.encode(), far, T1, cap, time.monotonic() + 64 * T1)
    repeat(key)

def build(first, ip, branch, frm, to, call_id, cseq, body=""):
    return (f"{first} SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:5060;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\nFrom: {frm}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq}\r\nContact: <sip:x@{ip}>\r\n" + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}")

def respond(sock, request, status, far, ip, body="", send=True):
    to = header(request, "To")
    to += "" if "tag=" in to else ";tag=c"
    vias = "".join(f"Via: {v}\r\n" for v in re.findall(r"(?im)^Via: (.*?)\r$", request))
    text = (f"SIP/2.0 {status}\r\n{vias}From: {header(request, 'From')}\r\nTo: {to}\r\nCall-ID: {header(request, 'Call-ID')}\r\nCSeq: {header(request, 'CSeq')}\r\n"
            f"Contact: <sip:c@{ip}>\r\n" + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}")
    if send:
        sock.sendto(text.encode(), far)
    return text

def start(i):
    uri = f"sip:+44{i}@a.example"
    keep_sending(("invite", f"l{i}"), a, build(f"INVITE {uri}", PBX, f"i{i}", f"<sip:a@{PBX}>;tag=t{i}", f"<{uri}>", f"l{i}", "1 INVITE", SDP.format(PBX)),
                 (CORE, 5060), 32)

def bye(call_id, uri, frm, to):
    keep_sending(("bye", call_id), a, build(f"BYE {uri}", PBX, f"b{call_id}", frm, to, call_id, "2 BYE"), (CORE, 5060), T2)

def at_caller(text, far):
    call_id, cseq = header(text, "Call-ID"), header(text, "CSeq")
    if not text.startswith("SIP/2.0 "):
        respond(a, text, "481 Gone", far, PBX)
        return
    status = int(text[8:11])
    if cseq.endswith("INVITE"):
        again.pop(("invite", call_id), None)
        if status < 200:
            return
        frm, to = header(text, "From"), header(text, "To")
        if status >= 300:
            a.sendto(build(f"ACK sip:+44{call_id[1:]}@a.example", PBX, f"i{call_id[1:]}", frm, to, call_id, "1 ACK").encode(), far)
            return
        uri = re.search("<(.*?)>", header(text, "Contact")).group(1)
        a.sendto(build(f"ACK {uri}", PBX, f"a{call_id}", frm, to, call_id, "1 ACK").encode(), far)
        if call_id not in answered:
            answered.add(call_id)
            after(0.5, bye, call_id, uri, frm, to)
    elif cseq.endswith("BYE") and status >= 200:
        again.pop(("bye", call_id), None)
        if status == 200:
            ended.add(call_id)

def at_answerer(text, far):
    call_id = header(text, "Call-ID")
    if text.startswith("INVITE"):
        if call_id in seen_invites:
            return  # the repeated 200 answers it
        seen_invites.add(call_id)
        respond(b, text, "180 Ringing", far, BNET)
        keep_sending(("200", call_id), b, respond(b, text, "200 OK", far, BNET, SDP.format(BNET), send=False), far, T2)
    elif text.startswith("ACK"):
        again.pop(("200", call_id), None)
        at_callee.setdefault(call_id, "acked")
    elif text.startswith("BYE"):
        respond(b, text, "200 OK", far, BNET)
        at_callee[call_id] = "ended"

for i in range(N):
    after(i / RATE, start, i)
end = time.monotonic() + N / RATE + 40
while time.monotonic() < end and (len(ended) < N or sum(v == "ended" for v in at_callee.values()) < N):  # each side's BYE may be lost
    wait = max(0.0, min(timers[0][0] - time.monotonic(), 0.5)) if timers else 0.5
    for s in select.select([a, b], [], [], wait)[0]:
        data, far = s.recvfrom(65535)
        (at_caller if s is a else at_answerer)(data.decode(), far)
    while timers and timers[0][0] <= time.monotonic():
        _, _, fn, args = heapq.heappop(timers)
        fn(*args)
print(f"{len(answered)} answered, {len(ended)} ended at the caller, {sum(v == 'ended' for v in at_callee.values())} at the callee, "
      f"{len(seen_invites)} reached it")
sys.exit(0 if len(ended) >= N * 0.999 and sum(v == "ended" for v in at_callee.values()) >= N * 0.999 and len(seen_invites) <= N else 1)
