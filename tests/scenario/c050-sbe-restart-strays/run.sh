#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of the sbe with calls up: media go on without it (J9); the new sbe audits the dbes and subtracts every
# context it does not know (C13), old dialogs are answered 481, new calls work.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
N=10
net_config
net_start 2
scenario uac caller invite answer ack pause:60000 bye
scenario uas callee invite ringing answer ack bye
callee_up uas $BNET -m $N
caller uac -m $N -r 100 -l $N
await 5 "$N calls are up" calls_up $N
gates() { echo $(($(dbectl 1 -o json gate list | rows) + $(dbectl 2 -o json gate list | rows))); }
[ "$(gates)" = $N ] || fail "$N calls have $(gates) contexts"

kill -KILL $PID_sbe
wait $PID_sbe 2>/dev/null
no_controller() { [ "$(dbe_counter 1 dbe_gate_associations)" -eq "$(dbe_counter 1 dbe_gate_associations_lost_total)" ]; }
await 3 "dbe1 notices that its controller is gone" no_controller # the gauge is 0
"$SPEER_TOOLS/rtpmark" -n $N -c 50 -t 20 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" ||
	{ cat "$TEST_TMP/rtp.out"; fail "media stopped with the sbe"; }
cat "$TEST_TMP/rtp.out"
[ "$(gates)" = $N ] || fail "contexts went away while the sbe was gone: $(gates) are left"

net_run sbe "$SPEER_BIN/sbe" -c "$TEST_TMP/sbe.json"
await 10 "the dbes are back with the new sbe" dbes_up 2
none() { [ "$(gates)" = 0 ]; }
await 5 "the strays are subtracted" none
[ "$(counter sbe_gate_strays_total)" = $N ] || fail "strays are counted: $(counter sbe_gate_strays_total)"
no_calls || fail "the new sbe knows calls"
sip_stop uac
sip_stop uas

# What the callers of old do now: BYE in a dialog that nobody has
id=$(sed -n 's/^Call-ID: //p' "$TEST_TMP/uac.msg" | tr -d '\r' | head -n 1)
python3 - "$id" >"$TEST_TMP/bye.txt" <<'P'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.1.10", 5060)); s.settimeout(3)
s.sendto(("BYE sip:127.0.1.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.1.10:5060;branch=z9hG4bKold\r\nMax-Forwards: 70\r\n"
          f"From: <sip:a@127.0.1.10>;tag=1\r\nTo: <sip:b@a.example>;tag=2\r\nCall-ID: {sys.argv[1]}\r\nCSeq: 2 BYE\r\n"
          "Content-Length: 0\r\n\r\n").encode(), ("127.0.1.1", 5060))
print(s.recv(65535).decode())
P
grep -q '^SIP/2.0 481 ' "$TEST_TMP/bye.txt" || fail "BYE in an old dialog: $(cat "$TEST_TMP/bye.txt")"
scenario uac2 caller invite answer ack pause:100 bye
scenario uas2 callee invite ringing answer ack bye
callee_up uas2 $BNET -m 1
caller uac2 -m 1
sip_wait uac2
sip_wait uas2
net_assert_clean
await 5 "the CDR of the new call" cdr_count 1
net_stop
