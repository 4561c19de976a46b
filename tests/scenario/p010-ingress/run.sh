#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a peer may ask for (E10, E11, B7, C14, D4, A9): domains that are not ours, numeric hosts, leftover Routes, im: URIs, an old Date, the
# wrong relationship; over TLS the caller's domain must stand in the certificate. Calls that are agreed have media, byte for byte.
set -u
NET_PEERING_LISTEN='"udp:127.0.2.1:5060","tls:127.0.2.1:5061"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
authority ca
certificate sbe DNS:sbe.a.example ca
certificate cnet URI:sip:c.example,DNS:c.example ca
net_config
json_edit sbe.json "
c['tls'] = {'sbe': {'certificate': 'pki/sbe.pem', 'private_key': 'pki/sbe.key', 'trust': ['pki/ca.pem']}}
c['realms']['peering']['tls'] = 'sbe'
c['peers']['pbx']['ingress'] = {'foreign': 'listed', 'domains': ['b.example'], 'date': 'check', 'date_max_s': 60}
c['peers']['bnet']['ingress'] = {'calls': 'none'}
c['peers']['cnet'] = {'realm': 'peering', 'role': 'terminal', 'tls': {'name': 'c.example'}}
c['routes'] = [{'name': 'far', 'domain': 'b.example', 'to': [{'peer': 'bnet'}]}, {'name': 'other', 'domain': 'd.example', 'to': [{'peer': 'bnet'}]},
               {'name': 'out', 'to': [{'peer': 'bnet'}]}]"
net_start 1
scenario refused caller invite busy:404
scenario forbidden caller invite busy:403
scenario uac caller invite answer ack pause:2500 bye
scenario uas callee invite ringing answer ack bye

n=0
ask() { # NAME SCENARIO EXPECTED-IN-MESSAGES SED: one call of the pbx whose scenario is changed by SED
	n=$((n + 1))
	sed "$4" "$TEST_TMP/$2.xml" >"$TEST_TMP/ask$n.xml"
	caller "ask$n" -m 1
	sip_wait "ask$n"
	saw "ask$n" "$3"
	note "$1: $3"
}
uri() { echo "/^INVITE/s/ sip:[^ ]*/ $1/"; }
ask "a domain nobody agreed to" refused '^SIP/2.0 404 ' "$(uri sip:x@d.example)"
ask "the same as im:" refused '^SIP/2.0 404 ' "$(uri im:x@d.example)"
ask "the same for a number" refused '^SIP/2.0 404 ' "$(uri 'sip:+44@d.example;user=phone')"
ask "an address that is not ours" refused '^SIP/2.0 404 ' "$(uri sip:x@192.0.2.1)"
ask "a Route that is left over" forbidden '^SIP/2.0 403 ' 's/^Max-Forwards/Route: <sip:192.0.2.9;lr>\nMax-Forwards/'
ask "an INVITE of yesterday" forbidden '^SIP/2.0 403 Stale Date' 's/^Max-Forwards/Date: Sun, 22 Nov 2015 08:00:00 GMT\nMax-Forwards/'

# What is agreed, with media: our own number, and a domain in the list, as sip: and as pres:.
for to in 'sip:+441@a.example' 'sip:bob@B.example' 'pres:bob@b.example'; do
	rm -f "$TEST_TMP/uac.media" "$TEST_TMP/uas.media"
	"$SPEER_TOOLS/rtpmark" -n 1 -c 50 -t 20 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" & mark=$!
	NET_PIDS+=($mark)
	scenario uac caller invite answer ack pause:2500 bye
	sed -i "$(uri "$to")" "$TEST_TMP/uac.xml"
	case $to in *bob*) sed -i 's/MEDIA A [^ ]*/MEDIA A bob/' "$TEST_TMP/uac.xml" ;; esac
	callee_up uas $BNET -m 1
	caller uac -m 1
	wait $mark || { cat "$TEST_TMP/rtp.out"; fail "$to: media did not arrive as sent"; }
	sip_wait uac
	sip_wait uas
	note "$to: $(tail -n 1 "$TEST_TMP/rtp.out")"
done

# D4: bnet is somebody we call and who does not call us; a stranger is nobody.
for ip in $BNET2 127.0.2.77; do
	CALLER_IP=$ip CALLER_TO=$SBE_PEERING:5060 caller forbidden -m 1
	sip_wait forbidden
	saw forbidden '^SIP/2.0 403 Unsupported Peer'
done

# E10: over mutual TLS c.example calls as c.example, not as somebody else.
callee_up uas $BNET -m 2
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib python3 - "$pki" <<'P' || fail "calls over TLS"
import sys
import sip_tls
from sip_tls import Caller, check, client_context, connect
pki = sys.argv[1]
at = ("127.0.2.1", 5061)
sdp = sip_tls.sdp
sip_tls.sdp = lambda ip: sdp("127.0.2.30") # it is called by a name
def call(domain, extra=""):
    conn = connect("127.0.2.30", at, client_context(f"{pki}/ca.pem", f"{pki}/cnet.pem", f"{pki}/cnet.key", name=True), "sbe.a.example")
    caller = Caller(conn, (domain, 5061))
    c = caller.invite(extra=extra)
    if c["status"] == 200:
        check(caller.bye(c) == 200, "BYE")
    conn.close()
    print(f"  From {domain} {extra.strip()}: {c['status']}")
    return c["status"]
check(call("c.example") == 200, "its own domain")
check(call("b.example") == 403, "another domain")
check(call("c.example", "P-Asserted-Identity: <sip:boss@a.example>\r\n") == 403, "another domain in P-Asserted-Identity")
check(call("C.EXAMPLE", "P-Asserted-Identity: <sip:boss@c.example>, <tel:+442079>\r\n") == 200, "its own twice, and a number")
P
sip_wait uas
NET_FDS_MORE=3 net_assert_clean
net_stop
exit 0
