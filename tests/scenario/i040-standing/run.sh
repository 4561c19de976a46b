#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# A standing TLS connection: up at the start with no INVITE, pinged (RFC 5626), its loss takes the hop down and calls elsewhere at once,
# it comes back by itself, requests of the far end take it too, and calls use it without another handshake (G5).
set -u
NET_PEERING_LISTEN='"tls:127.0.2.1:5061"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
authority ca
certificate sbe DNS:sbe.a.example ca
certificate bnet DNS:b.example ca
net_config
json_edit sbe.json "
c['tls'] = {'sip': {'certificate': 'pki/sbe.pem', 'private_key': 'pki/sbe.key', 'trust': ['pki/ca.pem']}}
c['realms']['peering']['tls'] = 'sip'
c['limits'] = {'connections': {'ping_ms': 1000}}
c['peers']['bnet'].update(tls={'name': 'b.example'}, next_hops=['sip:$BNET:5061;transport=tls', 'sip:$BNET2:5061;transport=tls'])
c['peers']['bnet']['sip']['standing'] = True"
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i040-standing/standing.py" "$pki" || { tail -n 30 sbe.log; ctl peer list; fail "standing.py"; }
grep -q 'next hop sip:127.0.2.20:5061;transport=tls has no connection' sbe.log || fail "nobody said that the connection was lost"
grep -q 'next hop sip:127.0.2.20:5061;transport=tls is connected again' sbe.log || fail "nobody said that it came back"
[ "$(counter sbe_sip_pongs_total)" -ge 1 ] || fail "no ping was answered"
NET_FDS_MORE=4 net_assert_clean
net_stop
