# SPDX-License-Identifier: Apache-2.0
"""TLS between the SBEs: on demand, static, by a federation's certificates, and with a 401 (G4, G5, G9, G11, G13, G14)."""
import hashlib
import os
import re
import ssl

from flows import basic
from lib.bed import sip
from lib.daemons import merge
from lib.net import address, check, uri_ip, wait_for
from lib.table import row

PASSWORD = "open sesame"
ZONE = f"""
b NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp.b
_sips._tcp.b SRV 10 0 5061 sbe2.b
sbe2.b A {address("sbe2", "peer")}
sbe2.b AAAA {address("sbe2", "peer", 6)}
"""


def over_tls(bed, host, domain, by="ca", name=""):
    """The part of a configuration that makes the realm peering TLS only."""
    cert = f"sip-{name or host}-{by}"
    bed.pki.certificate(cert, f"DNS:{domain},DNS:{host}.{domain}", by)
    return {"tls": {"sip": bed.pki.identity(cert, by)},
            "realms": {"peering": {"listen": [f"tls:{uri_ip(address(host, 'peer', f))}" for f in (4, 6)], "tls": "sip"}}}


def on_demand():
    """Whoever comes, under limits, over TLS; nothing of the other side is configured."""
    return {"realm": "peering", "mode": "on-demand", "limits": {"sessions": 10, "cps": 10}, "sip": {"prack": "off"}, "sec": {"admission": "tls"}}


def start_on_demand(bed, zone=ZONE):
    bed.daemons.nsd("dns", address("dns", "peer"), {"example": zone})
    one = merge(basic.originating(), over_tls(bed, "sbe1", "a.example"))
    one["peers"].update(bnet=None, anyone=on_demand())
    one["location"][1]["secure"] = True
    one["routes"] = [{"name": "in", "from": ["anyone"], "domain": "a.example", "to": [{"peer": "alice"}]}]
    two = merge(basic.terminating(), over_tls(bed, "sbe2", "b.example"))
    two["peers"].update(anet=None, anyone=on_demand())
    two["routes"] = [{"name": "in", "from": ["anyone"], "domain": "b.example", "to": [{"peer": "bob"}]}]
    for conf in (one, two):
        conf["peers"] = {k: v for k, v in conf["peers"].items() if v}
    bed.daemons.start("sbe1", one)
    bed.daemons.start("sbe2", two)


