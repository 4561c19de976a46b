#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A caller on IPv6, a callee on IPv4: signaling and media cross both ways (G10, RFC 5853 family interworking).
set -u
NET_CORE_LISTEN='"udp:[::1]:5060"' NET_PBX_SOURCES='"::1/128"' NET_PBX_HOP='[::1]:5070' NET_CORE_MEDIA='::1'
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 1
scenario uac caller invite answer ack pause:2500 bye
scenario uas callee invite ringing answer ack bye
# sipp writes [local_ip] of IPv6 in brackets: right for SIP, wrong for SDP and for the log line
sed -i 's/IP\[local_ip_type\] \[local_ip\]/IP[media_ip_type] [media_ip]/; s/\[auto_media_port\]/[auto_media_port+40]/; s/\[local_ip\] #/[media_ip] #/' "$TEST_TMP/uac.xml"
sed -i 's/m=audio \[auto_media_port\]/m=audio [auto_media_port+40]/' "$TEST_TMP/uas.xml"
"$SPEER_TOOLS/rtpmark" -n 1 -c 50 -p 10040 -t 30 "$TEST_TMP/uac.media" "$TEST_TMP/uas.media" >"$TEST_TMP/rtp.out" & mark=$!
NET_PIDS+=($mark)
callee_up uas $BNET -m 1
CALLER_IP=::1 CALLER_TO='[::1]:5060' caller uac -m 1 -mi ::1 -p 5070
wait $mark || { cat "$TEST_TMP/rtp.out" "$TEST_TMP"/*.media; fail "media"; }
cat "$TEST_TMP/rtp.out"
sip_wait uac
sip_wait uas
saw uas '^c=IN IP4 127.0.2.2'
saw uac '^c=IN IP6 ::1'
saw_not uas '::1'
one_cdr cause normal media.0.caller.packets_in 50
net_assert_clean
net_stop
