# SPDX-License-Identifier: Apache-2.0
"""Use cases with providers in between: static indirect peering with and without help, several of them, and loops (D4, D5, D6)."""
from flows import basic
from lib.bed import sip
from lib.net import address, check, wait_for
from lib.table import row

NUMBER = "+442071838750"
PATH = "alice sbe1 dbe1 isbe idbe isbe2 idbe2 dbe2 sbe2 bob attacker"


def hop(host):
    return f"sip:{address(host, 'peer')}:5060"


def peer(host, *domains, **more):
    return {"realm": "peering", "sources": [address(host, "peer")], "domains": list(domains), "next_hops": [hop(host)], "sip": {"prack": "off"}, **more}


def originating(routes, **peers):
    """sbe1: Alice's provider; all that is not its own goes where `routes` says."""
    conf = basic.originating()
    conf["peers"].pop("bnet")
    conf["peers"].update(peers)
    conf.update(routes=[*routes, {"name": "in", "from": list(peers), "domain": "a.example", "to": [{"peer": "alice"}]}], lookup=[{"type": "table"}], location=[])
    return conf


def terminating(**peers):
    """sbe2: Bob's provider; it takes calls from those peers only."""
    conf = basic.terminating()
    conf["peers"].pop("anet")
    conf["peers"].update(peers)
    conf["routes"] = [{"name": "in", "from": list(peers), "domain": "b.example", "to": [{"peer": "bob"}]}]
    return conf


def transit(routes, domain="i.example", **peers):
    """A provider in between: it has no ends, and its only realm is the one where the others are."""
    return {"domains": [domain], "lookup": [{"type": "table"}], "location": [], "peers": peers, "routes": routes}


def way(*hosts, discovery="", relays=("dbe1", "dbe2")):
    """A call along the hosts, its ACK and its BYE from Bob; gates where the SBE has a relay among `relays`."""
    relay = {"sbe1": "dbe1", "sbe2": "dbe2", "isbe": "idbe", "isbe2": "idbe2"}
    lines = []
    for a, b in zip(hosts, hosts[1:]):
        lines += [f"{a}>{b} INVITE", f"{b}>{a} 100 INVITE ~" if b != "bob" else ""]
        r = relay.get(b)
        lines += [discovery] if b == "sbe1" else []
        lines += [f"{b}>{r} Add+Add", f"{r}>{b} Add+Add ok"] if r in relays else []
    back = list(reversed(hosts))
    lines += [f"{a}>{b} 180 INVITE" for a, b in zip(back, back[1:])]
    for a, b in zip(back, back[1:]):
        lines += [f"{a}>{b} 200 INVITE"]
        r = relay.get(b)
        lines += [f"{b}>{r} Modify+Modify", f"{r}>{b} Modify+Modify ok"] if r in relays else []
    lines += [f"{a}>{b} ACK" for a, b in zip(hosts, hosts[1:])]
    media = ["alice", *(relay[h] for h in hosts if relay.get(h) in relays), "bob"]
    lines += ["# Media"] + [f"{a}={b} RTP" for a, b in zip(media, media[1:])] + ["# End"]
    return "\n".join(lines) + ending(back, relay, relays)


def ending(hosts, relay, relays):
    """The BYE goes on from host to host, each answers at once."""
    if len(hosts) < 2:
        return "\n"
    a, b = hosts[:2]
    if b == "alice":
        return f"\n{a}>{b} BYE\n{b}>{a} 200 BYE\n"
    r = relay.get(b)
    gate = f"\n|\n{b}>{r} Subtract\n{r}>{b} Subtract ok" if r in relays else ""
    return f"\n{a}>{b} BYE\n{{\n{b}>{a} 200 BYE\n|{ending(hosts[1:], relay, relays)}{gate}\n}}\n"


def header(message, name):
    return next((x.split(":", 1)[1].strip() for x in message.body.split("\r\n") if x.lower().startswith(f"{name}:")), "")


def start_of(message):
    return message.body.split("\r\n")[0]


