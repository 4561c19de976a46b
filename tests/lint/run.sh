#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs all checks of this folder, or those named: tests/lint/run.sh [layers|size|names|docs|symbols|format|cppcheck|selftest]...
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- layers size names docs symbols format cppcheck selftest

failed=0
for check in "$@"; do
	case "$check" in
	selftest) script=$here/selftest.sh ;;
	*) script=$here/check_$check ;;
	esac
	if [ ! -x "$script" ]; then
		echo "lint: no check named $check" >&2
		exit 2
	fi
	start=$SECONDS
	if out=$("$script" 2>&1); then
		verdict=ok
	else
		verdict=FAIL
		failed=$((failed + 1))
	fi
	[ -z "$out" ] || printf '%s\n' "$out" | sed 's/^/  /'
	printf 'lint: %-9s %s (%d s)\n' "$check" $verdict $((SECONDS - start))
done
[ $failed -eq 0 ]
