#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# What one side exports is all the other side needs: the zone, served by a real name server, brings its calls to us by RFC 3263 alone
# (B1); two peers are shown different ways in of one domain, and calls of both arrive there (B4); our document, imported, is their list
# of sources and of media addresses: our calls are taken (B2), our media addresses are in it (B3), others are refused.
set -u
NET_PEERING_LISTEN='"udp:127.0.2.1:5060","udp:127.0.2.4:5060","tcp:127.0.2.4:5060"'
NET_SOURCES='"127.0.2.40"' NET_HOPS='"sip:127.0.2.40:5060"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/dns.sh"
net_config
json_edit "$TEST_TMP/sbe.json" '
c["peers"]["bnet"]["net"] = {"ingress": ["udp:127.0.2.1:5060"]}
c["peers"]["cnet"] = {"realm": "peering", "sources": ["127.0.2.50"], "domains": ["c.example"], "net": {"ingress": ["udp:127.0.2.4:5060"]}}
c["routes"] = [{"name": "out", "from": ["pbx"], "to": [{"peer": "bnet"}]}, {"name": "in", "domain": "a.example", "to": [{"peer": "pbx"}]}]'
json_edit "$TEST_TMP/dbe2.json" 'c["controllers"] = ["127.0.0.1:29450"]'
net_start 1

# export: each peer its own view
for peer in bnet cnet; do
	ctl peering export $peer >"$peer.json" || fail "export $peer"
	mkdir -p "$peer"
	ctl peering export $peer --zone >"$peer/a.example.zone" || fail "zone $peer"
done
grep -q '"address": "127.0.1.2"' bnet.json && fail "an inner media address is exported"
[ "$(json net.egress_dbe.0.address <bnet.json)" = 127.0.2.2 ] || fail "no media address: $(cat bnet.json)"
[ "$(json net.egress_dbe.0.ports <bnet.json)" = 16384-20479 ] || fail "no media ports"
[ "$(json net.ingress_sbe <bnet.json)" = '["sip:127.0.2.1:5060;transport=udp"]' ] || fail "bnet's way in: $(json net.ingress_sbe <bnet.json)"
[ "$(json net.ingress_sbe <cnet.json)" = '["sip:127.0.2.4:5060;transport=udp"]' ] || fail "cnet's way in: $(json net.ingress_sbe <cnet.json)"
[ "$(json net.egress_sbe.2.address <cnet.json)" = 127.0.2.4 ] || fail "egress"
[ "$(ctl peering export --all --zone | grep -c ' SRV ')" = 4 ] || fail "the zones of all peers: $(ctl peering export --all --zone)"

name_server bnet 127.0.5.53 a.example
name_server cnet 127.0.5.54 a.example

# the other side: all it knows of us is the document; the ways in it takes from the DNS
their_side() { # NAME ADDRESS DNS
	python3 - "$TEST_TMP" "$@" <<-'P'
	import json, sys
	d, name, ip, dns = sys.argv[1:]
	doc = json.load(open(f"{d}/{name}.json"))
	doc["net"]["ingress_sbe"] = {"value": doc["net"]["ingress_sbe"], "source": "dynamic"}
	json.dump(doc, open(f"{d}/{name}-a.json", "w"))
	c = {"node": name, "domains": [name[0] + ".example"], "control": {"socket": f"{d}/their.sock"}, "http": {"listen": "127.0.0.1:19099"},
	     "gate_control": {"listen": ["127.0.0.1:29450"], "dbes": ["dbe2"]}, "cdr": {"directory": f"{d}/cdr2"},
	     "realms": {"core": {"listen": ["udp:127.0.3.1:5060"]}, "peering": {"listen": [f"udp:{ip}:5060", f"tcp:{ip}:5060"]}},
	     "dns": {"servers": [f"{dns}:5353"], "try_ms": 300},
	     "lookup": [{"type": "table"}, {"type": "uri"}],
	     "location": [{"type": "dns", "realm": "peering", "secure": False, "allow_private": True}],
	     "peers": {"home": {"realm": "core", "sources": ["127.0.3.10"], "next_hops": ["sip:127.0.3.10:5060"]},
	               "anet": {"realm": "peering", "document": f"{name}-a.json"}},
	     "routes": [{"name": "in", "from": ["anet"], "to": [{"peer": "home"}]}], "log": {"level": "info"}}
	json.dump(c, open(f"{d}/their.json", "w"), indent=1)
	P
	mkdir -p "$TEST_TMP/cdr2"
	net_run their "$SPEER_BIN/sbe" -c "$TEST_TMP/their.json"
	await 10 "the sbe of $1 has a dbe" theirs_up
}
theirs() { "$SPEER_BIN/speerctl" -s "$TEST_TMP/their.sock" "$@"; }
theirs_up() { theirs -o json dbe list | grep -q '"up"'; }
their_counter() { theirs -o json stats show | sum_of "$1"; }
stop_theirs() { kill -TERM "$PID_their"; wait "$PID_their" || fail "their sbe ended with $?"; }

