#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each example of docs/media.md is a configuration that loads.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
python3 - "$SPEER_ROOT/docs/media.md" "$SPEER_BIN/sbe" <<'P' || fail "an example"
import json, re, subprocess, sys
blocks = re.findall(r"```json\n(.*?)```", open(sys.argv[1]).read(), re.S)
base = json.load(open("sbe.json"))
for text in blocks:
    part, c = json.loads(text), json.loads(json.dumps(base))
    for realm, more in part.pop("realms", {}).items():
        c["realms"][realm].update(more)
    c["peers"]["bnet"].update(part)
    json.dump(c, open("example.json", "w"))
    r = subprocess.run([sys.argv[2], "-t", "-c", "example.json"], capture_output=True, text=True)
    if r.returncode:
        sys.exit(f"{text}{r.stdout}{r.stderr}")
print(f"  {len(blocks)} examples load")
sys.exit(len(blocks) < 9)
P
