# SPDX-License-Identifier: Apache-2.0
"""TLS 1.3 as captured, read with the secrets that keylog.c wrote (RFC 8446 5 and 7, NSS key log format)."""
import ctypes
import hashlib
import hmac
import struct

_crypto = ctypes.CDLL("libcrypto.so.3")
_crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
for _n in ("EVP_aes_128_gcm", "EVP_aes_256_gcm", "EVP_chacha20_poly1305"):
    getattr(_crypto, _n).restype = ctypes.c_void_p
SUITES = {0x1301: ("EVP_aes_128_gcm", hashlib.sha256, 16), 0x1302: ("EVP_aes_256_gcm", hashlib.sha384, 32),
          0x1303: ("EVP_chacha20_poly1305", hashlib.sha256, 32)}
HANDSHAKE, APPLICATION, ALERT = 22, 23, 21
FINISHED, KEY_UPDATE, CERTIFICATE = 20, 24, 11


def read_keylog(path):
    """{client random: {label: secret}}"""
    found = {}
    try:
        with open(path, encoding="ascii") as f:
            for line in f:
                words = line.split()
                if len(words) == 3:
                    found.setdefault(bytes.fromhex(words[1]), {})[words[0]] = bytes.fromhex(words[2])
    except FileNotFoundError:
        pass
    return found


def expand(secret, label, size, kind):
    info = struct.pack("!HB", size, len(label) + 6) + b"tls13 " + label + b"\0"
    return hmac.new(secret, info + b"\1", kind).digest()[:size]


class Keys:
    def __init__(self, suite, secret):
        name, kind, size = SUITES[suite]
        self.cipher = ctypes.c_void_p(getattr(_crypto, name)())
        self.key, self.iv, self.count = expand(secret, b"key", size, kind), expand(secret, b"iv", 12, kind), 0

    def open(self, head, sealed):
        """@return the plain text with its type behind it, or None."""
        nonce = bytes(a ^ b for a, b in zip(self.iv, struct.pack("!4xQ", self.count)))
        self.count += 1
        body, tag = sealed[:-16], sealed[-16:]
        out, n = ctypes.create_string_buffer(len(body) + 16), ctypes.c_int()
        ctx = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
        try:
            _crypto.EVP_DecryptInit_ex(ctx, self.cipher, None, self.key, nonce)
            _crypto.EVP_DecryptUpdate(ctx, None, ctypes.byref(n), head, len(head))
            _crypto.EVP_DecryptUpdate(ctx, out, ctypes.byref(n), body, len(body))
            size = n.value
            _crypto.EVP_CIPHER_CTX_ctrl(ctx, 0x11, 16, tag)
            return out.raw[:size] if _crypto.EVP_DecryptFinal_ex(ctx, out, ctypes.byref(n)) > 0 else None
        finally:
            _crypto.EVP_CIPHER_CTX_free(ctx)


def records(data):
    """(type, head, body, where it ends)"""
    at = 0
    while at + 5 <= len(data):
        size = struct.unpack_from("!H", data, at + 3)[0]
        if at + 5 + size > len(data):
            return
        yield data[at], bytes(data[at:at + 5]), bytes(data[at + 5:at + 5 + size]), at + 5 + size
        at += 5 + size


class Session:
    """Both directions of one connection.

    text: [(from client?, bytes, where its record ends)]; done: where the client's Finished ends, 0 = no handshake was completed;
    certificates: DER of the first certificate of each side, {from client?: bytes}.
    """

    def __init__(self, client, server, keylog):
        self.text, self.done, self.alerts, self.certificates = [], 0, [], {}
        self.readable = True
        hello = next((b for t, _, b, _ in records(client) if t == HANDSHAKE and b[:1] == b"\1"), None)
        answer = next((b for t, _, b, _ in records(server) if t == HANDSHAKE and b[:1] == b"\2"), None)
        if not hello or not answer:
            return
        secrets = keylog.get(hello[6:38])
        suite = struct.unpack_from("!H", answer, 39 + answer[38])[0]
        if not secrets or suite not in SUITES:
            self.readable = False
            return
        self.direction(True, client, suite, secrets, "CLIENT")
        self.direction(False, server, suite, secrets, "SERVER")

    def direction(self, from_client, data, suite, secrets, who):
        if f"{who}_HANDSHAKE_TRAFFIC_SECRET" not in secrets:
            return
        keys, handshake = Keys(suite, secrets[f"{who}_HANDSHAKE_TRAFFIC_SECRET"]), b""
        for kind, head, body, end in records(data):
            if kind != APPLICATION:
                continue
            plain = keys.open(head, body)
            if plain is None:
                self.readable = False
                return
            plain = plain.rstrip(b"\0")
            kind, plain = plain[-1], plain[:-1]
            if kind == APPLICATION:
                self.text.append((from_client, plain, end))
            elif kind == ALERT:
                self.alerts.append((from_client, plain[1], end))
            elif kind == HANDSHAKE:
                handshake += plain
                while len(handshake) >= 4 and len(handshake) >= 4 + int.from_bytes(handshake[1:4], "big"):
                    size = 4 + int.from_bytes(handshake[1:4], "big")
                    message, handshake = handshake[:size], handshake[size:]
                    if message[0] == CERTIFICATE:
                        self.certificate(from_client, message[4:])
                    elif message[0] == FINISHED and f"{who}_TRAFFIC_SECRET_0" in secrets:
                        keys = Keys(suite, secrets[f"{who}_TRAFFIC_SECRET_0"])
                        if from_client:
                            self.done = end
                    elif message[0] == KEY_UPDATE:
                        self.readable = False
                        return

    def certificate(self, from_client, message):
        at = 1 + message[0]
        if len(message) >= at + 6:
            size = int.from_bytes(message[at + 3:at + 6], "big")
            self.certificates[from_client] = message[at + 6:at + 6 + size]