dbectl 1 pool show >/dev/null
[ -x "$SPEER_BIN/dbe" ] && net_run dbe2 "$SPEER_BIN/dbe" -c "$TEST_TMP/dbe2.json"
scenario uac caller invite ringing answer ack pause:100 bye
scenario uas callee invite ringing answer ack bye
came_by() { cat "$TEST_TMP"/cdr2/*.jsonl* | grep -q "sip:$1:5060"; }
call_in() { # NAME WAY_IN: their telephone calls ours, found by the DNS
	callee_up "uas$1" $PBX -m 1
	CALLER_IP=127.0.3.10 CALLER_TO=127.0.3.1:5060
	cp uac.xml "uac$1.xml" && caller "uac$1" -m 1
	unset CALLER_IP CALLER_TO
	sip_wait "uac$1"; sip_wait "uas$1"
	await 5 "a record that $1 came in by $2" came_by "$2"
}
for name in bnet cnet; do cp uas.xml "uas$name.xml"; done
their_side bnet 127.0.2.40 127.0.5.53
theirs lookup sip:x@a.example >why.txt
grep -q 'NAPTR a.example' why.txt && grep -q 'SRV _sip._udp.a.example' why.txt && grep -q 'A sbe1-1.a.example' why.txt || fail "not by RFC 3263: $(cat why.txt)"
call_in bnet 127.0.2.1
# B2: our call out is taken, for where it comes from stands in the document; B3: so do the addresses of its media
[ "$(theirs -o json peering show anet | json data.counts.sources)" = '["127.0.2.1", "127.0.2.4"]' ] || fail "their list of sources: $(theirs -o json peering show anet)"
cp uas.xml uasout.xml; cp uac.xml uacout.xml
sip_run uasout "$TEST_TMP/uasout.xml" 127.0.3.10 -mp 10000 -m 1
await 5 "their telephone listens" bound 127.0.3.10:5060
caller uacout -m 1
sip_wait uacout; sip_wait uasout
[ "$(their_counter sbe_calls_media_astray_total)" = 0 ] || fail "our media were not where we said"

# the same with a document in which our dbe is elsewhere: refused, in offers and in answers
json_edit bnet-a.json 'for k in ("ingress_dbe", "egress_dbe"): c["net"][k] = [{"address": "127.0.7.0/24"}]'
theirs config reload >/dev/null || fail "reload: $(theirs config reload)"
scenario uacastray caller invite busy:488
caller uacastray -p 5062 -m 1 # a copy of the refusal shall not meet the next telephone
sip_wait uacastray
[ "$(their_counter sbe_calls_media_astray_total)" = 1 ] || fail "media from elsewhere were taken"
# ... and from a border element that is not in it: a stranger
json_edit bnet-a.json 'c["net"]["egress_sbe"] = [{"address": "127.0.2.99"}]'
theirs config reload >/dev/null || fail "reload"
scenario uacstranger caller invite busy:403
caller uacstranger -p 5062 -m 1
sip_wait uacstranger
[ "$(their_counter sbe_requests_stranger_total)" -ge 1 ] || fail "no stranger was counted: $(theirs stats show | grep -i strang)"
stop_theirs

their_side cnet 127.0.2.50 127.0.5.54
call_in cnet 127.0.2.4
stop_theirs
net_assert_clean
net_stop
