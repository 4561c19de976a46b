#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# Flows on hosts of their own, their packets compared with the drawings: integrated and decomposed, both ends hanging up, on demand over
# TLS (first call: NAPTR, SRV, TLS, INVITE; second: none of it), by a federation's certificates, with a 401 (G2, G3, G4, G9, G13, D7).
# `make flows` runs all of them.
exec "$SPEER_ROOT/tests/hosts/run.sh" 'G[23]a?|G4|G9|G13'
