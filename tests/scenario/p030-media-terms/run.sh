#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is agreed about media (C21, C25, S11, H): codecs, types, packet times, SRTP and bandwidth that were not agreed get 488, or 503 when the
# peer has none left; a call within the terms has media, byte for byte; early media that are blocked are neither described nor heard.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
json_edit sbe.json "
c['peers']['bnet']['media'] = {'codecs': ['telephone-event', 'PCMA'], 'types': ['audio'], 'ptime_min_ms': 20, 'srtp': 'off',
    'bandwidth': {'stream_kbps': 100, 'all_kbps': 150}, 'early_media': 'block-until-answer'}"
net_start 1
scenario refused caller invite busy:488
scenario full caller invite busy:503
scenario uac caller invite progress answer ack pause:3000 bye
scenario uas callee invite progress pause:500 answer ack bye
n=0
ask() { # WHAT SCENARIO SED
	n=$((n + 1))
	sed "$3" "$TEST_TMP/$2.xml" >"$TEST_TMP/ask$n.xml"
	CALLER_IP=$PBX caller "ask$n" -m 1 "${@:4}"
	sip_wait "ask$n"
	note "$1 is refused"
}
ask "a codec" refused 's/RTP\/AVP 8 101/RTP\/AVP 0 101/; s/rtpmap:8 PCMA/rtpmap:0 PCMU/'
ask "a media type" refused 's/m=audio/m=video/'
ask "a packet time" refused 's/a=ptime:20/a=ptime:10/'
ask "encryption" refused 's/RTP\/AVP/RTP\/SAVP/'
ask "a wide stream" refused 's/^t=0 0/b=AS:101\nt=0 0/'

# Within the terms, and the order of the list; the 183 carries no description.
sed -i 's/^t=0 0/b=AS:90\nt=0 0/' "$TEST_TMP/uac.xml" "$TEST_TMP/uas.xml"
sed -i '/<recv response="183"/,/<\/recv>/c\  <recv response="183"/>' "$TEST_TMP/uac.xml"
"$SPEER_TOOLS/rtpmark" -n 1 -c 100 -t 30 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" & mark=$!
NET_PIDS+=($mark)
callee_up uas $BNET -m 1
caller uac -m 1
await 5 "the call is up" calls_up 1
ctl peer show bnet | grep -A3 bandwidth | grep -q 90 || fail "peer show tells no bandwidth: $(ctl peer show bnet)"
ask "what the peer has no bandwidth for" full 's/^t=0 0/b=AS:61\nt=0 0/' -p 5070
wait $mark || { cat "$TEST_TMP/rtp.out"; fail "media did not arrive as sent"; }
sip_wait uac
sip_wait uas
saw uas '^m=audio [0-9]+ RTP/AVP 101 8'
awk '/^SIP\/2.0 183/{in183=1} /^SIP\/2.0 200/{in183=0} in183 && /^m=audio/{bad=1} END{exit bad}' "$TEST_TMP/uac.msg" || fail "the 183 describes media"
note "$(tail -n 1 "$TEST_TMP/rtp.out")"
await 5 "all bandwidth is back" sh -c "$SPEER_BIN/speerctl -s $SBE_SOCK -o json peer show bnet | grep -q '\"now\": *0'"
net_assert_clean
net_stop
exit 0
