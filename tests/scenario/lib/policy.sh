# SPDX-License-Identifier: Apache-2.0
# policy.sh - for scenarios about header policy; source it after net.sh.

# inject NAME START LINES: into each message of $TEST_TMP/NAME.xml that starts so, behind its CSeq
inject() { python3 - "$TEST_TMP/$1.xml" "$2" "$3" <<'P'
import re, sys
path, start, lines = sys.argv[1:]
with open(path) as f:
    xml = f.read()
def one(m):
    text = m.group(1)
    if not text.lstrip("\n").startswith(start):
        return m.group(0)
    return "<![CDATA[" + re.sub(r"(?m)^(CSeq: .*|\[last_CSeq:\])$", lambda c: c.group(0) + "\n" + lines.rstrip("\n"), text, count=1) + "]]>"
with open(path, "w") as f:
    f.write(re.sub(r"<!\[CDATA\[(.*?)\]\]>", one, xml, flags=re.S))
P
}
# called NAME USER / calling NAME FROM: another user in To and Request-URI; another From (without its tag)
called() { sed -i "s|sip:+44\[call_number\]@a.example|sip:$2@a.example|" "$TEST_TMP/$1.xml"; }
calling() { sed -i "s|\"Alice\" <sip:alice\[call_number\]@\[local_ip\]:\[local_port\]>|$2|" "$TEST_TMP/$1.xml"; }
# got NAME [START]: the messages a sipp has received that start so
got() { python3 - "$TEST_TMP/$1.msg" "${2:-}" <<'P'
import re, sys
with open(sys.argv[1], errors="replace") as f:
    log = f.read()
for m in re.finditer(r"message received \[\d+\] bytes ?:\s*\n\s*\n?(.*?)(?=\n-{20,}|\Z)", log, re.S):
    if m.group(1).lstrip().startswith(sys.argv[2]):
        print(m.group(1).lstrip())
P
}
# has NAME START REGEX / lacks: in what it has received
has() { got "$1" "$2" | grep -E "$3" >/dev/null || { got "$1" "$2" >&2; fail "$1: no '$3' in $2"; }; }
lacks() { if got "$1" "$2" | grep -E -i "$3" >&2; then fail "$1: '$3' in $2"; fi; }
# policy PEER JSON: of a peer in sbe.json
policy() { json_edit "$TEST_TMP/sbe.json" "c['peers']['$1']['policy'] = json.loads('''$2''')"; }
