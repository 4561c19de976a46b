# SPDX-License-Identifier: Apache-2.0
"""Use cases where somebody else looks up, or where nothing was agreed before (D3, D7, D8)."""
from cases.transit import NUMBER, hop, peer, start_of, terminating, way
from flows import basic, secure
from lib.bed import sip
from lib.daemons import merge
from lib.net import address, check
from lib.table import row

ENUM_NAME = ".".join(reversed(NUMBER[1:])) + ".provider.example"


def redirect(phone, status):
    """The provider's answer."""
    phone.plan = [(302, "Moved Temporarily", f"Contact: <sip:{NUMBER}@b.example>\r\n")] if status == 302 else [(status, "Forbidden")]


@row("D3", "RFC 6405 5.2", "Static direct peering, assisted: a provider's ENUM, then its SIP redirect, looks up the domain", hosts="alice sbe1 dbe1 dns fed dbe2 sbe2 bob")
def d3(bed):
    """The provider knows the domain of a number, and nothing of what the two have agreed: the limits of Bob's provider hold all the same.
    Who has no permission is refused there, and the call ends with no other INVITE."""
    bed.daemons.nsd("dns", address("dns", "peer"), {"example": f'{ENUM_NAME[:-len(".example")]} NAPTR 10 10 "u" "E2U+sip" "!^(.*)$!sip:\\\\1@b.example!" .'})
    conf = basic.originating()
    conf["peers"]["bnet"]["next_hops"] = [hop("sbe2")]
    conf["peers"]["provider"] = peer("fed", "provider.example", redirect="follow")
    conf.update(lookup=[{"type": "enum", "suffix": "provider.example", "timeout_ms": 1000}], location=[{"type": "peers"}],
                routes=[{"name": "in", "from": ["bnet"], "domain": "a.example", "to": [{"peer": "alice"}]}])
    bed.daemons.start("sbe1", conf)
    bed.daemons.start("sbe2", terminating(anet=peer("sbe1", "a.example", limits={"sessions": 1})))
    fed = bed.phone("fed", "x", "provider.example")
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    uri = f"sip:{NUMBER}@a.example"
    out, inn = bed.talk(alice, bob, uri, sip("sbe1", "a"))
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    bed.check(way("alice", "sbe1", "sbe2", "bob", discovery=f"sbe1>dns NAPTR? {ENUM_NAME}\ndns>sbe1 NAPTR {ENUM_NAME}"))
    # the same by SIP redirect
    bed.daemons.confs["sbe1"][2]["lookup"] = []
    bed.daemons.reload("sbe1", {"lookup": [{"type": "redirect", "peer": "provider", "secure": False, "timeout_ms": 1000}]})
    redirect(fed, 302)
    out, inn = bed.talk(alice, bob, uri, sip("sbe1", "a"))
    # what Bob's provider allows is enforced although the provider of the look-up knows nothing of it
    second = alice.place(uri, sip("sbe1", "a")).final()
    check(second.status == 503, f"a second call got {second.start}")
    out.bye()
    inn.wait("BYE")
    bed.idle("sbe1", "sbe2")
    redirect(fed, 403)
    before = len(bob.requests)
    other = alice.place(f"sip:{NUMBER}9@a.example", sip("sbe1", "a")).final()
    check(other.status in (403, 404, 480), f"without permission: {other.start}")
    check(len(bob.requests) == before, "Bob was asked")
    bed.note("Then the same number by the provider's SIP redirect (302), and a number the provider refuses (403): the call ends, Bob hears nothing.")


@row("D7", "RFC 6405 5.6", "On-demand direct peering: nothing was agreed, all is in the DNS; TLS, and limits for all who come like this")
def d7(bed):
    """Neither side has the other in its configuration. Each knows the other by the name in its certificate."""
    secure.start_on_demand(bed)
    basic.one_call(bed)
    bed.check(basic.decomposed(basic.discovery("_sips._tcp", ("A", "AAAA")), secure.secured()))
    for name in ("sbe1", "sbe2"):
        check("anyone" in (bed.record(name)["egress_peer"], bed.record(name)["ingress_peer"]), f"{name}: {bed.record(name)}")
    basic.no_leak(bed)


