#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every transport and both families on either side, 36 ways: a call is set up and released, and Via, Contact and SDP are those of the
# side they are sent to (RFC 5853 family interworking, B7).
set -u
if [ -z "${SPEER_IN_NAMESPACE:-}" ]; then
	unshare -n true 2>/dev/null || { echo "a network namespace of its own is not allowed here"; exit 77; }
	SPEER_IN_NAMESPACE=1 exec unshare -n "$0"
fi
ip link set lo up || exit 77
# not loopback: a caller from elsewhere may not name loopback addresses for media
for a in 10.1.0.1 10.1.0.2 10.1.0.10 10.2.0.1 10.2.0.2 10.2.0.20; do ip address add $a/32 dev lo; done
for a in fd00:1::1 fd00:1::2 fd00:1::10 fd00:2::1 fd00:2::2 fd00:2::20; do ip -6 address add $a/128 dev lo nodad || { echo "no IPv6"; exit 77; }; done
listens() { local a; for a in "$@"; do printf '"udp:%s:5060","tcp:%s:5060","tls:%s:5061",' "$a" "$a" "$a"; done | sed 's/,$//'; }
NET_CORE_LISTEN=$(listens 10.1.0.1 '[fd00:1::1]') NET_PEERING_LISTEN=$(listens 10.2.0.1 '[fd00:2::1]')
NET_PBX_SOURCES='"10.1.0.10","fd00:1::10"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
authority ca
certificate sbe DNS:sbe.a.example ca
certificate pbx DNS:pbx.a.example ca
certificate bnet DNS:b.example ca
net_config
json_edit sbe.json "
c['tls'] = {'sip': {'certificate': 'pki/sbe.pem', 'private_key': 'pki/sbe.key', 'trust': ['pki/ca.pem']}}
for r in c['realms'].values(): r['tls'] = 'sip'
c['peers']['pbx']['domains'] = ['pbx.a.example']
n = 0
for at in ('10.2.0.20', '[fd00:2::20]'):
    for proto, port in (('udp', 5060), ('tcp', 5060), ('tls', 5061)):
        n += 1
        p = c['peers']['b%d' % n] = {'realm': 'peering', 'next_hops': ['sip:%s:%d;transport=%s' % (at, port, proto)]}
        if proto == 'tls': p['tls'] = {'name': 'b.example'}
        c['routes'].insert(0, {'name': 'b%d' % n, 'from': ['pbx'], 'number': '+%d' % n, 'to': [{'peer': 'b%d' % n}]})"
json_edit dbe1.json "
for n, r in enumerate(('core', 'peering')): c['realms'][r]['addresses'].append({'bind': 'fd00:%d::2' % (n + 1), 'ports': '16384-20479'})"
sed -i "s/127\.0\.\([12]\)\./10.\1.0./g" sbe.json dbe1.json
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i070-families/calls.py" "$pki" || { tail -n 30 sbe.log; fail "calls.py"; }
await 5 "36 CDRs" cdr_count 36
[ "$(cdrs | grep -c '"cause":"normal"')" = 36 ] || fail "not all calls ended well"
NET_FDS_MORE=12 net_assert_clean
net_stop
