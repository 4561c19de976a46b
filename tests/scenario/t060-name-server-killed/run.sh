#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# Two name servers and the settings everybody has: the first one says nothing, then is not there, then is back while the second one is
# killed. Domains never seen before are found all the same, and who is dead is waited for once, not by each question (C9, A25).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
DEAD=127.0.5.55 ALIVE=127.0.5.56
net_config
json_edit "$TEST_TMP/sbe.json" '
c["dns"] = {"servers": ["'$DEAD':5353", "'$ALIVE':5353"]}
del c["peers"]["bnet"]["next_hops"]
c["peers"]["world"] = {"realm": "peering", "mode": "on-demand", "limits": {"sessions": 5, "cps": 50}}
c["routes"] = []
c["lookup"] = [{"type": "uri"}]
c["location"] = [{"type": "peers"}, {"type": "dns", "realm": "peering", "secure": False}]'
net_start 1
server() { net_run "$1" "$SPEER_ROOT/tests/scenario/t060-name-server-killed/server.py" "$2" 5353 "$TEST_TMP/$1.asked" "$3"; await 10 "$1 listens" bound "$2:5353"; }
found() { # NAME...: each is looked up
	local name start took
	for name in "$@"; do
		start=$(date +%s%N)
		ctl lookup "sip:bob@$name.example" >"$TEST_TMP/why"
		took=$(( ($(date +%s%N) - start) / 1000000 ))
		grep -qF 'sip:8.8.8.8:5060' "$TEST_TMP/why" || { cat "$TEST_TMP/why" >&2; fail "$name is not found after $took ms"; }
		note "$name: $took ms"
		[ $took -le "$(scaled 5000)" ] || fail "$name took $took ms"
	done
}
told() { [ "$(grep -c "name server $1 does not answer" "$TEST_TMP/sbe.log")" = 1 ]; }
server alive $ALIVE answers
server mute $DEAD mute
found mute1 mute2 mute3 mute4 mute5
told $DEAD:5353 || fail "the log does not tell once of the dead server"
# what was under way when it was found dead, and no more
asked=$(wc -l <mute.asked)
note "the dead server was asked $asked times for 5 domains"
[ "$asked" -le 3 ] || { cat mute.asked; fail "the dead server was waited for $asked times"; }
kill -KILL "$PID_mute"; wait "$PID_mute" 2>/dev/null
found absent1 absent2
# now the first one is there, and it is the second one that dies
server back $DEAD answers
kill -KILL "$PID_alive"; wait "$PID_alive" 2>/dev/null
found killed1 killed2 killed3 killed4
[ -s back.asked ] || fail "the server that is back was not asked"
net_assert_clean
net_stop
