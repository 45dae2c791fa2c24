#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of `scripts/bench starts` that runs inside a lab. Prints one line for each time: what, how, milliseconds.

    daemon   libvirtd with and without the guard: from its start until it has answered a client's first call
    domain   a domain's start with each of four hooks: none, a program that does nothing (what libvirt takes to run any),
             ours, and the same check in Python (hook_in_python.py). libvirt runs a hook three times: prepare, start,
             started. A start takes a hundred times longer than a run of a hook and is as different from the next, so
             each hook also takes its turn installed several times over: libvirt runs whatever is in qemu.d
    hook     the hooks' programs alone: spawned, and waited for, by a process that looks to them like a guarded libvirtd
"""

import argparse
import mmap
import os
import pathlib
import shutil
import subprocess
import sys
import time

import libvirt

from turns import rounds

REPO = pathlib.Path(__file__).resolve().parents[2]
HOOK = pathlib.Path("/etc/libvirt/hooks/qemu.d/50-qmp-guard")
LAB = pathlib.Path(os.environ.get("QMP_GUARD_LAB_DIR", "/nonexistent"))
TRAIL = pathlib.Path("/var/log/libvirt/qmp-guard/audit.log")
COPIES = 8
TIMEOUT = 60    # seconds
OPERATIONS = (("prepare", "begin"), ("start", "begin"), ("release", "end"))
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.environ["PATH"], "HOME": "/root"}      # what libvirt gives to a hook


class Hooks:
    """The lab's hooks. libvirt remembers from its own start only that there are some."""

    def __init__(self):
        self.original = HOOK.readlink()
        # They may be built anew meanwhile. The hook finds the judge beside it.
        shutil.copy(self.original.with_name("qmp-guard-judge"), LAB)
        self.ours = pathlib.Path(shutil.copy(self.original, LAB / "ours"))
        self.empty = LAB / "empty"
        self.python = REPO / "tests/bench/hook_in_python.py"
        subprocess.run(["gcc", "-O2", "-x", "c", "-", "-o", self.empty], check=True, text=True,
                       input="int main(void) { return 0; }\n")

    def programs(self):
        return {"empty program": self.empty, "our hook": self.ours, "in Python": self.python}

    def install(self, program, copies):
        for number in range(COPIES):
            path = HOOK.with_name(f"{50 + number}-qmp-guard")
            if program and number < copies:
                new = HOOK.parent.with_name("new")      # libvirt runs whatever is beside HOOK
                new.symlink_to(program)
                new.rename(path)
            else:
                path.unlink(missing_ok=True)


class Bench:
    def __init__(self):
        self.connection = libvirt.open("qemu:///system")
        xml = subprocess.run([REPO / "tests/lab/guest", "xml", "--bare", "bench"], check=True, capture_output=True,
                             text=True).stdout
        self.domain = self.connection.defineXML(xml)
        self.hooks = Hooks()
        self.live_xml = LAB / "bench.xml"

    def start(self, program, copies):
        """Milliseconds."""
        self.hooks.install(program, copies)
        records = count_records()
        begin = time.monotonic()
        self.domain.create()
        seconds = time.monotonic() - begin
        self.live_xml.write_text(self.domain.XMLDesc())
        self.domain.destroy()
        if program and program != self.hooks.empty and count_records() - records < copies:
            raise RuntimeError(f"{program} has not recorded the start: did libvirt run it?")
        return 1000 * seconds

    def clean_up(self):
        if self.domain.isActive():
            self.domain.destroy()
        self.domain.undefine()
        self.hooks.install(self.hooks.original, 1)


def count_records():
    return TRAIL.read_bytes().count(b"\n") if TRAIL.exists() else 0


def tell(what, how, milliseconds):
    print(f"{what}\t{how}\t{milliseconds:.3f}", flush=True)


