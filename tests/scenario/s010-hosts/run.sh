#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# Every figure and phase of the flows draft on hosts of their own, packets compared with the drawing at every host, media byte for byte
# (G1 to G16, B5, B15, C7, C8, D7, E5, E10). `make flows` also draws them.
python3 -B "$SPEER_ROOT/tests/hosts/selftest.py" || exit 1
exec "$SPEER_ROOT/tests/hosts/run.sh" 'G.*'
