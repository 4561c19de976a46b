# SPDX-License-Identifier: Apache-2.0
"""Started by run.sh inside namespaces of its own."""
import argparse
import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("pattern", nargs="?", default=".*")
    a.add_argument("--docs")
    a.add_argument("--tmp", required=True)
    a = a.parse_args()
    for folder in ("flows", "cases"):
        for entry in sorted(os.listdir(os.path.join(HERE, folder))):
            if entry.endswith(".py"):
                importlib.import_module(f"{folder}.{entry[:-3]}")
    table = importlib.import_module("lib.table")
    return table.run_all(a.pattern, a.docs, a.tmp, os.environ["SPEER_BIN"])


sys.exit(main())
