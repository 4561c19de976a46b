#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.py TABLE TESTS_DIR: docs/conformance.md on stdout, from the table of requirements and the ids that tests name.

It fails when a requirement that is said to be met in full has no test, and when a test names an id that nobody knows.
"""
import os
import re
import sys

STATUSES = ("full", "partial", "not", "refused by policy", "pass-through")
SUFFIXES = (".c", ".h", ".sh", ".py", ".json", ".case", ".txt")
ID = re.compile(r"(?<![\w.\-/+])([A-Z])(\d{1,2})(?![\w.])")
RANGE = re.compile(r"(?<![\w.])([A-Z])(\d{1,2})-\1?(\d{1,2})(?![\w.])")
PARENTHESES = re.compile(r"\(([^()]*)\)")
RFC = re.compile(r"RFC (\d{4})|\b(T\.38)\b")


def expand(words):
    out = set()
    for word in words:
        m = re.fullmatch(r"([A-Z])(\d+)-\1?(\d+)", word)
        out |= {f"{m[1]}{n}" for n in range(int(m[2]), int(m[3]) + 1)} if m else {word}
    return out


class Table:
    def __init__(self, path):
        self.rows, self.sections, self.named = {}, [], {}
        self.catalogue, self.elsewhere, self.ignored = set(), [], set()
        with open(path, encoding="utf-8") as f:
            for n, line in enumerate(f, 1):
                self.line(line.rstrip("\n"), f"{path}:{n}")

    def line(self, line, where):
        if line.startswith("#catalogue "):
            self.catalogue = expand(line.split()[1:])
        elif line.startswith("#elsewhere "):
            self.elsewhere = line.split()[1:]
        elif line.startswith("#ignored "):
            self.ignored = set(line.split()[1:])
        elif line.startswith("## "):
            self.sections.append((line[3:], []))
        elif line and not line.startswith("#"):
            cells = line.split("\t")
            if len(cells) != 4 or cells[1] not in STATUSES or cells[0] in self.rows:
                sys.exit(f"{where}: wants id, status ({', '.join(STATUSES)}), requirement, remark, tabs between, each id once")
            remark, also, only = self.remark(cells[3], where)
            self.rows[cells[0]] = {"status": cells[1], "what": cells[2], "remark": remark, "also": also, "only": only, "tests": set()}
            self.sections[-1][1].append(cells[0])

    @staticmethod
    def remark(text, where):
        """What is to be read, ids whose tests count too, and the places of tests that count."""
        only = re.search(r"tests: (.*)$", text)
        if only:
            text = text[:only.start()]
        also = re.search(r"\bsee ((?:[A-Z]\d+ ?)+)$", text.strip())
        if also:
            text = text.strip()[:also.start()]
        return text.strip(), also[1].split() if also else [], only[1].split(", ") if only else []


def names(path):
    """Ids a test names: in its comments, docstrings and parentheses."""
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    ids, rfcs = set(), set()
    block = False
    for line in text.splitlines():
        s = line.strip()
        quotes = s.count('"""') if path.endswith(".py") else 0
        comment = block or quotes or s.startswith(("#", "*", "//")) or "/*" in s
        parts = [s] if comment else [p for p in PARENTHESES.findall(s)
                                     if re.fullmatch(r"(?:[A-Z]\d{1,2}(?:-[A-Z]?\d{1,2})?(?:[,;: ]+[\w ]*)?)+", p)]
        if quotes == 1:
            block = not block
        for part in parts:
            ids |= {a + b for a, b in ID.findall(part)}
            for letter, first, last in RANGE.findall(part):
                ids |= {f"{letter}{n}" for n in range(int(first), int(last) + 1)}
        if comment:
            rfcs |= {a or b for a, b in RFC.findall(s)}
    return ids, rfcs


def walk(tests):
    for folder, folders, files in os.walk(tests):
        folders[:] = sorted(d for d in folders if d not in ("lint", "bench", "demo", "__pycache__"))
        for name in sorted(files):
            if name.endswith(SUFFIXES):
                yield os.path.join(folder, name)


def label(path, tests):
    path = os.path.relpath(path, tests)
    path = re.sub(r"^scenario/([^/]+)/run\.sh$", r"\1", path)
    return re.sub(r"^unit/(?:.*)/(test_\w+)\.c$", r"\1", path)


def join(table, tests):
    unknown = []
    prefix = os.path.dirname(os.path.abspath(tests))
    for path in walk(tests):
        relative = os.path.relpath(os.path.abspath(path), prefix)
        ids, rfcs = names(path)
        elsewhere = relative.startswith(tuple(table.elsewhere))
        for i in ids:
            table.named.setdefault(i, set()).add(label(path, tests))
            row = table.rows.get(i)
            if elsewhere and i in table.catalogue:
                continue
            if row is None:
                if i not in table.catalogue and i[0] not in table.ignored and i[0] in "ABCDEFGHIKS":
                    unknown.append(f"{relative} names {i}, which is no requirement")
                continue
            if i[0] == "A" and not any(part in relative for part in row["only"]):
                continue
            row["tests"].add(label(path, tests))
        for number in rfcs:
            row = table.rows.get(f"K {number}")
            if row:
                row["tests"].add(label(path, tests))
    for row in table.rows.values():
        row["all"] = set(row["tests"])
        for other in row["also"]:
            # A means the catalogue here, and what has no row (J, X) is named all the same
            known = other in table.rows and other[0] != "A"
            row["all"] |= table.rows[other]["tests"] if known else table.named.get(other, set())
    return unknown


def cell(row):
    if row["status"] == "not":
        return ""
    tests = sorted(row["all"])
    shown = ", ".join(f"`{t}`" for t in tests[:6])
    return shown + (f" and {len(tests) - 6} more" if len(tests) > 6 else "")


def write(table):
    count = {s: sum(r["status"] == s for r in table.rows.values()) for s in STATUSES}
    print("# Conformance\n")
    print("Made by `make docs` from `docs/conformance.tsv` and from the requirement ids that tests name; do not edit. *full*: all of it, and a")
    print("test names it; *partial*: the remark says what is missing; *pass-through*: carried, not interpreted; *refused by policy*: answered with a")
    print("refusal on purpose; *not*: not there.\n")
    print("| " + " | ".join(STATUSES) + " |\n|" + "---|" * len(STATUSES))
    print("| " + " | ".join(str(count[s]) for s in STATUSES) + " |")
    for title, ids in table.sections:
        print(f"\n## {title}\n")
        print("| id | requirement | status | remark | tests |\n|---|---|---|---|---|")
        for i in ids:
            row = table.rows[i]
            key = re.sub(r"^K (?=\d)", "RFC ", i).replace("K ", "")
            print("| " + " | ".join(c.replace("|", "\\|") for c in (key, row["what"], row["status"], row["remark"], cell(row))) + " |")


def main():
    table = Table(sys.argv[1])
    wrong = join(table, sys.argv[2])
    wrong += [f"{i} is said to be met in full, and no test names it" for i, row in table.rows.items() if row["status"] == "full" and not row["all"]]
    if wrong:
        sys.exit("docs/conformance: " + "\ndocs/conformance: ".join(wrong))
    write(table)


main()
