#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the fuzzers that `make fuzz` has built, SECONDS_EACH seconds each: tests/fuzz/run.sh [PATTERN]
# fuzz_NAME starts from the seeds in corpus/NAME (and NAME.dict if there is one); what it finds by itself is collected in the
# build directory. An input that broke it is named in the output and kept there; once fixed it belongs into corpus/NAME.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 2
build=${BUILD:-build-fuzz}
seconds=${SECONDS_EACH:-10}
pattern=${1:-}
mkdir -p "$build/fuzz-corpus" "$build/fuzz-found" "$build/fuzz-logs"

one() {
	local name=$1 build=$2 seconds=$3 log found args
	log=$build/fuzz-logs/$name.log
	found=$build/fuzz-corpus/$name
	mkdir -p "$found"
	args=(-max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/fuzz-found/$name-")
	[ ! -f "tests/fuzz/$name.dict" ] || args+=(-dict="tests/fuzz/$name.dict")
	args+=("$found")
	[ ! -d "tests/fuzz/corpus/$name" ] || args+=("tests/fuzz/corpus/$name")
	case $name in guard | wire | writer) args+=(tests/torture/messages) ;; esac # RFC 4475 and RFC 5118
	case $name in writer) args+=(tests/fuzz/corpus/wire) ;; esac
	if UBSAN_OPTIONS=print_stacktrace=1 timeout -k 5 $((seconds * 3 + 120)) "$build/fuzz/fuzz_$name" "${args[@]}" >"$log" 2>&1 </dev/null; then
		echo "PASS fuzz/$name ($(awk '/number_of_executed_units/ { print $2 }' "$log") inputs in $seconds s)"
	else
		echo "FAIL fuzz/$name: $log"
		grep -aE 'ERROR|runtime error|SUMMARY|Test unit written|^ +#[0-9] ' "$log" | head -n 25 | sed 's/^/    /'
	fi
}
export -f one

names=()
for source in tests/fuzz/fuzz_*.c; do
	[ -f "$source" ] || continue
	name=${source##*/fuzz_}
	name=${name%.c}
	[[ $name =~ $pattern ]] && names+=("$name")
done
[ ${#names[@]} -gt 0 ] || {
	echo "no fuzzers"
	exit 0
}
out=$(printf '%s\0' "${names[@]}" | xargs -0 -P "$(nproc)" -I NAME bash -c 'one "$@"' one NAME "$build" "$seconds")
printf '%s\n' "$out"
passed=$(grep -c '^PASS' <<<"$out")
failed=$(grep -c '^FAIL' <<<"$out")
echo "$passed fuzzers passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq ${#names[@]} ]
