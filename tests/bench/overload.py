#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sbe in overload: capacity, goodput and calls that are up at a multiple of it, and how soon all is normal (A22, E2, E7).

The box (sbe + dbe) must be what is slow, and the load generators must not: the box gets a quota of one processor by a
cgroup, SIPp has the other processor. Where there is no writable cgroup, only the pinning is done, and that is said.

Peers: one floods ("big"), one has a little traffic of its own ("small"), one sends calls with Resource-Priority ("prio").
Capacity is the highest rate of the big one at which no call of it fails, by a short search. Goodput counts calls that were
answered and ended with a BYE that was answered. usage: overload.py BIN_DIR [--quota 25] [--seconds 20] [--factors 2,5]
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
BOX, UAS = ("127.0.3.1", 5060), ("127.0.3.20", 5060)
UAC = {"big": "127.0.3.10", "small": "127.0.3.11", "prio": "127.0.3.12"}
HOLD_MS = 1000
CGROUPS = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"]

def caller_xml(extra):
    """The caller of the other benchmark, with a way out on 503 and counters for what matters here."""
    x = open(f"{HERE}/uac.xml").read()
    x = x.replace("Max-Forwards: 70\n", "Max-Forwards: 70\n" + extra, 1)
    x = x.replace('<recv response="200" rtd="1" rrs="true"/>', '<recv response="503" optional="true" next="9" counter="1"/>\n  '
                  '<recv response="200" rtd="1" rrs="true" counter="2"/>', 1)
    at = x.rindex('<recv response="200"/>')
    ack = re.search(r"<send>\s*<!\[CDATA\[\s*ACK.*?</send>", x, re.S).group(0).replace("[next_url]", "sip:+44[call_number]@[remote_ip]:[remote_port]").replace("[routes]\n", "")
    return x[:at] + '<recv response="200" counter="3" next="10"/>\n  <label id="9"/>\n  ' + ack + '\n  <label id="10"/>\n</scenario>\n'

