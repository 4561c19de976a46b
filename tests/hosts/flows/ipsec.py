# SPDX-License-Identifier: Apache-2.0
"""IPsec between the providers, and what the configuration warns of without any protection (G6, G16)."""
import os
import secrets
import subprocess

from flows import basic
from lib import net
from lib.bed import sip
from lib.daemons import merge
from lib.net import TUNNELS, address, check
from lib.table import row

PAIRS = (("sbe1", "sbe2"), ("dbe1", "dbe2"))


def tunnels(bed):
    """Between the SBEs and between the DBEs; keys agreed beforehand."""
    if not os.path.exists("/dev/net/tun"):
        raise net.Skip("no /dev/net/tun here, so no tunnel can be made")
    program = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib", "esp.py")
    for a, b in PAIRS:
        key = secrets.token_hex(36)
        for here, there in ((a, b), (b, a)):
            p = bed.net.run(here, f"esp-{here}", ["python3", "-B", program, address(here, "peer"), address(there, "peer"), f"{TUNNELS[here]}/30", key])
            net.wait_for(f"the tunnel at {here}: {p.tail(3)}", lambda p=p: p.said("up") or not p.alive())
            if not p.alive():
                raise net.Skip(f"no tunnel can be made: {p.tail(1)}")


def inside(conf, host):
    """The realm tunnel beside the realm peering; the peer is taken in it only."""
    other, peer, phone = ("sbe2", "bnet", "alice") if host == "sbe1" else ("sbe1", "anet", "bob")
    conf["realms"] = {"tunnel": {"listen": [f"udp:{TUNNELS[host]}"], "media": "tunnel", "interface": "ipsec0", "protected": "ipsec"}}
    conf["peers"][peer] = {"realm": "tunnel", "sources": [TUNNELS[other]], "domains": conf["peers"][peer]["domains"], "sip": {"prack": "off"},
                           "next_hops": [f"sip:{TUNNELS[other]}:5060"], "sec": {"admission": "ipsec-only"}}
    conf["location"] = [{"type": "peers"}]
    del phone
    return conf


@row("G6", "section 6.2", "IPsec tunnel for signaling and media; the same peer outside of it is refused", hosts=basic.row_hosts("attacker"))
def g6(bed):
    tunnels(bed)
    for host, conf in (("sbe1", basic.originating()), ("sbe2", basic.terminating())):
        relay = host.replace("sbe", "dbe")
        bed.daemons.start(host, inside(conf, host), dbe_conf={"realms": {"tunnel": {"addresses": [{"bind": TUNNELS[relay], "ports": "16384-16583"}]}}})
    basic.one_call_kept(bed)
    # somebody outside the tunnel uses the peer's address
    net.ip("addr", "add", f"{TUNNELS['sbe1']}/32", "dev", "net-peer", host="attacker")
    try:
        before = bed.daemons.counter("sbe2", "sbe_admission_refused_total")
        intruder = net.udp_socket("attacker", (TUNNELS["sbe1"], 5060))
        text = (f"INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP {TUNNELS['sbe1']}:5060;branch=z9hG4bKastray\r\nMax-Forwards: 70\r\n"
                "From: <sip:alice@a.example>;tag=1\r\nTo: <sip:bob@b.example>\r\nCall-ID: astray\r\nCSeq: 1 INVITE\r\n"
                f"Contact: <sip:alice@{TUNNELS['sbe1']}>\r\nContent-Length: 0\r\n\r\n")
        intruder.sendto(text.encode(), sip("sbe2", "peer"))
        net.wait_for("it is refused", lambda: bed.daemons.counter("sbe2", "sbe_admission_refused_total") > before)
        intruder.close()
    finally:
        net.ip("addr", "del", f"{TUNNELS['sbe1']}/32", "dev", "net-peer", host="attacker")
    bed.captured()
    check(sum(bool(d.uri) for d in bed.phones[1].dialogs.values()) == 1, "Bob was called from outside the tunnel")
    bed.check("# ESP between the SBEs and between the DBEs, all the time\n" + basic.decomposed(), [m for m in bed.messages if not astray(m)])
    outer = {address(h, "peer") for pair in PAIRS for h in pair}
    for p in bed.packets:
        check(not {p.src, p.dst} <= outer or p.proto == 50, f"{p.src} and {p.dst} spoke outside of the tunnel")
    for a, b in PAIRS:
        check(sum(p.proto == 50 and {p.src, p.dst} == {address(a, "peer"), address(b, "peer")} for p in bed.packets) >= 10, f"no ESP between {a} and {b}")
    bed.note("All of it between the providers was ESP on the wire. ESP in tunnel mode is done by a program of the test, for not every kernel has it;\n"
             "to the SBE it is an interface that is told to be protected. An INVITE from the peer's address outside of it is refused.")


def astray(message):
    """What the intruder was told, which goes where his address says: into the tunnel."""
    return message.body and isinstance(message.body, str) and "Call-ID: astray" in message.body


@row("G16", "section 10", "What is not protected is warned of: clear text in a realm that is not declared co-located", hosts="")
def g16(bed):
    conf = basic.originating(next_hops=[f"sip:{address('sbe2', 'peer')}:5060"])
    open_text = checked(bed, conf)
    check("peering" in open_text and "colocated" in open_text, f"no warning of clear text: {open_text}")
    closed_text = checked(bed, merge(conf, {"realms": {"peering": {"colocated": True}, "core": {"colocated": True}}}))
    check("clear" not in closed_text, f"a warning although all are co-located: {closed_text}")
    bed.note("sbe -t says:\n" + "\n".join(f"    {x.split('.json:')[-1]}" for x in open_text.splitlines() if "peering" in x or "bnet" in x))


def checked(bed, conf):
    """What `sbe -t` says about a configuration."""
    full = merge(bed.daemons.base("sbe1"), conf)
    path = os.path.join(bed.tmp, "checked.json")
    bed.daemons.write(path, full)
    done = subprocess.run([os.path.join(bed.daemons.bin, "sbe"), "-t", "-c", path], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"sbe -t: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr
