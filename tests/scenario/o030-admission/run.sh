#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A peer that is taken over IPsec only: heard on the interface of the tunnel, 403 with the reason elsewhere, counted and logged, also
# where strangers are taken on demand (E9, G6); a co-located realm keeps its list of sources (G7); clear text elsewhere is warned of (G16).
# The tunnel's interface is a veth here: what carries it is the kernel's matter, the sbe looks at the interface.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
ns=speer-$SPEER_TEST_ID-o
ip netns add "$ns" 2>/dev/null || { echo "no right to make network namespaces"; exit 77; }
in_ns() { ip netns exec "$ns" "$@"; }
ip netns add "$ns-far" || fail "second namespace"
far() { ip netns exec "$ns-far" "$@"; }
in_ns ip link set lo up; far ip link set lo up
for i in 1 2; do
	ip -n "$ns" link add "tun$i" type veth peer name "far$i" netns "$ns-far" || { echo "no veth"; exit 77; }
	in_ns ip addr add 10.9.$i.1/24 dev tun$i; in_ns ip link set tun$i up
	far ip addr add 10.9.$i.2/24 dev far$i; far ip link set far$i up
done
far ip addr add 10.9.1.7/32 dev lo; in_ns ip route add 10.9.1.7/32 dev tun2 2>/dev/null
in_ns sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tun1.rp_filter=0 net.ipv4.conf.tun2.rp_filter=0
net_config
json_edit "$TEST_TMP/sbe.json" '
c["realms"] = {"tunnel": {"listen": ["udp:10.9.1.1:5060", "tcp:10.9.1.1:5060"], "interface": "tun1", "protected": "ipsec"},
               "open": {"listen": ["udp:10.9.2.1:5060"]}, "near": {"listen": ["udp:10.9.2.1:5070"], "colocated": True}}
c["peers"] = {"safe": {"realm": "tunnel", "sources": ["10.9.1.2", "10.9.1.7"], "sec": {"admission": "ipsec-only"}},
              "any": {"realm": "open", "mode": "on-demand", "limits": {"sessions": 5, "cps": 5}},
              "rack": {"realm": "near", "sources": ["10.9.2.9"]}}
c["routes"] = []'
"$SPEER_BIN/sbe" -t -c "$TEST_TMP/sbe.json" >out.txt 2>warnings.txt || fail "the file is refused: $(cat warnings.txt)"
grep -q 'warning: .*realms.open.listen\[0\]: clear text' warnings.txt || fail "no warning of clear text: $(cat warnings.txt)"
grep -q 'peers.any.mode: takes anybody in clear' warnings.txt || fail "no warning of the on-demand peer: $(cat warnings.txt)"
grep -q 'tunnel\|near' warnings.txt && fail "a warning too many: $(cat warnings.txt)"
wrong() { # STATEMENTS TEXT
	cp "$TEST_TMP/sbe.json" wrong.json
	json_edit wrong.json "$1"
	"$SPEER_BIN/sbe" -t -c wrong.json >out.txt 2>&1 && fail "taken: $1"
	grep -q "$2" out.txt || fail "not '$2': $(cat out.txt)"
}
wrong 'c["peers"]["safe"]["realm"] = "open"' 'ipsec-only needs a realm'
wrong 'del c["realms"]["tunnel"]["interface"]' 'protected: needs "interface"'
wrong 'c["peers"]["any"]["realm"] = "near"' 'nobody is taken on demand in clear'

net_run sbe in_ns "$SPEER_BIN/sbe" -c "$TEST_TMP/sbe.json"
await 10 "the sbe answers speerctl" ctl status
ask() { # FROM TO: one OPTIONS, prints status line and Reason
	far python3 - "$1" "$2" <<-'P'
	import socket, sys
	src, (ip, port) = sys.argv[1], sys.argv[2].split(":")
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind((src, 0)); s.settimeout(2)
	me = "%s:%d" % s.getsockname()
	s.sendto((f"OPTIONS sip:{ip}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{s.getsockname()[1]}\r\nFrom: <sip:x@{me}>;tag=1\r\n"
	          f"To: <sip:{ip}>\r\nCall-ID: {me}\r\nCSeq: 1 OPTIONS\r\nUser-Agent: {'x' * 400}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), (ip, int(port)))
	try:
	    m = s.recv(65536).decode()
	    print(m.split("\r\n")[0], *[l for l in m.split("\r\n") if l.startswith("Reason")])
	except (TimeoutError, ConnectionError, OSError) as e:
	    print("silence")
	P
}
is() { [[ $1 == $2 ]] || { cat sbe.log >&2; fail "$3: $1, not $2"; }; }
is "$(ask 10.9.1.2 10.9.1.1:5060)" 'SIP/2.0 200*' "through the tunnel"
is "$(ask 10.9.1.7 10.9.2.1:5060)" 'SIP/2.0 403 Unsupported Peer Reason: *IPsec only*' "outside, to where strangers are taken"
is "$(ask 10.9.2.2 10.9.2.1:5060)" 'SIP/2.0 200*' "a stranger on demand"
is "$(ask 10.9.2.2 10.9.2.1:5070)" 'SIP/2.0 403 Unsupported Peer' "no source of the co-located realm"
[ "$(counter 'sbe_admission_refused_total{reason="ipsec"}')" = 1 ] || fail "not counted: $(ctl stats show | grep admission)"
grep -q 'peer safe: refused 10.9.1.7' sbe.log || fail "not logged: $(cat sbe.log)"
# to the tunnel's address, but by the other cable: nobody is there
far ip route add 10.9.1.1/32 via 10.9.2.1 dev far2 src 10.9.1.7
is "$(ask 10.9.1.7 10.9.1.1:5060)" silence "to the tunnel's address by another interface"
json_edit "$TEST_TMP/sbe.json" 'c["realms"]["open"].update(interface="tun2", protected="ipsec"); c["peers"]["rest"] = {"realm": "open", "sources": ["10.9.2.8"], "sec": {"admission": "ipsec-only"}}'
ctl config reload >out.txt 2>&1 && fail "a reload made an open socket a protected one"
grep -q 'becomes protected with a restart' out.txt || fail "$(cat out.txt)"
kill -TERM "$PID_sbe"; wait "$PID_sbe" 2>/dev/null
ip netns del "$ns"; ip netns del "$ns-far"
exit 0
