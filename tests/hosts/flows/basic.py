# SPDX-License-Identifier: Apache-2.0
"""The basic flow of section 4 in the three models of section 3 (G1, G2, G3)."""
import re

from lib.bed import sip
from lib.net import address, check
from lib.table import HOSTS, row

ZONE = f"""
b NAPTR 50 50 "s" "SIP+D2U" "" _sip._udp.b
_sip._udp.b SRV 10 0 5060 sbe2.b
sbe2.b A {address("sbe2", "peer")}
sbe2.b AAAA {address("sbe2", "peer", 6)}
"""


def row_hosts(*more):
    """Where a flow of this kind is captured, and on these."""
    return " ".join([HOSTS, *more])


def originating(**more):
    """sbe1: Alice's side; the next hop of b.example comes from the DNS."""
    return {"domains": ["a.example"], "lookup": [{"type": "table"}, {"type": "uri"}],
            "location": [{"type": "peers"}, {"type": "dns", "realm": "peering", "secure": False, "allow_private": True}],
            "peers": {"alice": {"realm": "core", "sources": [address("alice", "a")], "next_hops": [f"sip:{address('alice', 'a')}:5060"]},
                      "bnet": {"realm": "peering", "sources": [address("sbe2", "peer")], "domains": ["b.example"], "sip": {"prack": "off"}, **more}},
            "routes": [{"name": "in", "from": ["bnet"], "domain": "a.example", "to": [{"peer": "alice"}]}]}


def terminating(**more):
    """sbe2: Bob's side."""
    return {"domains": ["b.example"],
            "peers": {"bob": {"realm": "core", "sources": [address("bob", "b")], "next_hops": [f"sip:{address('bob', 'b')}:5060"]},
                      "anet": {"realm": "peering", "sources": [address("sbe1", "peer")], "domains": ["a.example"],
                               "next_hops": [f"sip:{address('sbe1', 'peer')}:5060"], "sip": {"prack": "off"}, **more}},
            "routes": [{"name": "in", "from": ["anet"], "domain": "b.example", "to": [{"peer": "bob"}]},
                       {"name": "out", "from": ["bob"], "domain": "a.example", "to": [{"peer": "anet"}]}]}


def discovery(service="_sip._udp", families=("A",)):
    addresses = "\n|\n".join(f"sbe1>dns {f}? sbe2.b.example\ndns>sbe1 {f} sbe2.b.example" for f in families)
    return f"""
    sbe1>dns NAPTR? b.example
    dns>sbe1 NAPTR b.example
    sbe1>dns SRV? {service}.b.example
    dns>sbe1 SRV {service}.b.example
    {{
    {addresses}
    }}
    """


def decomposed(before_invite="", after_add="", bye_from="bob"):
    """Figure 3 and section 4 with gate control: Add+Add is answered before the INVITE leaves, Modify before the 2xx, Subtract after BYE."""
    return f"""
    alice>sbe1 INVITE
    sbe1>alice 100 INVITE {"" if before_invite else "~"}
    {before_invite and "# Discovery"}
    {before_invite}
    sbe1>dbe1 Add+Add
    dbe1>sbe1 Add+Add ok
    {after_add}
    # Signaling
    sbe1>sbe2 INVITE
    sbe2>sbe1 100 INVITE ~
    sbe2>dbe2 Add+Add
    dbe2>sbe2 Add+Add ok
    sbe2>bob INVITE
    bob>sbe2 180 INVITE
    sbe2>sbe1 180 INVITE
    sbe1>alice 180 INVITE
    bob>sbe2 200 INVITE
    sbe2>dbe2 Modify+Modify
    dbe2>sbe2 Modify+Modify ok
    sbe2>sbe1 200 INVITE
    sbe1>dbe1 Modify+Modify
    dbe1>sbe1 Modify+Modify ok
    sbe1>alice 200 INVITE
    alice>sbe1 ACK
    sbe1>sbe2 ACK
    sbe2>bob ACK
    # Media
    alice=dbe1 RTP
    dbe1=dbe2 RTP
    dbe2=bob RTP
    # End
    """ + (bye_of_bob() if bye_from == "bob" else bye_of_alice())


def bye_of_bob(gates=True):
    g = """
    |
      sbe{n}>dbe{n} Subtract
      dbe{n}>sbe{n} Subtract ok
    """ if gates else ""
    return f"""
    bob>sbe2 BYE
    {{
      sbe2>bob 200 BYE
    |
      sbe2>sbe1 BYE
      {{
        sbe1>sbe2 200 BYE
      |
        sbe1>alice BYE
        alice>sbe1 200 BYE
      {g.format(n=1)}
      }}
    {g.format(n=2)}
    }}
    """


def bye_of_alice(gates=True):
    g = """
    |
      sbe{n}>dbe{n} Subtract
      dbe{n}>sbe{n} Subtract ok
    """ if gates else ""
    return f"""
    alice>sbe1 BYE
    {{
      sbe1>alice 200 BYE
    |
      sbe1>sbe2 BYE
      {{
        sbe2>sbe1 200 BYE
      |
        sbe2>bob BYE
        bob>sbe2 200 BYE
      {g.format(n=2)}
      }}
    {g.format(n=1)}
    }}
    """


