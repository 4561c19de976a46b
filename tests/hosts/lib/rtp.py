# SPDX-License-Identifier: Apache-2.0
"""Media ends: packets with contents of their own, 20 ms apart, each way; what arrives must be what was sent, byte for byte, in order."""
import random
import select
import struct
import time

from . import net

PAYLOAD_BYTES, TICK_S = 160, 0.02


class Media:
    """The RTP socket of a telephone."""

    def __init__(self, host, ip, port):
        self.host, self.at = host, (ip, port)
        self.sock = net.udp_socket(host, self.at)
        self.sock.setblocking(False)

    def close(self):
        self.sock.close()


class Control:
    """The RTCP socket of a telephone, where it is not that of its RTP."""

    def __init__(self, host, ip, port):
        self.host, self.at = host, (ip, port)
        self.sock = net.udp_socket(host, self.at)

    def close(self):
        self.sock.close()


def report(a, to, b):
    """A sender report from a to an address; b must hear it, byte for byte, on its socket."""
    data = struct.pack("!BBHIQIII", 0x80, 200, 6, random.getrandbits(32), random.getrandbits(63), random.getrandbits(32), 1, 160)
    a.sock.sendto(data, to)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        if select.select([b.sock], [], [], 0.1)[0] and b.sock.recvfrom(4096)[0] == data:
            return
    raise net.Failure(f"{b.host} did not hear the RTCP that {a.host} sent to {to}")


def packets(seed, phase, count, payload_type):
    r = random.Random(seed)
    ssrc, seq, stamp = (r.getrandbits(16) << 16) | phase, r.getrandbits(15), r.getrandbits(31)
    return [struct.pack("!BBHII", 0x80, payload_type | (0x80 if n == 0 else 0), seq + n, stamp + 160 * n, ssrc) + r.randbytes(PAYLOAD_BYTES)
            for n in range(count)]


def exchange(a, to_a, b, to_b, count=25, phase=1, payload_type=8):  # pylint: disable=too-many-arguments
    """a sends to to_a, b to to_b (addresses from the SDP each got). None as an address: that side is silent and the other hears nothing."""
    sides = [(a, b, to_a, packets(phase * 2, phase, count, payload_type) if to_a else []),
             (b, a, to_b, packets(phase * 2 + 1, phase, count, payload_type) if to_b else [])]
    got = {a: [], b: []}
    start = time.monotonic()
    end = start + count * TICK_S + 2.0
    sent = 0
    while time.monotonic() < end:
        now = time.monotonic()
        if sent < count and now >= start + sent * TICK_S:
            for me, _, to, out in sides:
                if out:
                    me.sock.sendto(out[sent], to)
            sent += 1
        ready, _, _ = select.select([a.sock, b.sock], [], [], 0.005)
        for m in (a, b):
            if m.sock in ready:
                data, source = m.sock.recvfrom(4096)
                if not (len(data) > 1 and 192 <= data[1] <= 223):  # RTCP
                    got[m].append((data, source))
        if sent == count and all(len(got[other]) >= len(out) for _, other, _, out in sides):
            break
    for me, other, to, out in sides:
        heard = [d for d, _ in got[other]]
        net.check(len(heard) == len(out), f"{other.host} heard {len(heard)} of {len(out)} packets that {me.host} sent to {to}")
        net.check(heard == out, f"what {other.host} heard is not what {me.host} sent, byte for byte")
    return {m.host: {s for _, s in got[m]} for m in (a, b)}
