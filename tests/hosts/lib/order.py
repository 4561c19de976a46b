# SPDX-License-Identifier: Apache-2.0
"""Is the capture the drawing? A drawing is text, a line for each message:

    # words                a heading in the ladder
    alice>sbe1 INVITE      a message, by its key (decode.py)
    sbe2>sbe1 100 INVITE ~ its place is free, save that it comes after what it answers
    alice=dbe1 RTP         media both ways; what stands before must come before its first packet, what stands after comes after its last
    { ... | ... }          the parts, each on lines of its own, may be mixed in any way; inside a part the order holds

Every message of the drawing must be in the capture, nothing else may be, and two messages that a host sent or got must come there in
the order of the drawing, as that host's own capture has it. Since each message is on two hosts this orders the whole.
"""
import re

from .net import HOSTS, Failure

# What goes on besides calls; only looked at if the drawing has it.
BACKGROUND = re.compile(r"OPTIONS$|gate TLS|TCP$|ESP$|.*(ServiceChange|Audit|Notify|\?$|\? (ok|error))")
LINE = re.compile(r"(\w+)([>=])(\w+) (.*?)( ~)?$")


class Step:
    def __init__(self, place, note=None, frm=None, to=None, key=None, both=False, free=False):
        self.place, self.note, self.frm, self.to, self.key, self.both, self.free = place, note, frm, to, key, both, free
        self.message = None

    def __str__(self):
        return f"{self.frm}{'=' if self.both else '>'}{self.to} {self.key}"


def parse(drawing):
    """place: a path of (block, part) pairs; two steps in different parts of one block are in no order."""
    steps, path, blocks = [], [], 0
    for line in drawing.strip().splitlines():
        line = line.strip()
        if not line:
            continue
        if line.startswith("#"):
            steps.append(Step(tuple(path), note=line[1:].strip()))
        elif line == "{":
            blocks += 1
            path.append((blocks, 0))
        elif line == "|":
            path[-1] = (path[-1][0], path[-1][1] + 1)
        elif line == "}":
            path.pop()
        else:
            m = LINE.match(line)
            if not m or m.group(1) not in HOSTS or m.group(3) not in HOSTS:
                raise ValueError(f"drawing: {line}")
            steps.append(Step(tuple(path), None, m.group(1), m.group(3), m.group(4), m.group(2) == "=", bool(m.group(5))))
    return steps


def ordered(a, b):
    """a stands before b: must it come before it?"""
    if a.both and b.both:
        return False  # media on two hops is at the same time
    if a.free or b.free:
        answers = a.frm == b.to and a.to == b.frm and b.key.split()[-1] == a.key.split()[0]
        return answers and b.free
    for (block, part), (other, place) in zip(a.place, b.place):
        if block != other:
            return True
        if part != place:
            return False
    return True


def check(drawing, messages):
    """@return the steps, each with its message. Raises Failure with every difference."""
    steps = parse(drawing)
    drawn = [s for s in steps if not s.note]
    keys = {s.key for s in drawn}
    waiting = {}
    for m in messages:
        waiting.setdefault((m.frm, m.to, m.key, m.both), []).append(m)
    wrong = []
    for s in drawn:
        there = waiting.get((s.frm, s.to, s.key, s.both))
        if there:
            s.message = there.pop(0)
        else:
            wrong.append(f"missing: {s}")
    for (frm, to, key, both), left in waiting.items():
        if left and (key in keys or not BACKGROUND.match(key)):
            wrong += [f"not in the drawing: {frm}{'=' if both else '>'}{to} {key}"] * len(left)
    for i, a in enumerate(drawn):
        for b in drawn[i + 1:]:
            if a.message and b.message and ordered(a, b):
                wrong += out_of_order(a, b)
    if wrong:
        raise Failure("; ".join(wrong[:12]))
    return steps


def out_of_order(a, b):
    return [f"at {h}: {b} came before {a}" for h in a.message.seen if h in b.message.seen and a.message.seen[h][1] > b.message.seen[h][0]]
