# SPDX-License-Identifier: Apache-2.0
"""Media direct, and the relay in its variants (G1, G10, G15)."""
import re

from flows import basic
from lib import rtp
from lib.bed import sip
from lib.daemons import merge, realm
from lib.net import address, check, uri_ip
from lib.table import row

DIRECT_HOSTS = "alice sbe1 dns sbe2 bob router"


def session(message):
    """Where an SDP says media are: its c= and m= lines."""
    return re.findall(r"(?m)^[cm]=.*", message.body.partition("\r\n\r\n")[2])


def direct(conf, host, side):
    """The inner realm is public, and no relay is wanted."""
    conf = merge(conf, {"realms": {"core": realm(host, side)}})
    phone = "alice" if side == "pa" else "bob"
    conf["peers"][phone].update(sources=[address(phone, side)], next_hops=[f"sip:{address(phone, side)}:5060"])
    for p in conf["peers"].values():
        p["media"] = {"relay": "never"}
    return conf


def media_direct(drawing):
    """Without gates: what goes to a DBE is gone, RTP is between the two ends."""
    kept = [x for x in drawing.splitlines() if "dbe" not in x]
    return "\n".join(kept).replace("# Media", "# Media\nalice=bob RTP")


@row("G1", "Figure 1, section 4", "Basic flow on demand, media direct between the ends", hosts=DIRECT_HOSTS)
def g1(bed, bye_from="bob"):
    bed.daemons.nsd("dns", address("dns", "peer"), {"example": basic.ZONE})
    one = direct(basic.originating(), "sbe1", "pa")
    two = direct(basic.terminating(), "sbe2", "pb")
    on_demand = {"realm": "peering", "mode": "on-demand", "limits": {"sessions": 10, "cps": 10}, "sip": {"prack": "off"}, "media": {"relay": "never"}}
    one["peers"] = {"alice": one["peers"]["alice"], "anyone": on_demand}
    two["peers"] = {"bob": two["peers"]["bob"], "anyone": on_demand}
    one["routes"] = [{"name": "in", "from": ["anyone"], "domain": "a.example", "to": [{"peer": "alice"}]}]
    two["routes"] = [{"name": "in", "from": ["anyone"], "domain": "b.example", "to": [{"peer": "bob"}]}]
    bed.daemons.start("sbe1", one, dbe=False)
    bed.daemons.start("sbe2", two, dbe=False)
    bed.net.route("alice", "pb", "pa")
    bed.net.route("bob", "pa", "pb")
    alice, bob = bed.phone("alice", "alice", "a.example", on="pa"), bed.phone("bob", "bob", "b.example", on="pb")
    out, inn = bed.talk(alice, bob, "sip:bob@b.example", sip("sbe1", "pa"))
    if bye_from == "bob":
        inn.bye()
        out.wait("BYE")
    else:
        out.bye()
        inn.wait("BYE")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    bed.check(media_direct(basic.decomposed(basic.discovery(), bye_from=bye_from)))
    for key, way in (("INVITE", ("alice", "sbe1", "sbe2", "bob")), ("200 INVITE", ("bob", "sbe2", "sbe1", "alice"))):
        seen = [session(bed.find(a, b, key)[0]) for a, b in zip(way, way[1:])]
        check(seen[0] == seen[1] == seen[2] != [], f"c= and m= of {key} change on the way: {seen}")


@row("G1a", "Figure 1, section 4", "The same, caller hangs up", hosts=DIRECT_HOSTS)
def g1a(bed):
    g1(bed, "alice")


def start_static(bed, family=4, **more):
    one = basic.originating(next_hops=[f"sip:{uri_ip(address('sbe2', 'peer', family))}:5060"], **more)
    one["location"] = [{"type": "peers"}]
    two = basic.terminating()
    if family == 6:
        one["realms"] = {"peering": {"listen": [f"udp:{uri_ip(address('sbe1', 'peer', 6))}"]}}
        two["realms"] = {"peering": {"listen": [f"udp:{uri_ip(address('sbe2', 'peer', 6))}"]}}
        one["peers"]["bnet"]["sources"] = [address("sbe2", "peer", 6)]
        two["peers"]["anet"].update(sources=[address("sbe1", "peer", 6)], next_hops=[f"sip:[{address('sbe1', 'peer', 6)}]:5060"])
    bed.daemons.start("sbe1", one)
    bed.daemons.start("sbe2", two)


