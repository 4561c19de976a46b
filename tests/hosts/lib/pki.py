# SPDX-License-Identifier: Apache-2.0
"""Certificates by the openssl command, made once a run: <dir>/NAME.pem (with its chain) and NAME.key."""
import os
import ssl
import subprocess

from .net import Failure


class Pki:
    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.dir, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"openssl {words[0]}: {done.stderr.strip()}")

    def authority(self, name):
        if not os.path.exists(self.path(f"{name}.pem")):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                         "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def certificate(self, name, san, by):
        """san: such as "DNS:sbe1.a.example"."""
        if os.path.exists(self.path(f"{name}.pem")):
            return
        self.authority(by)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/O={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        with open(self.path(f"{name}.ext"), "w", encoding="ascii") as f:
            f.write(f"subjectAltName={san}\n")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial", "-days", "20",
                     "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def identity(self, name, *trust):
        """The section of a configuration."""
        return {"certificate": self.path(f"{name}.pem"), "private_key": self.path(f"{name}.key"), "trust": [self.path(f"{t}.pem") for t in trust]}

    def context(self, name, trust, server, keylog=None):
        """The same for an end in Python; it asks for the other side's certificate and looks at its authority, not at its name."""
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname = False
        if name:
            c.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        c.load_verify_locations(self.path(f"{trust}.pem"))
        c.verify_mode = ssl.CERT_REQUIRED
        if keylog:
            c.keylog_filename = keylog
        return c
