# SPDX-License-Identifier: Apache-2.0
"""What a flow is given: the hosts, the daemons, telephones, a capture, and the check of its drawing."""
import os
import shutil

from . import capture, decode, ladder, net, order, rtp
from .daemons import Daemons
from .net import address
from .pki import Pki
from .sip import Phone


class Result:
    def __init__(self, row, verdict, why="", hosts=(), count=0, rows=(), notes=()):  # pylint: disable=too-many-arguments
        self.row, self.verdict, self.why, self.hosts, self.count, self.rows, self.notes = row, verdict, why, hosts, count, rows, list(notes)


class Bed:
    """One for all flows; reset() between them."""

    def __init__(self, tmp, bin_dir):
        self.tmp, self.net = tmp, net.Net(tmp)
        self.pki = Pki(os.path.join(tmp, "pki"))
        self.daemons = Daemons(self.net, self.pki, bin_dir)
        self.phones, self.running, self.messages, self.steps, self.notes = [], None, [], [], []

    def reset(self):
        """Back to hosts on which nothing runs."""
        for p in self.phones:
            p.close()
        self.phones, self.messages, self.steps, self.notes, self.running = [], [], [], [], None
        self.net.stop_all()
        self.daemons.running = {}
        self.net.unroute()
        for entry in os.listdir(self.tmp):
            if entry.startswith("cdr-") or entry == "capture":
                shutil.rmtree(os.path.join(self.tmp, entry))
        if os.path.exists(self.daemons.keylog):
            os.unlink(self.daemons.keylog)

    def note(self, text):
        """A sentence for the reader of the ladder."""
        self.notes.append(text)

    def phone(self, host, user, domain, port=5060, family=4, on=None, **more):  # pylint: disable=too-many-arguments
        """on: the network, by default the host's first."""
        where = on or next(iter(net.HOSTS[host]))
        p = Phone(host, (address(host, where, family), port), user, domain, **more)
        self.phones.append(p)
        p.others = self.phones
        return p

    def capture(self, hosts):
        """Begin to capture on these hosts; table.py does so before each flow, for only a connection seen from its start can be read."""
        self.running = capture.Capture(self.net, os.path.join(self.tmp, "capture"), hosts)
        self.running.start()

    def captured(self):
        """End it; @return the messages, oldest first."""
        packets = self.running.stop()
        for p in self.running.running:
            self.net.programs.remove(p)
        self.running = None
        self.packets = packets
        self.messages, decoder = decode.messages(packets, self.daemons.keylog)
        net.check(not decoder.unreadable, f"TLS that cannot be read: {decoder.unreadable[:3]}")
        return self.messages

    def check(self, drawing, messages=None):
        """The capture must be the drawing (order.py)."""
        self.steps = order.check(drawing, self.messages if messages is None else messages)
        return self.steps

    def rows(self):
        return ladder.rows_of(self.steps) if self.steps else ladder.rows_as_seen([m for m in self.messages if not order.BACKGROUND.match(m.key)])

    def find(self, frm, to, key):
        """Messages of the capture."""
        return [m for m in self.messages if (m.frm, m.to, m.key) == (frm, to, key)]

    def idle(self, *sbes):
        """No call and no gate is left."""
        for name in sbes:
            net.wait_for(f"no call and no gate is left in {name}", lambda name=name: self.daemons.idle(name))

    def record(self, name):
        """The newest call detail record of an sbe; they are written a little later."""
        return net.wait_for(f"a record of {name}", lambda: self.daemons.cdrs(name))[-1]

    def talk(self, caller, callee, uri, to, **more):
        """A call that is answered, with media both ways, byte for byte; @return both dialogs."""
        before = sum(bool(d.uri) for d in callee.dialogs.values())
        out = caller.place(uri, to, **{k: v for k, v in more.items() if k in ("extra", "body")})
        inn = callee.incoming(after=before)
        final = out.final()
        net.check(final.status == 200, f"the call got {final.start}")
        inn.wait("ACK")
        heard = rtp.exchange(caller.media, out.media, callee.media, inn.media, count=more.get("count", 25), phase=more.get("phase", 1))
        for phone, dialog in ((caller, out), (callee, inn)):
            net.check(heard[phone.host] == {dialog.media}, f"{phone.host} heard media from {heard[phone.host]}, its SDP says {dialog.media}")
        return out, inn


def sip(host, which, port=5060, family=4):
    """(address, port) of a host's SIP."""
    return (address(host, which, family), port)
