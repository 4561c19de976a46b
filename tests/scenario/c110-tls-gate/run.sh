#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gate control under mutual TLS: the right certificates work and carry a call; another name, an authority nobody trusts,
# an expired certificate, none at all, and no TLS are refused, in both directions, and leave nothing behind (C1, B15).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
command -v openssl >/dev/null || { echo "openssl is not installed"; exit 77; }
pki=$TEST_TMP/pki
mkdir -p "$pki"
authority() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$pki/$1.key" -out "$pki/$1.pem" 2>/dev/null || fail "openssl"; }
certificate() { # FILE NAME AUTHORITY [DAYS]
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$pki/$1.key" -out "$pki/$1.csr" 2>/dev/null || fail "openssl"
	printf 'subjectAltName=DNS:%s,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' "$2" >"$pki/$1.ext"
	openssl x509 -req -in "$pki/$1.csr" -CA "$pki/$3.pem" -CAkey "$pki/$3.key" -CAcreateserial -days "${4:-2}" -extfile "$pki/$1.ext" -out "$pki/$1.pem" 2>/dev/null || fail "openssl"
}
authority ca
authority other
certificate sbe1 sbe1 ca
certificate dbe1 dbe1 ca
certificate dbe2 dbe2 ca
certificate stranger stranger ca
certificate forged dbe2 other
certificate expired dbe2 ca -1
certificate fake-sbe sbe1 other

net_config
sbe_tls() { json_edit sbe.json "c['tls'] = {'gate': {'certificate': 'pki/$1.pem', 'private_key': 'pki/$1.key', 'trust': ['pki/ca.pem']}}; c['gate_control']['tls'] = 'gate'"; }
dbe_tls() { json_edit "dbe$1.json" "c['tls'] = {'certificate': 'pki/$2.pem', 'private_key': 'pki/$2.key', 'trust': ['pki/ca.pem']}"; }
sbe_tls sbe1
dbe_tls 1 dbe1
net_start 1
one_call() {
	scenario "uac$1" caller invite answer ack pause:1500 bye
	scenario "uas$1" callee invite ringing answer ack bye
	"$SPEER_TOOLS/rtpmark" -n 1 -c 25 -t 20 "$TEST_TMP/uac$1.media" "$TEST_TMP/uas$1.media" >"$TEST_TMP/rtp.out" & local mark=$!
	NET_PIDS+=($mark)
	callee_up "uas$1" $BNET -m 1
	caller "uac$1" -m 1
	wait $mark || { cat "$TEST_TMP/rtp.out"; fail "media"; }
	sip_wait "uac$1"
	sip_wait "uas$1"
}
one_call 1

# A dbe that may not join: it tries, is refused, tries again; the sbe counts and goes on.
turned_down() { echo $(($(counter sbe_gate_joins_refused_total) + $(counter net_tls_handshake_failures_total))); } # after or in the handshake
refused() { # WHAT
	local before; before=$(turned_down)
	net_run dbe2 "$SPEER_BIN/dbe" -c "$TEST_TMP/dbe2.json"
	more() { [ "$(turned_down)" -ge $((before + 2)) ]; }
	await 5 "$1 is refused, twice" more
	[ "$(dbe_counter 2 dbe_gate_associations)" = "$(dbe_counter 2 dbe_gate_associations_lost_total)" ] || fail "$1 believes it is associated"
	dbes_up 1 || fail "$1 was let in"
	kill -TERM $PID_dbe2
	wait $PID_dbe2 || fail "dbe2 ended with $?"
	note "$1 is refused"
}
dbe_tls 2 stranger; refused "a certificate with another name"
dbe_tls 2 dbe1; refused "the certificate of another dbe"
dbe_tls 2 forged; refused "an authority that is not trusted"
grep -q 'may not join: certificate refused' "$TEST_TMP/sbe.log" || fail "the sbe's log does not say why: $(tail -n 3 "$TEST_TMP/sbe.log")"
dbe_tls 2 expired
"$SPEER_BIN/dbe" -c "$TEST_TMP/dbe2.json" 2>"$TEST_TMP/expired.txt"; [ $? = 2 ] && grep -q 'expired at' "$TEST_TMP/expired.txt" ||
	fail "a dbe starts with a certificate that has expired: $(cat "$TEST_TMP/expired.txt")"
json_edit dbe2.json 'del c["tls"]'; refused "a dbe without TLS"
before=$(turned_down)
openssl s_client -connect 127.0.0.1:$NET_GATE_PORT -CAfile "$pki/ca.pem" -tls1_3 </dev/null >"$TEST_TMP/client.txt" 2>&1
openssl s_client -connect 127.0.0.1:$NET_GATE_PORT -CAfile "$pki/ca.pem" -tls1_2 -cert "$pki/dbe2.pem" -key "$pki/dbe2.key" </dev/null >"$TEST_TMP/old.txt" 2>&1
openssl s_client -connect 127.0.0.1:$NET_GATE_PORT -CAfile "$pki/ca.pem" -tls1_3 -cert "$pki/expired.pem" -key "$pki/expired.key" </dev/null >"$TEST_TMP/late.txt" 2>&1
grep -q 'alert protocol version' "$TEST_TMP/old.txt" || fail "TLS 1.2 was accepted: $(cat "$TEST_TMP/old.txt")"
no_certificate() { [ "$(turned_down)" = $((before + 3)) ]; }
await 5 "all three are counted" no_certificate
note "no certificate, TLS 1.2 and an expired certificate are refused"

# The right one is let in, whatever came before
dbe_tls 2 dbe2
net_run dbe2 "$SPEER_BIN/dbe" -c "$TEST_TMP/dbe2.json"
await 7 "dbe2 with its own certificate" dbes_up 2
one_call 2
NET_FDS_MORE=1 net_assert_clean
net_stop

# The other way round: the dbe does not serve an sbe that it has no reason to believe
sbe_tls fake-sbe
net_run sbe "$SPEER_BIN/sbe" -c "$TEST_TMP/sbe.json"
net_run dbe1 "$SPEER_BIN/dbe" -c "$TEST_TMP/dbe1.json"
await 5 "the sbe answers" ctl status
turned_away() { grep -q -i 'certificate\|verify' "$TEST_TMP/dbe1.log"; }
await 5 "the dbe says what is wrong with the sbe's certificate" turned_away
dbes_up 0 || fail "a dbe serves an sbe whose certificate it cannot trust"
note "an sbe with a forged certificate is refused: $(grep -i 'certificate\|verify' "$TEST_TMP/dbe1.log" | head -n 1)"
net_stop
