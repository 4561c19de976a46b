#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# A domain nobody has agreed anything with is found by the DNS alone and called over TLS: the first call asks NAPTR, SRV and A, in
# this order, and then connects; the second one asks nothing and shakes no hands. A host that SRV names and whose certificate, good
# as it is, is not that of the domain gets not one byte of SIP, and the next record is tried; where TLS is asked for, nothing ever
# goes in clear, whatever the DNS offers and however TLS fails (G4, B6, C7, C8, D7, E5, E9).
set -u
NET_PEERING_LISTEN='"tls:127.0.2.1:5061","tcp:127.0.2.1:5060","udp:127.0.2.1:5060"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/dns.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
DNS=127.0.5.53
authority ca
certificate sbe DNS:sbe.a.example ca
certificate far DNS:far.example ca
certificate rogue DNS:rogue.example ca
certificate forged DNS:host.forged.example ca
certificate half DNS:half.example ca
net_config
json_edit sbe.json "
c['tls'] = {'sbe': {'certificate': 'pki/sbe.pem', 'private_key': 'pki/sbe.key', 'trust': ['pki/ca.pem']}}
c['realms']['peering']['tls'] = 'sbe'
c['dns'] = {'servers': ['$DNS:5353'], 'try_ms': 500, 'tries': 2}
del c['peers']['bnet']
c['peers']['world'] = {'realm': 'peering', 'mode': 'on-demand', 'limits': {'sessions': 5, 'cps': 20}, 'tls': {'required': True}, 'sip': {'try_ms': 2000}}
c['routes'] = []
c['lookup'] = [{'type': 'uri'}]
c['location'] = [{'type': 'peers'}, {'type': 'dns', 'realm': 'peering', 'secure': True, 'allow_private': True, 'timeout_ms': 2000}]"
mkdir nsd
cat >nsd/example.zone <<X
\$ORIGIN example.
\$TTL 60
@ SOA ns admin 1 3600 600 86400 2
@ NS ns
ns A $DNS
far NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.far
far NAPTR 20 10 "s" "SIPS+D2T" "" _sips._tcp.far
_sip._udp.far SRV 10 0 5060 sbe.far
_sips._tcp.far SRV 10 0 5061 sbe.far
sbe.far A 127.0.2.50
forged NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.forged
_sips._tcp.forged SRV 10 0 5061 rogue
_sips._tcp.forged SRV 20 0 5061 host.forged
rogue A 127.0.2.66
host.forged A 127.0.2.67
half NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.half
_sips._tcp.half SRV 10 0 5061 rogue
_sips._tcp.half SRV 20 0 5061 sbe.half
sbe.half A 127.0.2.51
clear NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.clear
clear NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.clear
_sip._udp.clear SRV 10 0 5060 sbe.clear
_sip._tcp.clear SRV 10 0 5060 sbe.clear
sbe.clear A 127.0.2.68
X
name_server nsd $DNS example
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/t040-on-demand-tls/calls.py" "$pki" "$SPEER_BIN/speerctl" "$SBE_SOCK" ||
	{ tail -n 30 sbe.log; cdrs | tail -n 3; fail "calls"; }
NET_FDS_MORE=6 net_assert_clean
net_stop