class Quota:
    """A share of one processor for the box."""
    def __init__(self, percent):
        self.path = None
        for base in CGROUPS:
            path = f"{base}/speermint-bench-{os.getpid()}"
            try:
                os.mkdir(path)
                period = 10000
                open(f"{path}/cpu.cfs_period_us", "w").write(str(period))
                open(f"{path}/cpu.cfs_quota_us", "w").write(str(period * percent // 100))
                open(f"{path}/cpu.shares", "w").write("16384")
                self.path = path
                return
            except OSError:
                continue
    def add(self, pid):
        if self.path:
            open(f"{self.path}/cgroup.procs", "w").write(str(pid))
    def close(self):
        if self.path:
            try:
                os.rmdir(self.path)
            except OSError:
                pass

class Box:
    def __init__(self, tmp, bins, quota, transport):
        self.tmp, self.procs, self.ctl = tmp, [], [f"{bins}/speerctl", "-s", f"{tmp}/sbe.sock", "-o", "json"]
        peers = {n: {"realm": "all", "sources": [ip], "next_hops": [f"sip:{ip}:5060;transport={transport}"]} for n, ip in UAC.items()}
        peers["uas"] = {"realm": "all", "sources": [UAS[0]], "next_hops": [f"sip:{UAS[0]}:{UAS[1]};transport={transport}"]}
        conf = {"node": "bench", "domains": [], "control": {"socket": f"{tmp}/sbe.sock"}, "http": {"listen": "off"},
                "gate_control": {"listen": ["127.0.0.1:29449"], "dbes": ["dbe1"]},
                "realms": {"all": {"listen": [f"{transport}:{BOX[0]}:{BOX[1]}"], "media": "all"}}, "peers": peers,
                "routes": [{"name": "r", "from": list(UAC), "to": [{"peer": "uas"}]}],
                "cdr": {"directory": f"{tmp}/cdr"}, "log": {"level": "notice"}}
        os.mkdir(f"{tmp}/cdr")
        json.dump(conf, open(f"{tmp}/sbe.json", "w"))
        conf = {"name": "dbe1", "control": {"socket": f"{tmp}/dbe.sock"}, "http": {"listen": "127.0.0.1:19391"}, "controllers": ["127.0.0.1:29449"],
                "realms": {"all": {"addresses": [{"bind": f"127.0.3.{n}", "ports": "10000-32766"} for n in range(1, 5)]}},
                "relay": {"quarantine_ms": 200}, "log": {"level": "warn"}}
        json.dump(conf, open(f"{tmp}/dbe.json", "w"))
        for name in ("sbe", "dbe"):
            log = open(f"{tmp}/{name}.log", "w")
            p = subprocess.Popen(["taskset", "-c", "0", f"{bins}/{name}", "-c", f"{tmp}/{name}.json"], stdout=log, stderr=log, cwd=tmp)
            quota.add(p.pid)
            self.procs.append(p)
        for _ in range(200):
            if '"up"' in self.ask("dbe", "list"):
                return
            time.sleep(0.1)
        self.stop()
        sys.exit(f"the box did not come up; logs in {tmp}")
    def ask(self, *words):
        return subprocess.run(self.ctl + list(words), capture_output=True, text=True).stdout
    def overload(self):
        d = json.loads(self.ask("overload", "show") or "{}")
        return d.get("data", d)
    def stop(self):
        for p in reversed(self.procs):
            p.send_signal(signal.SIGTERM)
        for p in self.procs:
            try:
                p.wait(8)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()

class Caller:
    """One SIPp caller, its figures second by second."""
    def __init__(self, tmp, name, rate, seconds, transport, extra=""):
        self.name, self.rate = name, rate
        self.base = f"{tmp}/{name}-{time.time_ns()}"
        open(self.base + ".xml", "w").write(caller_xml(extra))
        self.start = time.time()
        self.p = subprocess.Popen(
            ["taskset", "-c", "1", "timeout", "-k", "2", str(seconds + 60), "sipp", "-sf", self.base + ".xml", "-i", UAC[name], "-p", "5060",
             "-mp", str(62000 + 10 * list(UAC).index(name)), "-r", str(rate), "-m", str(int(rate * seconds)), "-d", str(HOLD_MS), "-l", "200000",
             "-t", "t1" if transport == "tcp" else "u1", "-recv_timeout", "33000", "-nostdin", "-nd", "-buff_size", "8388608",
             "-trace_stat", "-stf", self.base + ".csv", "-fd", "1", "-trace_rtt", "-rtt_freq", "500", f"{BOX[0]}:{BOX[1]}"],
            cwd=tmp, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    def rows(self):
        lines = open(self.base + ".csv").read().splitlines()
        head = lines[0].split(";")
        return [dict(zip(head, l.split(";"))) for l in lines[1:]]
    def finish(self):
        self.p.wait()
        last = self.rows()[-1]
        number = lambda key: int(float(last[key]))
        generic = [int(last[k]) for k in last if k.startswith("GenericCounter") and k.endswith("(C)")]
        self.shed, self.answered, self.ended = generic[0], generic[1], generic[2]
        self.created = number("OutgoingCall(C)")
        self.failed = number("FailedCall(C)")
        self.retransmissions = number("Retransmissions(C)")
        return self
    def window(self, after_s):
        """Calls ended per second, from after_s until load ends."""
        rows = [r for r in self.rows() if r.get("GenericCounter3(C)")]
        clock = lambda r: float(re.split(r"[\t ]", r["CurrentTime"].strip())[-1])
        first = clock(rows[0])
        inside = [r for r in rows if clock(r) - first >= after_s and int(r["OutgoingCall(P)"]) > 0]
        if len(inside) < 2:
            return 0
        a, b = inside[0], inside[-1]
        return (int(b["GenericCounter3(C)"]) - int(a["GenericCounter3(C)"])) / max(clock(b) - clock(a), 0.001)
    def offered(self):
        rows = [r for r in self.rows() if r.get("OutgoingCall(C)")]
        return int(rows[-1]["OutgoingCall(C)"]) / max(time.time() - self.start, 0.1) if rows else 0
    def p99_ms(self):
        values = []
        for f in os.listdir(os.path.dirname(self.base)):
            if f.startswith(os.path.basename(self.base)) and f.endswith("_rtt.csv"):
                for line in open(os.path.join(os.path.dirname(self.base), f)):
                    part = line.split(";")
                    if len(part) > 1 and part[1].replace(".", "").isdigit():
                        values.append(float(part[1]))
        values.sort()
        return values[int(len(values) * 0.99)] if values else 0

class Bench:
    def __init__(self, args, tmp):
        self.args, self.tmp = args, tmp
        self.quota = Quota(args.quota)
        self.box = Box(tmp, os.path.abspath(args.bins), self.quota, args.transport)
        self.uas = subprocess.Popen(["taskset", "-c", "1", "sipp", "-sf", f"{HERE}/uas.xml", "-i", UAS[0], "-p", str(UAS[1]), "-mp", "61000",
                                     "-t", "t1" if args.transport == "tcp" else "u1", "-nostdin", "-nd", "-buff_size", "8388608", UAS[0]],
                                    cwd=tmp, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        time.sleep(0.5)
    def close(self):
        self.uas.terminate()
        self.uas.wait()
        self.box.stop()
        self.quota.close()
    def call(self, name, rate, seconds, extra=""):
        return Caller(self.tmp, name, rate, seconds, self.args.transport, extra)
    def good(self, rate, seconds=6):
        c = self.call("big", rate, seconds).finish()
        ok = c.shed == 0 and c.failed == 0 and c.retransmissions == 0
        print(f"  {rate} calls/s: {c.ended} of {c.created} complete, {c.shed} shed, {c.failed} failed, {c.retransmissions} retransmissions", flush=True)
        time.sleep(1.5)
        return ok
    def capacity(self):
        """First a guess from how busy the box is, then halves of what is left."""
        c = self.call("big", 50, 5)
        time.sleep(4)
        busy = max(self.box.overload()["busy_percent"], 1)
        c.finish()
        low, high = 0, None
        rate = max(50 * 80 // busy, 20)
        while high is None or high - low > max(low // 16, 2):
            if self.good(rate):
                low = rate
                rate = rate * 5 // 4 if high is None else (low + high) // 2
            else:
                high = rate
                rate = rate * 3 // 4 if low == 0 else (low + high) // 2
                if rate < 5:
                    sys.exit("no rate without a failure: the machine is too busy to measure anything")
        return low
    def overload(self, factor, capacity):
        seconds = self.args.seconds
        small_cps, prio_cps = max(capacity // 50, 2), max(capacity // 100, 1)
        side = [self.call("small", small_cps, seconds + 4), self.call("prio", prio_cps, seconds + 4, "Resource-Priority: esnet.1\n")]
        time.sleep(1)
        big = self.call("big", capacity * factor, seconds)
        time.sleep(seconds * 0.7)
        seen = self.box.overload()
        while big.p.poll() is None and time.time() - big.start < seconds:
            time.sleep(0.2)
        after = time.time()
        offered = big.offered()
        while self.box.overload()["shed_percent"] and time.time() - after < 30:
            time.sleep(0.1)
        calm_s = time.time() - after
        big.finish()
        small, prio = [c.finish() for c in side]
        self.report(factor, capacity, (big, small, prio), seen, (calm_s, offered))
    def report(self, factor, capacity, callers, seen, times):
        (big, small, prio), (calm_s, offered) = callers, times
        good = big.window(3) + small.window(3) + prio.window(3)
        ended, answered = big.ended + small.ended + prio.ended, big.answered + small.answered + prio.answered
        print(f"{factor} x capacity: {capacity * factor} calls/s to be offered by one peer for {self.args.seconds} s, {offered:.0f}/s were")
        print(f"  goodput {good:.0f}/s = {100 * good / capacity:.0f} % of capacity (target {90 if factor <= 2 else 80 if factor <= 5 else 70})")
        print(f"  BYE answered: {ended} of {answered} = {100 * ended / max(answered, 1):.2f} % (target 99.9)")
        print(f"  shed {big.shed}, failed {big.failed}, retransmissions {big.retransmissions}; set-up p99 of admitted {big.p99_ms():.0f} ms (target 500)")
        print(f"  other peer: {small.ended} of {small.created} complete = {100 * small.ended / max(small.created, 1):.2f} % (target 99.9)")
        print(f"  priority calls: {prio.ended} of {prio.created} complete = {100 * prio.ended / max(prio.created, 1):.2f} % (target 100)")
        print(f"  box meanwhile: {seen['shed_percent']} % shed because of {seen['cause']}, delay {seen['delay_ms']} ms, loop busy {seen['busy_percent']} %")
        print(f"  nothing shed any more {calm_s:.1f} s after the load ended (target 10)", flush=True)

def main():
    p = argparse.ArgumentParser()
    p.add_argument("bins")
    p.add_argument("--quota", type=int, default=25, help="percent of one processor for the box")
    p.add_argument("--seconds", type=int, default=20)
    p.add_argument("--factors", default="2,5")
    p.add_argument("--capacity", type=int, help="do not search for it")
    p.add_argument("--transport", choices=["udp", "tcp"], default="udp")
    p.add_argument("--keep", action="store_true")
    args = p.parse_args()
    tmp = tempfile.mkdtemp(prefix="speermint-overload.")
    bench = Bench(args, tmp)
    try:
        print(f"box: sbe + dbe on processor 0" + (f" with {args.quota} % of it (cgroup quota)" if bench.quota.path else ", no cgroup: without a quota") +
              "; SIPp on processor 1; " + args.transport)
        capacity = args.capacity or bench.capacity()
        print(f"capacity: {capacity} calls/s without a failure", flush=True)
        # The same before and after: on a shared machine a "no" afterwards means nothing where it was "no" before.
        before = bench.good(capacity * 8 // 10)
        for f in args.factors.split(","):
            bench.overload(int(f), capacity)
            time.sleep(2)
        after = bench.good(capacity * 8 // 10)
        print("no call shed or failed at 80 % of capacity: before " + ("yes" if before else "no") + ", afterwards " + ("yes" if after else "no"))
    finally:
        bench.close()
        if args.keep:
            print(tmp)
        else:
            shutil.rmtree(tmp, ignore_errors=True)

main()
