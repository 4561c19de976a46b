#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# speerctl: every command that the daemons have, with a call up: exit codes 0 1 2 3 4, JSON with its version, tables
# that say what is so (design section 9, T5). A command that is not tried here fails the test.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario uac caller invite answer ack await_bye
scenario uas callee invite ringing answer ack bye
callee_up uas $BNET -m 1
caller uac -m 1
await 5 "a call is up" calls_up 1

tried=()
daemon=sbe
# try CODE WORDS...: of the daemon; the output is in $out (JSON) and $table
try() {
	local code=$1 rc; shift
	tried+=("$daemon $1 ${2:-}")
	out=$("$SPEER_BIN/speerctl" -s "$TEST_TMP/$daemon.sock" -o json "$@" 2>"$TEST_TMP/stderr"); rc=$?
	[ $rc = "$code" ] || fail "$daemon: $* ended with $rc, not $code: $out $(cat "$TEST_TMP/stderr")"
	[ $rc = 0 ] || [ -s "$TEST_TMP/stderr" ] || fail "$daemon: $* failed and did not say why"
	[ "$(echo "$out" | json v)" = 1 ] || fail "$daemon: the JSON of $* has no version: $out"
	table=$("$SPEER_BIN/speerctl" -s "$TEST_TMP/$daemon.sock" "${@:1}" 2>/dev/null)
}
says() { case $table in *"$1"*) ;; *) fail "no '$1' in: $table" ;; esac; }

try 0 status; says sbe1
try 0 version; says "$(cat "$SPEER_ROOT/VERSION")"
try 0 call list; says pbx; says bnet
call=$(echo "$out" | python3 -c 'import json,sys; d=json.load(sys.stdin); d=d.get("data",d); print(d["rows"][0][0])')
try 0 call show "$call"; says "127.0.1.10"
try 3 call show nosuchcall
try 0 call why "$call"; says pbx
try 3 call why nosuchcall
try 0 call ended; says CALL_ID
try 3 call kill nosuchcall
try 0 dbe list; says dbe1; says dbe2
try 0 dbe show dbe1; says peering
try 3 dbe show nobody
try 0 policy show pbx
try 3 policy show nobody
printf "OPTIONS sip:a.example SIP/2.0\nVia: SIP/2.0/UDP 127.0.1.10;branch=z9hG4bK1\nFrom: <sip:a@a>;tag=1\nTo: <sip:b@b>\nCall-ID: 1\nCSeq: 1 OPTIONS\nSubject: hi\n\n" >"$TEST_TMP/m.sip"
try 0 policy test --peer pbx --direction in "$TEST_TMP/m.sip"; says "Subject: hi"
try 2 policy test --peer pbx --direction up "$TEST_TMP/m.sip"
try 3 policy test --peer nobody --direction in "$TEST_TMP/m.sip"
try 0 peering export bnet; says '"net"'
ctl peering export bnet >"$TEST_TMP/our.json"
try 0 peering export --all --zone; says 'IN NAPTR'
try 2 peering export
try 3 peering export nobody
try 0 peering import "$TEST_TMP/our.json"; says '"sources"'
echo '{"peering":1,"net":{"egress_sbe":[{"address":"10.0.0.0/8"}]}}' >"$TEST_TMP/wide.json"
try 1 peering import "$TEST_TMP/wide.json"; ctl peering import "$TEST_TMP/wide.json" 2>&1 | grep -q '/24 or longer' || fail 'a document of half the world'
try 0 peering show bnet; says 'terminal'
try 3 peering show nobody
try 0 dbe drain dbe2
try 0 dbe undrain dbe2
try 3 dbe drain nobody
try 0 pool show; says core
try 0 gate list; says "$call"
try 0 gate show "$call"; says 127.0.2.20
try 3 gate show 4294967295
try 0 peer list; says pbx
try 0 peer show bnet; says 127.0.2.20
try 3 peer show nobody
try 0 peer quality; says bnet
try 0 peer quality bnet
try 3 peer quality nobody
try 0 peer block bnet
try 0 peer list; says blocked
try 0 peer unblock bnet
try 3 peer block nobody
try 0 route list; says out
try 0 route test --from pbx --to sip:+441@a.example; says bnet
try 2 route test --from pbx
try 3 route test --from nobody --to sip:+441@a.example
try 0 lookup sip:+441@b.example
try 0 config show; says "127.0.2.20"
try 0 config check "$TEST_TMP/sbe.json"
try 1 config check /nowhere.json
try 0 config reload
try 0 log level debug
try 0 log level info
try 2 log level loud
try 0 stats show; says sbe_gate_contexts
try 0 connection list
try 0 overload show; says shed_percent
try 0 overload shed 10
try 0 overload shed 0
try 2 overload shed many
try 2 overload shed 101
try 2 call
try 2 call list too many
try 2 nonsense
try 0 cert list
try 0 subscription list; says PACKAGE
sbe_tried=("${tried[@]}")

daemon=dbe1
try 0 status; says core
try 0 version
try 0 gate list
try 3 gate show 4294967295
try 0 pool show; says 127.0.1.2
try 0 dbe drain
try 0 dbe undrain
try 0 log level info
try 2 log level loud
try 0 config show
try 0 stats show; says dbe_packets_total
try 2 nonsense
context=$(dbectl 1 -o json gate list | python3 -c 'import json,sys; d=json.load(sys.stdin); d=d.get("data",d); print(d["rows"][0][0] if d["rows"] else "")')
[ -n "$context" ] || { daemon=dbe2; context=$(dbectl 2 -o json gate list | python3 -c 'import json,sys; d=json.load(sys.stdin); d=d.get("data",d); print(d["rows"][0][0])'); }
try 0 gate show "$context"; says peering

# help names each command; all of them have been tried
for daemon in sbe dbe1; do
	"$SPEER_BIN/speerctl" -s "$TEST_TMP/$daemon.sock" -o json help >"$TEST_TMP/help.json" || fail "help"
	printf '%s\n' "${tried[@]}" | python3 -c 'import json,sys
d = json.load(open(sys.argv[2])); d = d.get("data", d); tried = {tuple(line.split()) for line in sys.stdin}
words = [tuple(w for w in r[0].split() if w.isalpha() and w.islower()) for r in d["rows"]]
missing = [w for w in words if w[0] != "help" and not any(t[: len(w) + 1] == (sys.argv[1],) + w for t in tried)]
assert len(words) > 9, d
if missing: sys.exit(f"not tried: {missing}")' $daemon "$TEST_TMP/help.json" || fail "commands of $daemon"
done

"$SPEER_BIN/speerctl" -s "$TEST_TMP/nobody.sock" status 2>/dev/null; [ $? = 4 ] || fail "a daemon that is not there is exit 4"
"$SPEER_BIN/speerctl" -o yaml status 2>/dev/null; [ $? = 2 ] || fail "an unknown output form is exit 2"

# kill releases both legs with BYE
daemon=sbe
try 0 call kill "$call" --reason "by the test"
sip_wait uac
sip_wait uas
saw uac '^BYE '
one_cdr released_by sbe cause operator
net_assert_clean
net_stop
