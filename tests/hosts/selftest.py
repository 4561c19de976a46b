# SPDX-License-Identifier: Apache-2.0
"""Does the comparison of capture and drawing see what is wrong? Made-up captures, without hosts: python3 tests/hosts/selftest.py"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import ladder, net, order  # noqa: E402  pylint: disable=wrong-import-position
from lib.decode import Message  # noqa: E402  pylint: disable=wrong-import-position

DRAWING = """
# Call
alice>sbe1 INVITE
sbe1>alice 100 INVITE ~
{
  sbe1>dbe1 Add+Add
  dbe1>sbe1 Add+Add ok
|
  sbe1>dns A? b.example
  dns>sbe1 A b.example
}
sbe1>alice 200 INVITE
alice=dbe1 RTP
alice>sbe1 BYE
"""
CALL = ["alice>sbe1 INVITE", "sbe1>dbe1 Add+Add", "sbe1>dns A? b.example", "dbe1>sbe1 Add+Add ok", "sbe1>alice 100 INVITE", "dns>sbe1 A b.example",
        "sbe1>alice 200 INVITE", "alice=dbe1 RTP", "alice>sbe1 BYE"]


def capture(lines):
    """A message each 10 ns; media last for 5."""
    found = []
    for i, line in enumerate(lines):
        step = order.parse(line)[0]
        m = Message(step.frm, step.to, step.key, step.key, step.both)
        for host in (step.frm, step.to):
            m.saw(host, 10 * i)
            m.saw(host, 10 * i + 5 * step.both)
        found.append(m)
    return found


def refused(lines, words, change=lambda messages: None):
    messages = capture(lines)
    change(messages)
    try:
        order.check(DRAWING, messages)
    except net.Failure as e:
        if words in str(e):
            return
        sys.exit(f"FAIL: said {e}, not {words}")
    sys.exit(f"FAIL: {lines} was taken for the drawing, it should say {words}")


def swapped(a, b):
    lines = list(CALL)
    i, j = lines.index(a), lines.index(b)
    lines[i], lines[j] = b, a
    return lines


steps = order.check(DRAWING, capture(CALL))
if "INVITE" not in ladder.text(ladder.rows_of(steps)) or len(steps) != 10:
    sys.exit("FAIL: the ladder")
order.check(DRAWING, capture(CALL + ["sbe1>fed OPTIONS"]))
refused(CALL[:-1], "missing: alice>sbe1 BYE")
refused(CALL + ["alice>sbe1 BYE"], "not in the drawing: alice>sbe1 BYE")
refused(CALL + ["sbe1>sbe2 INVITE"], "not in the drawing: sbe1>sbe2 INVITE")
refused(swapped("sbe1>dbe1 Add+Add", "dbe1>sbe1 Add+Add ok"), "at dbe1: dbe1>sbe1 Add+Add ok came before")
refused(swapped("dns>sbe1 A b.example", "sbe1>alice 200 INVITE"), "at sbe1: sbe1>alice 200 INVITE came before dns>sbe1 A")
refused(swapped("alice>sbe1 INVITE", "sbe1>alice 100 INVITE"), "sbe1>alice 100 INVITE came before alice>sbe1 INVITE")
refused(CALL, "at alice: alice>sbe1 BYE came before alice=dbe1 RTP", lambda messages: messages[-2].saw("alice", 1000))
print("the comparison sees what is wrong")
