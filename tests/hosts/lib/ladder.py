# SPDX-License-Identifier: Apache-2.0
"""Draws captured messages as a ladder: text, and SVG. No times and no addresses, so the same flow gives the same drawing."""
from html import escape

from .net import HOSTS

LABELS = {"alice": "Alice", "bob": "Bob", "proxy": "proxy 1", "proxy2": "proxy 2", "sbe1": "SBE 1", "dbe1": "DBE 1", "sbe2": "SBE 2", "dbe2": "DBE 2",
          "dns": "DNS", "dns2": "DNS 2", "fed": "federation", "isbe": "I-SBE", "idbe": "I-DBE", "isbe2": "I-SBE 2", "idbe2": "I-DBE 2",
          "attacker": "attacker", "router": "router"}
GAP = 12


class Row:
    """A heading (note), or an arrow."""

    def __init__(self, note=None, frm=None, to=None, text="", both=False):
        self.note, self.frm, self.to, self.text, self.both = note, frm, to, text, both


def rows_of(steps):
    """From checked steps (order.check): what each is called comes from the capture."""
    return [Row(note=s.note) if s.note else Row(None, s.frm, s.to, s.message.text, s.both) for s in steps]


def rows_as_seen(messages):
    """In the order of the capture, for a flow that did not pass."""
    return [Row(None, m.frm, m.to, m.text, m.both) for m in messages]


def columns(rows):
    """The hosts that take part, and the place of each line of life."""
    hosts = [h for h in HOSTS if any(h in (r.frm, r.to) for r in rows)]
    at = {h: i for i, h in enumerate(hosts)}
    gaps = [max(GAP, len(LABELS[hosts[i]]) // 2 + len(LABELS[hosts[i + 1]]) // 2 + 3) for i in range(len(hosts) - 1)]
    for r in sorted((r for r in rows if not r.note), key=lambda r: abs(at[r.frm] - at[r.to])):
        left, right = sorted((at[r.frm], at[r.to]))
        need = len(r.text) + 6
        have = sum(gaps[left:right]) - 1
        for i in range(left, right):
            if need > have:
                gaps[i] += -(-(need - have) // (right - left))
    place, x = {}, 6
    for h, gap in zip(hosts, gaps + [0]):
        place[h] = x
        x += gap
    return hosts, place


def text(rows):
    hosts, place = columns(rows)
    if not hosts:
        return ""
    width = place[hosts[-1]] + 8
    head = [" "] * width
    for h in hosts:
        start = max(0, place[h] - len(LABELS[h]) // 2)
        head[start:start + len(LABELS[h])] = LABELS[h]
    out = ["".join(head).rstrip()]
    for r in rows:
        line = [" "] * width
        for h in hosts:
            line[place[h]] = "|"
        if r.note:
            out += ["".join(line).rstrip(), f"-- {r.note} --"]
            continue
        left, right = sorted((place[r.frm], place[r.to]))
        bar = "=" if r.both else "-"
        body = f" {r.text} ".center(right - left - 3, bar)
        start = "<" if r.both or place[r.to] == left else bar
        end = ">" if r.both or place[r.to] == right else bar
        line[left + 1:right] = start + body + end
        out.append("".join(line).rstrip())
    return "\n".join(out) + "\n"


def svg(rows, title):
    hosts, place = columns(rows)
    scale, step, top = 8, 22, 64
    width = (place[hosts[-1]] + 8) * scale if hosts else 100
    height = top + step * (len(rows) + 1)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="12">',
           f"<title>{escape(title)}</title>", '<rect width="100%" height="100%" fill="white"/>',
           '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
           '<path d="M0 0L8 4L0 8z"/></marker></defs>',
           f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>']
    for h in hosts:
        x = place[h] * scale
        out.append(f'<line x1="{x}" y1="{top - 14}" x2="{x}" y2="{height - 8}" stroke="#999"/>')
        out.append(f'<text x="{x}" y="{top - 20}" text-anchor="middle" font-weight="bold">{escape(LABELS[h])}</text>')
    for i, r in enumerate(rows):
        y = top + step * (i + 1)
        if r.note:
            out.append(f'<text x="8" y="{y}" font-style="italic" fill="#555">{escape(r.note)}</text>')
            continue
        x1, x2 = place[r.frm] * scale, place[r.to] * scale
        line = ' stroke="#06c" stroke-width="2" marker-start="url(#a)"' if r.both else ' stroke="black"'
        out.append(f'<line x1="{x1}" y1="{y}" x2="{x2}" y2="{y}"{line} marker-end="url(#a)"/>')
        out.append(f'<text x="{(x1 + x2) / 2:g}" y="{y - 4}" text-anchor="middle">{escape(r.text)}</text>')
    return "\n".join(out + ["</svg>", ""])
