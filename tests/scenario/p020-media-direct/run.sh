#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# media.relay (Figure 1, G1, G10): with never on both sides c= and m= are the same at both ends, RTP goes from phone to phone without a dbe
# and byte for byte; one peer that says always, or if-needed across realms, has it relayed; an offer inside a direct call that needs it gets it.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
relay() { # PBX BNET
	json_edit sbe.json "
c['peers']['pbx']['media'] = {'relay': '$1'}
c['peers']['bnet']['media'] = {'relay': '$2'}"
}
both() { # a call with 100 packets each way
	rm -f "$TEST_TMP"/ua?.m* "$TEST_TMP"/cdr/*
	"$SPEER_TOOLS/rtpmark" -n 1 -c 100 -t 30 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" & mark=$!
	NET_PIDS+=($mark)
	callee_up uas $BNET -m 1
	caller uac -m 1
	await 5 "the call is up" calls_up 1
	ctl call show "$(ctl -o json call list | json data.rows.0.0)" >"$TEST_TMP/show.txt" 2>/dev/null || ctl call list >"$TEST_TMP/show.txt"
	gates=$(dbectl 1 -o json gate list | rows)
	wait $mark || { cat "$TEST_TMP/rtp.out"; fail "media did not arrive as sent"; }
	sip_wait uac
	sip_wait uas
}
lines() { grep -h -E '^(c=|m=audio)' "$TEST_TMP/$1.msg" | tr -d '\r' | sort -u; }
scenario uac caller invite answer ack pause:3000 bye
scenario uas callee invite ringing answer ack bye
relay never never
net_start 1
both
[ "$gates" = 0 ] || fail "a dbe has gates for a direct call"
[ "$(lines uac)" = "$(lines uas)" ] || fail "c= and m= differ: $(lines uac) / $(lines uas)"
saw uas "^c=IN IP4 $PBX"
saw uac "^c=IN IP4 $BNET"
grep -q direct "$TEST_TMP/show.txt" || fail "call show does not say direct: $(cat "$TEST_TMP/show.txt")"
await 5 "the record says direct" sh -c "cat $TEST_TMP/cdr/* | grep -q '\"media_path\":\"direct\"'"
note "direct: $(tail -n 1 "$TEST_TMP/rtp.out")"

for pair in "always never" "never always" "if-needed if-needed" "never if-needed"; do
	relay $pair
	ctl config reload >/dev/null || fail "reload"
	both
	[ "$gates" -gt 0 ] || fail "$pair: no gate"
	saw_not uas '127\.0\.1\.'
	saw_not uac '127\.0\.2\.'
	note "$pair: relayed"
done

net_assert_clean
net_stop
exit 0
