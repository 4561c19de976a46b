#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make docs: writes the references that come from the programs' own tables. docs/generate.sh [DIR]
# The daemons are started for a moment on loopback, so that the tables are those that run.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/docs/reference}
bin=${SPEER_BIN:-$root/build/bin}
tmp=$(mktemp -d)
pids=()
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null && wait "$p" 2>/dev/null; done; rm -rf "$tmp"' EXIT
mkdir -p "$out" "$tmp/cdr"

cat >"$tmp/sbe.json" <<X
{"node": "sbe1", "control": {"socket": "$tmp/sbe.sock"}, "http": {"listen": "off"}, "gate_control": {"listen": ["127.0.0.1:29460"], "dbes": ["dbe1"]},
 "realms": {"core": {"listen": ["udp:127.0.7.1:5060"]}}, "cdr": {"directory": "$tmp/cdr"}}
X
cat >"$tmp/dbe.json" <<X
{"name": "dbe1", "control": {"socket": "$tmp/dbe.sock"}, "http": {"listen": "127.0.0.1:29461"}, "controllers": ["127.0.0.1:29460"],
 "realms": {"core": {"addresses": [{"bind": "127.0.7.2", "ports": "16384-16399"}]}}}
X
for d in sbe dbe; do
	"$bin/$d" --schema >"$out/$d.schema.json"
	"$bin/$d" -c "$tmp/$d.json" 2>"$tmp/$d.log" & pids+=($!)
done
for d in sbe dbe; do
	for _ in $(seq 100); do "$bin/speerctl" -s "$tmp/$d.sock" help >/dev/null 2>&1 && continue 2; sleep 0.1; done
	echo "docs: $d did not come up:" >&2
	cat "$tmp/$d.log" >&2
	exit 1
done

table() { # DAEMON COMMAND...: its table as Markdown
	local d=$1
	shift
	"$bin/speerctl" -s "$tmp/$d.sock" -o json "$@" | python3 -c '
import json, sys
d = json.load(sys.stdin)
d = d.get("data", d)
want = sys.argv[1].split(",")
index = [d["columns"].index(c) for c in want]
print("| " + " | ".join(want) + " |\n|" + "---|" * len(want))
for row in sorted(d["rows"], key=lambda r: str(r[index[0]])) if sys.argv[2] == "sort" else d["rows"]:
    print("| " + " | ".join(("`%s`" % row[i] if n == 0 else str(row[i])).replace("|", "\\|") for n, i in enumerate(index)) + " |")
' "$columns" "$order"
}
{
	echo "# Commands"
	echo
	echo "Made by \`make docs\` from the daemons' command tables. \`speerctl [-s SOCKET] [-o table|json] [--watch[=S]] COMMAND\`;"
	echo "exit status 0 done, 1 refused or failed, 2 usage, 3 not found, 4 daemon not reachable."
	for d in sbe dbe; do
		printf '\n## %s\n\n' $d
		columns=command,help order=keep table $d help
	done
} >"$out/commands.md"
{
	echo "# Metrics"
	echo
	echo "Made by \`make docs\` from the daemons' metric tables; the same rows as \`speerctl stats show\` and \`/metrics\`."
	printf '\n## sbe\n\n'
	columns=name,meaning order=sort table sbe stats show
	printf '\n## dbe\n\n'
	columns=name,meaning order=sort table dbe stats show
	printf '\n## Per peer\n\n%s\n%s\n' "\`/metrics\` of the sbe also has, for each peer with \`perf.report\` and per direction, \`sbe_peer_calls_total{peer,direction,outcome}\` and" \
		"\`sbe_peer_quality{peer,direction,figure}\`: the figures of \`speerctl peer quality\` (RFC 6076, ASR, NER, PDD, ACD), renewed every 5 s."
} >"$out/metrics.md"
python3 "$root/docs/conformance.py" "$root/docs/conformance.tsv" "$root/tests" >"$out/conformance.md"
[ $# -gt 0 ] || mv "$out/conformance.md" "$root/docs/conformance.md"
[ $# -gt 0 ] || python3 "$root/tests/torture/torture.py" docs >"$root/docs/torture.md"
