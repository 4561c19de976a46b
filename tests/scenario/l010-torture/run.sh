#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# The 49 messages of RFC 4475 and the 12 of RFC 5118, each as it is and with a true Via, over UDP, TCP and TLS, then 1,000 in random
# order: what the sbe does stands in tests/torture/table.json and docs/torture.md, within 100 ms, and leaves nothing behind (A1, A2).
# alone: each answer has 100 ms
set -u
NET_PORTS=16384-16463
NET_CORE_LISTEN='"udp:127.0.1.1:5060","tcp:127.0.1.1:5060","tls:127.0.1.1:5061"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
torture=$SPEER_ROOT/tests/torture/torture.py
python3 "$torture" docs >torture.md
diff -u "$SPEER_ROOT/docs/torture.md" torture.md || fail "docs/torture.md is out of date: make docs"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=sbe1 -addext subjectAltName=IP:127.0.1.1 \
	-keyout sbe.key -out sbe.pem 2>/dev/null || fail "openssl"

net_config
json_edit sbe.json "
c['domains'] = ['example.com', 'example.net', 'example.org', 'company.com', '2001:db8::10', 'udp.example', 'tcp.example']
c['tls'] = {'sip': {'certificate': 'sbe.pem', 'private_key': 'sbe.key', 'trust': ['sbe.pem'], 'require_client_cert': False}}
c['realms']['core']['tls'] = 'sip'
c['peers']['stream'] = {'realm': 'peering', 'next_hops': ['sip:$BNET:5060;transport=tcp']}
c['routes'] = [{'name': 'stream', 'from': ['pbx'], 'domain': 'tcp.example', 'to': [{'peer': 'stream'}]},
               {'name': 'all', 'from': ['pbx'], 'to': [{'peer': 'bnet'}]}]"
# both families, for the messages whose SDP has IPv6 addresses
json_edit dbe1.json "
for r in c['realms'].values(): r['addresses'].append({'bind': '::1', 'ports': '16384-16463' if r is c['realms']['core'] else '16464-16543'})"
run() { # a fresh sbe each time: no transaction of the last run is left
	net_start 1
	python3 "$torture" "$@" || { tail -n 20 sbe.log; fail "torture.py $*"; }
	NET_FDS_MORE=3 net_assert_clean
	net_stop
	NET_PIDS=()
}
run all udp
run all tcp
run all tls sbe.pem
run shuffled 1000 "${TORTURE_SEED:-4475}"
