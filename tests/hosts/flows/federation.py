# SPDX-License-Identifier: Apache-2.0
"""Who tells where a call goes: a federation's redirect proxy, ENUM, a location server (G8, G12), and calls within one place (G7)."""
import re
import time

from flows import basic
from lib.bed import sip
from lib.daemons import merge
from lib.net import SCALE, address, check, wait_for
from lib.table import row

ENUM = basic.ZONE + r"""
0.2.4.4.e164 NAPTR 10 10 "u" "E2U+sip" "!^\\+44(.*)$!sip:bob@b.example!" .
"""
FED_HOSTS = "alice sbe1 dbe1 dns fed dbe2 sbe2 bob"


def one(**more):
    """sbe1 with a static way to b.example."""
    conf = basic.originating(next_hops=[f"sip:{address('sbe2', 'peer')}:5060"])
    conf["location"] = [{"type": "peers"}]
    return merge(conf, more)


def start_with_proxy(bed):
    """sbe1 asks the federation's proxy, by TCP, with the call itself; the connection is there before any call."""
    conf = one()
    conf["peers"]["fed"] = {"realm": "peering", "sources": [address("fed", "peer")], "domains": ["fed.example"], "redirect": "follow",
                            "next_hops": [f"sip:{address('fed', 'peer')}:5060;transport=tcp"],
                            "sip": {"prack": "off", "standing": True, "try_ms": 1000}}
    conf["location"] = [{"type": "redirect", "peer": "fed"}]
    bed.daemons.start("sbe2", basic.terminating())
    proxy = bed.phone("fed", "proxy", "fed.example", transport="tcp")
    bed.daemons.start("sbe1", conf)
    wait_for("the connection to the proxy", lambda: proxy.connections)
    return proxy


def contact(*uris):
    return "Contact: " + ", ".join(uris) + "\r\n"


REDIRECTED = """
    # Discovery
    sbe1>fed INVITE
    fed>sbe1 302 INVITE
    sbe1>fed ACK
"""


def check_redirect(bed, out):
    check(not [m for m in out.seen if 300 <= m.status < 400], "Alice was shown the 302")
    asked, sent = bed.find("sbe1", "fed", "INVITE")[0], bed.find("sbe1", "sbe2", "INVITE")[0]
    branches = [re.search(r"branch=([^;\s]+)", m.body).group(1) for m in (asked, sent)]
    check(branches[0] != branches[1], "the second INVITE has the branch of the first")
    check(not [m for m in bed.messages if "dns" in (m.frm, m.to)], "a name was looked up")


@row("G8", "section 7.1", "Central federation proxy: INVITE, 302, ACK, INVITE to the member it names", hosts=FED_HOSTS)
def g8(bed):
    proxy = start_with_proxy(bed)
    proxy.plan = [(302, "Moved Temporarily", contact("<sip:bob@other.example>;q=0.9", "<sip:bob@b.example>;q=0.5"))]
    out, _ = basic.one_call_kept(bed)
    # the proxy is gone: the call ends at once with a failure
    proxy.close()
    bed.phones.remove(proxy)
    start = time.monotonic()
    lost = bed.phones[-2].place("sip:bob@b.example", sip("sbe1", "a")).final()
    check(lost.status in (480, 503, 500) and time.monotonic() - start < 5 * SCALE, f"without the proxy the call got {lost.start} after {time.monotonic() - start:.1f} s")
    bed.idle("sbe1")
    bed.captured()
    check_redirect(bed, out)
    end = bed.find("alice", "sbe1", "INVITE")[1].begin()
    bed.check(basic.decomposed(after_add=REDIRECTED), [m for m in bed.messages if m.begin() < end])
    bed.note(f"Without the proxy the next call gets {lost.status}.")


@row("G12", "section 9.1", "Discovery by ENUM in the DNS: number, domain, next hop")
def g12(bed):
    bed.daemons.nsd("dns", address("dns", "peer"), {"example": ENUM})
    conf = basic.originating()
    conf["lookup"] = [{"type": "table"}, {"type": "enum", "suffix": "e164.example"}]
    bed.daemons.start("sbe1", conf)
    bed.daemons.start("sbe2", basic.terminating())
    basic.one_call(bed, uri="sip:+4420@a.example")
    bed.check(basic.decomposed("""
    sbe1>dns NAPTR? 0.2.4.4.e164.example
    dns>sbe1 NAPTR 0.2.4.4.e164.example
    """ + basic.discovery()))
    check("sip:bob@b.example" in bed.find("sbe1", "sbe2", "INVITE")[0].body, "the INVITE does not name whom ENUM named")


@row("G12b", "section 9.1", "Discovery by a redirect server as location function", hosts=FED_HOSTS)
def g12b(bed):
    server = start_with_proxy(bed)
    server.plan = [(302, "Moved Temporarily", contact("<sip:bob@b.example>"))]
    out, _ = basic.one_call(bed)
    check_redirect(bed, out)
    bed.check(basic.decomposed(after_add=REDIRECTED))


@row("G7", "section 6.3", "Co-location: clear text in one place, no look-up; who is not listed gets 403",
     hosts=basic.row_hosts("attacker"))
def g7(bed):
    colocated = {"realms": {"peering": {"colocated": True}}}
    bed.daemons.start("sbe1", merge(one(), colocated))
    bed.daemons.start("sbe2", merge(basic.terminating(), colocated))
    basic.one_call_kept(bed)
    intruder = bed.phone("attacker", "alice", "a.example")
    got = intruder.place("sip:bob@b.example", sip("sbe2", "peer")).final()
    check((got.status, got.start) == (403, "SIP/2.0 403 Unsupported Peer"), f"who is not listed got {got.start}")
    bed.captured()
    bed.check(basic.decomposed() + """
    # Somebody who is not listed
    attacker>sbe2 INVITE
    sbe2>attacker 403 INVITE
    attacker>sbe2 ACK
    """)
    check(not [m for m in bed.messages if "dns" in (m.frm, m.to)], "a name was looked up")
