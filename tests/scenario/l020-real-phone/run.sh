#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# A telephone nobody here has written (baresip) calls another through sbe and dbe, both ways, over UDP and over TLS: each hears the
# other's tone, without gaps, and nothing else (E1).
# alone: it listens for gaps in the audio
set -u
command -v baresip >/dev/null || { echo "baresip is not installed"; exit 77; }
NET_CORE_LISTEN='"udp:127.0.1.1:5060","tls:127.0.1.1:5061"'
NET_PEERING_LISTEN='"udp:127.0.2.1:5060","tls:127.0.2.1:5061"'
NET_PBX_SOURCES='"127.0.1.10","127.0.0.1"' NET_SOURCES='"127.0.2.20","127.0.0.1"' # a phone does not bind the connections it opens
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem 2>/dev/null || fail "openssl"
certificate() { # NAME SUBJECTALTNAME
	local name=$1
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr" 2>/dev/null || fail "openssl"
	printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$2" >"$name.ext"
	openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "$name.ext" -out "$name.crt" 2>/dev/null || fail "openssl"
	cat "$name.crt" "$name.key" >"$name.pem"
}
certificate sbe IP:127.0.1.1,IP:127.0.2.1
certificate alice DNS:pbx.a.example
certificate bob DNS:b.example

call_through() { # udp|tls
	net_config
	json_edit sbe.json "
c['tls'] = {'sip': {'certificate': 'sbe.crt', 'private_key': 'sbe.key', 'trust': ['ca.pem']}}
for r in c['realms'].values(): r['tls'] = 'sip'
if '$1' == 'tls':
    c['peers']['pbx']['tls'] = {'name': 'pbx.a.example'}  # who calls is told by its certificate
    c['peers']['bnet']['tls'] = {'name': 'b.example'}
    c['peers']['pbx']['next_hops'] = ['sip:$PBX:5061;transport=tls']
    c['peers']['bnet']['next_hops'] = ['sip:$BNET:5061;transport=tls']"
	net_start 1
	"$SPEER_ROOT/tests/scenario/l020-real-phone/phone.py" . "$1" || { tail -n 40 "$1"-*.log sbe.log; fail "phones over $1"; }
	await 5 "two CDRs" sh -c "cat cdr/* | grep -c '\"cause\":\"normal\"' | grep -qx 2"
	grep -q "\"ingress_transport\":\"${1^^}\",\"egress_peer\":\"bnet\"" cdr/* || fail "the CDR does not say ${1^^}"
	NET_FDS_MORE=4 net_assert_clean # connections to the phones
	net_stop
	NET_PIDS=()
	rm -rf cdr
}
call_through udp
call_through tls
