#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# Flows on hosts of their own, their packets compared with the drawings: integrated and decomposed, both ends hanging up (G2, G3).
# `make flows` runs all of them.
exec "$SPEER_ROOT/tests/hosts/run.sh" 'G[23]a?'
