#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The runner on a tree of fake tests: it must count right, and a test that is killed, that hangs or that hides its children,
# and a run that is interrupted or killed, must leave no process, no namespace and no file behind.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() { # what, then a command that must succeed
	local what=$1
	shift
	if ! "$@"; then
		echo "FAILED: $what"
		failed=1
	fi
}

tree() {
	rm -rf "$work/tree" "$work/pids" "$work/tmp"
	mkdir -p "$work"/{tree/tests/{unit/common,scenario},tree/build/tests/unit/common,tmp}
	: >"$work/pids"
}

unit() { # name, script
	: >"$work/tree/tests/unit/common/test_$1.c"
	printf '#!/usr/bin/env bash\n%s\n' "$2" >"$work/tree/build/tests/unit/common/test_$1"
	chmod +x "$work/tree/build/tests/unit/common/test_$1"
}

scenario() { # name, script
	mkdir -p "$work/tree/tests/scenario/$1"
	printf '#!/usr/bin/env bash\n%s\n' "$2" >"$work/tree/tests/scenario/$1/run.sh"
	chmod +x "$work/tree/tests/scenario/$1/run.sh"
}

run() {
	env -u SPEER_TEST_ID -u BUILD SPEER_TEST_ROOT="$work/tree" TMPDIR="$work/tmp" PIDS="$work/pids" \
		python3 -B "$here/run.py" "$@" >"$work/out" 2>&1
}

tally_is() {
	[ "$(tail -n 1 "$work/out")" = "$1" ] && return
	cat "$work/out"
	return 1
}

says() {
	grep -qF -- "$1" "$work/out" && return
	cat "$work/out"
	return 1
}

# The marks that `leaver` writes down: a process per line, and namespaces that carry the test's id.
nothing_left() {
	local pid i
	for ((i = 0; i < 100; i++)); do
		local alive=0
		while read -r pid; do
			[ ! -d "/proc/$pid" ] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$pid/status" 2>/dev/null || alive=1
		done <"$work/pids"
		[ -z "$(ls -A "$work/tmp")" ] || alive=1
		[ -z "$(ls /run/netns 2>/dev/null | grep -F -f "$work/ids" 2>/dev/null)" ] || alive=1
		[ $alive = 1 ] || return 0
		sleep 0.1
	done
	echo "left: $(cat "$work/pids" | tr '\n' ' ') files: $(find "$work/tmp") namespaces: $(ls /run/netns 2>/dev/null)"
	return 1
}

# Starts a child in its own session, a daemon of that child, one in a namespace, and leaves a file.
leaver='echo "$SPEER_TEST_ID" >>"${PIDS%pids}ids"
touch "$TEST_TMP/file"
setsid sh -c "echo \$\$ >>$PIDS; exec sleep 1000" &
(setsid sh -c "(echo \$\$; exec sleep 1000) & echo \$! >>$PIDS" &)
if ip netns add "speer-$SPEER_TEST_ID-a" 2>/dev/null; then
	ip netns exec "speer-$SPEER_TEST_ID-a" sleep 1000 & echo $! >>"$PIDS"
fi
while [ "$(wc -l <"$PIDS")" -lt 2 ]; do sleep 0.02; done'

# ---- counting
tree
unit good 'echo 1..2; printf "noise"; echo "ok 1 - one"; echo "not so ok 7 - fake"; echo "ok 2 - two"'
unit bad 'echo 1..3; echo "ok 1 - a"; echo "not ok 2 - b"; echo "Skip: no kernel support"; echo "not ok 3 # SKIP c"; exit 1'
unit crash 'echo 1..3; echo "ok 1 - a"; kill -SEGV $$'
unit late 'echo 1..1; echo "ok 1 - a"; exit 1'
unit mute 'exit 0'
: >"$work/tree/tests/unit/common/test_unbuilt.c"
scenario pass 'echo "$PWD" | grep -q "^$TEST_TMP$" || exit 1; [ -n "$SPEER_BIN" ] && [ -n "$SPEER_TOOLS" ]'
scenario skip 'echo "needs a tun device"; exit 77'
scenario fail 'echo "the call did not come up"; exit 3'
scenario hang '# timeout: 1
trap "" TERM
sleep 1000'
scenario sanitized 'eval "${ASAN_OPTIONS##*:log_path=}" 2>/dev/null; echo "ERROR: leak" >"$(sed "s/.*log_path=\([^:]*\).*/\1/" <<<"$ASAN_OPTIONS").99"; exit 0'
run
check "exit status of a failed run" [ $? -eq 1 ]
check "tally" tally_is "6 passed, 8 failed, 2 skipped"
check "a failed case" says 'FAIL unit/common/bad: b'
check "a skip's reason" says 'SKIP unit/common/bad: c (0.00 s)  no kernel support'
check "a crash" says 'killed by signal 11 after 1 of 3 cases'
check "a status without a failed case" says 'exit status 1 although no case failed'
check "an empty program" says 'no test case in its output'
check "an unbuilt program" says 'FAIL unit/common/unbuilt (0.00 s)  not built'
check "a skipped scenario" says 'needs a tun device'
check "a failed scenario" says 'exit status 3: the call did not come up'
check "a hanging scenario" says 'FAIL scenario/hang'
check "a sanitizer report" says 'a sanitizer complained'
run scenario '/pass$'
check "exit status of a good run" [ $? -eq 0 ]
check "a filter" tally_is "1 passed, 0 failed, 0 skipped"
run unit nothing-like-this
check "a filter without a match fails" [ $? -eq 1 ]

# ---- leaving nothing
tree
scenario leave "$leaver"
scenario leave-killed "$leaver
kill -9 \$\$"
run scenario
check "tally of leavers" tally_is "1 passed, 1 failed, 0 skipped"
check "a test ends" nothing_left
check "they did start something" [ "$(wc -l <"$work/pids")" -ge 4 ]

for signal in INT TERM KILL; do
	tree
	scenario leave "$leaver
touch \"\${PIDS%pids}started\"
sleep 1000"
	rm -f "$work/started"
	# through a program, since bash makes children in the background ignore SIGINT
	env -u SPEER_TEST_ID -u BUILD SPEER_TEST_ROOT="$work/tree" TMPDIR="$work/tmp" PIDS="$work/pids" \
		python3 -B -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); os.execvp(sys.argv[1], sys.argv[1:])' \
		python3 -B "$here/run.py" scenario >"$work/out" 2>&1 &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		[ ! -e "$work/started" ] || break
		sleep 0.05
	done
	check "the interrupted test started" [ -e "$work/started" ]
	kill -$signal $pid
	wait $pid
	check "status after SIG$signal" [ $? -ge 128 ]
	check "a run that gets SIG$signal" nothing_left
done

[ $failed -eq 0 ] && echo "the runner counts right and leaves nothing behind"
exit $failed
