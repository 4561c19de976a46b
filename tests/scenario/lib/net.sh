# SPDX-License-Identifier: Apache-2.0
# net.sh - a little network of one sbe and its dbes on loopback addresses, for scenarios and the demo.
#
# Source it; then net_config, net_start, ..., net_stop. Everything lives in $TEST_TMP.
#
#   realm core:    sbe 127.0.1.1   dbe1 127.0.1.2  dbe2 127.0.1.3   peer pbx  127.0.1.10
#   realm peering: sbe 127.0.2.1   dbe1 127.0.2.2  dbe2 127.0.2.3   peer bnet 127.0.2.20, 127.0.2.21
# The dbes dial the sbe at 127.0.0.1:$NET_GATE_PORT.

NET_GATE_PORT=${NET_GATE_PORT:-29440}
SBE_CORE=127.0.1.1 SBE_PEERING=127.0.2.1 PBX=127.0.1.10 BNET=127.0.2.20 BNET2=127.0.2.21
SBE_SOCK=$TEST_TMP/sbe.sock
NET_PIDS=()
NET_LIMITS=${NET_LIMITS:-}     # extra members of peer bnet, e.g. '"limits":{"sessions":1},'
NET_CODECS=${NET_CODECS:-}
NET_CORE_LISTEN=${NET_CORE_LISTEN:-"\"udp:$SBE_CORE:5060\",\"tcp:$SBE_CORE:5060\""}
NET_PEERING_LISTEN=${NET_PEERING_LISTEN:-"\"udp:$SBE_PEERING:5060\",\"tcp:$SBE_PEERING:5060\""}
NET_HOPS=${NET_HOPS:-"\"sip:$BNET:5060\""}
NET_PEERING_MEDIA=${NET_PEERING_MEDIA:-}   # media address of dbe N in realm peering; empty = 127.0.2.(N+1)
# A relay that had no processor for a while is not lost: the machine is not what is tested. What a relay is given by default,
# tests/component/test_gate_dbe.c and the simulation try.
NET_GATE=${NET_GATE-',"request_ms":5000,"open_ms":20000,"heartbeat_ms":5000'}
NET_SOURCES=${NET_SOURCES:-"\"$BNET\",\"$BNET2\""}

fail() { echo "FAIL: $*" >&2; exit 1; }
note() { echo "  $*"; }

net_config_sbe() {
	cat >"$TEST_TMP/sbe.json" <<-X
	{ "node": "sbe1", "domains": ["a.example"],
	  "control": {"socket": "$SBE_SOCK"}, "http": {"listen": "127.0.0.1:${NET_HTTP_PORT:-19090}"},
	  "gate_control": {"listen": ["127.0.0.1:$NET_GATE_PORT"], "dbes": ["dbe1", "dbe2"]$NET_GATE},
	  "realms": {"core": {"listen": [$NET_CORE_LISTEN], "media": "core"},
	             "peering": {"listen": [$NET_PEERING_LISTEN], "media": "peering"}},
	  "peers": {
	    "pbx": {"realm": "core", "sources": [${NET_PBX_SOURCES:-"\"$PBX/32\""}], "next_hops": ["sip:${NET_PBX_HOP:-$PBX:5060}"]},
	    "bnet": {"realm": "peering", "sources": [$NET_SOURCES], "domains": ["b.example"], $NET_LIMITS $NET_CODECS
	             "sip": {"try_ms": ${NET_TRY_MS:-2000}, "ring_s": ${NET_RING_S:-60}}, "next_hops": [$NET_HOPS]}},
	  "routes": [{"name": "out", "from": ["pbx"], "number": "+44", "to": [{"peer": "bnet"}]},
	             {"name": "in", "from": ["bnet"], "domain": "a.example", "to": [{"peer": "pbx"}]}],
	  "cdr": {"directory": "$TEST_TMP/cdr"}, "log": {"level": "${NET_LOG:-info}"} }
	X
}
net_config_dbe() { # N
	cat >"$TEST_TMP/dbe$1.json" <<-X
	{ "name": "dbe$1", "control": {"socket": "$TEST_TMP/dbe$1.sock"}, "http": {"listen": "127.0.0.1:$((${NET_HTTP_PORT:-19090} + $1))"},
	  "controllers": ["127.0.0.1:$NET_GATE_PORT"],
	  "realms": {"core": {"addresses": [{"bind": "${NET_CORE_MEDIA:-127.0.1.$(($1 + 1))}", "ports": "${NET_PORTS:-16384-20479}"}]},
	             "peering": {"addresses": [{"bind": "${NET_PEERING_MEDIA:-127.0.2.$(($1 + 1))}", "ports": "${NET_PORTS:-16384-20479}"}]}},
	  "relay": {"quarantine_ms": ${NET_QUARANTINE_MS:-200}}, "log": {"level": "${NET_LOG:-info}"} }
	X
}
net_config() { net_config_sbe; net_config_dbe 1; net_config_dbe 2; mkdir -p "$TEST_TMP/cdr"; }

