#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# We challenge: a call is there after the second INVITE, credentials stay on their side, the same ones again are refused as stale, a
# wrong password is no call (G13, A18). sipp knows MD5 only, and no TLS: both are allowed here by configuration.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
(umask 077; echo secret >"$TEST_TMP/bnet.password")
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["bnet"]["auth"] = {"realm": "a.example", "user": "them", "password_file": "bnet.password", "clear": True,
	"challenge": True, "algorithms": ["MD5"]}'
net_start 2
CALLER_IP=$BNET CALLER_TO=$SBE_PEERING:5060

scenario uac caller invite authenticate answer ack await_bye
scenario uas callee invite ringing answer ack bye
callee_up uas $PBX -m 1
caller uac -m 1 -au them -ap secret -auth_uri "+441@a.example"
await 10 "the call is up" calls_up 1
ctl call kill "$(ctl -o json call list | python3 -c 'import json,sys
d = json.load(sys.stdin); d = d.get("data", d); print(d["rows"][0][d["columns"].index("call")])')" >/dev/null
sip_wait uac
sip_wait uas
saw uac '^WWW-Authenticate: Digest realm="a.example", nonce="[0-9a-f]{64}", qop="auth", algorithm=MD5'
saw_not uas 'uthorization|nonce|them'
[ "$(grep -a -c '^INVITE ' "$TEST_TMP/uas.msg")" = 1 ] || fail "the callee got more than one INVITE"
await 5 "one CDR" cdr_count 1

# The recorded INVITE once more, as another call; then with nothing but another branch and Call-ID each time.
python3 - "$TEST_TMP/uac.msg" $BNET $SBE_PEERING <<'P' || fail "replay"
import re, socket, sys
text = open(sys.argv[1]).read()
m = [x for x in re.split(r"\n-{20,}[^\n]*\n", text) if re.search(r"^INVITE", x, re.M) and "Authorization:" in x][0]
m = m[m.index("INVITE "):].replace("\r", "").rstrip("\n").replace("\n", "\r\n") + "\r\n"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[2], 5060))
s.settimeout(5)
for i in range(20):
    again = re.sub(r"branch=[^;\r]*", f"branch=z9hG4bK-replay{i}", re.sub(r"Call-ID: [^\r]*", f"Call-ID: replay{i}", m))
    again = re.sub(r"(m=audio.*|a=.*)\r\n", r"\1\r\n", again)
    body = again.split("\r\n\r\n", 1)[1]
    again = re.sub(r"Content-Length:[^\r]*", f"Content-Length: {len(body)}", again)
    s.sendto(again.encode(), (sys.argv[3], 5060))
    while True:
        answer = s.recv(65536).decode()
        if f"replay{i}\r\n" in answer and not answer.startswith("SIP/2.0 100"):
            break
    assert answer.startswith("SIP/2.0 401 ") and "stale=true" in answer, answer
    to, via = (re.search(h + r": [^\r]*", answer)[0] for h in ("To", "Via"))
    ack = f"ACK {m.split()[1]} SIP/2.0\r\n{re.search('Via: [^;]*', again)[0]};branch=z9hG4bK-replay{i}\r\nMax-Forwards: 70\r\n"
    ack += re.search(r"From: [^\r]*", again)[0] + f"\r\n{to}\r\nCall-ID: replay{i}\r\nCSeq: 2 ACK\r\nContent-Length: 0\r\n\r\n"
    s.sendto(ack.encode(), (sys.argv[3], 5060))
P
[ "$(counter 'sbe_auth_server_total{result="replayed"}')" = 20 ] || fail "replays counted: $(counter sbe_auth_server_total)"
cdr_count 1 || fail "a replay left a CDR"

scenario wrong caller invite authenticate busy:401
caller wrong -m 1 -au them -ap guess -auth_uri "+441@a.example"
sip_wait wrong
await 5 "its CDR" cdr_count 2
[ "$(cdrs | tail -n 1 | json cause)" = auth_failed ] || fail "$(cdrs | tail -n 1)"
[ "$(counter 'sbe_auth_server_total{result="wrong"}')" = 1 ] || fail "wrong ones counted"
[ "$(counter 'sbe_auth_server_total{result="accepted"}')" = 1 ] || fail "accepted ones counted"
net_assert_clean
net_stop
