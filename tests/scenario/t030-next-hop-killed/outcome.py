#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""outcome.py CALLS RESULT < CDRs: every call was answered, none after more than 2.5 s, and some went on to the second hop after
RESULT at the first."""
import json
import sys

calls, result = int(sys.argv[1]), sys.argv[2]
rows = [json.loads(line) for line in sys.stdin]
failed = [r for r in rows if r["status"] != 200]
moved = [r for r in rows if len(r["attempts"]) > 1 and r["attempts"][0]["result"] == result and r["attempts"][-1]["result"] == "answered"]
print(f"  {len(rows)} calls, {len(rows) - len(failed)} answered, {len(moved)} at the second hop after '{result}' at the first")
for r in failed[:3]:
    print(json.dumps(r))
if len(rows) != calls or failed or not moved:
    sys.exit(1)
