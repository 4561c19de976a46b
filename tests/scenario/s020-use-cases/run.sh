#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# The use cases of RFC 6405 on hosts of their own: direct, assisted, indirect, on demand, without an SBE, with proxies that come and go
# (D1 to D10, A9, A10, A11, B5, B6). `make flows` also draws them.
exec "$SPEER_ROOT/tests/hosts/run.sh" 'D.*'
