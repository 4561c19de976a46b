# SPDX-License-Identifier: Apache-2.0
"""The rows: figures of the draft and use cases. A flow is a function with @row; run_all runs them and prints and writes the table."""
import os
import re
import time
import traceback

from . import ladder, net
from .bed import Bed, Result

ROWS = []


class RowInfo:
    def __init__(self, name, source, title, run, hosts, wait):  # pylint: disable=too-many-arguments
        self.name, self.source, self.title, self.run, self.hosts, self.wait = name, source, title, run, hosts, wait


HOSTS = "alice sbe1 dbe1 dns dbe2 sbe2 bob"


def row(name, source, title, hosts=HOSTS, wait=""):
    """name: such as G3 or D1; source: figure and section; hosts: where packets are captured, from the beginning; wait: in plain words why
    it cannot pass yet."""
    def add(run):
        ROWS.append(RowInfo(name, source, title, run, hosts.split(), wait))
        return run
    return add


def key(name):
    letter, number, rest = re.match(r"([A-Z]+)(\d+)(.*)", name).groups()
    return "GD".find(letter), letter, int(number), rest


def run_row(bed, info):
    """One row on hosts where nothing runs."""
    if info.wait:
        return Result(info, "waits", info.wait)
    verdict, why = "passes", ""
    try:
        bed.reset()
        bed.capture(info.hosts)
        info.run(bed)
        if bed.running:
            bed.captured()
        bed.daemons.stop_all()
    except net.Skip as e:
        verdict, why = "skipped", str(e)
    except net.Failure as e:
        verdict, why = "FAILS", str(e)
    except Exception:  # pylint: disable=broad-except
        verdict, why = "FAILS", traceback.format_exc(limit=-3).strip().replace("\n", " / ")
    if bed.running:
        try:
            bed.captured()
        except net.Failure:
            pass
    hosts = [h for h in net.HOSTS if any(h in (r.frm, r.to) for r in bed.rows())]
    rows = bed.rows()
    return Result(info, verdict, why, hosts, sum(not r.note for r in rows), rows, bed.notes)


def line(r):
    return f"{r.row.name:5} {r.row.source:24} {r.verdict:8} {len(r.hosts):5} {r.count:8}  {r.row.title}" + (f"\n      {r.why}" if r.why else "")


HEAD = f"{'row':5} {'figure or use case':24} {'verdict':8} {'hosts':>5} {'messages':>8}  what it is"


def run_all(pattern, docs, tmp, bin_dir):
    """@return 0 when nothing failed."""
    rows = sorted((r for r in ROWS if re.fullmatch(pattern, r.name)), key=lambda r: key(r.name))
    bed = Bed(tmp, bin_dir)
    results = []
    print(HEAD, flush=True)
    start = time.monotonic()
    for info in rows:
        r = run_row(bed, info)
        results.append(r)
        print(line(r), flush=True)
        if r.verdict == "FAILS":
            for p in bed.net.programs:
                if not p.name.startswith("tcpdump"):
                    print("".join(f"      {p.name}: {x}\n" for x in p.tail(6).splitlines()), end="")
            print(ladder.text(r.rows))
        elif docs and r.verdict == "passes":
            write(docs, r)
    failed = sum(r.verdict == "FAILS" for r in results)
    passed = sum(r.verdict == "passes" for r in results)
    print(f"{passed} of {len(results)} pass, {failed} fail, {len(results) - passed - failed} wait or are skipped; {time.monotonic() - start:.0f} s", flush=True)
    if docs and pattern == ".*":
        write_index(docs, results)
    return 1 if failed or not results else 0


def file_name(info):
    return info.name.lower()


def write(docs, r):
    os.makedirs(docs, exist_ok=True)
    title = f"{r.row.name}: {r.row.title}"
    with open(os.path.join(docs, f"{file_name(r.row)}.txt"), "w", encoding="utf-8") as f:
        f.write(f"{title}\n{r.row.source}\n\n{ladder.text(r.rows)}")
        f.writelines(f"\n{n}\n" for n in r.notes)
    if not r.rows:
        return
    with open(os.path.join(docs, f"{file_name(r.row)}.svg"), "w", encoding="utf-8") as f:
        f.write(ladder.svg(r.rows, title))


def write_index(docs, results):
    lines = ["# Message flows", "", "Drawn by `make flows` from packets captured on hosts of their own (`tests/hosts/`). Figures and sections are those of",
             "draft-ietf-speermint-flows-03, use cases those of RFC 6405. One line per message, as the hosts saw it; media is one double line.", "",
             "| row | figure or use case | what it is | hosts | messages | verdict |", "|---|---|---|---|---|---|"]
    for r in results:
        name = file_name(r.row)
        links = f" ([text]({name}.txt)" + (f", [drawing]({name}.svg))" if r.rows else ")") if r.verdict == "passes" else ""
        hosts = ", ".join(ladder.LABELS[h] for h in r.hosts)
        why = f": {r.why}" if r.why else ""
        lines.append(f"| {r.row.name} | {r.row.source} | {r.row.title}{links} | {hosts} | {r.count} | {r.verdict}{why} |")
    with open(os.path.join(docs, "README.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
