#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: calls.py PKI DIRECTORY - calls over one connection that stays and over new ones, until DIRECTORY/enough is there"""
import os
import sys
import threading

from sip_tls import Caller, Server, check, client_context, connect, server_context, until

PKI, BASE = sys.argv[1:]
PBX, BNET, CORE = ("127.0.1.10", 5061), ("127.0.2.20", 5061), ("127.0.1.1", 5061)
context = client_context(f"{PKI}/ca.pem", f"{PKI}/pbx.pem", f"{PKI}/pbx.key", True)
bnet = Server(BNET, server_context(f"{PKI}/bnet.pem", f"{PKI}/bnet.key", f"{PKI}/ca.pem"))
counts, failed = {"stays": 0, "new": 0}, []


def enough():
    return os.path.exists(f"{BASE}/enough") or failed


def stays():
    caller = Caller(connect(PBX[0], CORE, context, "sbe.a.example"), PBX)
    held = caller.invite()  # one call that lives through all of it
    while not enough():
        status = caller.call()
        counts["stays"] += 1
        if status != 200:
            failed.append(f"stays: {status}")
    failed.extend([] if caller.bye(held) == 200 else ["the call that was held"])


def new():
    while not enough():
        c = connect(PBX[0], CORE, context, "sbe.a.example")
        status = Caller(c, PBX, alias=False).call()
        c.close()
        counts["new"] += 1
        if status != 200:
            failed.append(f"new: {status}")


def guarded(f):
    try:
        f()
    except Exception as e:  # pylint: disable=broad-except
        failed.append(f"{f.__name__}: {e!r}")


threads = [threading.Thread(target=guarded, args=(f,)) for f in (stays, new)]
for t in threads:
    t.start()
until("the first calls", lambda: failed or counts["stays"] > 2 and counts["new"] > 2)
with open(f"{BASE}/running", "w", encoding="ascii"):
    pass
for t in threads:
    t.join()
check(not failed, failed)
check(bnet.accepted == 1, f"the connection to bnet was not kept: {bnet.accepted}")
print(f"  {counts['stays']} calls over one connection, {counts['new']} over new ones, none failed")
