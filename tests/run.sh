#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests that `make check` has built: tests/run.sh [runner|unit|component|scenario [PATTERN]]
# PATTERN is a regular expression on names as they are printed. See tests/README.md. The last line is the tally.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
if ! command -v python3 >/dev/null; then
	echo "tests/run.sh: needs python3 (make deps-test)" >&2
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
exec python3 -B "$root/tests/runner/run.py" "$@"
