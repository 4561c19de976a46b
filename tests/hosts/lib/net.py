# SPDX-License-Identifier: Apache-2.0
"""The hosts: network namespaces, three networks between them, and programs that run on them.

run.sh starts us in mount, process and network namespaces of our own. So when we end, however we end, the kernel ends all that we started
and takes the hosts with it; nothing can be left over.
"""
import ctypes
import os
import signal
import socket
import subprocess
import threading
import time

# name: (prefix of IPv4, prefix of IPv6)
NETS = {"a": ("10.1.0.", "fd00:a::"), "b": ("10.2.0.", "fd00:b::"), "peer": ("198.51.100.", "2001:db8:99::"),
        "pa": ("192.0.2.", "2001:db8:a::"), "pb": ("203.0.113.", "2001:db8:b::")}  # inner networks with public addresses, for media that are direct
# host: {network: last part of its address}; the order is that of the columns of a ladder
HOSTS = {
    "alice": {"a": 10, "pa": 10}, "proxy": {"a": 20}, "sbe1": {"a": 1, "peer": 1, "pa": 1}, "dbe1": {"a": 2, "peer": 2}, "router": {"pa": 254, "pb": 254, "a": 254, "peer": 254},
    "dns": {"peer": 53}, "fed": {"peer": 60}, "isbe": {"peer": 21}, "idbe": {"peer": 22}, "isbe2": {"peer": 31}, "idbe2": {"peer": 32},
    "dbe2": {"peer": 12, "b": 2}, "sbe2": {"peer": 11, "b": 1, "pb": 1}, "proxy2": {"b": 20}, "dns2": {"b": 53}, "bob": {"b": 10, "pb": 10},
    "attacker": {"peer": 66},
}
TUNNELS = {"sbe1": "172.31.6.1", "sbe2": "172.31.6.2", "dbe1": "172.31.7.1", "dbe2": "172.31.7.2"}  # addresses inside IPsec tunnels
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_thread = threading.local()


class Failure(Exception):
    """A check that did not hold; its text is for the reader of the table."""


class Skip(Exception):
    """The machine lacks something."""


SCALE = float(os.environ.get("SPEER_TIMEOUT_SCALE", "1"))  # limits of time, as long as this machine needs


def check(ok, text):
    if not ok:
        raise Failure(text)


def wait_for(what, condition, seconds=10.0):
    seconds *= SCALE
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < end, f"waited {seconds:g} s for: {what}")
        time.sleep(0.02)


def ip(*words, host=None):
    command = ["ip"] + (["-n", host] if host else []) + list(words)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")


def address(host, net, family=4):
    four, six = NETS[net]
    n = HOSTS[host][net]
    return f"{four}{n}" if family == 4 else f"{six}{n:x}"


def uri_ip(ip_address):
    return f"[{ip_address}]" if ":" in ip_address else ip_address


def names():
    """Address -> host, of all hosts there could be."""
    found = {address(h, n, f): h for h, nets in HOSTS.items() for n in nets for f in (4, 6)}
    return {**found, **{a: h for h, a in TUNNELS.items()}}


class inside:  # pylint: disable=invalid-name
    """with inside(host): sockets this thread opens are the host's."""

    def __init__(self, host):
        self.host = host

    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.host}", os.O_RDONLY)
        try:
            self.move(there)
        finally:
            os.close(there)

    def __exit__(self, *_):
        self.move(self.home)
        os.close(self.home)

    @staticmethod
    def move(fd):
        if _libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def udp_socket(host, at):
    with inside(host):
        s = socket.socket(socket.AF_INET6 if ":" in at[0] else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(at)
    return s


def tcp_socket(host, at=None, family=4):
    """A stream socket of the host, not yet connected; listening at `at` if that is given."""
    with inside(host):
        s = socket.socket(socket.AF_INET6 if (at and ":" in at[0]) or family == 6 else socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if at:
        s.bind(at)
        s.listen(64)
    return s


class Net:
    """All hosts, built once; programs come and go."""

    def __init__(self, tmp):
        self.tmp, self.programs, self.routed = tmp, [], []
        os.makedirs("/run/netns", exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True)
        ip("link", "set", "lo", "up")
        for net in NETS:
            ip("link", "add", f"br-{net}", "type", "bridge", "mcast_snooping", "0")
            ip("link", "set", f"br-{net}", "up")
        for host, nets in HOSTS.items():
            self.add(host, nets)
        for what in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            subprocess.run(["ip", "netns", "exec", "router", "sh", "-c", f"echo 1 >/proc/sys/net/{what}"], check=True)

    def add(self, host, nets):
        ip("netns", "add", host)
        lines = ["link set lo up"]
        for net in nets:
            ip("link", "add", f"{host}-{net}"[:15], "type", "veth", "peer", "name", f"net-{net}", "netns", host)
            ip("link", "set", f"{host}-{net}"[:15], "master", f"br-{net}", "up")
            lines += [f"link set net-{net} up", f"addr add {address(host, net)}/24 dev net-{net}", f"addr add {address(host, net, 6)}/64 dev net-{net} nodad"]
        subprocess.run(["ip", "-n", host, "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)

    def route(self, host, net, via):
        """Packets of the host for a network go over the router, whose side of the host's own network is `via`."""
        four, six = NETS[net]
        # onlink: the link may not have come up yet
        ip("route", "replace", f"{four}0/24", "via", address("router", via), "dev", f"net-{via}", "onlink", host=host)
        ip("-6", "route", "replace", f"{six}/64", "via", address("router", via, 6), "dev", f"net-{via}", "onlink", host=host)
        self.routed += [(host, f"{four}0/24"), (host, f"{six}/64")]

    def unroute(self):
        """Take back what route() did."""
        for host, prefix in self.routed:
            ip(*(["-6"] if ":" in prefix else []), "route", "del", prefix, host=host)
        self.routed = []

    def run(self, host, name, command, env=None, cwd=None):
        """Start a program on a host; its output is in <tmp>/<name>.log."""
        log = open(os.path.join(self.tmp, f"{name}.log"), "ab")  # pylint: disable=consider-using-with
        p = Program(host, name, log.name, subprocess.Popen(
            ["ip", "netns", "exec", host, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})}, cwd=cwd or self.tmp, start_new_session=True))
        log.close()
        self.programs.append(p)
        return p

    def stop_all(self):
        for p in self.programs:
            p.stop(signal.SIGKILL)
        self.programs = []


class Program:
    def __init__(self, host, name, log, process):
        self.host, self.name, self.log, self.process = host, name, log, process

    def stop(self, number=signal.SIGTERM, seconds=10):
        """@return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -signal.SIGKILL

    def alive(self):
        return self.process.poll() is None

    def said(self, text):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return text in f.read()

    def tail(self, lines=15):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-lines:])
