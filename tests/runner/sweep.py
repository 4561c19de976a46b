# SPDX-License-Identifier: Apache-2.0
"""Removes what a test run left behind: processes, mounts, network namespaces, temporary directories.

Everything a test starts inherits SPEER_TEST_ID in its environment, so a process is found by that mark however far it
has detached itself (setsid, double fork, other namespaces). Nothing is ever killed by its name.
"""
import os
import shutil
import signal
import subprocess
import time

NETNS_DIR = "/run/netns"


def marked_pids(mark):
    """Processes whose SPEER_TEST_ID begins with `mark`, without this one."""
    needle = b"SPEER_TEST_ID=" + mark.encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as f:
                variables = f.read().split(b"\0")
            with open(f"/proc/{name}/stat", "rb") as f:
                state = f.read().rpartition(b")")[2].split()[0]
        except OSError:
            continue
        if state not in (b"Z", b"X") and any(v.startswith(needle) for v in variables):
            found.append(int(name))
    return found


def session_pids(session):
    """Processes of a session: the second net, for one that has wiped its environment."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as f:
                fields = f.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in (b"Z", b"X"):
            found.append(int(name))
    return found


def kill(pids, signum=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, signum)
        except OSError:
            pass


def kill_all(mark, session=None):
    """Kills until none is left, since one may fork while we look. Returns how many there were at the first look."""
    first = None
    for _ in range(100):
        pids = set(marked_pids(mark))
        if session:
            pids |= set(session_pids(session))
        if first is None:
            first = len(pids)
        if not pids:
            break
        kill(pids)
        time.sleep(0.02)
    return first


def remove_namespaces(mark):
    try:
        names = [n for n in os.listdir(NETNS_DIR) if n.startswith(f"speer-{mark}")]
    except OSError:
        return
    for name in names:
        subprocess.run(["ip", "netns", "del", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def unmount_below(path):
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as f:
            points = [line.split()[1] for line in f]
    except OSError:
        return
    for point in reversed(points):
        if point == path or point.startswith(path + "/"):
            subprocess.run(["umount", "-l", point], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def remove_dirs(mark, base):
    try:
        names = [n for n in os.listdir(base) if n.startswith(f"speer-{mark}")]
    except OSError:
        return
    for name in names:
        path = os.path.join(base, name)
        unmount_below(path)
        shutil.rmtree(path, ignore_errors=True)


def sweep(mark, base, session=None):
    left = kill_all(mark, session)
    remove_namespaces(mark)
    remove_dirs(mark, base)
    return left
