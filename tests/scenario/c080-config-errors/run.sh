#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Wrong configuration files: -t ends with 2 and one line FILE:LINE: path.to.key: what is wrong, what is allowed; the
# same file is refused at start. What is printed is compared with golden.txt (UPDATE=1 writes it).
set -u
here=$SPEER_ROOT/tests/scenario/c080-config-errors
fail() { echo "FAIL: $*" >&2; exit 1; }
for daemon in sbe dbe; do
	cp "$here/$daemon.json" "$daemon.json"
	"$SPEER_BIN/$daemon" -t -c "$daemon.json" >good.txt 2>&1 || fail "the good $daemon.json is refused: $(cat good.txt)"
done
n=0
while IFS='|' read -r daemon what script; do
	daemon=${daemon// /} what=$(echo $what)
	case $daemon in '#'* | '') continue ;; esac
	sed "${script# }" "$here/$daemon.json" >"$daemon.json"
	cmp -s "$here/$daemon.json" "$daemon.json" && fail "the script of '$what' changes nothing"
	"$SPEER_BIN/$daemon" -t -c "$daemon.json" >out.txt 2>&1
	[ $? = 2 ] || fail "$daemon, $what: not refused with 2: $(cat out.txt)"
	grep -q "^$daemon.json:[0-9]*: " out.txt || fail "$daemon, $what: no FILE:LINE: $(cat out.txt)"
	[ "$(wc -l <out.txt)" = 1 ] || fail "$daemon, $what: more than a line: $(cat out.txt)"
	echo "$what" >>result.txt
	sed "s/^/    /; s/kernel's own [0-9]*-[0-9]*/kernel's own LOW-HIGH/" out.txt >>result.txt
	n=$((n + 1))
done <"$here/cases.txt"
"$SPEER_BIN/sbe" -c sbe.json >out.txt 2>&1; [ $? = 2 ] || fail "the sbe started with a bad file"
"$SPEER_BIN/dbe" -c dbe.json >out.txt 2>&1; [ $? = 2 ] || fail "the dbe started with a bad file"
for daemon in sbe dbe; do
	"$SPEER_BIN/$daemon" -t -c /nowhere.json >out.txt 2>&1; [ $? = 2 ] || fail "$daemon -t of a file that is not there"
	grep -q '/nowhere.json' out.txt || fail "$daemon does not name the file: $(cat out.txt)"
	"$SPEER_BIN/$daemon" --nonsense >out.txt 2>&1; [ $? = 2 ] || fail "$daemon --nonsense"
done
[ -z "${UPDATE:-}" ] || cp result.txt "$here/golden.txt"
diff -u "$here/golden.txt" result.txt || fail "messages differ from golden.txt"
echo "  $n wrong files"