@row("G9", "section 7.2", "TLS federation: usual look-up, the certificates are the federation's")
def g9(bed):
    """sbe1 and sbe2 are members: both show what the federation has signed, and believe only that. Its public certificate helps nobody."""
    bed.daemons.nsd("dns", address("dns", "peer"), {"example": ZONE})
    bed.pki.certificate("fed-sbe1", "DNS:a.example", "federation")
    bed.pki.certificate("fed-sbe2", "DNS:b.example", "federation")
    confs = {}
    for host, conf in (("sbe1", basic.originating()), ("sbe2", basic.terminating())):
        other = "anet" if host == "sbe2" else "bnet"
        confs[host] = conf = merge(conf, over_tls(bed, host, "a.example" if host == "sbe1" else "b.example", "public"))
        conf["tls"]["member"] = bed.pki.identity(f"fed-{host}", "federation")
        conf["federations"] = {"fed": {"rules": {"tls": {"identity": "member", "trust": [bed.pki.path("federation.pem")]}}}}
        conf["peers"][other].update(federations=["fed"], tls={"name": conf["peers"][other]["domains"][0]})
        if host == "sbe2":
            conf["realms"]["peering"]["tls"] = "member"
            conf["peers"][other]["next_hops"] = [f"sip:{address('sbe1', 'peer')}:5061;transport=tls"]
        else:
            conf["peers"][other]["sources"].append(address("sbe2", "peer", 6))
        bed.daemons.start(host, conf)
    confs["sbe2"]["peers"]["anet"]["sources"].append(address("sbe1", "peer", 6))
    bed.daemons.reload("sbe2", confs["sbe2"])
    basic.one_call_kept(bed)
    # the other side shows a certificate with the right name that a public authority has signed: nothing is said to it
    bed.daemons.stop("sbe2")
    bed.daemons.launch("sbe", "sbe2", "sbe2", merge(bed.daemons.confs["sbe2"][2], {"realms": {"peering": {"tls": "sip"}}}))
    wait_for("sbe2 is back", lambda: bed.daemons.up("sbe2", 1))
    before = len(bed.phones[1].requests)
    refused = bed.phones[0].place("sip:bob@b.example", sip("sbe1", "a")).final()
    check(refused.status >= 500, f"the call got {refused.start}")
    check(len(bed.phones[1].requests) == before, "Bob was asked")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    first = basic.decomposed(basic.discovery("_sips._tcp", ("A", "AAAA")), secured("# Security: the federation's certificates"))
    bed.check(first + """
    # Another certificate with the right name
    alice>sbe1 INVITE
    sbe1>alice 100 INVITE ~
    sbe1>dbe1 Add+Add
    dbe1>sbe1 Add+Add ok
    sbe1>sbe2 TLS refused
    sbe1>sbe2 TLS refused
    sbe1>alice 503 INVITE
    {
    alice>sbe1 ACK
    |
    sbe1>dbe1 Subtract
    dbe1>sbe1 Subtract ok
    }
    """)
    session = bed.find("sbe1", "sbe2", "TLS")[0].body
    for ours, name in ((True, "fed-sbe1"), (False, "fed-sbe2")):
        with open(bed.pki.path(f"{name}.pem"), encoding="ascii") as f:
            check(session.certificates.get(ours) == ssl.PEM_cert_to_DER_cert(f.read()), f"{name} is not what was shown")


def secured(text="# Security"):
    return f"""
    {text}
    sbe1>sbe2 TLS
    """


@row("G4", "section 5.1", "On demand over TLS: the first call looks up and connects, the second does neither")
def g4(bed):
    start_on_demand(bed)
    alice, bob = bed.phone("alice", "alice", "a.example"), bed.phone("bob", "bob", "b.example")
    for phase in (1, 2):
        out, inn = bed.talk(alice, bob, "sip:bob@b.example", sip("sbe1", "a"), phase=phase)
        inn.bye()
        out.wait("BYE")
        bed.idle("sbe1", "sbe2")
    bed.captured()
    first = basic.decomposed(basic.discovery("_sips._tcp", ("A", "AAAA")), secured())
    bed.check("# First call\n" + first + "# Second call\n" + basic.decomposed())
    connections = {m.at[0] if m.frm == "sbe1" else m.at[1] for m in bed.messages if m.proto == "TLS"}
    check(len(connections) == 1, f"requests took {len(connections)} connections")
    bed.note("BYE comes from the side that was called: it takes the connection of the caller's side, which said alias (RFC 5923).")


def static(bed, host, by="ca", **more):
    """A peer with a standing connection over TLS and OPTIONS each second."""
    other, domain = ("sbe2", "b.example") if host == "sbe1" else ("sbe1", "a.example")
    del bed
    return merge({"realm": "peering", "sources": [address(other, "peer")], "domains": [domain], "tls": {"name": domain},
                  "next_hops": [f"sip:{address(other, 'peer')}:5061;transport=tls"],
                  "sip": {"prack": "off", "standing": host == "sbe1"}, "probe": {"interval_s": 1, "down_after": 2}}, more)


def start_static(bed, one=None, two=None):
    """Both agreed beforehand; only sbe1 opens the connection, sbe2 uses it for what it sends."""
    first = merge(basic.originating(), over_tls(bed, "sbe1", "a.example"))
    first.update(lookup=[{"type": "table"}, {"type": "uri"}], location=[{"type": "peers"}])
    first["peers"]["bnet"] = static(bed, "sbe1", **(one or {}))
    second = merge(basic.terminating(), over_tls(bed, "sbe2", "b.example"))
    second["peers"]["anet"] = static(bed, "sbe2", **(two or {}))
    if "probe" not in (two or {}):
        second["peers"]["anet"].pop("probe")
    bed.daemons.start("sbe2", second)
    bed.daemons.start("sbe1", first)
    wait_for("the standing connection", lambda: "verified" in bed.daemons.ctl("sbe1", "connection", "list"))


