# SPDX-License-Identifier: Apache-2.0
"""Our daemons and the name server, each on its host: configurations that a flow changes where it differs, start, questions, stop.

An sbe's inner realm is `core`, on its inner network; its outer one is `peering`. dbes dial it over the inner network with mutual TLS.
"""
import copy
import json
import os
import subprocess

from . import net

SIDE = {"sbe1": "a", "dbe1": "a", "sbe2": "b", "dbe2": "b", "isbe": "peer", "idbe": "peer", "isbe2": "peer", "idbe2": "peer"}
DBE_OF = {"sbe1": "dbe1", "sbe2": "dbe2", "isbe": "idbe", "isbe2": "idbe2"}


def merge(into, more):
    """Deep: objects are merged, None removes, everything else replaces."""
    for key, value in more.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
    return into


class Daemons:
    def __init__(self, netw, pki, bin_dir):
        self.net, self.pki, self.bin, self.confs, self.running = netw, pki, bin_dir, {}, {}
        self.keylog = os.path.join(netw.tmp, "keylog")
        self.preload = os.path.join(netw.tmp, "keylog.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keylog.c")
        subprocess.run([os.environ.get("CC", "cc").split()[-1], "-shared", "-fPIC", "-O1", "-o", self.preload, source, "-ldl"], check=True)
        for name in DBE_OF:
            pki.certificate(f"gate-{name}", f"DNS:{name}", "gate-ca")
            pki.certificate(f"gate-{DBE_OF[name]}", f"DNS:{DBE_OF[name]}", "gate-ca")

    def socket(self, name):
        return os.path.join(self.net.tmp, f"{name}.sock")

    def start(self, host, conf, dbe=True, dbe_conf=None, integrated=False):  # pylint: disable=too-many-arguments
        """An sbe with its dbe. integrated: both on one host, as in Figure 2."""
        relay = DBE_OF[host]
        full = merge(sbe_conf(host, self), conf)
        media = merge(dbe_conf_of(host, relay, self, integrated), dbe_conf or {})
        if integrated:
            full["gate_control"]["listen"] = ["127.0.0.1:2944"]
        self.launch("sbe", host, host, full)
        if dbe:
            self.launch("dbe", host if integrated else relay, relay, media)
        net.wait_for(f"{host} serves: {self.running[host].tail(4)}", lambda: self.up(host, 1 if dbe else 0))

    def launch(self, kind, host, name, conf):
        path = os.path.join(self.net.tmp, f"{name}.json")
        os.makedirs(os.path.join(self.net.tmp, f"cdr-{name}"), exist_ok=True)
        self.write(path, conf)
        with open(os.path.join(self.net.tmp, f"{name}.log"), "wb"):
            pass
        env = {"LD_PRELOAD": self.preload, "SPEER_KEYLOG": self.keylog}
        if "ASAN_OPTIONS" in os.environ:
            env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"] + ":verify_asan_link_order=0"
        self.confs[name] = (kind, host, conf)
        self.running[name] = self.net.run(host, name, [os.path.join(self.bin, kind), "-c", path], env)

    def base(self, host):
        """The usual configuration of an sbe."""
        return sbe_conf(host, self)

    @staticmethod
    def write(path, conf):
        with open(path, "w", encoding="utf-8") as f:
            json.dump(conf, f, indent=1)

    def up(self, name, dbes):
        p = self.running[name]
        net.check(p.alive(), f"{name} ended: {p.tail(4)}")
        try:
            rows = self.rows(name, "dbe", "list")
        except net.Failure:
            return False
        return sum(r.get("health") == "up" for r in rows) >= dbes

    def reload(self, name, conf):
        """Merge conf into its configuration and have it read."""
        kind, host, full = self.confs[name]
        merge(full, conf)
        self.write(os.path.join(self.net.tmp, f"{name}.json"), full)
        return self.ctl(name, "config", "reload")

    def ctl(self, name, *words, fail=True):
        done = subprocess.run([os.path.join(self.bin, "speerctl"), "-s", self.socket(name), *words], capture_output=True, text=True, check=False)
        net.check(not fail or done.returncode == 0, f"speerctl {' '.join(words)} at {name}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def rows(self, name, *words):
        """The table a command prints, as dictionaries."""
        data = json.loads(self.ctl(name, "-o", "json", *words))
        data = data.get("data", data)
        return [dict(zip(data["columns"], r)) for r in data["rows"]]

    def counter(self, name, part):
        data = json.loads(self.ctl(name, "-o", "json", "stats", "show"))
        return sum(r[1] for r in data.get("data", data)["rows"] if part in r[0])

    def cdrs(self, name):
        found = []
        directory = os.path.join(self.net.tmp, f"cdr-{name}")
        for entry in sorted(os.listdir(directory)):
            with open(os.path.join(directory, entry), encoding="utf-8") as f:
                found += [json.loads(line) for line in f if line.endswith("\n")]
        return found

    def idle(self, name):
        return not self.rows(name, "call", "list") and not self.rows(name, "gate", "list")

    def nsd(self, host, at, zones):
        """A name server on a host; zones: {origin: text of records}."""
        directory = os.path.join(self.net.tmp, f"nsd-{host}")
        os.makedirs(directory, exist_ok=True)
        lines = ["server:", f"  ip-address: {at}", '  username: ""', '  chroot: ""', f'  zonesdir: "{directory}"', '  database: ""', "  server-count: 1",
                 f'  pidfile: "{directory}/pid"', f'  xfrdfile: "{directory}/xfrd"', f'  zonelistfile: "{directory}/zones"', "remote-control:", "  control-enable: no"]
        for origin, records in zones.items():
            lines += ["zone:", f"  name: {origin}", f"  zonefile: {origin}.zone"]
            with open(os.path.join(directory, f"{origin}.zone"), "w", encoding="ascii") as f:
                f.write(f"$ORIGIN {origin}.\n$TTL 60\n@ SOA ns admin 1 3600 600 86400 2\n@ NS ns\nns A {at}\n{records}\n")
        with open(os.path.join(directory, "nsd.conf"), "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        p = self.running[f"nsd-{host}"] = self.net.run(host, f"nsd-{host}", ["nsd", "-d", "-c", f"{directory}/nsd.conf"])
        net.wait_for(f"the name server on {host}: {p.tail(5)}", lambda: bound(host, at, 53) or not p.alive())
        net.check(p.alive(), f"the name server on {host}: {p.tail(5)}")
        return p

    def stop(self, name, number=15):
        """@return the exit status."""
        p = self.running.pop(name)
        self.net.programs.remove(p)
        return p.stop(number)

    def stop_all(self):
        """An orderly stop of each must end with 0."""
        wrong = []
        for name in list(self.running):
            alive = self.running[name].alive()
            p = self.running[name]
            status = self.stop(name)
            if not name.startswith("nsd") and (status or not alive):
                wrong.append(f"{name} ended with {status}: {p.tail(3)}")
        net.check(not wrong, "; ".join(wrong))


def bound(host, at, port):
    done = subprocess.run(["ip", "netns", "exec", host, "ss", "-Hnlu", f"src {at} and sport = {port}"], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip())


def realm(host, which, *transports):
    return {"listen": [f"{t}:{net.uri_ip(net.address(host, which))}" for t in transports or ("udp", "tcp")]}


def sbe_conf(host, d):
    side = SIDE[host]
    conf = {
        "node": host, "control": {"socket": d.socket(host)},
        "gate_control": {"listen": [f"{net.address(host, side)}:2944"], "tls": "gate", "dbes": [DBE_OF[host]],
                         "request_ms": 5000, "open_ms": 20000, "heartbeat_ms": 5000},
        "tls": {"gate": d.pki.identity(f"gate-{host}", "gate-ca")},
        "realms": {"peering": {**realm(host, "peer"), "media": "peering"}},
        "dns": {"servers": [net.address("dns", "peer")]},
        "cdr": {"directory": os.path.join(d.net.tmp, f"cdr-{host}")}, "log": {"level": "info"},
    }
    if side != "peer":
        conf["realms"]["core"] = {**realm(host, side), "media": "core"}
    return conf


def dbe_conf_of(host, relay, d, integrated):
    side, where = SIDE[host], host if integrated else relay
    conf = {
        "name": relay, "control": {"socket": d.socket(relay)}, "http": {"listen": "127.0.0.1:9091"},
        "controllers": ["127.0.0.1:2944" if integrated else f"{net.address(host, side)}:2944"],
        "tls": d.pki.identity(f"gate-{relay}", "gate-ca"),
        "realms": {"peering": {"addresses": [{"bind": net.address(where, "peer"), "ports": "16384-16583"}, {"bind": net.address(where, "peer", 6), "ports": "16384-16583"}]}},
        "relay": {"quarantine_ms": 200}, "log": {"level": "info"},
    }
    if side != "peer":
        conf["realms"]["core"] = {"addresses": [{"bind": net.address(where, side, f), "ports": "16384-16583"} for f in (4, 6)]}
    return conf
