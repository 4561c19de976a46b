# SPDX-License-Identifier: Apache-2.0
"""The test runner behind tests/run.sh.

A test is a program in a session, a temporary directory and a time limit of its own. Unit and component programs are
cmocka binaries whose TAP output gives one result per case; a scenario is a script whose exit status is the result.
Results are printed as they come, one line each; the last line of all is the tally.
"""
import glob
import os
import queue
import re
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time

import sweep

ROOT = os.environ.get("SPEER_TEST_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(ROOT, "build"))
BASE = os.environ.get("TMPDIR") or "/tmp"
LOGS = os.path.join(BUILD, "test-logs")
SCALE = float(os.environ.get("SPEER_TIMEOUT_SCALE") or 1)


def own_network():
    """Command prefix that gives a test a loopback interface of its own, so that ports never clash with what else runs
    on the machine. Empty where we may not (no root)."""
    prefix = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"']
    try:
        return prefix if subprocess.run(prefix + ["true"], stderr=subprocess.DEVNULL).returncode == 0 else []
    except OSError:
        return []


OWN_NETWORK = own_network()
TIMEOUT_S = {"runner": 120, "unit": 120, "component": 300, "scenario": 180}
KINDS = list(TIMEOUT_S)
# Most of a scenario is waiting; those that measure say `# alone` and are run one after the other when the rest is done.
PARALLEL = {"unit": 2, "scenario": 3 if OWN_NETWORK else 1}
TAIL_LINES = 60
KEEP_BYTES = 4 << 20

# cmocka's "ok 3 - name", "not ok 3 - name", "not ok 3 # SKIP name"; a program may have printed without a newline before
TAP_RESULT = re.compile(r"(not )?ok (\d+)( - | # SKIP )(.*)$")
TAP_PLAN = re.compile(r"^1\.\.(\d+)(?: #.*)?$")
SKIP_REASON = re.compile(r"skip(?:ped)?:\s*(.*)", re.IGNORECASE)


class Item:
    """One program to run."""

    def __init__(self, kind, name, path):
        self.kind, self.name, self.path = kind, name, path
        self.full = f"{kind}/{name}"
        self.timeout_s = TIMEOUT_S[kind] * SCALE
        self.alone = False

    def read_settings(self):
        """A scenario may set its own limit with a line `# timeout: SECONDS`, and say `# alone: WHY`."""
        with open(self.path, encoding="utf-8", errors="replace") as f:
            for line in f.read(4096).splitlines():
                m = re.match(r"# timeout: *(\d+)", line)
                if m:
                    self.timeout_s = int(m.group(1)) * SCALE
                self.alone = self.alone or line.startswith("# alone:")


class Report:
    """Prints results and counts them; used by several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = {"PASS": 0, "FAIL": 0, "SKIP": 0}
        self.failed = []

    def result(self, verdict, name, seconds, why=""):
        with self.lock:
            self.count[verdict] += 1
            if verdict == "FAIL":
                self.failed.append(name)
            why = f"  {why}" if why else ""
            print(f"{verdict} {name} ({seconds:.2f} s){why}", flush=True)

    def show_log(self, item, path):
        with open(path, "rb") as f:
            lines = f.read().decode("utf-8", "replace").splitlines()
        with self.lock:
            print(f"--- {item.full}: {path}" + (f" (last {TAIL_LINES} lines)" if len(lines) > TAIL_LINES else ""))
            for line in lines[-TAIL_LINES:]:
                print(f"    {line}")
            print("---", flush=True)

    def tally(self):
        if self.failed:
            print("failed:")
            for name in self.failed:
                print(f"  {name}")
        c = self.count
        print(f"{c['PASS']} passed, {c['FAIL']} failed, {c['SKIP']} skipped", flush=True)
        return 1 if c["FAIL"] else 0


class Run:
    """One item while it runs."""

    def __init__(self, item, mark, report):
        self.item, self.mark, self.report = item, mark, report
        self.tmp = os.path.join(BASE, f"speer-{mark}-tmp")
        self.log_path = os.path.join(LOGS, re.sub(r"[^A-Za-z0-9_.-]+", "_", item.full) + ".log")
        self.sanitizer = os.path.join(LOGS, "sanitizer-" + mark)
        self.started = self.last = time.monotonic()
        self.planned = self.seen = self.case_no = 0
        self.failed = False
        self.reason = self.last_line = ""
        self.partial = b""

    def environment(self):
        env = dict(os.environ)
        for name in [n for n in env if n.startswith("CMOCKA_") or n in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")]:
            del env[name]
        env.update(
            SPEER_TEST_ID=self.mark,
            SPEER_ROOT=ROOT,
            SPEER_BIN=os.path.join(BUILD, "bin"),
            SPEER_TOOLS=os.path.join(BUILD, "tools"),
            TEST_TMP=self.tmp,
            TMPDIR=self.tmp,
            LC_ALL="C.UTF-8",
        )
        if self.item.kind != "runner":
            env["BUILD"] = BUILD
        if self.item.kind in ("unit", "component"):
            env["CMOCKA_MESSAGE_OUTPUT"] = "TAP"
        # A sanitizer's report fails the test even when the program that made it is a daemon whose status nobody reads.
        for tool, more in (("ASAN", ""), ("UBSAN", ":print_stacktrace=1"), ("TSAN", ""), ("LSAN", "")):
            own = env.get(f"{tool}_OPTIONS", "")
            supp = os.path.join(ROOT, "tests", f"{tool.lower()}.supp")
            supp = f":suppressions={supp}" if os.path.exists(supp) else ""
            env[f"{tool}_OPTIONS"] = f"{own}:log_path={self.sanitizer}{more}{supp}".lstrip(":")
        return env

    def run(self):
        item = self.item
        if not os.access(item.path, os.X_OK):
            self.finish("FAIL", "not built" if item.kind != "scenario" else "run.sh is not executable")
            return
        os.makedirs(self.tmp, mode=0o700)
        with open(self.log_path, "wb") as log:
            proc = subprocess.Popen(
                (OWN_NETWORK if item.kind in ("component", "scenario") else []) + [item.path],
                cwd=self.tmp if item.kind == "scenario" else ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
            timed_out = self.follow(proc, log)
        status = proc.returncode
        left = sweep.kill_all(self.mark, proc.pid)
        if left:
            with open(self.log_path, "ab") as log:
                log.write(b"\n[runner] %d processes were left behind and killed\n" % left)
        self.judge(status, timed_out)
        if self.failed:
            self.keep_files()
        sweep.sweep(self.mark, BASE)

    def follow(self, proc, log):
        """Copies output to the log until the program ends; children that hold the pipe open do not delay us."""
        deadline = self.started + self.item.timeout_s
        hard = None
        timed_out = False
        fd = proc.stdout.fileno()
        os.set_blocking(fd, False)
        with selectors.DefaultSelector() as selector:
            selector.register(fd, selectors.EVENT_READ)
            open_pipe = True
            while True:
                ended = proc.poll() is not None
                if open_pipe and selector.select(0 if ended else 0.05):
                    try:
                        data = os.read(fd, 65536)
                    except BlockingIOError:
                        data = None
                    if data:
                        log.seek(0, os.SEEK_END)
                        log.write(data)
                        log.flush()
                        self.feed(data)
                        continue
                    if data == b"":
                        selector.unregister(fd)
                        open_pipe = False
                elif not open_pipe and not ended:
                    time.sleep(0.02)
                if ended:
                    break
                now = time.monotonic()
                if hard is None and now > deadline:
                    timed_out = True
                    hard = now + 5
                    sweep.kill([proc.pid], signal.SIGTERM)
                elif hard is not None and now > hard:
                    sweep.kill_all(self.mark, proc.pid)
        proc.stdout.close()
        proc.wait()
        if self.partial:
            self.line(self.partial.decode("utf-8", "replace"))
        return timed_out

    def feed(self, data):
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.line(line.decode("utf-8", "replace").rstrip("\r"))

    def line(self, text):
        if self.item.kind not in ("unit", "component"):
            if text.strip():
                self.last_line = text.strip()
            return
        m = TAP_PLAN.match(text)
        if m:
            self.planned += int(m.group(1))
            self.case_no = 0
            return
        m = TAP_RESULT.search(text)
        # Only the number that comes next is cmocka's; 0 is the group's own setup or teardown.
        if m and int(m.group(2)) in (0, self.case_no + 1):
            self.case_result(m)
            return
        m = SKIP_REASON.search(text)
        if m:
            self.reason = m.group(1).strip()

    def case_result(self, m):
        now = time.monotonic()
        name = f"{self.item.full}: {m.group(4).strip()}"
        if int(m.group(2)) > 0:
            self.case_no += 1
            self.seen += 1
        if "SKIP" in m.group(3):
            self.report.result("SKIP", name, now - self.last, self.reason or "(no reason given)")
        elif m.group(1):
            self.failed = True
            self.report.result("FAIL", name, now - self.last)
        else:
            self.report.result("PASS", name, now - self.last)
        self.reason = ""
        self.last = now

    def judge(self, status, timed_out):
        ended = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        if timed_out:
            self.finish("FAIL", f"no end after {self.item.timeout_s:.0f} s")
        elif self.sanitizer_report():
            self.finish("FAIL", "a sanitizer complained")
        elif self.item.kind in ("runner", "scenario"):
            if status == 0:
                self.finish("PASS")
            elif status == 77:
                self.finish("SKIP", self.last_line or "(no reason given)")
            else:
                self.finish("FAIL", f"{ended}: {self.last_line}"[:200])
        elif self.seen < self.planned:
            self.finish("FAIL", f"{ended} after {self.seen} of {self.planned} cases")
        elif self.seen == 0 and not self.failed:
            self.finish("FAIL", f"{ended}, and no test case in its output")
        elif status != 0 and not self.failed:
            self.finish("FAIL", f"{ended} although no case failed")
        elif self.failed:
            self.report.show_log(self.item, self.log_path)

    def sanitizer_report(self):
        found = False
        for path in glob.glob(self.sanitizer + "*"):
            with open(path, "rb") as f, open(self.log_path, "ab") as log:
                text = f.read(KEEP_BYTES)
                found = found or bool(text.strip())
                log.write(b"\n[runner] sanitizer report\n" + text)
            os.unlink(path)
        return found

    def finish(self, verdict, why=""):
        """The result of the program as a whole."""
        self.report.result(verdict, self.item.full, time.monotonic() - self.started, why)
        if verdict == "FAIL":
            self.failed = True
            if os.path.exists(self.log_path):
                self.report.show_log(self.item, self.log_path)

    def keep_files(self):
        """What a failed test wrote stays with its log, within bounds."""
        to = self.log_path[: -len(".log")] + ".files"
        shutil.rmtree(to, ignore_errors=True)
        budget = KEEP_BYTES * 4
        for folder, _, names in os.walk(self.tmp):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                size = os.path.getsize(path)
                if size > KEEP_BYTES or size > budget or re.search(r"\.(key|sock)$", name):
                    continue
                budget -= size
                target = os.path.join(to, os.path.relpath(path, self.tmp))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target)


def collect(kinds, pattern):
    items = []
    if "runner" in kinds:
        items += [Item("runner", "selftest", p) for p in glob.glob(f"{ROOT}/tests/runner/selftest.sh")]
    for kind, globs in (("unit", ("*/test_*.c", "*/*/test_*.c")), ("component", ("test_*.c",))):
        if kind not in kinds:
            continue
        for source in sorted(p for g in globs for p in glob.glob(f"{ROOT}/tests/{kind}/{g}")):
            stem = os.path.relpath(source, f"{ROOT}/tests/{kind}")[:-2]
            items.append(Item(kind, stem.replace("test_", "", 1), f"{BUILD}/tests/{kind}/{stem}"))
    if "scenario" in kinds:
        for path in sorted(glob.glob(f"{ROOT}/tests/scenario/*/run.sh")):
            item = Item("scenario", os.path.basename(os.path.dirname(path)), path)
            item.read_settings()
            items.append(item)
    return [i for i in items if re.search(pattern, i.full)]


def worker(todo, run_id, report):
    while True:
        try:
            n, item = todo.get_nowait()
        except queue.Empty:
            return
        try:
            # the x closes the number: a sweep for test 1 must not hit test 12
            Run(item, f"{run_id}-{n}x", report).run()
        except Exception as e:  # pylint: disable=broad-except
            report.result("FAIL", item.full, 0, f"the runner failed: {e!r}")


def start_guard(run_id):
    """A process that outlives us: when we end, in whatever way, it sweeps what is left of the run."""
    read_end, write_end = os.pipe()
    if os.fork() > 0:
        os.close(read_end)
        return write_end
    os.close(write_end)
    os.setsid()
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.read(read_end, 1)
    sweep.sweep(run_id, BASE)
    os._exit(0)


def main():
    args = sys.argv[1:]
    kinds = KINDS
    if args and args[0] in KINDS:
        kinds = [args.pop(0)]
    pattern = args.pop(0) if args else ""
    if args or (pattern and kinds == KINDS and pattern.startswith("-")):
        print(f"usage: tests/run.sh [{'|'.join(KINDS)} [PATTERN]]", file=sys.stderr)
        return 2
    os.makedirs(LOGS, exist_ok=True)
    items = collect(kinds, pattern)
    report = Report()
    run_id = secrets.token_hex(4)
    guard = start_guard(run_id)

    def stop(signum, _frame):
        sweep.sweep(run_id, BASE)
        print(f"stopped by signal {signum}", file=sys.stderr, flush=True)
        os._exit(128 + signum)

    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, stop)

    if not items:
        print(f"no test matches {pattern!r}" if pattern else f"no tests in {ROOT}/tests", file=sys.stderr)
    number = 0
    for kind, alone in ((k, a) for k in kinds for a in (False, True)):
        todo = queue.Queue()
        for item in (i for i in items if i.kind == kind and i.alone == alone):
            todo.put((number, item))
            number += 1
        side_by_side = 1 if alone else PARALLEL.get(kind, 1)
        threads = [threading.Thread(target=worker, args=(todo, run_id, report), daemon=True) for _ in range(side_by_side)]
        for t in threads:
            t.start()
        for t in threads:
            # in slices, so that a signal is handled at once
            while t.is_alive():
                t.join(0.2)
    sweep.sweep(run_id, BASE)
    os.close(guard)
    status = report.tally()
    return status if items else 1


if __name__ == "__main__":
    sys.exit(main())