def once(messages, *keys):
    """Of what is repeated for ever only the first."""
    seen, found = set(), []
    for m in messages:
        mark = (m.frm, m.to, m.key)
        if not (m.key in keys and mark in seen):
            found.append(m)
        seen.add(mark)
    return found


@row("G5", "section 6.1", "Static, TLS connection up before any call, kept by OPTIONS, used in both directions")
def g5(bed):
    start_static(bed)
    wait_for("OPTIONS are answered", lambda: bed.daemons.ctl("sbe1", "connection", "list").split()[-2] != "0")
    basic.one_call_kept(bed)
    back = bed.talk(bed.phones[1], bed.phones[0], "sip:alice@a.example", sip("sbe2", "b"), phase=2)
    back[0].bye()
    back[1].wait("BYE")
    bed.idle("sbe1", "sbe2")
    bed.captured()
    reverse = basic.mirrored(basic.decomposed(bye_from="alice"))
    bed.check("# At the start\nsbe1>sbe2 TLS\nsbe1>sbe2 OPTIONS\nsbe2>sbe1 200 OPTIONS\n# A call\n" + basic.decomposed() + "# A call the other way\n" + reverse,
              once(bed.messages, "OPTIONS", "200 OPTIONS"))
    check(not [m for m in bed.messages if "dns" in (m.frm, m.to)], "a name was looked up")


@row("G14", "section 9.3", "Signaling phase on a standing TLS connection")
def g14(bed):
    start_static(bed, {"probe": {"interval_s": 0}})
    basic.one_call(bed)
    bed.check("sbe1>sbe2 TLS\n" + basic.decomposed())


@row("G11", "section 9", "The four phases in their order: discovery, security, signaling, media")
def g11(bed):
    start_on_demand(bed)
    basic.one_call(bed)
    bed.check(basic.decomposed(basic.discovery("_sips._tcp", ("A", "AAAA")), secured("# Security establishment")))


def credentials(bed):
    """What both sides agreed on, as the peer's `auth`."""
    secret = os.path.join(bed.tmp, "password")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
        f.write(PASSWORD + "\n")
    return {"realm": "b.example", "user": "anet", "password_file": secret}


@row("G13", "section 9.2", "Security exchange: TLS, 401, the INVITE again with credentials")
def g13(bed):
    auth = credentials(bed)
    start_static(bed, {"auth": auth, "probe": {"interval_s": 0}}, {"auth": {**auth, "challenge": True}})
    out, _ = basic.one_call_kept(bed)
    check(401 not in [m.status for m in out.seen], "Alice was shown the challenge")
    bed.captured()
    drawing = basic.decomposed(after_add="""
    # Security exchange
    sbe1>sbe2 INVITE
    sbe2>sbe1 401 INVITE
    sbe1>sbe2 ACK
    """)
    bed.check("sbe1>sbe2 TLS\n" + drawing)
    first, again = bed.find("sbe1", "sbe2", "INVITE")[:2]
    for header in ("Call-ID", "From"):
        check(value(first, header) == value(again, header), f"{header} has changed")
    check(int(value(again, "CSeq").split()[0]) == int(value(first, "CSeq").split()[0]) + 1, "CSeq is not one more")
    check("response=" in value(again, "Authorization") and not value(first, "Authorization"), "no credentials in the second INVITE")


