#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 150
# 2,000 connections that only cost: headers at a byte a second, a body that is a byte short, a TLS hello that never ends, connected and
# silent, never reading. Calls of a peer go on meanwhile, all of these are gone within 10 s or so, memory is bounded (A20, A21, A24).
# SLOW_EACH=1000 makes it 5,000 connections; an ordinary run is kept shorter.
# alone: thousands of connections
set -u
NET_CORE_LISTEN='"udp:127.0.1.1:5060","tcp:127.0.1.1:5060","tls:127.0.1.1:5061"'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
. "$SPEER_ROOT/tests/scenario/lib/pki.sh"
authority ca
certificate sbe DNS:sbe.a.example ca
net_config
json_edit sbe.json "
c['tls'] = {'sip': {'certificate': 'pki/sbe.pem', 'private_key': 'pki/sbe.key', 'trust': ['pki/ca.pem']}}
c['realms']['core']['tls'] = 'sip'
c['limits'] = {'connections': {'per_address': 5 * ${SLOW_EACH:-400}}}"
ulimit -n 16384 || { echo "16,384 descriptors are not allowed here"; exit 77; }
! grep -q __asan_init "$SPEER_BIN/sbe" || export SLOW_EACH_KIB=512 # the sanitizer keeps what was freed
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i060-slow-connections/slow.py" "$PID_sbe" || { tail -n 30 sbe.log; fail "slow.py"; }
closed() { counter "$1"; }
quiet=$(($(closed sbe_sip_slow_senders_total) + $(closed 'closed_total{reason="silent"}') + $(closed net_stream_idle_closed_total))) # whichever deadline came first
stuck=$(($(closed 'closed_total{reason="stuck"}') + $(closed net_stream_queue_full_total)))
each=${SLOW_EACH:-400}
[ $quiet -ge $((3 * each)) ] && [ $stuck -ge $((each - 10)) ] && [ "$(closed net_tls_handshake_failures_total)" -ge "$each" ] || fail "counters: $(ctl stats show | grep -E 'slow|closed|full|tls')"
note "$quiet slow or silent, $stuck never read"
[ "$(closed 'guard_total{reason="stun"}')" = 10 ] && [ "$(closed 'guard_total{reason="short"}')" -ge 10 ] && [ "$(closed 'guard_total{reason="keepalive"}')" -ge 10 ] ||
	fail "datagrams that are no SIP: $(ctl stats show | grep guard)"
NET_FDS_MORE=2 net_assert_clean
# a storm of connections from one address is capped, and none of them stays
json_edit sbe.json "c['limits']['connections'] = {'per_address': 20, 'accepts_per_s': 200}"
net_stop
net_start 1
PYTHONPATH=$SPEER_ROOT/tests/scenario/lib "$SPEER_ROOT/tests/scenario/i060-slow-connections/storm.py" || { tail -n 30 sbe.log; fail "storm.py"; }
[ "$(counter 'net_stream_refused_total{reason="address"}')" -ge 300 ] || fail "the cap of an address: $(ctl stats show | grep refused)"
[ "$(counter net_stream_accept_waits_total)" -ge 1 ] || fail "accepts were not paced"
NET_FDS_MORE=2 net_assert_clean
net_stop
