# SPDX-License-Identifier: Apache-2.0
"""ESP in tunnel mode (RFC 4303, AES-GCM by RFC 4106) with keys that were agreed beforehand, for kernels that have none of their own.

usage: esp.py LOCAL REMOTE INNER KEY_HEX: makes the interface ipsec0 with the address INNER (IP/PREFIX); what is sent to it leaves as ESP
from LOCAL to REMOTE, and only ESP from REMOTE with the right key and a number not seen before comes out of it.
"""
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
ICV_BYTES, IPIP, ESP = 16, 4, 50
crypto = ctypes.CDLL("libcrypto.so.3")
crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
crypto.EVP_aes_256_gcm.restype = ctypes.c_void_p
SET_TAG, GET_TAG = 0x11, 0x10


class Aead:
    def __init__(self, key, salt):
        self.key, self.salt, self.cipher = key, salt, ctypes.c_void_p(crypto.EVP_aes_256_gcm())

    def run(self, way, aad, iv, data, tag=None):  # pylint: disable=too-many-arguments
        """@return (text, tag) or None if the tag is wrong."""
        ctx, n = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new()), ctypes.c_int()
        out, mark = ctypes.create_string_buffer(len(data) + 16), ctypes.create_string_buffer(ICV_BYTES)
        try:
            getattr(crypto, f"EVP_{way}Init_ex")(ctx, self.cipher, None, self.key, self.salt + iv)
            getattr(crypto, f"EVP_{way}Update")(ctx, None, ctypes.byref(n), aad, len(aad))
            getattr(crypto, f"EVP_{way}Update")(ctx, out, ctypes.byref(n), data, len(data))
            size = n.value
            if tag:
                crypto.EVP_CIPHER_CTX_ctrl(ctx, SET_TAG, ICV_BYTES, tag)
            if getattr(crypto, f"EVP_{way}Final_ex")(ctx, out, ctypes.byref(n)) <= 0:
                return None
            if not tag:
                crypto.EVP_CIPHER_CTX_ctrl(ctx, GET_TAG, ICV_BYTES, mark)
            return out.raw[:size], mark.raw
        finally:
            crypto.EVP_CIPHER_CTX_free(ctx)


def tunnel(inner):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"ipsec0", IFF_TUN | IFF_NO_PI))
    for words in (["addr", "add", inner, "dev", "ipsec0"], ["link", "set", "ipsec0", "mtu", "1400", "up"]):
        subprocess.run(["ip", *words], check=True)
    return fd


def main(local, remote, inner, key):
    secret = bytes.fromhex(key)
    aead, spi = Aead(secret[:32], secret[32:36]), 0x1000
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, ESP)
    raw.bind((local, 0))
    raw.connect((remote, 0))
    tun, sent, heard = tunnel(inner), 0, 0
    # the two directions never use the same nonce: each side counts in its own half
    half = 1 if local < remote else 2
    print("up", flush=True)
    while True:
        ready, _, _ = select.select([tun, raw], [], [])
        if tun in ready:
            packet = os.read(tun, 65536)
            if packet[0] >> 4 != 4:
                continue
            sent += 1
            pad = -(len(packet) + 2) % 4
            plain = packet + bytes(range(1, pad + 1)) + bytes([pad, IPIP])
            head, iv = struct.pack("!II", spi, sent), struct.pack("!II", half, sent)
            text, tag = aead.run("Encrypt", head, iv, plain)
            raw.send(head + iv + text + tag)
        if raw in ready:
            packet = raw.recv(65536)
            body = packet[(packet[0] & 15) * 4:]
            number = struct.unpack_from("!I", body, 4)[0] if len(body) >= 34 else 0
            if number <= heard:
                continue
            plain = aead.run("Decrypt", body[:8], body[8:16], body[16:-ICV_BYTES], body[-ICV_BYTES:])
            if plain is None:
                continue
            heard, text = number, plain[0]
            if text[-1] == IPIP:
                os.write(tun, text[:len(text) - 2 - text[-2]])


if __name__ == "__main__":
    main(*sys.argv[1:])
