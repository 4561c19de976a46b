#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: refused.py PKI - see run.sh"""
import os
import socket
import ssl
import subprocess
import sys
import time

from sip_tls import Caller, Conn, Server, check, client_context, connect, server_context

PKI = sys.argv[1]
PBX, BNET, CORE = ("127.0.1.10", 5061), ("127.0.2.20", 5061), ("127.0.1.1", 5061)
GOOD = ["good", "any", "good-uri", "https-uri", "cn", "short-chain"]
BAD = ["no-eku", "wrong-eku", "other-authority", "wrong-name", "wildcard", "user-uri", "other-uri", "revoked", "expired", "not-yet", "cn-beside",
       "self", "long-chain"]
SCALE = float(os.environ.get("SPEER_TIMEOUT_SCALE", "1"))
LIMIT = 10 * SCALE


def context(name, **minimum):
    c = client_context(f"{PKI}/ca.pem", *([f"{PKI}/{name}-pbx.pem", f"{PKI}/{name}-pbx.key"] if name else []), name=True)
    c.minimum_version = ssl.TLSVersion.TLSv1_2
    return c


def comes_in(c):
    """SIP bytes that came back over a connection of ours; None if it was refused as it should be."""
    start = time.monotonic()
    conn = None
    try:
        conn = connect(PBX[0], CORE, c, "sbe.a.example", LIMIT)
        status = Caller(conn, PBX).options().status
    except (OSError, ssl.SSLError):  # ConnectionError and TimeoutError too
        check(time.monotonic() - start < LIMIT, "refused, but not in time")
        check(conn is None or conn.raw == 0, f"{conn and conn.raw} bytes of SIP came")
        return None
    finally:
        if conn:
            conn.close()
    return status


# ---- into the sbe
for name in GOOD:
    check(comes_in(context(name)) == 200, f"in: {name} was refused")
for name in BAD + [None]:
    got = comes_in(context(name))
    check(got is None, f"in: {name} got {got}")
    print(f"  in: {name or 'no certificate'} is refused")


def weak(what, *options, **more):
    """openssl's client, which can do what is forbidden."""
    r = subprocess.run(["openssl", "s_client", "-connect", "127.0.1.1:5061", "-bind", "127.0.1.10:0", "-cert", f"{PKI}/good-pbx.pem", "-key",
                        f"{PKI}/good-pbx.key", "-CAfile", f"{PKI}/ca.pem", *options], input=more.get("send", b""), capture_output=True, timeout=LIMIT)
    return what, r.stdout + r.stderr


for what, out in (weak("TLS 1.0", "-tls1", "-cipher", "ALL:@SECLEVEL=0"), weak("TLS 1.1", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
                  weak("no cipher", "-tls1_2", "-cipher", "NULL:@SECLEVEL=0"), weak("RSA key exchange", "-tls1_2", "-cipher", "AES256-GCM-SHA384"),
                  weak("CBC", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"), weak("ChaCha, but no AEAD", "-tls1_2", "-cipher", "AES128-SHA")):
    check(b"alert" in out or b"error" in out, f"{what}: {out.decode()}")
    check(b"SIP/2.0" not in out and b"Cipher is (NONE)" in out, f"{what} was spoken: {out.decode()}")
    print(f"  in: {what} is refused")
_, out = weak("TLS 1.3", "-tls1_3")
check(b"Cipher is TLS_" in out and b"Early data was not sent" in out and b"Compression: NONE" in out and b"Max Early Data: 0" in out or
      b"Session-ID" not in out, "early data or compression")
check(b"NewSessionTicket" not in out, "a ticket")
_, out = weak("renegotiation", "-tls1_2", send=b"R\n")
check(b"no renegotiation" in out or b"RENEGOTIATING" in out and b"SIP/2.0" not in out, f"renegotiation: {out.decode()}")
check(b"Secure Renegotiation IS supported" in out, "renegotiation_info (RFC 5746)")


def clear(text, limit=LIMIT):
    start = time.monotonic()
    s = socket.create_connection(CORE, timeout=limit, source_address=(PBX[0], 0))
    s.sendall(text)
    got = b""
    try:
        while True:
            data = s.recv(4096)
            if not data:
                break
            got += data
    except ConnectionResetError:
        pass
    s.close()
    check(b"SIP" not in got, f"a SIP answer in clear: {got}")
    return time.monotonic() - start


took = clear(b"OPTIONS sip:a.example SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.1.10;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
             b"Call-ID: clear\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
check(took < 2 * SCALE, f"clear text was closed after {took} s only")
clear(b"GET / HTTP/1.0\r\n\r\n")
print("  in: clear text is closed at once")

# ---- out of the sbe: a next hop that is not who it should be gets nothing, and nobody else does
watch = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for s, port in zip(watch, (5060, 5061)):
    s.bind((BNET[0], port))
    s.setblocking(False)
plain = Server((BNET[0], 5060), proto="TCP")
pbx = Caller(connect(PBX[0], CORE, context("good"), "sbe.a.example"), PBX)


def goes_out(name):
    c = server_context(f"{PKI}/{name}-bnet.pem", f"{PKI}/{name}-bnet.key", f"{PKI}/ca.pem")
    bnet = Server(BNET, c)
    start = time.monotonic()
    status = pbx.call()
    took = time.monotonic() - start
    raw = sum(c.raw for c in bnet.conns)
    bnet.close()
    return status, took, raw


for name in BAD:
    status, took, raw = goes_out(name)
    check(status in (480, 503) and took < LIMIT and raw == 0, f"out: {name}: {status} after {took:.1f} s, {raw} bytes of SIP were sent")
    print(f"  out: {name} is refused")
for name in GOOD:
    status, _, raw = goes_out(name)
    check(status == 200 and raw > 0, f"out: {name} got {status}")

# a next hop that speaks no TLS at all, and one that is not there
bnet = Server(BNET)
status = pbx.call()
check(status in (408, 503) and not bnet.seen, f"out: clear text: {status}, {bnet.methods()}")
bnet.close()
check(pbx.call() == 503, "out: nobody there")
check(plain.accepted == 0, "something went over TCP")
for s in watch:
    try:
        check(False, f"something went over UDP: {s.recv(100)}")
    except BlockingIOError:
        pass

# H11: the peer's own messages in clear are not taken either
s = socket.create_connection(("127.0.2.1", 5060), timeout=5, source_address=(BNET[0], 0))
check(Caller(Conn(s), (BNET[0], 5060), alias=False, proto="TCP").options().status == 403, "a TLS-only peer over TCP")
print("  out: no byte in clear to a peer that takes TLS only")
