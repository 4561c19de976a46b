#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 60
# A run on hosts that is killed in the middle leaves no process and no namespace behind, on any machine.
set -u
fail() { echo "FAIL: $*" >&2; exit 1; }
# the brackets keep the search from finding itself
of_the_run() { grep -l -a "$TEST_TMP/speer-hosts[.]" /proc/[0-9]*/cmdline 2>/dev/null | wc -l; }
mounted() { findmnt -rn -t nsfs | wc -l; }
before=$(mounted)
"$SPEER_ROOT/tests/hosts/run.sh" 'G3' >run.txt 2>&1 & run=$!
until grep -q -s associated "$TEST_TMP"/speer-hosts.*/sbe2.log; do
	kill -0 $run 2>/dev/null || { wait $run; status=$?; tail -n 1 run.txt; [ $status = 77 ] && exit 77; fail "it ended too early: $(cat run.txt)"; }
	sleep 0.02
done
[ "$(of_the_run)" -ge 5 ] || fail "only $(of_the_run) processes are seen in the middle of a run"
kill -KILL $run
wait $run 2>/dev/null
for ((i = 0; i < 250; i++)); do
	[ "$(of_the_run)" != 0 ] || break
	sleep 0.02
done
[ "$(of_the_run)" = 0 ] || fail "left behind: $(grep -s -a "$TEST_TMP/speer-hosts[.]" /proc/[0-9]*/cmdline | tr '\0' ' ')"
[ "$(mounted)" = "$before" ] || fail "a namespace is left: $(findmnt -rn -t nsfs)"
echo "nothing is left of a run that was killed"
