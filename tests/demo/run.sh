#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo: one sbe, two dbes, real calls with real audio, checked. Exit 0 only if every check held.
set -u
SPEER_ROOT=$(cd "$(dirname "$0")/../.." && pwd)
export SPEER_ROOT SPEER_BIN=${SPEER_BIN:-$SPEER_ROOT/build/bin} SPEER_TOOLS=${SPEER_TOOLS:-$SPEER_ROOT/build/tools}
TEST_TMP=$(mktemp -d /tmp/speermint-demo.XXXXXX)
export TEST_TMP
NET_GATE_PORT=29444 NET_HTTP_PORT=19190
SIPP_LIMIT=60
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
trap 'net_kill_rest; rm -rf "$TEST_TMP"' EXIT
trap 'exit 130' INT TERM
CALLS=4
say() { printf '\n== %s\n' "$*"; }

say "Two carriers' worth of network on this machine's loopback"
cat <<X
  Our side ("core"):     a telephone system at $PBX
  The peer ("peering"):  a carrier called bnet at $BNET
  Between them:          one sbe (signaling) at $SBE_CORE and $SBE_PEERING,
                         two dbes (media relays) at 127.0.1.2/127.0.2.2 and 127.0.1.3/127.0.2.3
  The dbes dial the sbe at 127.0.0.1:$NET_GATE_PORT. Plain text is allowed there only since it is loopback.
X
net_config
net_start 2
ctl dbe list

say "The callers' audio: two different pieces of 8 seconds, so that a mix-up cannot go unseen"
python3 - "$TEST_TMP" <<'X'
import sys, math, random
random.seed(1)
def alaw(x):  # G.711 A-law of a sample in -1..1
    s = int(x * 4095); sign = 0x80 if s >= 0 else 0; s = abs(s)
    e = 7
    while e and not s & (1 << (e + 4)): e -= 1
    m = (s >> (e if e else 1)) & 15 if e else (s >> 1) & 15
    return ((sign | (e << 4) | m) ^ 0x55) & 255
for name, f in (("caller", 440), ("callee", 620)):
    with open(f"{sys.argv[1]}/{name}.alaw", "wb") as o:
        o.write(bytes(alaw(.6 * math.sin(2 * math.pi * f * t / 8000) + .02 * random.uniform(-1, 1)) for t in range(64000)))
X
for n in uac uas; do sed 's/\[auto_media_port\]/[rtpstream_audio_port]/; s/#\[call_number\]/[rtpstream_audio_port]/' "$SPEER_ROOT/tests/scenario/lib/$n.xml" >"$TEST_TMP/$n.xml"; done
sed -i 's|^  <pause/>|  <nop><action><exec rtp_stream="caller.alaw,1,8"/></action></nop>\n&|' "$TEST_TMP/uac.xml"
sed -i 's|^  <recv request="ACK" crlf="true"/>|&\n  <nop><action><exec rtp_stream="callee.alaw,1,8"/></action></nop>|' "$TEST_TMP/uas.xml"
ls -l "$TEST_TMP"/*.alaw | awk '{print "  " $5 " bytes  " $9}'

say "$CALLS calls from the telephone system to the carrier, placed by sipp, audio both ways"
cd "$TEST_TMP" || exit 1
"$SPEER_TOOLS/rtpwatch" -n $CALLS -a caller.alaw -b callee.alaw -t 40 uac.media uas.media >watch.out & watch=$!
NET_PIDS+=($watch)
await 5 "the listener is there" grep -q listening watch.out
sip_run uas uas.xml $BNET -mi $BNET -m $CALLS
await 5 "the carrier's sipp listens" bound $BNET:5060
sip_run uac uac.xml $PBX -mi $PBX -m $CALLS -r 4 -d 11000 $SBE_CORE:5060
all_up() { [ "$(ctl -o json call list | grep -c '"up"')" = $CALLS ]; }
await 10 "$CALLS calls are up" all_up

say "What an operator sees while they talk"
echo '$ speerctl call list'; ctl call list
token=$(ctl -o json call list | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d.get("data",d)["rows"][0][0])')
echo "\$ speerctl call show $token"; ctl call show "$token" || fail "call show"
echo '$ speerctl gate list'; ctl gate list
for i in 1 2; do echo "\$ speerctl -s dbe$i.sock gate list"; dbectl $i gate list; done

say "Did the audio arrive? Every packet on the wire at both ends is compared with the file the other side plays"
wait $watch; rc=$?
sed 1d watch.out
[ $rc = 0 ] || { net_logs; fail "the audio did not arrive as it was sent"; }
sip_wait uac
sip_wait uas

say "What each side could see of the other"
if grep -E -q "127\.0\.1\.|X-Core|o=alice" uas.msg; then fail "the carrier saw something of our network"; fi
note "In $(grep -c '^UDP message' uas.msg) SIP messages the carrier saw no address, name or private header of ours."
if grep -E -q "127\.0\.2\.(1|20)" uac.msg; then fail "our telephone system saw addresses of the carrier"; fi
note "And our telephone system saw none of the carrier's."

say "After the last BYE nothing may be left: calls, gates, sockets"
net_assert_clean
note "call list, gate list and descriptors are back to where they began."

say "One call detail record for each call"
await 5 "$CALLS CDRs" cdr_count $CALLS
cdrs | python3 -c 'import json,sys
for line in sys.stdin:
    r = json.loads(line); m = r["media"][0]
    assert r["cause"] == "normal" and m["caller"]["packets_in"] == m["callee"]["packets_in"] == 400, r
    print("  %s -> %s  %.1f s  %s by %s  via %s  caller sent %d packets, callee %d" % (r["calling"], r["called"],
        r["duration_ms"] / 1000, r["cause"], r["released_by"], r["dbe"], m["caller"]["packets_in"], m["callee"]["packets_in"]))' || fail "the CDRs do not say what happened"
echo "  The first one in full:"
cdrs | head -n 1 | python3 -m json.tool | sed 's/^/  /'

say "Stop everything"
net_stop
note "sbe and both dbes stopped in order."
printf '\nEvery check held.\n'