def mirrored(drawing):
    """The same call from Bob to Alice."""
    pairs = (("alice", "bob"), ("sbe1", "sbe2"), ("dbe1", "dbe2"))
    swap = {**dict(pairs), **{b: a for a, b in pairs}}
    drawing = re.sub("|".join(swap), lambda m: swap[m.group()], drawing)
    return re.sub(r"(\w+)=(\w+) RTP", r"\2=\1 RTP", drawing)


def one_call_kept(bed, uri="sip:bob@b.example"):
    """Alice calls Bob, both are heard, Bob hangs up; the capture goes on."""
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    out, inn = bed.talk(alice, bob, uri, sip("sbe1", "a"))
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "sbe2")
    return out, inn


def one_call(bed, bye_from="bob", uri="sip:bob@b.example"):
    """Alice calls Bob, both are heard, one hangs up; @return the dialogs."""
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    out, inn = bed.talk(alice, bob, uri, sip("sbe1", "a"))
    if bye_from == "bob":
        inn.bye()
        out.wait("BYE")
    else:
        out.bye()
        inn.wait("BYE")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    return out, inn


def one_call_beside(bed, alice, proxy, security=""):
    """Alice calls; what answers is somebody else's proxy on the host of sbe2. security: what is drawn before the INVITE that is taken."""
    out, inn = bed.talk(alice, proxy, "sip:bob@b.example", sip("sbe1", "a"))
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1")
    bed.captured()
    bed.check(f"""
    alice>sbe1 INVITE
    sbe1>alice 100 INVITE ~
    sbe1>dbe1 Add+Add
    dbe1>sbe1 Add+Add ok
    {security}
    sbe1>sbe2 INVITE
    sbe2>sbe1 180 INVITE
    sbe1>alice 180 INVITE
    sbe2>sbe1 200 INVITE
    sbe1>dbe1 Modify+Modify
    dbe1>sbe1 Modify+Modify ok
    sbe1>alice 200 INVITE
    alice>sbe1 ACK
    sbe1>sbe2 ACK
    # Media
    alice=dbe1 RTP
    dbe1=sbe2 RTP
    # End
    sbe2>sbe1 BYE
    {{
    sbe1>sbe2 200 BYE
    |
    sbe1>alice BYE
    alice>sbe1 200 BYE
    |
    sbe1>dbe1 Subtract
    dbe1>sbe1 Subtract ok
    }}
    """)
    return out


def no_leak(bed):
    """No end's address is seen by the other side or between the two."""
    for m in bed.messages:
        if m.body and isinstance(m.body, str):
            if {m.frm, m.to} == {"sbe1", "sbe2"}:
                check("10.1.0." not in m.body and "10.2.0." not in m.body, f"an inner address in {m}")
            if "bob" in (m.frm, m.to):
                check("10.1.0." not in m.body, f"Alice's address in {m}")
            if "alice" in (m.frm, m.to):
                check("10.2.0." not in m.body, f"Bob's address in {m}")


def integrated(before_invite=""):
    """Figure 2: each SBE and DBE is one host; what goes on inside it is on no network."""
    drawing = decomposed(before_invite).splitlines()
    drawing = [x for x in drawing if not any(f"{a}{n}>{b}{n}" in x for n in (1, 2) for a, b in (("sbe", "dbe"), ("dbe", "sbe")))]
    return "\n".join(drawing).replace("dbe", "sbe")


def shape(bed):
    """What the ends and the peers see of a call, without what may differ: names of headers, SDP lines without numbers."""
    found = []
    for m in bed.messages:
        if isinstance(m.body, str) and m.key != "100 INVITE":
            head, _, body = m.body.partition("\r\n\r\n")
            found.append((m.frm, m.to, m.key, tuple(x.split(":")[0] for x in head.split("\r\n")[1:]), re.sub(r"[0-9.]+", "N", body)))
    return sorted(found)


SHAPES = {}


@row("G2", "Figure 2, section 4", "Integrated: SBE and DBE on one host, media in three legs")
def g2(bed):
    bed.daemons.nsd("dns", address("dns", "peer"), {"example": ZONE})
    bed.daemons.start("sbe1", originating(), integrated=True)
    bed.daemons.start("sbe2", terminating(), integrated=True)
    one_call(bed)
    bed.check(integrated(discovery()))
    no_leak(bed)
    SHAPES["G2"] = shape(bed)


@row("G3", "Figure 3, section 4", "Decomposed: gate control between SBE and DBE, callee hangs up")
def g3(bed, bye_from="bob"):
    bed.daemons.nsd("dns", address("dns", "peer"), {"example": ZONE})
    bed.daemons.start("sbe1", originating())
    bed.daemons.start("sbe2", terminating())
    one_call(bed, bye_from)
    bed.check(decomposed(discovery(), bye_from=bye_from))
    no_leak(bed)
    if bye_from == "bob" and "G2" in SHAPES:
        check(shape(bed) == SHAPES["G2"], "the ends see another call than in G2")
    for name in ("sbe1", "sbe2"):
        media = bed.record(name)["media"][0]
        check(media["caller"]["packets_in"] == media["callee"]["packets_in"] == 25, f"the record of {name} says {media}")


@row("G3a", "Figure 3, section 4", "The same, caller hangs up")
def g3a(bed):
    g3(bed, "alice")
