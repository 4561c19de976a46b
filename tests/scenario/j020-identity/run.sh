#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# P-Asserted-Identity and Privacy between peers that are trusted and peers that are not (S7, S8, C15); RFC 5079; numbers that
# are not the caller's.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/policy.sh"
net_config
net_start 1
n=0
# attempt HEADERS [FROM]: one call that the callee rejects; what came is in $uas
attempt() {
	n=$((n + 1))
	uas=uas$n uac=uac$n
	scenario "$uac" caller invite busy:486
	inject "$uac" INVITE "$1"
	[ $# -lt 2 ] || calling "$uac" "$2"
	scenario "$uas" callee invite "reject:486:Busy Here"
	inject "$uas" "SIP/2.0 486" "P-Asserted-Identity: <sip:+4990@b.example>"
	callee_up "$uas" $BNET -m 1
	caller "$uac" -m 1
	sip_wait "$uac"
	sip_wait "$uas"
}
# refused CODE HEADERS [FROM]: one that does not come so far
refused() {
	n=$((n + 1))
	uac=uac$n
	scenario "$uac" caller invite "busy:$1"
	inject "$uac" INVITE "$2"
	[ $# -lt 3 ] || calling "$uac" "$3"
	caller "$uac" -m 1
	sip_wait "$uac"
}
trust() { # PBX BNET
	policy pbx "{\"identity\": {\"trust\": $1}}"
	policy bnet "{\"identity\": {\"trust\": $2}}"
	ctl config reload >/dev/null || fail "reload"
}
PAI="P-Asserted-Identity: \"Al\" <sip:+4420@$PBX>"

trust false false
attempt "$PAI"
lacks $uas INVITE '^P-Asserted'
lacks $uac "SIP/2.0 486" '^P-Asserted'
trust true false
attempt "$PAI"
has $uas INVITE '^P-Asserted-Identity: "Al" <sip:\+4420@a.example>'
attempt "$PAI
Privacy: id"
lacks $uas INVITE '^P-Asserted'
attempt "$PAI
Privacy: none"
has $uas INVITE '^P-Asserted'
has $uas INVITE '^Privacy: none'
attempt "$PAI
P-Preferred-Identity: <sip:boss@a.example>
Privacy: user;id;critical"
lacks $uas INVITE '^P-(Asserted|Preferred)'
has $uas INVITE '^From: "Anonymous" <sip:anonymous@anonymous.invalid>'
has $uas INVITE '^Privacy: id;critical'
lacks $uas INVITE 'alice'
refused 500 "Privacy: x-new;critical"
trust true true
attempt "$PAI
Privacy: user;id"
has $uas INVITE '^P-Asserted'
has $uas INVITE '^Privacy: user;id'
has $uac "SIP/2.0 486" '^P-Asserted-Identity: <sip:\+4990@b.example>'
trust false true
attempt "$PAI"
lacks $uas INVITE '^P-Asserted'
has $uac "SIP/2.0 486" '^P-Asserted-Identity: <sip:\+4990@b.example>'

# numbers of its own: asserted; others: 403 (C15); anonymous calls: 433
policy pbx '{"identity": {"anonymous_in": "reject"}, "numbers": {"owned": ["+4420", "+1555000-+1555999"]}}'
ctl config reload >/dev/null || fail "reload"
attempt "Subject: mine" "<sip:+44207@$PBX>"
has $uas INVITE '^P-Asserted-Identity: <sip:\+44207@a.example>'
refused 403 "Subject: not mine" "<sip:+44307@$PBX>"
saw $uac '^SIP/2.0 403 Caller Number Not Allowed'
refused 433 "Privacy: id"
saw $uac '^SIP/2.0 433 Anonymity Disallowed'
[ "$(counter sbe_policy_refused_total)" -ge 3 ] || fail "refusals are not counted"
cdrs | grep -q '"cause":"caller_foreign"' || cdrs | grep -q '"caller_foreign"' || fail "no CDR of the refused caller: $(cdrs)"
net_assert_clean
net_stop
