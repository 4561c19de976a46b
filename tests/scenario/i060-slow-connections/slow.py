#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: slow.py PID - see run.sh; the strangers come from 127.0.1.50 and up, pbx and bnet make a call after the other meanwhile"""
import os
import selectors
import socket
import sys
import threading
import time

from sip_tls import Caller, Server, check, connect, until

PID = sys.argv[1]
TCP, TLS, PBX, BNET = ("127.0.1.1", 5060), ("127.0.1.1", 5061), ("127.0.1.10", 5060), ("127.0.2.20", 5060)
EACH = int(os.environ.get("SLOW_EACH", "400"))  # of five kinds
REQUEST = (b"OPTIONS sip:a.example SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.1.50:5060;branch=z9hG4bKslow\r\nMax-Forwards: 70\r\nFrom: <sip:a@b.example>;tag=1\r\n"
           b"To: <sip:a@b.example>\r\nCall-ID: slow\r\nCSeq: 1 OPTIONS\r\n")
LIMIT = 10 + 3 * float(os.environ.get("SPEER_TIMEOUT_SCALE", "1"))  # 10 s, and what the sweep and this machine take


def rss_kib():
    with open(f"/proc/{PID}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


class Slow:
    def __init__(self, kind, n):
        self.kind, self.born, self.died = kind, time.monotonic(), None
        self.sock = socket.socket()
        if kind == "deaf":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.sock.settimeout(10)
        # a stranger's address has a rate of its own, so those that want answers come from many
        self.sock.bind((f"127.4.{n // 200}.{1 + n % 200}" if kind == "deaf" else f"127.0.1.{50 + n % 4}", 0))
        self.sock.connect(TLS if kind == "hello" else TCP)
        self.at = 0
        if kind == "body":
            self.say(REQUEST + b"Content-Type: text/plain\r\nContent-Length: 10\r\n\r\n123456789")
        self.sock.setblocking(False)

    def say(self, data):
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.end()
            return 0

    def end(self):
        if self.died is None:
            self.died = time.monotonic()

    def tick(self):
        """Once a second."""
        if self.kind == "headers":
            self.at += self.say(REQUEST[self.at:self.at + 1])
        elif self.kind == "hello":
            self.at += self.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[self.at % 11:self.at % 11 + 1])
        elif self.kind == "deaf":
            for _ in range(20):
                self.at += 1
                one = b"slow%dx%d" % (id(self), self.at)
                self.say(REQUEST.replace(b"slow", one) + b"Content-Length: 0\r\n\r\n")

    def readable(self):
        if self.kind == "deaf":  # it never reads: it only learns that it was closed
            return
        try:
            if not self.sock.recv(4096):
                self.end()
        except BlockingIOError:
            pass
        except OSError:
            self.end()


calls, failed = [], []


def call_on(stop):
    pbx = Caller(connect(PBX[0], TCP), PBX, alias=False, proto="TCP")
    while not stop.is_set():
        start = time.monotonic()
        try:
            status = pbx.call()
        except Exception as e:  # pylint: disable=broad-except
            failed.append(repr(e))
            return
        calls.append(time.monotonic() - start)
        if status != 200:
            failed.append(status)
        time.sleep(0.05)


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(BNET)
threading.Thread(target=lambda: Server.serve_udp(udp, BNET), daemon=True).start()
stop = threading.Event()
thread = threading.Thread(target=call_on, args=(stop,), daemon=True)
thread.start()
until("calls", lambda: len(calls) > 5)
before = rss_kib()
all_slow = []
for i in range(EACH):
    for kind in ("headers", "body", "hello", "silent", "deaf"):
        all_slow.append(Slow(kind, i))
print(f"  {len(all_slow)} connections, {rss_kib() - before} KiB more")
peak, watch = 0, selectors.DefaultSelector()
for s in all_slow:
    watch.register(s.sock, selectors.EVENT_READ, s)
end, tick = time.monotonic() + 30, 0.0
while any(s.died is None for s in all_slow) and time.monotonic() < end:
    for key, _ in watch.select(0.2):
        key.data.readable()
        if key.data.kind == "deaf" or key.data.died:
            watch.unregister(key.fileobj)
    if time.monotonic() - tick >= 1:
        tick = time.monotonic()
        peak = max(peak, rss_kib())
        for s in all_slow:
            if s.died is None:
                s.tick()
for kind in ("headers", "body", "hello", "silent", "deaf"):
    left = [s for s in all_slow if s.kind == kind and s.died is None]
    worst = max(s.died - s.born for s in all_slow if s.kind == kind and s.died) if len(left) < EACH else 99
    print(f"  {kind}: all gone after {worst:.1f} s")
    check(not left and worst <= LIMIT + (3 if kind == "deaf" else 0), f"{kind}: {len(left)} are still there, the slowest end took {worst:.1f} s")
for s in all_slow:
    s.sock.close()

# A24: what is no SIP at all
stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probe.bind(("127.0.1.60", 0))
probe.settimeout(0.3)
for _ in range(10):
    for data in (stun, b"x", b"", b"\r\n\r\n"):
        probe.sendto(data, TCP)
try:
    check(False, f"an answer to what is no SIP: {probe.recv(4096)}")
except TimeoutError:
    pass

stop.set()
thread.join()
check(not failed, f"calls failed: {failed[:3]}")
calls.sort()
each = (peak - before) / len(all_slow)
print(f"  {len(calls)} calls meanwhile, none failed, set-up and release {calls[len(calls) // 2] * 1000:.0f} ms, at worst {calls[-1] * 1000:.0f} ms; {each:.1f} KiB for each connection")
check(each <= int(os.environ.get("SLOW_EACH_KIB", "64")), f"{each} KiB for each connection")
