#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two real telephones (Debian's baresip) call each other through the sbe, driven over their ctrl_tcp.

usage: phone.py DIRECTORY udp|tls    writes the phones' settings into DIRECTORY, starts them, calls both ways, checks what was heard
Each phone plays a tone of its own from a WAV file; what the far end decodes is written to a WAV file and must be that tone, without
gaps. phone.py expects the files ca.pem, alice.pem and bob.pem (certificate and key) there for tls.
"""
import array
import glob
import json
import math
import os
import socket
import subprocess
import sys
import time
import wave

BASE, KIND = os.path.abspath(sys.argv[1]), sys.argv[2]
RATE = 8000
MODULES = os.environ.get("BARESIP_MODULES", "/usr/lib/baresip/modules")


def fail(text):
    sys.exit(f"FAIL: {text}")


def write_tone(path, hertz, seconds):
    samples = array.array("h", (int(10000 * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(RATE * seconds)))
    with wave.open(path, "wb") as w:
        w.setparams((1, 2, RATE, 0, "NONE", ""))
        w.writeframes(samples.tobytes())


def share(block, hertz):
    """How much of a block's energy is at this frequency, 0..1 (Goertzel)."""
    k = 2 * math.cos(2 * math.pi * hertz / RATE)
    a = b = 0.0
    for x in block:
        a, b = x + k * a - b, a
    energy = sum(x * x for x in block)
    return 2 * (a * a + b * b - k * a * b) / (len(block) * energy) if energy else 0.0


class Phone:
    def __init__(self, name, user, sip, proxy, control, media, hertz):
        self.name, self.hertz = name, hertz
        self.dir = os.path.join(BASE, f"{KIND}-{name}")
        self.heard_dir = os.path.join(self.dir, "heard")
        os.makedirs(self.heard_dir)
        write_tone(os.path.join(self.dir, "says.wav"), hertz, 60)
        with open(os.path.join(self.dir, "config"), "w") as f:
            f.write(f"module_path {MODULES}\n" + "".join(f"module {m}.so\n" for m in ("g711", "aufile", "sndfile")) +
                    "module_tmp uuid.so\nmodule_tmp account.so\nmodule_app ctrl_tcp.so\nmodule_app menu.so\n"
                    f"ctrl_tcp_listen 127.0.0.1:{control}\nsip_listen {sip}:5060\npoll_method epoll\nnet_interface 127.0.0.1\n"
                    f"audio_source aufile,{self.dir}/says.wav\naudio_channels 1\naudio_srate {RATE}\nsnd_path {self.heard_dir}\n"
                    f"rtp_ports {media}-{media + 40}\nsip_certificate {BASE}/{name}.pem\nsip_cafile {BASE}/ca.pem\n")
        transport = f";transport={KIND}"
        with open(os.path.join(self.dir, "accounts"), "w") as f:
            f.write(f"<sip:{user}@{sip}{transport}>;regint=0;answermode=auto;audio_codecs=pcma;outbound=\"sip:{proxy}{transport}\"\n")
        open(os.path.join(self.dir, "contacts"), "w").close()
        self.log = open(os.path.join(BASE, f"{KIND}-{name}.log"), "w")
        self.process = subprocess.Popen(["baresip", "-s", "-f", self.dir], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while True:
            try:
                self.s = socket.create_connection(("127.0.0.1", control))
                break
            except ConnectionRefusedError:
                if time.monotonic() > end or self.process.poll() is not None:
                    fail(f"{name} does not start")
                time.sleep(0.05)
        self.buf, self.events = b"", []

    def command(self, command, params=""):
        text = json.dumps({"command": command, "params": params}).encode()
        self.s.sendall(b"%d:%s," % (len(text), text))

    def take(self, seconds):
        """Read netstrings for so long, or until one has come."""
        self.s.settimeout(max(0.01, seconds))
        try:
            more = self.s.recv(65536)
        except TimeoutError:
            return
        if not more:
            fail(f"{self.name} is gone")
        self.buf += more
        while b":" in self.buf:
            n, _, rest = self.buf.partition(b":")
            if len(rest) < int(n) + 1:
                return
            self.events.append(json.loads(rest[:int(n)]))
            self.buf = rest[int(n) + 1:]

    def event(self, kind, seconds=10):
        """Wait for an event; the others stay, for the order is not said (RTP may be there before the ACK)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for i, e in enumerate(self.events):
                if e.get("type") == kind:
                    return self.events.pop(i)
            self.take(end - time.monotonic())
        fail(f"{self.name}: no {kind}; it saw {[e.get('type') for e in self.events]}")

    def recording(self):
        files = sorted(glob.glob(os.path.join(self.heard_dir, "*-dec.wav")), key=os.path.getmtime)
        return files[-1] if files else fail(f"{self.name} heard nothing")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def check_heard(phone, other, seconds):
    path = phone.recording()
    with wave.open(path) as w:
        if w.getframerate() != RATE:
            fail(f"{path}: {w.getframerate()} Hz")
        heard = array.array("h", w.readframes(w.getnframes()))
    block = RATE // 10
    blocks = [heard[i:i + block] for i in range(0, len(heard) - block + 1, block)]
    good = sum(1 for b in blocks if share(b, other.hertz) > 0.9 and max(b) > 5000)
    wrong = sum(1 for b in blocks if share(b, phone.hertz) > 0.1)
    print(f"  {KIND}: {phone.name} heard {len(heard) / RATE:.1f} s, {good} of {len(blocks)} tenths are {other.hertz} Hz")
    if len(heard) < RATE * seconds * 0.8:
        fail(f"{phone.name} heard {len(heard) / RATE:.1f} s of {seconds} s")
    if good < len(blocks) - 2 or wrong:  # the first and the last may be cut
        fail(f"{phone.name}: {good} of {len(blocks)} tenths are {other.hertz} Hz, {wrong} are its own tone")


def talk(seconds, *phones):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for p in phones:
            p.take((end - time.monotonic()) / len(phones))


def one_call(caller, callee, uri, hang_up):
    for p in (caller, callee):
        p.events.clear()
    caller.command("dial", uri)
    for p in (caller, callee):
        p.event("CALL_ESTABLISHED")
    for p in (caller, callee):
        p.event("CALL_RTPESTAB")
    talk(3, caller, callee)
    hang_up.command("hangup")
    for p in (caller, callee):
        p.event("CALL_CLOSED")
    check_heard(caller, callee, 3)
    check_heard(callee, caller, 3)


port = 5061 if KIND == "tls" else 5060
alice = Phone("alice", "alice", "127.0.1.10", f"127.0.1.1:{port}", 14450, 30000, 440)
bob = Phone("bob", "+441", "127.0.2.20", f"127.0.2.1:{port}", 14451, 31000, 1000)
try:
    one_call(alice, bob, "sip:+441@a.example", alice)
    one_call(bob, alice, "sip:alice@a.example", alice)
finally:
    alice.stop()
    bob.stop()
