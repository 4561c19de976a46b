#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# speerctl dbe drain: new calls use the other dbe, calls on it go on; undrain takes it back. Same by the dbe's own drain.
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
net_config
net_start 2
scenario uas callee invite ringing answer ack bye
callee_up uas $BNET -m 1000
place() { # NAME: four calls of 1.5 s; prints nothing
	scenario "$1" caller invite answer ack pause:1500 bye
	caller "$1" -m 4 -r 50
	four_up() { [ "$(ctl -o json call list | grep -c '"up"')" = 4 ]; }
	await 5 "4 calls are up" four_up
}
gates_on() { dbectl "$1" -o json gate list | rows; }
ctl dbe drain dbe1
place one
[ "$(gates_on 1)" = 0 ] || fail "a call went to the draining dbe"
[ "$(gates_on 2)" = 4 ] || fail "four calls on dbe2"
sip_wait one
ctl dbe undrain dbe1
dbectl 2 dbe drain >/dev/null || fail "dbe drain on its own socket"
draining() { ctl dbe list | grep dbe2 | grep -q -i drain; }
await 5 "the sbe knows that dbe2 drains" draining
place two
[ "$(gates_on 2)" = 0 ] || fail "a call went to the dbe that drains itself"
[ "$(gates_on 1)" = 4 ] || fail "four calls on dbe1"
sip_wait two
ctl dbe drain nobody; [ $? = 3 ] || fail "draining a dbe that does not exist is exit 3"
kill -TERM $PID_uas
net_assert_clean
net_stop