REINVITE = """
    # {text}
    alice>sbe1 INVITE
    sbe1>alice 100 INVITE ~
    sbe1>sbe2 INVITE
    sbe2>sbe1 100 INVITE ~
    sbe2>bob INVITE
    bob>sbe2 200 INVITE
    sbe2>dbe2 Modify+Modify
    dbe2>sbe2 Modify+Modify ok
    sbe2>sbe1 200 INVITE
    {{
      sbe2>bob ACK ~
    |
      sbe1>dbe1 Modify+Modify
      dbe1>sbe1 Modify+Modify ok
      sbe1>alice 200 INVITE
      alice>sbe1 ACK
      sbe1>sbe2 ACK
    }}
"""
MEDIA = """
    alice=dbe1 RTP
    dbe1=dbe2 RTP
    dbe2=bob RTP
"""


@row("G10", "section 8", "Media relay: hold with c=0.0.0.0, resume from another address and port")
def g10(bed):
    start_static(bed)
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    out, inn = bed.talk(alice, bob, "sip:bob@b.example", sip("sbe1", "a"))
    inn.seen = []
    out.reinvite(alice.sdp("sendonly", address=("0.0.0.0", alice.media.at[1]), version=2))
    inn.wait("ACK")
    inn.seen = []
    other = rtp.Media("alice", address("alice", "a"), alice.media.at[1] + 100)
    try:
        out.reinvite(alice.sdp("sendrecv", address=other.at, version=3))
        inn.wait("ACK")
        heard = rtp.exchange(other, out.media, bob.media, inn.media, phase=2)
        check(heard["bob"] == {inn.media} and heard["alice"] == {out.media}, f"media from elsewhere: {heard}")
    finally:
        other.close()
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    before, _, after = basic.decomposed().partition("# End")
    bed.check(before + REINVITE.format(text="Hold") + REINVITE.format(text="Resume, from another port") + MEDIA + "# End" + after)
    basic.no_leak(bed)


@row("G10a", "section 8", "Media relay: IPv4 inside, IPv6 between the providers")
def g10a(bed):
    start_static(bed, family=6)
    basic.one_call(bed)
    bed.check(basic.decomposed())
    for m in bed.find("dbe1", "dbe2", "RTP"):
        check(":" in m.at[0][0], "media between the providers are not IPv6")


@row("G10b", "section 8", "Media relay: early media opens the gate one way before the answer")
def g10b(bed):
    start_static(bed)
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    bob.plan = [(183, "Session Progress")]
    out = alice.place("sip:bob@b.example", sip("sbe1", "a"))
    early = out.wait(183)
    inn = bob.incoming()
    rtp.exchange(alice.media, None, bob.media, inn.media, count=10)
    bob.answer(inn)
    out.final()
    inn.wait("ACK")
    rtp.exchange(alice.media, out.media, bob.media, inn.media, phase=2)
    check(early.media() == out.media, "the address of early media and that of the answer differ")
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    bed.check(EARLY + basic.bye_of_bob())


EARLY = """
    alice>sbe1 INVITE
    sbe1>alice 100 INVITE ~
    sbe1>dbe1 Add+Add
    dbe1>sbe1 Add+Add ok
    sbe1>sbe2 INVITE
    sbe2>sbe1 100 INVITE ~
    sbe2>dbe2 Add+Add
    dbe2>sbe2 Add+Add ok
    sbe2>bob INVITE
    bob>sbe2 183 INVITE
    sbe2>dbe2 Modify+Modify
    dbe2>sbe2 Modify+Modify ok
    sbe2>sbe1 183 INVITE
    sbe1>dbe1 Modify+Modify
    dbe1>sbe1 Modify+Modify ok
    sbe1>alice 183 INVITE
    # Early media, heard by the caller only
    dbe2=bob RTP
    dbe1=dbe2 RTP
    alice=dbe1 RTP
    # Answer
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
    alice=dbe1 RTP
    dbe1=dbe2 RTP
    dbe2=bob RTP
    # End
"""


