# SPDX-License-Identifier: Apache-2.0
"""tcpdump on every host, and what it wrote, as datagrams and pieces of TCP streams."""
import ipaddress
import os
import re
import struct

from . import net

UDP, TCP, ESP = 17, 6, 50
LARGEST_BYTES = 8192  # of a packet; the kernel divides its buffer into slots of this size


class Packet:
    """One IP packet as one host saw it. out: the host sent it. n: its place in that host's capture."""
    __slots__ = ("host", "n", "time", "out", "interface", "proto", "src", "dst", "sport", "dport", "seq", "flags", "data")

    def __init__(self, host, n, time, out):
        self.host, self.n, self.time, self.out = host, n, time, out
        self.sport = self.dport = self.seq = self.flags = 0
        self.data = b""


class Capture:
    """start(); ... packets = stop()"""

    def __init__(self, netw, directory, hosts):
        self.net, self.dir, self.hosts, self.running = netw, directory, hosts, []
        os.makedirs(directory, exist_ok=True)

    def start(self):
        for host in self.hosts:
            path = os.path.join(self.dir, f"{host}.pcap")
            self.running.append(self.net.run(host, f"tcpdump-{host}", [
                "tcpdump", "-i", "any", "-y", "LINUX_SLL2", "-n", "-U", "--immediate-mode", "-s", str(LARGEST_BYTES), "-B", "8192", "-Z", "root",
                "--nano", "-w", path, "ip or ip6"]))
        for p in self.running:
            net.wait_for(f"tcpdump on {p.host}: {p.tail(3)}", lambda p=p: p.said("listening on") or not p.alive())
            net.check(p.alive(), f"tcpdump on {p.host}: {p.tail(3)}")

    def stop(self):
        for p in self.running:
            self.drain(p.host)
        for p in self.running:
            p.process.terminate()
        found = []
        for p in self.running:
            p.stop()
            lost = re.search(r"(\d+) packets? dropped by kernel", p.tail(5))
            net.check(not lost or lost.group(1) == "0", f"the machine is too busy: the capture on {p.host} lost {lost and lost.group(1)} packets")
            found += read(p.host, os.path.join(self.dir, f"{p.host}.pcap"))
        self.running = []
        return found


    def drain(self, host):
        """A datagram to itself, and wait until it is in the file: so all that was before it is there too."""
        mark = os.urandom(16)
        with net.inside(host):
            s = net.socket.socket(net.socket.AF_INET, net.socket.SOCK_DGRAM)
        s.sendto(mark, ("127.0.0.1", 9))
        s.close()
        path = os.path.join(self.dir, f"{host}.pcap")

        def there():
            with open(path, "rb") as f:
                f.seek(max(0, os.path.getsize(path) - 65536))
                return mark in f.read()

        net.wait_for(f"the capture on {host}", there)


def read(host, path):
    """The packets of one file, in its order."""
    with open(path, "rb") as f:
        data = f.read()
    packets, at = [], 24
    while at + 16 <= len(data):
        sec, nsec, size, whole = struct.unpack_from("<IIII", data, at)
        at += 16
        frame = data[at:at + size]
        at += size
        net.check(size == whole, f"a packet of {whole} bytes on {host} does not fit the capture")
        if len(frame) < size or size < 40:
            continue
        interface, kind = struct.unpack_from("!I", frame, 4)[0], frame[10]
        p = Packet(host, len(packets), sec * 10**9 + nsec, kind == 4)
        p.interface = interface
        if dissect(p, frame[20:]):
            packets.append(p)
    return packets


def dissect(p, b):
    """Addresses, ports and payload; False for what is none of ours (ICMP, broadcasts)."""
    if b[0] >> 4 == 4:
        head = (b[0] & 15) * 4
        p.proto, p.src, p.dst = b[9], str(ipaddress.IPv4Address(b[12:16])), str(ipaddress.IPv4Address(b[16:20]))
        total = struct.unpack_from("!H", b, 2)[0]
        offset = struct.unpack_from("!H", b, 6)[0] & 0x3fff
        if offset:
            p.proto = 0  # a fragment; nothing here sends any
        b = b[head:total] if total else b[head:]
    else:
        p.proto, p.src, p.dst = b[6], str(ipaddress.IPv6Address(b[8:24])), str(ipaddress.IPv6Address(b[24:40]))
        b = b[40:40 + struct.unpack_from("!H", b, 4)[0]]
    if p.proto == UDP and len(b) >= 8:
        p.sport, p.dport = struct.unpack_from("!HH", b)
        p.data = b[8:]
    elif p.proto == TCP and len(b) >= 20:
        p.sport, p.dport, p.seq = struct.unpack_from("!HHI", b)
        p.flags = b[13]
        p.data = b[(b[12] >> 4) * 4:]
    elif p.proto == ESP:
        p.data = b
    else:
        return False
    return True


class Stream:
    """One direction of a TCP connection as one host saw it: bytes with the packet that brought them."""

    def __init__(self, first):
        self.first, self.data, self.packets, self.next, self.later = first, bytearray(), [], None, {}

    def feed(self, p):
        if p.flags & 2:
            self.next = (p.seq + 1) & 0xffffffff
        if not p.data:
            return
        if self.next is None:
            self.next = p.seq
        self.later.setdefault(p.seq, p)
        while self.next in self.later:
            q = self.later.pop(self.next)
            self.data += q.data
            self.packets.append((len(self.data), q))
            self.next = (self.next + len(q.data)) & 0xffffffff

    def packet_at(self, end):
        """The packet that brought byte end - 1."""
        for upto, p in self.packets:
            if upto >= end:
                return p
        return self.packets[-1][1]


def streams(packets):
    """{(src, sport, dst, dport): Stream, in order of appearance} of one host."""
    found, closed = {}, []
    for p in packets:
        if p.proto != TCP:
            continue
        key = (p.src, p.sport, p.dst, p.dport)
        if p.flags & 2 and key in found and found[key].data:  # the ports are used again
            closed.append((key, found.pop(key)))
        found.setdefault(key, Stream(p)).feed(p)
    return closed + list(found.items())
