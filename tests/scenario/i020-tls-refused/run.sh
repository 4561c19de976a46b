#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 170
# Who may not come in over TLS, and to whom nothing is sent: certificates that are wrong in each way, old versions, weak ciphers,
# renegotiation, clear text. Every one is refused in good time, no SIP byte is seen on either side, nothing falls back (A19, H1, H3-H7, H11).
set -u
NET_CORE_LISTEN='"tls:127.0.1.1:5061"' NET_PEERING_LISTEN='"udp:127.0.2.1:5060","tcp:127.0.2.1:5060","tls:127.0.2.1:5061"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
day() { date -u -d "$1" +%Y%m%d%H%M%SZ; }
sip_domain=extendedKeyUsage=1.3.6.1.5.5.7.3.20
authority ca
authority system # one that the rest of the machine believes, but we do not
certificate sbe DNS:sbe.a.example ca
both() { # NAME SAN AUTHORITY [EXTENSION...]: for pbx who comes in and bnet who is called, in which P stands for the name
	local name=$1 san=$2 by=$3
	shift 3
	certificate "$name-pbx" "${san//P/pbx.a.example}" "$by" "$@"
	certificate "$name-bnet" "${san//P/b.example}" "$by" "$@"
}
both good DNS:P ca $sip_domain
both any DNS:P ca extendedKeyUsage=anyExtendedKeyUsage
both no-eku DNS:P ca
both wrong-eku DNS:P ca extendedKeyUsage=serverAuth,clientAuth
both other-authority DNS:P system $sip_domain
both wrong-name DNS:P.evil.example ca $sip_domain
both wildcard 'DNS:*.a.example,DNS:*.example' ca $sip_domain
both user-uri URI:sip:x@P ca $sip_domain
both other-uri URI:sip:other.example,DNS:P ca $sip_domain # a sip: URI wins over the DNS name
both good-uri URI:sip:P,DNS:other.example ca $sip_domain
both https-uri URI:https://P,DNS:P ca $sip_domain # other schemes are as if not there
both revoked DNS:P ca $sip_domain
PKI_DATES="$(day '3 days ago') $(day '1 day ago')" both expired DNS:P ca $sip_domain
PKI_DATES="$(day '1 day')  $(day '3 days')" both not-yet DNS:P ca $sip_domain
for who in pbx:pbx.a.example bnet:b.example; do
	PKI_SUBJECT="/CN=${who#*:}" certificate "cn-${who%:*}" "" ca $sip_domain                # the common name, for want of any other
	PKI_SUBJECT="/CN=${who#*:}" certificate "cn-beside-${who%:*}" DNS:other.example ca $sip_domain # is none beside one
	PKI_SUBJECT="/CN=${who#*:}" pki_key "self-${who%:*}"
	openssl req -x509 -new -key "$pki/self-${who%:*}.key" -days 2 -subj /O=self -addext "subjectAltName=DNS:${who#*:}" -addext "$sip_domain" -out "$pki/self-${who%:*}.pem" 2>/dev/null || fail openssl
done
at=ca
for ((i = 1; i <= 20; i++)); do # a chain of 20
	sub_authority "sub$i" $at
	at=sub$i
done
both long-chain DNS:P sub20 $sip_domain
both short-chain DNS:P sub2 $sip_domain
revocations crl.pem ca revoked-pbx revoked-bnet
revocations sub-crl.pem sub2
net_config
json_edit sbe.json "
c['tls'] = {'sbe': {'certificate': 'pki/sbe.pem', 'private_key': 'pki/sbe.key', 'trust': ['pki/ca.pem'], 'crl': ['pki/crl.pem', 'pki/sub-crl.pem'], 'eku': 'required'}}
for r in c['realms'].values(): r['tls'] = 'sbe'
c['peers']['pbx'].update(tls={'name': 'pbx.a.example'}, next_hops=['sip:$PBX:5061;transport=tls'])
c['peers']['bnet'].update(tls={'required': True}, next_hops=['sip:$BNET:5061;transport=tls'])"
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i020-tls-refused/refused.py" "$pki" || { tail -n 30 sbe.log; fail "refused.py"; }
for why in 'certificate has expired' 'not yet valid' 'certificate revoked' 'self-signed certificate' 'unsupported protocol' 'did not return a certificate' \
	'is not that of a peer' 'invalid.*purpose\|unsuitable certificate purpose' 'does not carry the name b.example' 'http request\|wrong version number'; do
	grep -q "$why" sbe.log || fail "the log does not say: $why"
done
NET_FDS_MORE=2 net_assert_clean
net_stop
