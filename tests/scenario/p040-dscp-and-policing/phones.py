#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: phones.py LOG LOG - both ends of two calls (see run.sh): 5 s of marked RTP each way; the caller of the first call also
sends ten times its bandwidth. Checks each payload, the DSCP of each packet, and that only the flood was cut."""
import re
import select
import socket
import struct
import sys
import time

COUNT, TICK = 250, 0.02
DSCP = {"A": 8, "B": 34}  # as each side hears the other


def calls():
    """{number: {side: (local, relay)}} of what sipp has learned; '#N' is the Nth media port."""
    found = {}
    for log in sys.argv[1:]:
        for line in open(log):
            m = re.search(r"MEDIA ([AB]) (\S+) (\S+) #(\d+) (\S+) (\d+)", line)
            if m:
                side, key, ip, n, relay, port = m.groups()
                found.setdefault(key, {})[side] = ((ip, 10000 + (int(n) - 1) * 4), (relay, int(port)))
    return found


until = time.time() + 5
while len(c := calls()) < 2 or any(len(v) < 2 for v in c.values()):
    assert time.time() < until, f"calls: {c}"
    time.sleep(0.05)

ends = []
for nth, (key, sides) in enumerate(sorted(c.items())):
    for side, (local, relay) in sides.items():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        s.bind(local)
        s.setblocking(False)
        ends.append({"call": nth, "side": side, "sock": s, "to": relay, "got": 0, "bad": [], "marks": set(), "bytes": 0})


def packet(e, n, flood):
    mark = f"{'flood' if flood else 'voice'} {e['call']} {e['side']} {n} ".encode()
    return struct.pack("!BBHII", 0x80, 8, n & 0xffff, n * 160, ord(e["side"]) + e["call"]) + (mark * 20)[:160]


def hear(wait):
    for e in select.select([e["sock"] for e in ends], [], [], wait)[0]:
        e = next(x for x in ends if x["sock"] is e)
        while True:
            try:
                data, anc, _, _ = e["sock"].recvmsg(2048, 256)
            except BlockingIOError:
                break
            n = struct.unpack("!H", data[2:4])[0]
            other = {"call": e["call"], "side": "B" if e["side"] == "A" else "A"}
            if data[12:] not in (packet(other, n, False)[12:], packet(other, n, True)[12:]):
                e["bad"].append(data[:40])
            e["got"] += data[12:17] == b"voice"
            e["bytes"] += len(data)
            e["marks"].add(anc[0][2][0] >> 2)


start = time.time()
for n in range(COUNT):
    for e in ends:
        e["sock"].sendto(packet(e, n, False), e["to"])
        for k in range(10 if e["call"] == 0 and e["side"] == "A" else 0):
            e["sock"].sendto(packet(e, (n * 10 + k) & 0xffff, True), e["to"])
    hear(max(0, start + (n + 1) * TICK - time.time()))
    while time.time() < start + (n + 1) * TICK:
        hear(max(0, start + (n + 1) * TICK - time.time()))
until = time.time() + 1
while time.time() < until:
    hear(0.05)
for e in ends:
    kbps = e["bytes"] * 8 / (COUNT * TICK) / 1000
    print(f"  call {e['call']} side {e['side']}: {e['got']} of {COUNT}, {kbps:.0f} kbit/s, DSCP {sorted(e['marks'])}")
    assert not e["bad"], e["bad"][:3]
    assert e["marks"] == {DSCP[e["side"]]}, "DSCP"
    if e["call"] == 0 and e["side"] == "B":
        assert kbps < 200, "the flood got through"  # 160 kbit/s and a burst
    else:
        assert e["got"] >= COUNT * 0.999, "lost"