def measure_domains(bench, count):
    programs = bench.hooks.programs()
    turns = [("none", None, 0)] + [(name, programs[name], copies) for name in programs for copies in (1, COPIES)]
    for _, program, copies in turns:        # the first ones fill the caches
        bench.start(program, copies)
    for order in rounds(turns, count):
        for name, program, copies in order:
            tell("domain", f"{name} x{copies}", bench.start(program, copies))


def spawn(program, operation, xml):
    """Milliseconds until the program has ended."""
    actions = [(os.POSIX_SPAWN_OPEN, 0, xml, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.monotonic()
    child = os.posix_spawn(program, [program, "bench", *operation, "-"], ENVIRONMENT, file_actions=actions)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - begin
    if status != 0:
        raise RuntimeError(f"{program} ends with {os.waitstatus_to_exitcode(status)}")
    return 1000 * seconds


def measure_hooks(bench, count):
    programs = bench.hooks.programs()
    for order in rounds([(name, operation) for name in programs for operation in OPERATIONS], count):
        for name, operation in order:
            tell("hook", f"{name} {operation[0]}", spawn(programs[name], operation, bench.live_xml))


def wait_for_answer(daemon):
    deadline = time.monotonic() + TIMEOUT
    while daemon.poll() is None and time.monotonic() < deadline:
        try:
            connection = libvirt.open("qemu:///system")
            connection.numOfDomains()
            connection.close()
            return
        except libvirt.libvirtError:
            time.sleep(0.001)
    raise RuntimeError("libvirtd does not start")


def start_daemon(preload):
    """The daemon, running, and milliseconds."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("LD_PRELOAD", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID")}
    if preload:
        environment["LD_PRELOAD"] = preload
    with open(LAB / "bench.err", "ab") as errors:
        begin = time.monotonic()
        daemon = subprocess.Popen(["libvirtd"], env=environment, stdin=subprocess.DEVNULL, stdout=errors,
                                  stderr=errors, start_new_session=True)
    wait_for_answer(daemon)
    return daemon, 1000 * (time.monotonic() - begin)


def stop_daemon(daemon):
    """As the lab does it, which must know that it is meant."""
    subprocess.run([LAB / "daemon", "stop"], check=True)
    daemon.wait(timeout=TIMEOUT)


def measure_daemons(count):
    """The lab's own daemon runs again at the end."""
    preload = (LAB / "preload").read_text(encoding="ascii").strip()
    subprocess.run([LAB / "daemon", "stop"], check=True)
    for order in rounds([("guarded", preload), ("unguarded", None)], count):
        for name, library in order:
            daemon, milliseconds = start_daemon(library)
            tell("daemon", name, milliseconds)
            stop_daemon(daemon)
    subprocess.run([LAB / "daemon", "start"], check=True)


def look_like_a_guarded_daemon():
    """By the name of the executable, and the mark of util/live_mark.h. Does not return in the first process."""
    if pathlib.Path("/proc/self/exe").readlink().name != "libvirtd":
        name = str(LAB / "libvirtd")
        shutil.copy(sys.executable, name)
        os.execv(name, [name, *sys.argv])
    mark = os.memfd_create("qmp-guard-active")
    os.ftruncate(mark, mmap.PAGESIZE)
    return mmap.mmap(mark, mmap.PAGESIZE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for what in ("daemons", "domains", "hooks"):
        parser.add_argument(what, type=int, help="how many rounds")
    options = parser.parse_args()
    if not LAB.is_dir():
        parser.error("not inside a lab: scripts/bench starts")
    if not HOOK.is_symlink():
        parser.error(f"{HOOK} is missing: the lab was started with --no-hook or --unguarded")

    mark = look_like_a_guarded_daemon()
    libvirt.registerErrorHandler(lambda *_: None, None)
    measure_daemons(options.daemons)
    bench = Bench()
    try:
        measure_domains(bench, options.domains)
        measure_hooks(bench, options.hooks)
    finally:
        bench.clean_up()
    mark.close()


if __name__ == "__main__":
    sys.exit(main())