def challenging(phone, *stale):
    """The phone answers 407 to an INVITE without credentials, and again to those with a nonce before the last: stale says for each further
    challenge if it is for a stale nonce only."""
    nonces = [f"nonce{i}" for i in range(len(stale) + 1)]

    def request(self, m, source):
        if m.method != "INVITE" or self.dialogs.get(m.get("call-id")):
            return False
        used = re.search(r'nonce="(.*?)"', m.get("proxy-authorization"))
        at = nonces.index(used.group(1)) + 1 if used else 0
        if at == len(nonces):
            return False
        more = ", stale=true" if at and stale[at - 1] else ""
        self.respond(m, source, 407, "Proxy Authentication Required", tag=f"challenge{at}",
                     extra=f'Proxy-Authenticate: Digest realm="b.example", nonce="{nonces[at]}", algorithm=SHA-256, qop="auth"{more}\r\n')
        return True

    phone.on_request = request


def right(message, method="INVITE"):
    """Is the response of its credentials that of the password? (RFC 7616 3.4)"""
    f = {k: q or v for k, q, v in re.findall(r'(\w+)=(?:"([^"]*)"|([^ ,]*))', value(message, "Proxy-Authorization"))}

    def h(text):
        return hashlib.sha256(text.encode()).hexdigest()

    want = h(":".join([h(f"anet:b.example:{PASSWORD}"), f["nonce"], f["nc"], f["cnonce"], "auth", h(f"{method}:{f['uri']}")]))
    return f["response"] == want


def start_foreign(bed):
    """sbe1 beside a proxy of others on the host of sbe2; @return Alice and that proxy."""
    one = basic.originating(next_hops=[f"sip:{address('sbe2', 'peer')}:5060"], auth={**credentials(bed), "clear": True})
    one["location"] = [{"type": "peers"}]
    bed.daemons.start("sbe1", one)
    return bed.phone("alice", "alice", "a.example"), bed.phone("sbe2", "bob", "b.example", on="peer")


CHALLENGED = """
    sbe1>sbe2 INVITE
    sbe2>sbe1 407 INVITE
    sbe1>sbe2 ACK
"""
FOREIGN = "alice sbe1 dbe1 sbe2"


@row("G13a", "section 9.2", "Security exchange: a proxy of others asks with 407, then again for a stale nonce", hosts=FOREIGN)
def g13a(bed):
    alice, proxy = start_foreign(bed)
    challenging(proxy, True)
    out = basic.one_call_beside(bed, alice, proxy, f"# Security exchange{CHALLENGED}# The nonce is stale{CHALLENGED}# Signaling")
    check(not {401, 407} & {m.status for m in out.seen}, "Alice was shown a challenge")
    first, second, third = bed.find("sbe1", "sbe2", "INVITE")
    check(not value(first, "Proxy-Authorization") and right(second) and right(third), "the credentials are wrong")
    check([value(m, "CSeq") for m in (first, second, third)] == [f"{int(value(first, 'CSeq').split()[0]) + n} INVITE" for n in range(3)],
          "CSeq does not count up")


@row("G13b", "section 9.2", "Security exchange: who refuses the credentials ends the call, the caller sees no challenge", hosts=FOREIGN)
def g13b(bed):
    alice, proxy = start_foreign(bed)
    challenging(proxy, False)
    final = alice.place("sip:bob@b.example", sip("sbe1", "a")).final()
    check(final.status == 403 and "authenticate" not in str(final.headers), f"the call got {final.start}")
    bed.idle("sbe1")
    bed.captured()
    bed.check("""
    alice>sbe1 INVITE
    sbe1>alice 100 INVITE ~
    sbe1>dbe1 Add+Add
    dbe1>sbe1 Add+Add ok
    # Security exchange
    """ + CHALLENGED + """
    # Refused for good: the nonce was not stale
    sbe1>sbe2 INVITE
    sbe2>sbe1 407 INVITE
    {
      sbe1>sbe2 ACK
    |
      sbe1>alice 403 INVITE
      alice>sbe1 ACK
    |
      sbe1>dbe1 Subtract
      dbe1>sbe1 Subtract ok
    }
    """)


def value(message, header):
    """A header of a captured message."""
    found = re.search(rf"(?im)^{header}\s*:\s*(.*?)\r?$", message.body)
    return found.group(1) if found else ""
