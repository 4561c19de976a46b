#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# 302 of a peer whose redirects we follow: the call goes to the other peer, the caller sees only that; of a peer whose we do not,
# and to where nobody of ours is, it is a 480; two peers that redirect to each other are asked once each (A27, C19, X8).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
CNET=127.0.2.30
net_config
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["bnet"]["redirect"] = "follow"
c["peers"]["cnet"] = {"realm": "peering", "sources": ["127.0.2.30"], "domains": ["c.example"], "next_hops": ["sip:127.0.2.30:5060"]}'
net_start 2

scenario uac caller invite answer ack pause:100 bye
scenario uas callee invite "moved:<sip:+1900@evil.example>,<tel:+1>,<sip:+15550199@c.example;user=phone>;q=0.5"
scenario target callee invite ringing answer ack bye
callee_up uas $BNET -m 1
callee_up target $CNET -m 1
caller uac -m 1
for name in uac uas target; do sip_wait $name; done
saw target '^INVITE sip:\+15550199@c\.example'
saw_not uac 'c\.example|evil|SIP/2.0 3'
one_cdr cause normal attempts.0.result redirected attempts.0.status 302 attempts.1.result redirect_foreign attempts.2.result redirect_scheme \
	attempts.3.result answered egress_peer cnet called_sent "sip:+15550199@c.example"
[ "$(counter sbe_route_redirects_total)" = 1 ] || fail "redirects counted"

refused() { # NAME STEP...
	local name=$1 before
	shift
	before=$(cdrs | wc -l)
	scenario "uac$name" caller invite busy:480
	scenario "uas$name" callee "$@"
	callee_up "uas$name" $BNET -m 1
	caller "uac$name" -m 1
	sip_wait "uac$name"
	sip_wait "uas$name"
	saw_not "uac$name" 'evil|Contact: <sip:\+1'
	await 5 "its CDR" cdr_count $((before + 1))
}
refused foreign invite "moved:<sip:+1900@192.0.2.9>,<sip:+1900@c.example?Route=x>"
[ "$(cdrs | tail -n 1 | json attempts.0.result)" = redirect_foreign ] || fail "$(cdrs | tail -n 1)"
# A and B point at each other; B's are not followed anyway, so let them be.
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["cnet"]["redirect"] = "follow"'
ctl config reload >/dev/null || fail "reload"
scenario back callee invite "moved:<sip:+44[call_number]@b.example>"
callee_up back $CNET -m 1
refused loop invite "moved:<sip:+44[call_number]@c.example>"
sip_wait back
[ "$(cdrs | tail -n 1 | json attempts.1.result)" = redirect_loop ] || fail "$(cdrs | tail -n 1)"
json_edit "$TEST_TMP/sbe.json" 'del c["peers"]["bnet"]["redirect"]'
ctl config reload >/dev/null || fail "reload"
refused off invite "moved:<sip:+1@c.example>"
[ "$(cdrs | tail -n 1 | json attempts.0.result)" = peer_refused ] || fail "$(cdrs | tail -n 1)"
net_assert_clean
net_stop
