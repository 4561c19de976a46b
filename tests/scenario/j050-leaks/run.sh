#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A captured call, a re-INVITE, a CANCEL, failures and BYEs, full of what the other side must not know: not one byte of it gets
# there (A28, C6, C12), with rules that pass what is not known too.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/policy.sh"
net_config
policy pbx '{"headers": {"unknown": "pass"}, "identity": {"trust": true}}'
policy bnet '{"headers": {"unknown": "pass", "rules": [{"direction": "out", "action": "pass", "header": "User-Agent"}]}, "identity": {"trust": true}}'
net_start 1
inner="Via: SIP/2.0/UDP phone7.core.internal;branch=z9hG4bKx
Record-Route: <sip:core.internal;lr>
User-Agent: pbx at phone7.core.internal
X-Core : $PBX
s: ask $PBX:5060
Warning: 399 $PBX \"said $PBX\"
Reason: SIP;cause=200;text=\"phone7.core.internal\"
P-Asserted-Identity: \"at $PBX\" <sip:+1@phone7.core.internal;x=$PBX?X=$PBX>
History-Info: <sip:+1@phone7.core.internal?Reason=SIP%3Btext%3D$PBX>;index=1
Diversion: <sip:+1@phone7.core.internal>;reason=unknown
Call-Info: <http://$PBX/pic>
X-Ok: yes"
plain=$(printf '%s\n' "$inner" | grep -v -E '^(Via|Record-Route)')
outer="Server: switch at $BNET
X-Peer : $BNET
Warning: 399 $BNET \"said $BNET\"
Reason: Q.850;cause=16;text=\"at $BNET\"
P-Asserted-Identity: <sip:bob@$BNET>
X-Ok: yes"
scenario uac caller invite ringing answer ack pause:200 bye
inject uac INVITE "$inner"
inject uac ACK "$plain"
inject uac BYE "$plain"
scenario uas callee invite ringing answer ack bye
inject uas "SIP/2.0 180" "$outer"
inject uas "SIP/2.0 200" "$outer"
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
scenario uac2 caller invite busy:486
inject uac2 INVITE "$inner"
scenario uas2 callee invite "reject:486:Busy at $BNET"
inject uas2 "SIP/2.0 486" "$outer"
callee_up uas2 $BNET -m 1
caller uac2 -m 1
sip_wait uac2
sip_wait uas2
scenario uac3 caller invite ringing cancel busy:487
inject uac3 INVITE "$inner"
inject uac3 CANCEL "$plain"
scenario uas3 callee invite ringing cancel
inject uas3 "SIP/2.0 180" "$outer"
callee_up uas3 $BNET -m 1
caller uac3 -m 1
sip_wait uac3
sip_wait uas3
for u in uas uas2 uas3; do
	[ "$(got $u | wc -l)" -gt 10 ] || fail "nothing was captured for $u"
	lacks $u "" 'core\.internal|127\.0\.1\.|alice@|sipp'
	has $u INVITE '^X-Ok: yes'
done
for u in uac uac2 uac3; do
	[ "$(got $u | wc -l)" -gt 10 ] || fail "nothing was captured for $u"
	# its own Via, From and To come back to it
	got $u | grep -v -E '^(Via|From|To|Call-ID|Contact|o=|c=|Record-Route):?' | grep -E "127\.0\.2\.|$BNET" >&2 && fail "$u saw the other side"
done
has uac "SIP/2.0 180" '^X-Ok: yes'
lacks uac2 "SIP/2.0 486" 'Busy at'
net_assert_clean
net_stop
