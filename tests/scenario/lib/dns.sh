# SPDX-License-Identifier: Apache-2.0
# dns.sh - real name servers for scenarios, on port 5353 of an address; sourced after net.sh.
command -v nsd >/dev/null || { echo "nsd is not installed"; exit 77; }

# name_server NAME ADDRESS ORIGIN: serves $TEST_TMP/NAME/ORIGIN.zone, which is there already; the pid is in PID_NAME
name_server() {
	local at=$TEST_TMP/$1
	cat >"$at/nsd.conf" <<-X
	server:
	  ip-address: $2@5353
	  username: ""
	  chroot: ""
	  zonesdir: "$at"
	  database: ""
	  pidfile: "$at/pid"
	  xfrdfile: "$at/xfrd"
	  zonelistfile: "$at/zones"
	  hide-version: yes
	remote-control:
	  control-enable: no
	zone:
	  name: $3
	  zonefile: $3.zone
	X
	net_run "$1" nsd -d -c "$at/nsd.conf"
	await 5 "the name server $1 listens" bound "$2:5353"
}
