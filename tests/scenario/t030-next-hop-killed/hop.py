#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A next hop that answers every call and every OPTIONS until it is killed: hop.py ADDRESS"""
import socket
import sys

from sip_tls import Server

at = (sys.argv[1], 5060)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
sock.bind(at)
Server.serve_udp(sock, at)
