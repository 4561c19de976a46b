#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make bench: signaling and memory beside the peer from Debian. Prints figures and ratios, judges nothing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
ulimit -n "$(ulimit -Hn)"
exec python3 "$here/bench.py" "${SPEER_BIN:-$here/../../build/bin}" "$@"
