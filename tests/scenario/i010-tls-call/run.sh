#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Calls between two TLS peers, each known by its certificate: one connection for all calls of a direction, requests back over it where
# its far end said alias, a new one when that is gone, and peers known by certificate alone (G4, H5, H8, H9, S15, RFC 5923). sips: stays
# with TLS (RFC 5630).
set -u
NET_CORE_LISTEN='"tls:127.0.1.1:5061"' NET_PEERING_LISTEN='"tls:127.0.2.1:5061","tcp:127.0.2.1:5060"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
authority ca
certificate sbe DNS:sbe.a.example ca
certificate core DNS:core.a.example ca
certificate pbx DNS:pbx.a.example ca
certificate bnet DNS:b.example ca
certificate roam URI:sip:roam.example,DNS:other.example ca
net_config
json_edit sbe.json "
c['tls'] = {n: {'certificate': 'pki/%s.pem' % n, 'private_key': 'pki/%s.key' % n, 'trust': ['pki/ca.pem']} for n in ('sbe', 'core')}
c['realms']['core']['tls'] = ['sbe', 'core']
c['realms']['peering']['tls'] = 'sbe'
c['peers']['pbx'].update(tls={'name': 'pbx.a.example'}, next_hops=['sip:$PBX:5061;transport=tls'])
c['peers']['bnet'].update(tls={'name': ['x.example', 'b.example']}, next_hops=['sip:$BNET:5061;transport=tls'])
c['peers']['roam'] = {'realm': 'core', 'tls': {'name': 'roam.example'}}
c['routes'][0]['from'].append('roam')
c['peers']['plain'] = {'realm': 'peering', 'next_hops': ['sip:$BNET2:5060;transport=tcp']}
c['routes'].append({'name': 'plain', 'from': ['pbx'], 'number': '+49', 'to': [{'peer': 'plain'}]})"
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i010-tls-call/calls.py" "$pki" || { tail -n 30 sbe.log; fail "calls"; }
[ "$(counter sbe_sip_aliases_total)" -ge 2 ] || fail "no alias was taken"
ctl connection list >list.txt
NET_FDS_MORE=3 net_assert_clean
net_stop
grep -q 'handshake\|refused' sbe.log && fail "a handshake was refused: $(grep refused sbe.log)"
exit 0