def relayed_call(bed, alice, bob):
    """One call with media; @return what each end was told of the other side's media."""
    out, inn = bed.talk(alice, bob, "sip:bob@b.example", sip("sbe1", "a"))
    return out, inn, out.wait(200), inn.request_in


def hung_up(bed, out, inn):
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    bed.check(basic.decomposed())
    basic.no_leak(bed)


@row("G10c", "section 8", "Media relay: rtcp-mux, RTCP goes where RTP goes, both ways")
def g10c(bed):
    start_static(bed)
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    alice.attributes = bob.attributes = ["a=rtcp-mux"]
    out, inn, answer, offer = relayed_call(bed, alice, bob)
    for m in (answer, offer):
        check("a=rtcp-mux" in m.body, "rtcp-mux is lost on the way")
    rtp.report(alice.media, answer.rtcp(), bob.media)
    rtp.report(bob.media, offer.rtcp(), alice.media)
    hung_up(bed, out, inn)


@row("G10d", "section 8", "Media relay: a=rtcp names a port of its own on either side")
def g10d(bed):
    start_static(bed)
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    control = {}
    try:
        for phone, far in ((alice, 31), (bob, 47)):
            ip, port = phone.media.at
            control[phone] = rtp.Control(phone.host, ip, port + far)
            phone.attributes = [f"a=rtcp:{port + far} IN IP4 {ip}"]
        out, inn, answer, offer = relayed_call(bed, alice, bob)
        rtp.report(control[alice], answer.rtcp(), control[bob])
        rtp.report(control[bob], offer.rtcp(), control[alice])
    finally:
        for c in control.values():
            c.close()
    hung_up(bed, out, inn)


ICE = ["a=ice-ufrag:8hhY", "a=ice-pwd:asd88fgpdd777uzjYhagZg", "a=candidate:1 1 UDP 2130706431 {ip} {port} typ host",
       "a=candidate:1 2 UDP 2130706430 {ip} {more} typ host"]


@row("G10e", "section 8", "Media relay: ICE ends at the relay, no candidate passes (RFC 7584)")
def g10e(bed):
    start_static(bed)
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    alice.attributes = [x.format(ip=alice.media.at[0], port=alice.media.at[1], more=alice.media.at[1] + 1) for x in ICE]
    out, inn, answer, offer = relayed_call(bed, alice, bob)
    for m in (answer, offer):
        check("candidate" not in m.body and "ice-" not in m.body, f"ICE has passed: {m.body}")
    check(offer.media()[0] == address("dbe2", "b"), "Bob's media do not go to his relay")
    hung_up(bed, out, inn)


@row("G10f", "section 8", "Media relay: of two streams one is refused with port 0, the other is relayed")
def g10f(bed):
    start_static(bed)
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    alice.attributes = [f"m=video {alice.media.at[1] + 60} RTP/AVP 97", "a=rtpmap:97 H264/90000"]
    bob.attributes = ["m=video 0 RTP/AVP 97"]
    out, inn, answer, offer = relayed_call(bed, alice, bob)
    check(re.search(r"(?m)^m=video 0 ", answer.body), "the refused stream is not refused to Alice")
    check(not re.search(r"(?m)^m=video 0 ", offer.body), "the stream was refused before Bob was asked")
    hung_up(bed, out, inn)


@row("G15", "section 9.4", "Media phase: gates open by offer and answer, and close within a second after BYE; Bob has a 100 of his own")
def g15(bed):
    start_static(bed)
    bob = bed.phone("bob", "bob", "b.example")
    bob.plan = [(100, "Trying"), *bob.plan]
    alice = bed.phone("alice", "alice", "a.example")
    out, inn = bed.talk(alice, bob, "sip:bob@b.example", sip("sbe1", "a"))
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    bed.check(basic.decomposed().replace("sbe2>bob INVITE\n", "sbe2>bob INVITE\nbob>sbe2 100 INVITE\n"))
    for n, other in ((1, "sbe2"), (2, "bob")):
        bye = bed.find(other, f"sbe{n}", "BYE")[0].seen[f"sbe{n}"][0]
        closed = bed.find(f"dbe{n}", f"sbe{n}", "Subtract ok")[0].seen[f"dbe{n}"][0]
        check(closed - bye <= 10**9, f"the gates of dbe{n} closed {(closed - bye) / 1e9:.2f} s after the BYE")
