#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Next hops and targets from a real name server: NAPTR, SRV, A; ENUM; kept for their TTL; the server dead, slow and lying
# (B9, C9, D1, E1-E6, A25, A26).
# alone: it compares set-up times
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/dns.sh"
DNS=127.0.5.53
net_config
json_edit "$TEST_TMP/sbe.json" '
c["dns"] = {"servers": ["'$DNS':5353"], "try_ms": 300, "tries": 2}
del c["peers"]["bnet"]["next_hops"]
c["peers"]["static"] = {"realm": "peering", "sources": ["127.0.2.30"], "domains": ["static.example"], "next_hops": ["sip:127.0.2.30:5060"]}
c["routes"] = [{"name": "static", "from": ["pbx"], "number": "+33", "to": [{"peer": "static"}]}]
c["lookup"] = [{"type": "table"}, {"type": "enum", "suffix": "e164.example", "timeout_ms": 1000}, {"type": "uri"}]
c["location"] = [{"type": "peers"}, {"type": "dns", "realm": "peering", "secure": False, "allow_private": True, "timeout_ms": 1500}]
'
mkdir "$TEST_TMP/nsd"
cat >"$TEST_TMP/nsd/example.zone" <<X
\$ORIGIN example.
\$TTL 2
@ SOA ns admin 1 3600 600 86400 2
@ NS ns
ns A $DNS
b NAPTR 50 50 "s" "SIP+D2T" "" _sip._tcp.b
b NAPTR 90 50 "s" "SIP+D2U" "" _sip._udp.b
_sip._tcp.b SRV 10 0 5062 dead.b
_sip._udp.b SRV 10 0 5060 sbe.b
dead.b A 127.0.2.99
sbe.b A $BNET
0.2.4.4.e164 NAPTR 10 10 "u" "E2U+sip" "!^\\\\+44(.*)\$!sip:9\\\\1@b.example!" .
1.2.4.4.e164 NAPTR 10 10 "" "" "" 1.2.4.4.e164
X
name_server nsd $DNS example
net_start 1
scenario uac caller invite ringing answer ack pause:100 bye
scenario uas callee invite ringing answer ack bye
asked() { counter 'sbe_dns_questions_total{from="server"}'; }

# the explanation, without a call: every record, every candidate
ctl route test --from pbx --to sip:bob@b.example >"$TEST_TMP/why" || fail "route test"
for text in 'NAPTR b.example' '_sip._tcp.b.example' 'A sbe.b.example' 'sip:127.0.2.99:5062;transport=tcp' "sip:$BNET:5060;transport=udp"; do
	grep -qF "$text" "$TEST_TMP/why" || { cat "$TEST_TMP/why" >&2; fail "route test says nothing of $text"; }
done

# a call by number: ENUM, then the domain; the dead first host is passed over; the callee gets the user ENUM named
sed 's/sip:+44\[call_number\]@a.example/sip:+4420@a.example/; s/^INVITE [^ ]*/INVITE sip:+4420@a.example/' "$TEST_TMP/uac.xml" >"$TEST_TMP/enum.xml"
callee_up uas $BNET -m 1
caller enum -m 1
sip_wait enum
sip_wait uas
saw uas '^INVITE sip:920@b.example'
await 5 "its CDR" cdr_count 1
one_cdr route "lookup enum" status 200

# the same again: nothing is asked (B9) while the TTL lasts, so the test is quick or it proves nothing
for n in 1 2 3; do # a slow machine may let the TTL of 2 s pass in between
	ctl lookup sip:bob@b.example >/dev/null
	before=$(asked)
	ctl lookup sip:bob@b.example >/dev/null
	after=$(asked)
	[ "$after" != "$before" ] || break
done
[ "$after" = "$before" ] || fail "$((after - before)) questions for what has just been looked up"

# an ENUM chain in a circle ends
start=$(date +%s%N)
ctl lookup +4421 >"$TEST_TMP/why"
grep -q 'a chain of records that does not end' "$TEST_TMP/why" || { cat "$TEST_TMP/why" >&2; fail "the circle is not told"; }
[ $(( ($(date +%s%N) - start) / 1000000 )) -lt "$(scaled 2000)" ] || fail "a circle of records took more than 2 s"

# the server dies: what was known serves on, calls to static peers are as quick as ever, the unknown ends within 5 s
kill -KILL "$PID_nsd"; wait "$PID_nsd" 2>/dev/null
python3 "$SPEER_ROOT/tests/scenario/n010-dns/canary.py" "$PBX" "$SBE_CORE" 127.0.2.30 "$DNS" || fail "see above"
ctl lookup sip:bob@b.example >"$TEST_TMP/why"
grep -q "sip:$BNET:5060;transport=udp" "$TEST_TMP/why" || { cat "$TEST_TMP/why" >&2; fail "what was known is forgotten with its server"; }
net_assert_clean
net_stop
