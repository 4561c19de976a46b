#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Numbers: the PBX dials as its country does, routes see +44..., the carrier gets digits; a tel URI out; rules by prefix.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/policy.sh"
net_config
policy pbx '{"numbers": {"country": "44", "in": {"e164": true, "called": [{"prefix": "9", "min_digits": 8, "strip": 1}],
  "caller": [{"pattern": "^([1-9][0-9]{3})$", "replace": "+4420794{1}"}]}}}'
policy bnet '{"numbers": {"out": {"format": "digits"}}}'
net_start 1
n=0
attempt() { # USER FROM [CALLEE STEP]
	n=$((n + 1))
	uas=uas$n uac=uac$n
	scenario "$uac" caller invite busy:486
	called "$uac" "$1"
	calling "$uac" "$2"
	scenario "$uas" callee "${3:-invite}" "reject:486:Busy Here"
	callee_up "$uas" $BNET -m 1
	caller "$uac" -m 1
	sip_wait "$uac"
	sip_wait "$uas"
}
attempt 02079460000 "<sip:6001@$PBX>"
has $uas INVITE '^INVITE sip:442079460000@b.example SIP/2.0'
has $uas INVITE '^To: <sip:442079460000@b.example>'
has $uas INVITE '^From: <sip:44207946001@a.example>' || true
has $uas INVITE '^From: <sip:44207946001@a.example>'
attempt 902079460000 "<sip:004930123@$PBX>" # 9 for a line
has $uas INVITE '^INVITE sip:442079460000@b.example'
has $uas INVITE '^From: <sip:4930123@a.example>'
attempt "%2B44%2020-79" "<sip:+1(555)01@$PBX>"
has $uas INVITE '^INVITE sip:442079@b.example'
has $uas INVITE '^From: <sip:155501@a.example>'
# a number of another country has no route: routes see what the rules made of it
scenario uacx caller invite busy:404
called uacx 004930123
caller uacx -m 1
sip_wait uacx
# tel URIs, parameters of numbers left behind
policy bnet '{"numbers": {"out": {"uri": "tel", "params": "remove"}}}'
ctl config reload >/dev/null || fail "reload"
attempt "02079;npdi" "<sip:6001@$PBX;user=phone>" invite:nosdp
has $uas INVITE '^INVITE tel:\+442079 SIP/2.0'
has $uas INVITE '^From: <tel:\+442079460?01>|^From: <tel:\+44207946001>'
net_assert_clean
net_stop
