#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: ask.py SPEERCTL SOCKET LOG - looks each name up and reads what was found, how long it took and what the server was asked"""
import os
import re
import subprocess
import sys
import time

CTL, SOCKET, LOG = sys.argv[1:4]
SCALE = float(os.environ.get("SPEER_TIMEOUT_SCALE", "1"))
SECONDS_MAX, ENUM_SECONDS_MAX, QUESTIONS_MAX = 5 * SCALE, 2 * SCALE, 10
FOUND = "sip:8.8.8.8:5060"
# name: is the right host found? None: it may be or not, as the library likes
DOMAINS = {"good": True, "silent": False, "late": False, "nx": False, "servfail": False, "short": True, "alias": False, "pointer": False,
           "many": True, "weight": True, "port": False, "dot": False, "ident": True, "race": True, "private": False, "ttl0": True,
           "ttl31": True, "cut": False}
NUMBERS = {"+100": "to itself", "+101": "to and fro", "+103": "a chain of a hundred", "+104": "a hungry expression", "+105": "no delimiter",
           "+106": "a thousand records", "+107": "a long nonsense", "+108": "a shell's dream"}


def asked():
    with open(LOG, encoding="ascii") as f:
        return f.read().splitlines()


def look(what):
    before, start = len(asked()), time.monotonic()
    p = subprocess.run([CTL, "-s", SOCKET, "lookup", what], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return p.stdout.decode(), time.monotonic() - start, asked()[before:]


bad = []
for name, right in DOMAINS.items():
    out, seconds, questions = look(f"sip:bob@{name}.example")
    found = FOUND in out
    wrong = [h for h in re.findall(r"(?m)^.*candidate.*$|sip:[0-9.]+:\d+", out) if "8.8.8.8" not in h and re.match(r"sip:", h)]
    print(f"  {name}: {'found' if found else 'nothing'} after {seconds * 1000:.0f} ms and {len(questions)} questions")
    if seconds > SECONDS_MAX or found != right or wrong or "6.6.6.6" in out and "candidate" in out and "6.6.6.6:" in out:
        bad.append(f"{name}: {out}")
    if len(questions) > 60:
        bad.append(f"{name}: {len(questions)} questions")
for number, what in NUMBERS.items():
    out, seconds, questions = look(number)
    questions = [q for q in questions if "e164" in q]
    print(f"  {what}: {seconds * 1000:.0f} ms, {len(questions)} questions")
    if seconds > ENUM_SECONDS_MAX or len(questions) > QUESTIONS_MAX:
        bad.append(f"{number}: {questions} {out}")
# what may be kept: a TTL of 0 and one with the highest bit (RFC 2181, 8) are not, an ordinary one is
for name, kept in {"good": True, "ttl0": False, "ttl31": False}.items():
    _, _, questions = look(f"sip:bob@{name}.example")
    hosts = [q for q in questions if q.startswith("1 ")]
    print(f"  {name} again: {len(questions)} questions")
    if bool(hosts) == kept:
        bad.append(f"{name} again: {questions}")
for b in bad:
    print("FAIL:", b)
sys.exit(1 if bad else 0)
