#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The references in docs/reference are what the programs' tables say today.
set -u
"$SPEER_ROOT/docs/generate.sh" "$TEST_TMP/reference" || { echo "FAIL: docs/generate.sh"; exit 1; }
# which requirements are met, and which tests say so: a test with an id nobody knows has failed above
mv "$TEST_TMP/reference/conformance.md" "$TEST_TMP/conformance.md"
diff -u "$SPEER_ROOT/docs/conformance.md" "$TEST_TMP/conformance.md" || { echo "FAIL: docs/conformance.md is out of date: make docs"; exit 1; }
diff -u "$SPEER_ROOT/docs/reference" "$TEST_TMP/reference" || { echo "FAIL: docs/reference is out of date: make docs"; exit 1; }