# start NAME COMMAND...: in the background; the pid is in PID_NAME
net_run() {
	local name=$1; shift
	"$@" >"$TEST_TMP/$name.log" 2>&1 &
	eval "PID_$name=$!"
	NET_PIDS+=($!)
}
ctl() { "$SPEER_BIN/speerctl" -s "$SBE_SOCK" "$@"; }
dbectl() { local n=$1; shift; "$SPEER_BIN/speerctl" -s "$TEST_TMP/dbe$n.sock" "$@"; }
# field JSON_PATH: python-style path of stdin, e.g. data.dbes
json() { python3 -c 'import json,sys
v=json.load(sys.stdin)
for k in sys.argv[1].split("."):
    v = v[int(k)] if isinstance(v, list) else v.get(k) if isinstance(v, dict) else None
print(v if not isinstance(v,(list,dict)) else json.dumps(v))' "$1"; }
rows() { python3 -c 'import json,sys
d=json.load(sys.stdin); print(len(d.get("rows", d.get("data",{}).get("rows",[]))))'; }

# scaled NUMBER: a limit of time, as long as this machine needs (SPEER_TIMEOUT_SCALE: with sanitizers, in CI)
scaled() { echo $(($1 * ${SPEER_TIMEOUT_SCALE:-1})); }
# await SECONDS WHAT COMMAND...: poll until the command succeeds
await() {
	local limit what=$2 until
	limit=$(scaled "$1")
	shift 2
	until=$(( $(date +%s%N) / 1000000 + limit * 1000 ))
	while ! "$@" >/dev/null 2>&1; do
		[ $(( $(date +%s%N) / 1000000 )) -lt "$until" ] || { net_logs; fail "waited ${limit}s for: $what"; }
		sleep 0.05
	done
}
net_logs() { local f; for f in "$TEST_TMP"/*.log; do [ -s "$f" ] && { echo "--- $f"; tail -n 30 "$f"; }; done >&2; }
dbes_up() { [ "$(ctl -o json dbe list | python3 -c 'import json,sys
d=json.load(sys.stdin); d=d.get("data",d); i=d["columns"].index("health")
print(sum(1 for r in d["rows"] if r[i]=="up"))')" = "$1" ]; }

net_start() { # [number of dbes]
	local n i
	n=${1:-2}
	net_run sbe "$SPEER_BIN/sbe" -c "$TEST_TMP/sbe.json"
	for ((i = 1; i <= n; i++)); do net_run "dbe$i" "$SPEER_BIN/dbe" -c "$TEST_TMP/dbe$i.json"; done
	await 10 "the sbe answers speerctl" ctl status
	await 10 "$n dbes are in service" dbes_up "$n"
	SBE_FDS=$(ls "/proc/$PID_sbe/fd" | wc -l)
	DBE1_FDS=$([ "$n" -ge 1 ] && ls "/proc/$PID_dbe1/fd" | wc -l)
}

# sipp as one of the peers: sip_run NAME SCENARIO LOCAL_IP ARGS... ; ends by itself (-m)
sip_run() {
	local name=$1 scenario=$2 ip=$3
	shift 3
	NET_MI=$((${NET_MI:-0} + 1)) # sipp binds its -mp there; the media ports at $ip are the tools'
	net_run "$name" timeout -k 2 "${SIPP_LIMIT:-60}" sipp -sf "$scenario" -i "$ip" -mi "127.0.9.$NET_MI" -p 5060 -nostdin -nd \
		-trace_err -error_file "$TEST_TMP/$name.err" -trace_logs -log_file "$TEST_TMP/$name.media" \
		-trace_msg -message_file "$TEST_TMP/$name.msg" -timeout "${SIPP_LIMIT:-60}s" -timeout_error "$@"
}
# sip_wait NAME: its exit status must be 0
sip_wait() {
	local pid rc
	eval "pid=\$PID_$1"
	wait "$pid"; rc=$?
	[ $rc = 0 ] && return 0
	tail -n 20 "$TEST_TMP/$1.err" "$TEST_TMP/$1.log" >&2 2>/dev/null
	net_logs
	fail "sipp $1 ended with $rc"
}
bound() { ss -Hnlu "src $1" | grep -q . || ss -Hnlt "src $1" | grep -q .; }
no_calls() { [ "$(ctl -o json call list | rows)" = 0 ] && [ "$(ctl -o json gate list | rows)" = 0 ]; }
no_dbe_gates() { [ "$(dbectl "$1" -o json gate list | rows)" = 0 ]; }
fds_back() { [ "$(ls "/proc/$1/fd" | wc -l)" -le "$2" ]; }
# Port pairs that are kept open for the next call have two descriptors each, as many as the dbe says.
dbe_warm() { dbectl "$1" -o json pool show | python3 -c 'import json,sys
d=json.load(sys.stdin); d=d.get("data",d); i=d["columns"].index("warm"); print(sum(r[i] for r in d["rows"]))'; }
dbe_fds_back() { [ "$(ls "/proc/$1/fd" | wc -l)" -le $(($2 + 2 * $(dbe_warm 1))) ]; }

# After a scenario nothing may be left: calls, gates, ports, descriptors (U3, U4).
net_assert_clean() {
	local i
	await 10 "no call and no gate is left in the sbe" no_calls
	for i in 1 2; do
		eval "[ -n \"\${PID_dbe$i:-}\" ]" || continue
		eval "kill -0 \$PID_dbe$i" 2>/dev/null || continue
		await 10 "no gate is left in dbe$i" no_dbe_gates $i
	done
	[ -z "${DBE1_FDS:-}" ] || ! kill -0 "$PID_dbe1" 2>/dev/null || await 10 "dbe1's descriptors are back" dbe_fds_back "$PID_dbe1" "$DBE1_FDS"
	await 10 "the sbe's descriptors are back" fds_back "$PID_sbe" $((SBE_FDS + 1 + ${NET_FDS_MORE:-0})) # 1: the CDR file
}

# Stop daemons: an orderly stop must end with 0.
net_stop() {
	local name pid rc
	for name in sbe dbe1 dbe2; do
		eval "pid=\${PID_$name:-}"
		[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || continue
		kill -TERM "$pid"
		wait "$pid"; rc=$?
		[ $rc = 0 ] || { net_logs; fail "$name ended with $rc"; }
	done
}
net_kill_rest() { local p; { for p in "${NET_PIDS[@]}"; do kill -KILL "$p"; wait "$p"; done; } 2>/dev/null; }
trap net_kill_rest EXIT

# cdrs: all records written so far, one JSON object a line
cdrs() { cat "$TEST_TMP"/cdr/*.jsonl "$TEST_TMP"/cdr/*.jsonl.tmp 2>/dev/null; }
cdr_count() { [ "$(cdrs | wc -l)" = "$1" ]; }

# scenario NAME ROLE STEP...: writes $TEST_TMP/NAME.xml (see make.py)
scenario() { local name=$1; shift; "$SPEER_ROOT/tests/scenario/lib/make.py" "$@" >"$TEST_TMP/$name.xml" || fail "scenario $name"; }
# dialog NAME ROLE STEP...: the same for a dialog with any requests (see dialog.py)
dialog() { local name=$1; shift; "$SPEER_ROOT/tests/scenario/lib/dialog.py" "$@" >"$TEST_TMP/$name.xml" || fail "dialog $name"; }
# callee_up NAME IP ARGS...: starts sipp with $TEST_TMP/NAME.xml and waits until it listens
callee_up() { local name=$1 ip=$2; shift 2; sip_run "$name" "$TEST_TMP/$name.xml" "$ip" -mp 10000 "$@"; await 5 "$name listens" bound "$ip:5060"; }
caller() { local name=$1; shift; sip_run "$name" "$TEST_TMP/$name.xml" "${CALLER_IP:-$PBX}" -mp 10000 "$@" "${CALLER_TO:-$SBE_CORE:5060}"; }
# saw NAME REGEX / saw_not: in the messages of a sipp
saw() { grep -E -q "$2" "$TEST_TMP/$1.msg" || { cat "$TEST_TMP/$1.msg" >&2; fail "$1 did not see: $2"; }; }
saw_not() { if grep -E "$2" "$TEST_TMP/$1.msg" >&2; then fail "$1 saw: $2"; fi; }
one_cdr() { # FIELD VALUE ...: there is one CDR and it says so
	await 5 "one CDR" cdr_count 1
	while [ $# -gt 0 ]; do
		[ "$(cdrs | json "$1")" = "$2" ] || fail "the CDR says $1 $(cdrs | json "$1"), not $2: $(cdrs)"
		shift 2
	done
}
# json_edit FILE STATEMENTS: changes a configuration by Python statements on c
json_edit() { python3 - "$1" "$2" <<'P'
import json, sys
with open(sys.argv[1]) as f:
    c = json.load(f)
exec(sys.argv[2])
with open(sys.argv[1], "w") as f:
    json.dump(c, f, indent=1)
P
}
# counter NAME: of the sbe; a part of the name is enough, several are added up. dbe_counter N NAME: of a dbe
sum_of() { python3 -c 'import json,sys
d = json.load(sys.stdin)
print(sum(r[1] for r in d.get("data", d)["rows"] if sys.argv[1] in r[0]))' "$1"; }
counter() { ctl -o json stats show | sum_of "$1"; }
dbe_counter() { dbectl "$1" -o json stats show | sum_of "$2"; }
calls_up() { [ "$(ctl -o json call list | grep -c '"up"')" = "$1" ]; }
sip_stop() { local pid; eval "pid=\$PID_$1"; kill -TERM "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; } # a sipp that is not to end by itself
