#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 150
# Certificates change 100 times while calls run over TLS: no call fails, connections that are up stay, new handshakes see the new
# certificate; a key that does not fit, a half-written file and a certificate that has ended are refused and the old one stays (D11, H12).
set -u
NET_CORE_LISTEN='"tls:127.0.1.1:5061"' NET_PEERING_LISTEN='"tls:127.0.2.1:5061"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
authority ca
certificate one DNS:sbe.a.example ca
certificate two DNS:sbe.a.example ca
PKI_DATES="$(date -u -d '3 days ago' +%Y%m%d%H%M%SZ) $(date -u -d '1 day ago' +%Y%m%d%H%M%SZ)" certificate old DNS:sbe.a.example ca
certificate pbx DNS:pbx.a.example ca
certificate bnet DNS:b.example ca
use() { cp "$pki/$1.pem" "$pki/sbe.pem" && cp "$pki/${2:-$1}.key" "$pki/sbe.key"; }
use one
net_config
json_edit sbe.json "
c['tls'] = {'sip': {'certificate': 'pki/sbe.pem', 'private_key': 'pki/sbe.key', 'trust': ['pki/ca.pem']}}
for r in c['realms'].values(): r['tls'] = 'sip'
c['peers']['pbx'].update(tls={'name': 'pbx.a.example'}, next_hops=['sip:$PBX:5061;transport=tls'])
c['peers']['bnet'].update(tls={'name': 'b.example'}, next_hops=['sip:$BNET:5061;transport=tls'])"
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i030-tls-reload/calls.py" "$pki" "$TEST_TMP" & calls=$!
NET_PIDS+=($calls)
shown() { openssl s_client -connect 127.0.1.1:5061 -servername sbe.a.example -cert "$pki/pbx.pem" -key "$pki/pbx.key" -CAfile "$pki/ca.pem" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
serial() { openssl x509 -noout -serial -in "$pki/$1.pem"; }
await 20 "calls run" test -e "$TEST_TMP/running"
for ((i = 1; i <= 100; i++)); do
	use "$([ $((i % 2)) = 0 ] && echo one || echo two)"
	ctl config reload >reload.txt || fail "reload $i: $(cat reload.txt)"
	[ $((i % 10)) != 3 ] || [ "$(shown)" = "$(serial two)" ] || fail "reload $i: a new handshake sees the old certificate"
done
[ "$(shown)" = "$(serial one)" ] || fail "after 100 reloads the certificate is not the last one"
refused() { # WHAT WHY
	! ctl config reload >reload.txt 2>&1 || fail "$1 was taken"
	grep -q "$2" reload.txt || fail "$1: $(cat reload.txt)"
	[ "$(shown)" = "$(serial one)" ] || fail "$1: another certificate is shown now"
	note "$1 is refused: $(cat reload.txt)"
}
use two one; refused "a key that does not fit" 'does not belong'
head -c 300 "$pki/two.pem" >"$pki/sbe.pem"; refused "half a certificate" 'cannot be read'
: >"$pki/sbe.key"; use two; : >"$pki/sbe.key"; refused "an empty key" 'cannot be read'
use old; refused "a certificate that has ended" 'expired at'
rm "$pki/sbe.pem"; refused "no certificate" 'No such file'
use one
ctl config reload >/dev/null || fail "the good one is not taken any more"
touch "$TEST_TMP/enough"
wait $calls || fail "calls failed: $(cat "$TEST_TMP/calls.txt" 2>/dev/null)"
ctl cert list >list.txt
grep -q 'sbe.a.example.*realm core, realm peering' list.txt || fail "cert list: $(cat list.txt)"
grep -q 'tls sip: certificate .*sbe.pem ends at .*, in 1 days' sbe.log || fail "nobody warned of a certificate that ends in two days"
[ "$(counter sbe_certificates_expiring)" = 1 ] || fail "sbe_certificates_expiring is $(counter sbe_certificates_expiring)"
NET_FDS_MORE=4 net_assert_clean
net_stop