@row("D4", "RFC 6405 5.3", "Static indirect peering: all numbers go to a transit provider by a Route set", hosts=PATH)
def d4(bed):
    """No look-up at Alice's side: the Request-URI names the target, the Route the way there, and the transit provider takes it off (B5).
    Bob's provider takes calls from the transit only."""
    via = {"host": "b.example", "route": [f"{hop('isbe')};lr"]}
    bed.daemons.start("sbe1", originating([{"name": "out", "from": ["alice"], "number": "+", "to": [{"peer": "inet", "sed": via}]}], inet=peer("isbe", "i.example")))
    bed.daemons.start("isbe", transit([{"name": "b", "from": ["anet"], "domain": "b.example", "to": [{"peer": "bnet", "sed": {"route": [f"{hop('sbe2')};lr"]}}]}],
                                      anet=peer("sbe1", "a.example"), bnet=peer("sbe2", "b.example")))
    bed.daemons.start("sbe2", terminating(inet=peer("isbe", "i.example", role="transit")))
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    out, inn = bed.talk(alice, bob, f"sip:{NUMBER}@a.example", sip("sbe1", "a"))
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "isbe", "sbe2")
    stranger = bed.phone("attacker", "eve", "e.example")
    refused = stranger.place(f"sip:{NUMBER}@b.example", sip("sbe2", "peer")).final()
    check(refused.start == "SIP/2.0 403 Unsupported Peer", f"a direct call got {refused.start}")
    bed.captured()
    bed.check(way("alice", "sbe1", "isbe", "sbe2", "bob", relays=("dbe1", "idbe", "dbe2")) + """
    # Without an agreement
    attacker>sbe2 INVITE
    sbe2>attacker 403 INVITE
    attacker>sbe2 ACK
    """)
    one, two = bed.find("sbe1", "isbe", "INVITE")[0], bed.find("isbe", "sbe2", "INVITE")[0]
    check(start_of(one) == f"INVITE sip:{NUMBER}@b.example SIP/2.0", start_of(one))
    check(header(one, "route") == f"<{hop('isbe')};lr>", f"Route: {header(one, 'route')}")
    check(header(two, "route") == f"<{hop('sbe2')};lr>" and header(two, "call-id") != header(one, "call-id"), "the second dialog")
    check(not header(bed.find("sbe2", "bob", "INVITE")[0], "route"), "a Route was left over")
    check(int(header(two, "max-forwards")) == int(header(one, "max-forwards")) - 1 == 68, "Max-Forwards")


@row("D5", "RFC 6405 5.4", "Several transit providers, the first is out of order; the second keeps out of the media path", hosts=PATH)
def d5(bed):
    """Alice's provider has its own routes: two ways, in order. The first answers 503. The second is in the path of the signaling only: no
    relay is needed between two of the same network (media.relay: if-needed)."""
    bed.daemons.start("sbe1", originating([{"name": "out", "from": ["alice"], "number": "+44", "to": [
        {"peer": "inet", "priority": 1, "sed": {"host": "b.example"}}, {"peer": "jnet", "priority": 2, "sed": {"host": "b.example"}}]}],
        inet=peer("isbe", "i.example"), jnet=peer("isbe2", "j.example")))
    broken = bed.phone("isbe", "x", "i.example")
    broken.plan = [(503, "Service Unavailable")]
    bed.daemons.start("isbe2", transit([{"name": "b", "from": ["anet"], "domain": "b.example", "to": [{"peer": "bnet"}]}], "j.example",
                                       anet=peer("sbe1", "a.example", media={"relay": "if-needed"}), bnet=peer("sbe2", "b.example", media={"relay": "if-needed"})))
    bed.daemons.start("sbe2", terminating(jnet=peer("isbe2", "j.example", role="transit")))
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    out, inn = bed.talk(alice, bob, f"sip:{NUMBER}@a.example", sip("sbe1", "a"))
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "isbe2", "sbe2")
    bed.captured()
    first = """
    sbe1>isbe INVITE
    isbe>sbe1 503 INVITE
    {
    sbe1>isbe ACK
    |
    """
    drawing = way("alice", "sbe1", "isbe2", "sbe2", "bob")
    at = drawing.index("sbe1>isbe2 INVITE")
    bed.check(drawing[:at] + first + "sbe1>isbe2 INVITE\n}\n" + drawing[at + len("sbe1>isbe2 INVITE"):])
    check([a["result"] for a in bed.record("sbe1")["attempts"]] == ["peer_refused", "answered"], f"{bed.record('sbe1')['attempts']}")
    bodies = [m.body.partition("\r\n\r\n")[2] for m in (bed.find("sbe1", "isbe2", "INVITE")[0], bed.find("isbe2", "sbe2", "INVITE")[0])]
    check(*(f"c=IN IP4 {address('dbe1', 'peer')}" in b for b in bodies[1:]), "the transit put itself into the media path")


