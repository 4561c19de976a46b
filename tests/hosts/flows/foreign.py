# SPDX-License-Identifier: Apache-2.0
"""Ends with somebody else's SIP, and a name server that points at somebody else (G3b, G4a)."""
import os
import subprocess

from flows import basic, secure
from lib import net, rtp
from lib.bed import sip
from lib.daemons import bound
from lib.net import address, check
from lib.table import row

FORGED = f"""
b NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp.b
_sips._tcp.b SRV 10 0 5061 evil.b
evil.b A {address("attacker", "peer")}
"""


def sipp(bed, host, words, at, to=None):
    """sipp with steps of make.py on a host; it says in a file where the relay wants media."""
    if subprocess.run(["which", "sipp"], capture_output=True, check=False).returncode:
        raise net.Skip("sipp is not installed")
    make = os.path.join(os.environ["SPEER_ROOT"], "tests", "scenario", "lib", "make.py")
    path, log = (os.path.join(bed.tmp, f"sipp-{host}.{x}") for x in ("xml", "media"))
    with open(path, "w", encoding="utf-8") as f:
        subprocess.run(["python3", "-B", make, *words], stdout=f, check=True)
    if os.path.exists(log):
        os.unlink(log)
    return bed.net.run(host, f"sipp-{host}", [
        "sipp", "-sf", path, "-i", at, "-mi", "127.0.0.1", "-mp", "10000", "-p", "5060", "-m", "1", "-nostdin", "-nd", "-trace_logs", "-log_file", log,
        "-timeout", "40s", "-timeout_error", *([f"{to[0]}:{to[1]}"] if to else [])])


def relay_of(bed, host):
    """(address, port) from sipp's line MEDIA side key ip port relay-ip relay-port."""
    try:
        with open(os.path.join(bed.tmp, f"sipp-{host}.media"), encoding="utf-8") as f:
            words = f.read().split("MEDIA", 1)[-1].split()
            return (words[4], int(words[5])) if len(words) >= 6 else None
    except FileNotFoundError:
        return None


@row("G3b", "Figure 3, section 4", "The same with sipp at both ends")
def g3b(bed):
    one = basic.originating(next_hops=[f"sip:{address('sbe2', 'peer')}:5060"])
    one["location"] = [{"type": "peers"}]
    one["routes"].append({"name": "out", "from": ["alice"], "number": "+44", "to": [{"peer": "bnet"}]})
    bed.daemons.start("sbe1", one)
    bed.daemons.start("sbe2", basic.terminating())
    alice, bob = address("alice", "a"), address("bob", "b")
    uas = sipp(bed, "bob", ["callee", "invite", "ringing", "pause:50", "answer", "ack", "bye"], bob)
    net.wait_for(f"sipp listens: {uas.tail(3)}", lambda: bound("bob", bob, 5060))
    ends = [rtp.Media("alice", alice, 10000), rtp.Media("bob", bob, 10000)]
    uac = sipp(bed, "alice", ["caller", "invite", "ringing", "answer", "ack", "pause:1500", "bye"], alice, sip("sbe1", "a"))
    try:
        relays = [net.wait_for(f"{h} knows the relay: {uac.tail(3)}", lambda h=h: relay_of(bed, h)) for h in ("alice", "bob")]
        net.wait_for("the call is up", lambda: [r for r in bed.daemons.rows("sbe2", "call", "list") if "up" in r.values()])
        rtp.exchange(ends[0], relays[0], ends[1], relays[1])
        for p in (uac, uas):
            check(p.process.wait(30) == 0, f"{p.name} ended with {p.process.returncode}: {p.tail(8)}")
    finally:
        for m in ends:
            m.close()
    bed.idle("sbe1", "sbe2")
    bed.captured()
    bed.check(basic.decomposed(bye_from="alice"))


@row("G4a", "section 5.1", "A forged SRV target with a good certificate of its own is told nothing",
     hosts="alice sbe1 dbe1 dns attacker")
def g4a(bed):
    secure.start_on_demand(bed, FORGED)
    bed.pki.certificate("evil", "DNS:evil.example,DNS:evil.b.example", "ca")
    evil = bed.phone("attacker", "bob", "b.example", port=5061, transport="tls", tls=bed.pki.context("evil", "ca", True))
    alice = bed.phone("alice", "alice", "a.example")
    got = alice.place("sip:bob@b.example", sip("sbe1", "a")).final()
    check(got.status >= 480, f"the call got {got.start}")
    bed.idle("sbe1")
    check(not evil.requests, f"the attacker was told {[m.start for m in evil.requests]}")
    bed.captured()
    bed.check(f"""
    alice>sbe1 INVITE
    sbe1>alice 100 INVITE
    # Discovery
    {basic.discovery("_sips._tcp", ("A", "AAAA")).replace("sbe2.b", "evil.b")}
    sbe1>dbe1 Add+Add
    dbe1>sbe1 Add+Add ok
    # Security: the certificate is not that of b.example
    sbe1>attacker TLS refused
    sbe1>alice {got.status} INVITE
    {{
      alice>sbe1 ACK
    |
      sbe1>dbe1 Subtract
      dbe1>sbe1 Subtract ok
    }}
    """)