@row("D8", "RFC 5486 on demand, indirect", "On-demand indirect peering: the look-up names a transit provider; each hop proves itself to the next",
     hosts="alice sbe1 dbe1 dns isbe idbe dbe2 sbe2 bob")
def d8(bed):
    """ENUM gives a URI of the transit's domain, the DNS its host. Bob's provider sees the transit's certificate only."""
    zone = f"""
{'.'.join(reversed(NUMBER[1:]))}.e164 NAPTR 10 10 "u" "E2U+sip" "!^(.*)$!sip:\\\\1@i.example!" .
i NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp.i
_sips._tcp.i SRV 10 0 5061 isbe.i
isbe.i A {address("isbe", "peer")}
"""
    bed.daemons.nsd("dns", address("dns", "peer"), {"example": zone})
    one = merge(basic.originating(), secure.over_tls(bed, "sbe1", "a.example"))
    one["peers"] = {"alice": one["peers"]["alice"], "anyone": secure.on_demand()}
    one["lookup"] = [{"type": "enum", "suffix": "e164.example", "timeout_ms": 1000}]
    one["location"][1]["secure"] = True
    one["routes"] = [{"name": "in", "from": ["anyone"], "domain": "a.example", "to": [{"peer": "alice"}]}]
    middle = merge({"domains": ["i.example"], "lookup": [{"type": "table"}], "location": []}, secure.over_tls(bed, "isbe", "i.example"))
    middle["peers"] = {"anyone": secure.on_demand(),
                       "bnet": {"realm": "peering", "sources": [address("sbe2", "peer")], "domains": ["b.example"], "tls": {"name": "b.example"},
                                "next_hops": [f"{hop('sbe2')[:-5]}:5061;transport=tls"], "sip": {"prack": "off"}}}
    middle["routes"] = [{"name": "b", "from": ["anyone"], "number": "+44", "to": [{"peer": "bnet"}]}]
    two = merge(terminating(inet={"realm": "peering", "sources": [address("isbe", "peer")], "domains": ["i.example"], "tls": {"name": "i.example"},
                                  "next_hops": [f"{hop('isbe')[:-5]}:5061;transport=tls"], "sip": {"prack": "off"}, "role": "transit"}),
                secure.over_tls(bed, "sbe2", "b.example"))
    bed.daemons.start("sbe1", one)
    bed.daemons.start("isbe", middle)
    bed.daemons.start("sbe2", two)
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    out, inn = bed.talk(alice, bob, f"sip:{NUMBER}@a.example", sip("sbe1", "a"))
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "isbe", "sbe2")
    bed.captured()
    name = ".".join(reversed(NUMBER[1:])) + ".e164.example"
    found = f"""
    sbe1>dns NAPTR? {name}
    dns>sbe1 NAPTR {name}
    sbe1>dns NAPTR? i.example
    dns>sbe1 NAPTR i.example
    sbe1>dns SRV? _sips._tcp.i.example
    dns>sbe1 SRV _sips._tcp.i.example
    {{
    sbe1>dns A? isbe.i.example
    dns>sbe1 A isbe.i.example
    |
    sbe1>dns AAAA? isbe.i.example
    dns>sbe1 AAAA isbe.i.example
    }}
    """
    drawing = way("alice", "sbe1", "isbe", "sbe2", "bob", discovery=found, relays=("dbe1", "idbe", "dbe2"))
    for a, b in (("sbe1", "isbe"), ("isbe", "sbe2")):
        drawing = drawing.replace(f"{a}>{b} INVITE", f"{a}>{b} TLS\n{a}>{b} INVITE", 1)
    bed.check(drawing)
    check(start_of(bed.find("isbe", "sbe2", "INVITE")[0]).endswith("@b.example SIP/2.0"), "the R-URI names the target")
