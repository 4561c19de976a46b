# SPDX-License-Identifier: Apache-2.0
# A lookup provider: HTTPS with certificates on both sides, and SIP over UDP. luf.py DIR HTTPS_PORT SIP_IP
# What it is asked is written to DIR/https.asked and DIR/sip.asked, one a line.
import http.server
import json
import re
import socket
import ssl
import sys
import threading
import urllib.parse

folder, port, sip_ip = sys.argv[1], int(sys.argv[2]), sys.argv[3]
KNOWN = {
    "+4420": {"target": "sip:20@t.example", "route": ["sip:b.example;lr"], "next_hop": "b.example", "ttl_s": 1},
    "+4450": {"target": "sip:50@b.example", "ttl_s": 60},
}


def note(name, text):
    with open("%s/%s.asked" % (folder, name), "a") as f:
        f.write(text + "\n")


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        user = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)["user"][0]
        note("https", user)
        body = json.dumps(KNOWN[user]).encode() if user in KNOWN else b""
        self.send_response(200 if body else 403 if user == "+4440" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def sip():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sip_ip, 5060))
    while True:
        data, peer = s.recvfrom(65535)
        text = data.decode()
        if not text.startswith("INVITE "):
            continue
        note("sip", text.split("\r\n")[0])
        lines = [l for l in text.split("\r\n") if re.match(r"(Via|From|Call-ID|CSeq):", l)]
        to = re.search(r"\r\n(To: [^\r]*)", text).group(1) + ";tag=luf"
        found = "+4430@" in text
        answer = "SIP/2.0 302 Moved" if found else "SIP/2.0 404 Not Found"
        more = ["Contact: <sip:30@b.example>;expires=60"] if found else []
        s.sendto("\r\n".join([answer] + lines + [to] + more + ["Content-Length: 0", "", ""]).encode(), peer)


threading.Thread(target=sip, daemon=True).start()
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(folder + "/pki/luf.pem", folder + "/pki/luf.key")
tls.load_verify_locations(folder + "/pki/ca.pem")
tls.verify_mode = ssl.CERT_REQUIRED
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Service)
server.socket = tls.wrap_socket(server.socket, server_side=True)
server.serve_forever()
