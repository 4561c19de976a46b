#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian 12 packages that Speermint needs: tests/deps.sh GROUP...
# Groups: build demo test lint fuzz bench docs. What is installed already is left alone, and when nothing is missing nothing is
# printed and no network is used. --list only prints the packages of the groups; --missing prints what is missing.
set -euo pipefail

build="gcc make libc6-dev binutils pkg-config git libsofia-sip-ua-dev libssl-dev libuv1-dev libprotobuf-c-dev
	protobuf-c-compiler libjansson-dev uthash-dev libmicrohttpd-dev libedit-dev libsystemd-dev libc-ares-dev libcurl4-openssl-dev"
test="libcmocka-dev sip-tester nsd tcpdump nftables baresip-core openssl iproute2 procps util-linux python3"
lint="clang-format cppcheck"
fuzz="clang libclang-rt-14-dev llvm"
demo="sip-tester iproute2 procps python3"
bench="$demo kamailio kamailio-extra-modules rtpengine-daemon kamailio-redis-modules redis-server"
docs=""

list=0 only_missing=0 wanted=""
for arg in "$@"; do
	case "$arg" in
	--list) list=1 ;;
	--missing) only_missing=1 ;;
	build | demo | test | lint | fuzz | bench | docs) wanted+=" ${!arg}" ;;
	*)
		echo "usage: $0 [--list|--missing] {build|demo|test|lint|fuzz|bench|docs}..." >&2
		exit 2
		;;
	esac
done
# shellcheck disable=SC2086 # a list of words
set -- $wanted
[ $# -gt 0 ] || exit 0
if [ $list = 1 ]; then
	printf '%s\n' "$@"
	exit 0
fi
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "deps: not a Debian machine; packages with these contents are needed: $*" >&2
	exit 0
fi

missing=()
for package in "$@"; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing+=("$package")
done
if [ $only_missing = 1 ]; then
	[ ${#missing[@]} = 0 ] || printf '%s\n' "${missing[@]}"
	exit 0
fi
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps: missing ${missing[*]}; run this as root, or install sudo" >&2
		exit 1
	fi
	root=(sudo)
fi

# Debian starts a service when its package is installed. The tests start their own, on their own ports, so starting is
# refused while we install. A policy that is there already is somebody else's and stays.
policy=/usr/sbin/policy-rc.d
ours=0
cleanup() {
	[ $ours = 0 ] || "${root[@]}" rm -f $policy
	ours=0
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ ! -e $policy ]; then
	ours=1
	printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee $policy >/dev/null
	"${root[@]}" chmod 755 $policy
fi

apt() {
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@"
}

echo "deps: installing ${missing[*]}"
# A machine whose package lists are empty or stale needs an update first; one with good lists needs none.
updated=0
if ! apt -s install --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
	apt update
	updated=1
fi
if ! apt install --no-install-recommends "${missing[@]}"; then
	[ $updated = 0 ] || exit 1
	apt update
	apt install --no-install-recommends "${missing[@]}"
fi
