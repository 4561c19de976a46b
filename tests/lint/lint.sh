# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by every check. LINT_ROOT is the tree to look at (default: the one this file is in), BUILD its build directory.
# A check prints one line per violation, `file:line: what`, and ends with `finish`.
set -uo pipefail

LINT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LINT_ROOT=${LINT_ROOT:-$(cd "$LINT_DIR/../.." && pwd)}
cd "$LINT_ROOT" || exit 2
BUILD=${BUILD:-build}

violations=0

# Under sudo the tree belongs to somebody else, which git refuses unless told.
tree_git() {
	git -c safe.directory='*' "$@"
}
# A check that sees no files would pass; better that it cannot start.
if [ -e .git ] && [ -z "$(tree_git ls-files 2>/dev/null | head -n 1)" ]; then
	echo "lint: git lists no files in $LINT_ROOT"
	exit 2
fi
say() {
	printf '%s\n' "$*"
	violations=$((violations + 1))
}

# Counts and passes on the violations that another program prints.
say_lines() {
	local line
	while IFS= read -r line; do
		say "$line"
	done
}

need() {
	command -v "$1" >/dev/null || say "$1 is not installed (tests/deps.sh lint)"
}

warn() {
	printf 'warning: %s\n' "$*"
}

# Files of the tree that match any of the given name patterns; what git ignores is left out.
files() {
	local pattern
	if [ -e .git ]; then
		tree_git ls-files -co --exclude-standard -- "$@"
	else
		for pattern in "$@"; do
			find . -name "$pattern" -type f -not -path './build*' | sed 's|^\./||'
		done
	fi | sort -u | while IFS= read -r f; do
		[ ! -f "$f" ] || printf '%s\n' "$f"
	done
}

# The product's own C files: what layers, symbols and cppcheck are about.
sources() {
	files '*.c' '*.h' | grep -E '^(common|proto|sbe|dbe)/' || true
}

finish() {
	[ $violations -eq 0 ] || exit 1
	exit 0
}
