#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make bench: signaling and memory beside the peer from Debian. make bench T=overload: the sbe above its capacity.
# Prints figures and ratios, judges nothing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
ulimit -n "$(ulimit -Hn)"
what=bench
if [ "${1:-}" = overload ]; then
	what=overload
	shift
fi
exec python3 "$here/$what.py" "${SPEER_BIN:-$here/../../build/bin}" "$@"
