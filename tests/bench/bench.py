#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signaling and memory of sbe + dbe, beside Kamailio (dialog, topoh) + rtpengine, and beside the same with topos, whose
store is a Redis on a unix socket that counts as a part of that box, in one run on one machine.

Load: SIPp UAC -> box -> SIPp UAS over UDP on loopback, INVITE 180 200 ACK, 3 s, BYE 200 with SDP both ways,
no media. CPU is user + system of the box's whole process tree. Compare ratios of one run only: machines are noisy.
usage: bench.py BIN_DIR [--rate 200] [--calls 2000] [--hold-ms 3000] [--held 2000, 0 = no memory] [--only ours|topoh|topos] [--repeat 3]
"""
import argparse, json, os, shutil, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
UAS, UAC = ("127.0.3.20", 5060), ("127.0.3.10", 5060)
HZ = os.sysconf("SC_CLK_TCK")

def tree(root):
    parent = {}
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                s = open(f"/proc/{p}/stat").read()
                parent[int(p)] = int(s[s.rindex(")") + 2:].split()[1])
            except OSError:
                pass
    out, todo = [], [root]
    while todo:
        q = todo.pop()
        out.append(q)
        todo += [p for p, pp in parent.items() if pp == q]
    return out

def cpu_s(pids):
    t = 0
    for p in pids:
        try:
            s = open(f"/proc/{p}/stat").read()
            f = s[s.rindex(")") + 2:].split()
            t += int(f[11]) + int(f[12])
        except OSError:
            pass
    return t / HZ

def memory_kib(pids, what):
    t = 0
    for p in pids:
        try:
            for line in open(f"/proc/{p}/smaps_rollup"):
                if line.startswith(what + ":"):
                    t += int(line.split()[1])
        except OSError:
            pass
    return t

class Box:
    """A box under test: its processes, started and stopped together. Each has an address of its own: they may be up at once."""
    def __init__(self, tmp):
        self.tmp, self.procs = tmp, []
        self.at = (self.ip, 5060)
    def run(self, name, *cmd):
        log = open(f"{self.tmp}/{name}.log", "w")
        self.procs.append(subprocess.Popen(cmd, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.tmp))
    def pids(self):
        return [q for p in self.procs for q in tree(p.pid)]
    def stop(self):
        pids = self.pids()
        for p in reversed(self.procs):
            p.send_signal(signal.SIGTERM)
        for p in self.procs:
            try:
                p.wait(8)
            except subprocess.TimeoutExpired:
                pass
        for q in pids:
            try:
                os.kill(q, signal.SIGKILL)
            except OSError:
                pass
        for p in self.procs:
            p.wait()
    def wait_ready(self):
        for _ in range(100):
            out = subprocess.run(["ss", "-Hnlu", f"src {self.at[0]}:{self.at[1]}"], capture_output=True, text=True).stdout
            if out.strip() and self.ready():
                return
            time.sleep(0.1)
        self.stop()
        sys.exit(f"{self.name} did not come up; logs in {self.tmp}")

class Ours(Box):
    name, ip = "sbe+dbe", "127.0.3.1"
    def __init__(self, tmp, bins):
        super().__init__(tmp)
        self.ctl = [f"{bins}/speerctl", "-s", f"{tmp}/sbe.sock", "-o", "json"]
        conf = {"node": "bench", "domains": [], "control": {"socket": f"{tmp}/sbe.sock"},
                "http": {"listen": "127.0.0.1:19390"}, "gate_control": {"listen": ["127.0.0.1:29449"], "dbes": ["dbe1"]},
                "realms": {"all": {"listen": [f"udp:{self.at[0]}:{self.at[1]}"], "media": "all"}},
                "peers": {"uac": {"realm": "all", "sources": [UAC[0]], "next_hops": [f"sip:{UAC[0]}:{UAC[1]}"]},
                          "uas": {"realm": "all", "sources": [UAS[0]], "next_hops": [f"sip:{UAS[0]}:{UAS[1]}"]}},
                "routes": [{"name": "r", "from": ["uac"], "to": [{"peer": "uas"}]}],
                "cdr": {"directory": f"{tmp}/cdr"}, "log": {"level": "warn"}}
        os.mkdir(f"{tmp}/cdr")
        json.dump(conf, open(f"{tmp}/sbe.json", "w"))
        conf = {"name": "dbe1", "control": {"socket": f"{tmp}/dbe.sock"}, "http": {"listen": "127.0.0.1:19391"},
                "controllers": ["127.0.0.1:29449"],
                "realms": {"all": {"addresses": [{"bind": self.ip, "ports": "10000-32766"}]}}, "log": {"level": "warn"}}
        json.dump(conf, open(f"{tmp}/dbe.json", "w"))
        self.run("sbe", f"{bins}/sbe", "-c", f"{tmp}/sbe.json")
        self.run("dbe", f"{bins}/dbe", "-c", f"{tmp}/dbe.json")
    def ready(self):
        out = subprocess.run(self.ctl + ["dbe", "list"], capture_output=True, text=True).stdout
        return '"up"' in out

class Topoh(Box):
    name, ip, ng = "kamailio topoh+rtpengine", "127.0.3.2", "127.0.0.1:22939"
    def __init__(self, tmp, _, more=()):
        super().__init__(tmp)
        self.run("rtpengine", "rtpengine", "--foreground", "--log-stderr", "--log-level=3", "--table=-1",
                 f"--interface={self.ip}", f"--listen-ng={self.ng}", "--port-min=10000", "--port-max=32766",
                 "--num-threads=2", "--media-num-threads=0", "--delete-delay=0", "--timeout=60", f"--pidfile={tmp}/r.pid")
        time.sleep(0.7)
        # -x fm: the plain allocator; the default one has debugging on and costs twice the CPU
        self.run("kamailio", "kamailio", "-DD", "-E", "-x", "fm", "-X", "fm", "-f", f"{HERE}/kamailio.cfg", "-w", tmp,
                 "-Y", tmp, "-l", f"udp:{self.at[0]}:{self.at[1]}", "-m", "1024", "-M", "16",
                 "-A", f'NEXTHOP="sip:{UAS[0]}:{UAS[1]}"', "-A", f'RTPE="udp:{self.ng}"', *more)
    def ready(self):
        return True

class Topos(Topoh):
    name, ip, ng = "kamailio topos+redis+rtpengine", "127.0.3.3", "127.0.0.1:22940"
    def __init__(self, tmp, bins):
        self.store = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", f"{tmp}/redis.sock", "--save", "", "--dir", tmp],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        for _ in range(100):
            if os.path.exists(f"{tmp}/redis.sock"):
                break
            time.sleep(0.05)
        super().__init__(tmp, bins, ("-A", f'REDIS="name=store;unix={tmp}/redis.sock"'))
        self.procs.insert(0, self.store)

def last(path, column):
    rows = open(path).read().splitlines()
    return rows[-1].split(";")[rows[0].split(";").index(column)]

def load(tmp, box, rate, calls, hold_ms, sample_at_s=None):
    """One load. Returns figures; sample_at_s: measure memory so long after the start."""
    limit = calls // rate + hold_ms // 1000 + 15
    for f in ("uac.csv", "uas.csv"):
        if os.path.exists(f"{tmp}/{f}"):
            os.remove(f"{tmp}/{f}")
    def sipp(name, ip, *more):
        return subprocess.Popen(["timeout", "-k", "2", str(limit + 10), "sipp", "-sf", f"{HERE}/{name}.xml", "-i", ip[0], "-p",
                                 str(ip[1]), "-m", str(calls), "-nostdin", "-nd", "-buff_size", "4194304", "-trace_stat",
                                 "-stf", f"{tmp}/{name}.csv", "-fd", "1", "-timeout", f"{limit}s", *more],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=tmp)
    uas = sipp("uas", UAS, "-mp", "61000", UAS[0])
    time.sleep(0.4)
    before = cpu_s(box.pids())
    uac = sipp("uac", UAC, "-mp", "62000", "-r", str(rate), "-d", str(hold_ms), "-l", "100000", "-recv_timeout", "10000",
               f"{box.at[0]}:{box.at[1]}")
    held = None
    if sample_at_s:
        time.sleep(sample_at_s)
        held = (memory_kib(box.pids(), "Pss"), memory_kib(box.pids(), "Rss"))
    uac.wait()
    cpu = cpu_s(box.pids()) - before
    uas.terminate()
    uas.wait()
    ok, failed = int(last(f"{tmp}/uac.csv", "SuccessfulCall(C)")), int(last(f"{tmp}/uac.csv", "FailedCall(C)"))
    again = int(last(f"{tmp}/uac.csv", "Retransmissions(C)")) + int(last(f"{tmp}/uas.csv", "Retransmissions(C)"))
    h, m, seconds, us = (int(x) for x in last(f"{tmp}/uac.csv", "ResponseTime1(C)").split(":"))
    setup_ms = ((h * 60 + m) * 60 + seconds) * 1000 + us / 1000
    return {"ok": ok, "setup_ms": setup_ms, "failed": failed, "retransmissions": again, "cpu_s_per_1000": round(1000 * cpu / max(ok, 1), 3), "held": held}

def steal():
    return int(open("/proc/stat").readline().split()[8]) / HZ

def measure_cpu(kinds, args):
    """All boxes up and warm, loaded in turn, so that what else the machine does meets all of them. @return CPU seconds per 1000 calls."""
    tmp = tempfile.mkdtemp(prefix="speermint-bench.")
    boxes, cpu = {}, {key: [] for key in kinds}
    try:
        for key, kind in kinds.items():
            os.mkdir(f"{tmp}/{key}")
            boxes[key] = kind(f"{tmp}/{key}", os.path.abspath(args.bins))
        for box in boxes.values():
            box.wait_ready()
            load(box.tmp, box, 50, 100, 500)
        for i in range(args.repeat):
            for key, box in boxes.items():
                s = steal()
                r = load(box.tmp, box, args.rate, args.calls, args.hold_ms)
                print(f"  {box.name}: run {i + 1}: {r['ok']} calls at {args.rate}/s, {r['failed']} failed, {r['retransmissions']} "
                      f"retransmissions, answered after {r['setup_ms']:.0f} ms (mean), {r['cpu_s_per_1000']} CPU s per 1000 calls "
                      f"(steal {steal() - s:.1f} s)", flush=True)
                cpu[key].append(r["cpu_s_per_1000"])
        return cpu
    finally:
        for box in boxes.values():
            box.stop()
        shutil.rmtree(tmp, ignore_errors=True)

def measure_memory(kind, args):
    tmp, bins = tempfile.mkdtemp(prefix="speermint-bench."), os.path.abspath(args.bins)
    box = kind(tempfile.mkdtemp(prefix="speermint-bench.", dir=tmp), bins)
    try:
        box.wait_ready()
        load(box.tmp, box, 50, 100, 500)
        time.sleep(1)
        base = (memory_kib(box.pids(), "Pss"), memory_kib(box.pids(), "Rss"))
        rate = 400
        r = load(box.tmp, box, rate, args.held, 9000, args.held / rate + 3)
        held = (r["held"][0] - base[0]) / args.held
        print(f"  {box.name}: {args.held} calls held: {held:.1f} KiB per call (PSS; RSS {(r['held'][1] - base[1]) / args.held:.1f}), "
              f"{r['failed']} failed", flush=True)
        # Finished calls: few are up at once, so what grows is what their transactions keep for up to 32 s.
        box.stop()
        box = kind(tempfile.mkdtemp(prefix="speermint-bench.", dir=tmp), bins)
        box.wait_ready()
        load(box.tmp, box, 50, 100, 500)
        base = memory_kib(box.pids(), "Pss")
        r = load(box.tmp, box, rate, args.held * 2, 100)
        done = (memory_kib(box.pids(), "Pss") - base) / (args.held * 2)
        print(f"  {box.name}: {args.held * 2} calls finished within {args.held * 2 / rate:.0f} s, transactions lingering: {done:.2f} KiB "
              f"per call (PSS), {r['failed']} failed", flush=True)
        return {"held_kib": held, "done_kib": done}
    finally:
        box.stop()
        shutil.rmtree(tmp, ignore_errors=True)

def main():
    p = argparse.ArgumentParser()
    p.add_argument("bins")
    p.add_argument("--rate", type=int, default=200)
    p.add_argument("--calls", type=int, default=2000)
    p.add_argument("--hold-ms", type=int, default=3000)
    p.add_argument("--held", type=int, default=2000)
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--only", choices=["ours", "topoh", "topos"])
    args = p.parse_args()
    kinds = {key: kind for key, kind in (("ours", Ours), ("topoh", Topoh), ("topos", Topos)) if args.only in (None, key)}
    cpu = measure_cpu(kinds, args)
    result = {key: measure_memory(kind, args) for key, kind in kinds.items()} if args.held else {}
    for key in ("topoh", "topos"):
        if key in cpu and "ours" in cpu:
            each = sorted(o / k for o, k in zip(cpu["ours"], cpu[key]))
            print(f"CPU per call, ours / Kamailio {key} + rtpengine: {each[len(each) // 2]:.2f}, the middle of "
                  f"{' '.join(f'{r:.2f}' for r in each)} (target with topoh: at most 0.33)" +
                  (f"; memory per held call: {result['ours']['held_kib'] / result[key]['held_kib']:.2f}" if result else ""))
    if "ours" in result:
        o = result["ours"]
        print(f"held call: {o['held_kib']:.1f} KiB (target at most 16); finished call: {o['done_kib']:.2f} KiB (target at most 2)")

main()
