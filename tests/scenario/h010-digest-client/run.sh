#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 90
# The callee challenges: credentials of its peer go out with the second INVITE, the caller sees nothing of it, what comes later
# carries the next count (G13). A wrong realm, a weaker algorithm and a second refusal end the call with 403 (A18, C11).
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
(umask 077; echo "open sesame" >"$TEST_TMP/bnet.password")
json_edit "$TEST_TMP/sbe.json" 'c["peers"]["bnet"]["auth"] = {"realm": "b.example", "user": "us", "password_file": "bnet.password", "clear": True}'
net_start 2

# Of each request with credentials: METHOD COUNT, if the digest is right.
credentials() { python3 - "$TEST_TMP/$1.msg" <<'P'
import hashlib, re, sys
h = lambda s: hashlib.sha256(s.encode()).hexdigest()
for m in re.split(r"\n-{20,}[^\n]*\n", open(sys.argv[1]).read()):
    line = re.search(r"^Authorization: Digest (.*?)\r?$", m, re.M)
    if not line or "received" not in m.split("\n", 1)[0]:
        continue
    f = {k: q or v for k, q, v in re.findall(r'(\w+)=(?:"([^"]*)"|([^ ,]*))', line[1])}
    method, uri = re.search(r"^([A-Z]+) (\S+) SIP/2.0", m, re.M).groups()
    want = h(":".join([h("us:b.example:open sesame"), f["nonce"], f["nc"], f["cnonce"], "auth", h(method + ":" + uri)]))
    ok = f["response"] == want and f["uri"] == uri and f["algorithm"] == "SHA-256"
    print(method, f["nc"], f["nonce"], "right" if ok else "WRONG")
P
}

scenario uac caller invite answer ack pause:100 bye
scenario uas callee invite challenge:401:SHA-256:n1:b.example invite challenge:401:SHA-256:n2:b.example:stale invite ringing answer ack bye
callee_up uas $BNET -m 1
caller uac -m 1
sip_wait uac
sip_wait uas
[ "$(credentials uas)" = "INVITE 00000001 n1 right
INVITE 00000001 n2 right
BYE 00000002 n2 right" ] || { credentials uas; fail "credentials"; }
saw uas '^CSeq: 2 INVITE'
[ "$(grep -a -c '^Call-ID' "$TEST_TMP/uas.msg")" -gt 6 ] && [ "$(grep -a '^Call-ID' "$TEST_TMP/uas.msg" | sort -u | wc -l)" = 1 ] || fail "Call-ID"
saw_not uac 'uthenticate|uthorization|nonce|b\.example'
await 5 "a CDR" cdr_count 1
[ "$(cdrs | json cause)" = normal ] || fail "$(cdrs)"

refused() { # NAME STEP...: the callee does this, the caller gets 403
	local name=$1 before
	shift
	before=$(cdrs | wc -l)
	scenario "uac$name" caller invite busy:403
	scenario "uas$name" callee "$@"
	callee_up "uas$name" $BNET -m 1
	caller "uac$name" -m 1
	sip_wait "uac$name"
	sip_wait "uas$name"
	saw_not "uac$name" 'uthenticate|nonce'
	await 5 "its CDR" cdr_count $((before + 1))
	[ "$(cdrs | tail -n 1 | json cause)" = auth_failed ] || fail "$name: $(cdrs | tail -n 1)"
}
refused realm invite challenge:401:SHA-256:n:c.example
saw_not uasrealm uthorization
refused md5 invite challenge:401:MD5:n:b.example
saw_not uasmd5 uthorization
refused again invite challenge:407:SHA-256:n1:b.example invite challenge:407:SHA-256:n2:b.example
saw uasagain '^Proxy-Authorization: Digest username="us", realm="b.example", nonce="n1"'
ctl -o json config show >"$TEST_TMP/shown.json"
if grep -q "sesame" "$TEST_TMP/shown.json" "$TEST_TMP/sbe.log"; then fail "the password is shown"; fi
# A file that others may read is an error of the configuration; the old one stays.
chmod 644 "$TEST_TMP/bnet.password"
ctl config reload >"$TEST_TMP/reload.txt" 2>&1
grep -q "0600" "$TEST_TMP/reload.txt" || { cat "$TEST_TMP/reload.txt"; fail "reload took a password that others may read"; }
net_assert_clean
net_stop
