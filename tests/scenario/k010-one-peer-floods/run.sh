#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# One peer sends twenty times the calls it may: it gets what is agreed and 503 for the rest, with Retry-After since that
# is agreed too, refused before they are parsed; the calls of another peer all succeed; each refusal is in a record and
# in what an operator sees (A22, C22).
# alone: it loads the machine
set -u
. "$SPEER_ROOT/tests/scenario/lib/net.sh"
OTHER=127.0.1.11
net_config
json_edit "$TEST_TMP/sbe.json" "
c['peers']['pbx'].update(limits={'cps_in': 10}, overload={'retry_after_s': 7})
c['peers']['other'] = {'realm': 'core', 'sources': ['$OTHER'], 'next_hops': ['sip:$OTHER:5060']}
c['routes'][0]['from'].append('other')"
net_start 1
scenario uas callee invite ringing answer ack bye
scenario flood caller invite answer_or:503 ack pause:200 bye
scenario calm caller invite answer ack pause:200 bye
callee_up uas $BNET
begin=$(date +%s%N)
sip_run flood "$TEST_TMP/flood.xml" $PBX -mp 12000 -m 1000 -r 200 $SBE_CORE:5060
sip_run calm "$TEST_TMP/calm.xml" $OTHER -mp 14000 -m 50 -r 10 $SBE_CORE:5060
sip_wait flood
let_in=$(( 10 + ($(date +%s%N) - begin) / 100000000 )) # a burst, and 10 a second
sip_wait calm
[ "$(grep -c '^SIP/2.0 200 OK' "$TEST_TMP/calm.msg")" -ge 100 ] || fail "the other peer suffered"
saw flood '^Retry-After: 7'
saw_not calm '^SIP/2.0 503'
shown() { ctl -o json peer show "$1" | json "data.$2"; }
refused=$(shown pbx limited_by.limit_cps)
note "$refused of 1000 calls of the flood were refused by its rate"
passed=$((1000 - refused))
[ $passed -le $((let_in + 5)) ] && [ $passed -ge $((let_in * 6 / 10)) ] || fail "$passed passed, and 10 a second with a burst of 10 are $let_in"
[ "$(shown other limited)" = 0 ] || fail "the other peer was limited"
[ "$(counter 'limit_rejects_total{limit="cps"}')" = "$refused" ] || fail "the counter says $(counter 'limit_rejects_total{limit="cps"}')"
[ "$(counter 'stateless_answers_total')" -ge "$refused" ] || fail "refused calls were parsed"
recorded() { cdrs | python3 -c 'import json,sys
print(sum(d.get("count", 1) for d in map(json.loads, sys.stdin) if d.get("cause") == "limit_cps"))'; }
all_recorded() { [ "$(recorded)" = "$refused" ]; }
await 5 "each refusal is in a record" all_recorded
[ "$(cdrs | grep -c '"count"')" -ge 1 ] || fail "a flood is recorded by number"
sip_stop uas
net_assert_clean
net_stop
