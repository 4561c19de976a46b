#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the flows and use cases on hosts of their own: tests/hosts/run.sh [--docs DIRECTORY] [PATTERN]
# PATTERN is a regular expression on names of rows (G1, D10). Needs root, for the hosts are network namespaces: all of them live in
# namespaces of this run, so whatever ends it, the kernel ends all that it started.
set -u
here=$(cd "$(dirname "$0")" && pwd)
SPEER_ROOT=$(cd "$here/../.." && pwd)
export SPEER_ROOT SPEER_BIN=${SPEER_BIN:-${BUILD:-$SPEER_ROOT/build}/bin}
for program in ip unshare setpriv tcpdump nsd openssl python3; do
	command -v $program >/dev/null || { echo "$program is not installed (tests/deps.sh test)"; exit 77; }
done
alone=(unshare --mount --pid --fork --kill-child --mount-proc --net)
"${alone[@]}" sh -c 'mount -t tmpfs none /mnt && ip link add br-test type bridge && ip link add veth0 type veth peer name veth1' 2>/dev/null ||
	{ echo "no right to make network namespaces here (root is needed)"; exit 77; }
tmp=$(mktemp -d "${TEST_TMP:-/tmp}/speer-hosts.XXXXXX") || exit 1
trap '[ -z "${HOSTS_KEEP:-}" ] || cp -r "$tmp" "$HOSTS_KEEP"; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
setpriv --pdeathsig KILL "${alone[@]}" python3 -B "$here/run.py" --tmp "$tmp" "$@" &
wait $!