@row("D6", "RFC 6405 5.5", "Two transit providers in a row, and one that sends the call back: the loop ends", hosts=PATH)
def d6(bed):
    """Each SBE takes one off Max-Forwards. Then the second transit believes the first one has Bob: a call that comes back ends with 482 or
    483, and no more INVITEs come than Max-Forwards allows."""
    bed.daemons.start("sbe1", originating([{"name": "out", "from": ["alice"], "number": "+44", "to": [{"peer": "inet", "sed": {"host": "b.example"}}]}],
                                          inet=peer("isbe", "i.example")))
    bed.daemons.start("isbe", transit([{"name": "b", "from": ["anet", "jnet"], "domain": "b.example", "to": [{"peer": "jnet", "sed": {"host": "b.example"}}]}],
                                      anet=peer("sbe1", "a.example"), jnet=peer("isbe2", "j.example")))
    second = transit([{"name": "b", "from": ["inet"], "domain": "b.example", "to": [{"peer": "bnet"}]}], "j.example", inet=peer("isbe", "i.example"), bnet=peer("sbe2", "b.example"))
    bed.daemons.start("isbe2", second)
    bed.daemons.start("sbe2", terminating(jnet=peer("isbe2", "j.example", role="transit")))
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    out, inn = bed.talk(alice, bob, f"sip:{NUMBER}@a.example", sip("sbe1", "a"))
    inn.bye()
    out.wait("BYE")
    bed.idle("sbe1", "isbe", "isbe2", "sbe2")
    bed.captured()
    bed.check(way("alice", "sbe1", "isbe", "isbe2", "sbe2", "bob", relays=("dbe1", "idbe", "idbe2", "dbe2")))
    hops = [("sbe1", "isbe"), ("isbe", "isbe2"), ("isbe2", "sbe2"), ("sbe2", "bob")]
    left = [int(header(bed.find(*h, "INVITE")[0], "max-forwards")) for h in hops]
    check(left == [69, 68, 67, 66], f"Max-Forwards {left}")
    # a wrong route: the call comes back
    bed.daemons.reload("isbe2", {"routes": [{"name": "b", "from": ["inet"], "domain": "b.example", "to": [{"peer": "inet", "sed": {"host": "b.example"}}]}]})
    def records():
        return sum(len(bed.daemons.cdrs(n)) for n in ("isbe", "isbe2"))

    wait_for("the records of the call", lambda: records() >= 2)
    before = records()
    status = alice.place(f"sip:{NUMBER}@a.example", sip("sbe1", "a")).final().status
    check(status in (482, 483), f"the loop ended with {status}")
    bed.note(f"A wrong route from the second transit back to the first one ended with {status}.")
    wait_for("nothing is left", lambda: all(bed.daemons.idle(n) for n in ("sbe1", "isbe", "isbe2")))
    # one record for each INVITE that came, the one that is refused for its Max-Forwards too
    wait_for("a record of each that came", lambda: records() - before > 60)
    check(records() - before <= 70, f"{records() - before} INVITEs came to the two transits")
