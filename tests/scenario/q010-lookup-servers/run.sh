#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# A provider of lookups, by HTTPS with certificates on both sides and by SIP redirect: target and Route set, not there, no
# permission, what is kept, and what happens when it dies (A6, A8, A10, B5, B9, B15, B16, D3, E4, X7).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
LUF=127.0.2.53 PORT=28443
authority ca
certificate luf DNS:localhost ca
certificate us DNS:a.example ca
net_config
json_edit "$TEST_TMP/sbe.json" '
c["tls"] = {"luf": {"certificate": "'$pki'/us.pem", "private_key": "'$pki'/us.key", "trust": ["'$pki'/ca.pem"]}}
c["peers"]["luf"] = {"realm": "peering", "sources": ["'$LUF'"], "next_hops": ["sip:'$LUF':5060"], "redirect": "follow"}
c["routes"] = [r for r in c["routes"] if r["name"] == "in"]
c["lookup"] = [{"type": "table"}, {"type": "https", "url": "https://localhost:'$PORT'/v1", "tls": "luf", "timeout_ms": 1500},
               {"type": "redirect", "peer": "luf", "secure": False, "timeout_ms": 1000}]
c["location"] = [{"type": "peers"}]'
net_run luf python3 "$SPEER_ROOT/tests/scenario/q010-lookup-servers/luf.py" "$TEST_TMP" $PORT $LUF
await 10 "the provider listens" bound "127.0.0.1:$PORT"
net_start 1
scenario uac caller invite ringing answer ack pause:100 bye
scenario uas callee invite ringing answer ack bye
asked() { wc -l <"$TEST_TMP/$1.asked" 2>/dev/null || echo 0; }
call() { # NUMBER
	sed "s/sip:+44\[call_number\]@a.example/sip:$1@a.example/; s/^INVITE [^ ]*/INVITE sip:$1@a.example/" "$TEST_TMP/uac.xml" >"$TEST_TMP/uac${1#+}.xml"
	callee_up uas $BNET -m 1
	caller "uac${1#+}" -m 1
	sip_wait "uac${1#+}"
	sip_wait uas
}

# HTTPS: the Request-URI is the target, the Route leads to the peer that was named as next hop
call +4420
saw uas '^INVITE sip:20@t.example'
saw uas '^Route: <sip:b.example;lr>'
await 5 "its CDR" cdr_count 1
one_cdr route "lookup https" status 200

# nobody there by HTTPS: the SIP server is asked; its answer holds for 60 s, so the operator needs no packet for it
call +4430
saw uas '^INVITE sip:30@b.example'
await 5 "its CDR" cdr_count 2
[ "$(cdrs | tail -n 1 | json route)" = "lookup redirect" ] || fail "$(cdrs | tail -n 1)"
[ "$(asked sip)" = 1 ] || fail "the SIP server was asked $(asked sip) times"
ctl lookup +4430 >"$TEST_TMP/why" || fail "lookup"
grep -q 'known from before' "$TEST_TMP/why" || { cat "$TEST_TMP/why" >&2; fail "it is not kept"; }
grep -q 'yes, as agreed' "$TEST_TMP/why" || { cat "$TEST_TMP/why" >&2; fail "lookup does not say that it peers"; }

# no permission: the SIP server is not asked, the caller gets what he gets for nobody, the CDR says what it was
ctl lookup +4440 >"$TEST_TMP/why"
grep -q 'denied' "$TEST_TMP/why" || { cat "$TEST_TMP/why" >&2; fail "no permission is not told"; }
# nobody at all; and lookup sends nothing by SIP
ctl lookup +4460 >"$TEST_TMP/why"
grep -q 'only asked by SIP' "$TEST_TMP/why" || { cat "$TEST_TMP/why" >&2; fail "lookup has asked by SIP"; }
[ "$(asked sip)" = 1 ] || fail "lookup asked the SIP server"

# B9: known answers cost nothing
ctl lookup +4450 >/dev/null
before=$(asked https)
ctl lookup +4450 >/dev/null
[ "$(asked https)" = "$before" ] || fail "a second lookup asked again"

# the provider dies: what it said serves on although its second is over
kill -KILL "$PID_luf"; wait "$PID_luf" 2>/dev/null
stale() { ctl lookup +4420 | grep -q 'an old answer, since nobody answers now'; }
await 5 "the old answer serves on" stale
call +4420
await 5 "its CDR" cdr_count 3
[ "$(cdrs | tail -n 1 | json route)" = "lookup https" ] || fail "$(cdrs | tail -n 1)"
NET_FDS_MORE=2 net_assert_clean
net_stop
