#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What does the libvirt hook add to the start of a domain?

    scripts/lab -- /usr/bin/python3 tests/bench/start.py [N]

Starts one domain N times (40) with each of four hooks, in turn: none, a program that does nothing (what libvirt takes
to run any), ours, and the same check in Python (hook_in_python.py). At a start libvirt runs a hook three times:
prepare, start, started.

A start takes a hundred times longer than a run of a hook and is as different from the next, so each hook also takes its
turn installed several times over; libvirt runs whatever is in qemu.d, one after the other. What a hook adds is the
difference from the start without one in the same round, divided by the copies; behind ± is 1.57 times the distance of
the quartiles divided by the root of N, as for the notches of a box plot.

The last table is the programs alone: spawned, and waited for, by a process that looks to them like a guarded libvirtd.
"""

import argparse
import math
import mmap
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import libvirt

REPO = pathlib.Path(__file__).resolve().parents[2]
HOOK = pathlib.Path("/etc/libvirt/hooks/qemu.d/50-qmp-guard")
TRAIL = pathlib.Path("/var/log/libvirt/qmp-guard/audit.log")
COPIES = 8
RUNS_PER_START = 3
AIM = 6         # ms for these
ALONE = 200     # runs of each program and operation
OPERATIONS = (("prepare", "begin"), ("start", "begin"), ("release", "end"))
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.environ["PATH"], "HOME": "/root"}      # what libvirt gives to a hook


class Hooks:
    """The lab's hooks. libvirt remembers from its own start only that there are some."""

    def __init__(self):
        directory = pathlib.Path(os.environ["QMP_GUARD_LAB_DIR"])
        self.original = HOOK.readlink()
        # They may be built anew meanwhile. The hook finds the judge beside it.
        shutil.copy(self.original.with_name("qmp-guard-judge"), directory)
        self.ours = pathlib.Path(shutil.copy(self.original, directory / "ours"))
        self.empty = directory / "empty"
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
        self.live_xml = pathlib.Path(os.environ["QMP_GUARD_LAB_DIR"], "bench.xml")

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


def measure_starts(bench, rounds):
    """Milliseconds of each start, by the hook's name and its copies."""
    programs = bench.hooks.programs()
    turns = [("none", None, 0)] + [(name, programs[name], copies) for name in programs for copies in (1, COPIES)]
    times = {(name, copies): [] for name, _, copies in turns}
    for name, program, copies in turns:     # the first ones fill the caches
        bench.start(program, copies)
    for number in range(rounds):
        first = number % len(turns)
        for name, program, copies in turns[first:] + turns[:first]:
            times[name, copies].append(bench.start(program, copies))
    return times


def median_and_error(values):
    low, median, high = statistics.quantiles(values, n=4)
    return median, 1.57 * (high - low) / math.sqrt(len(values))


def added(times, name, copies):
    """Milliseconds that one hook adds to a start, and their error."""
    return median_and_error([(with_it - without) / copies
                             for with_it, without in zip(times[name, copies], times["none", 0])])


def plus_minus(value, error):
    return f"{value:.2f} ± {error:.2f}"


def print_starts(bench, times, rounds):
    none = statistics.median(times["none", 0])
    print(f"{rounds} starts with each hook, milliseconds")
    print(f"  {'':13}  {'start':>7}  {'quartiles':>15}  {'ratio':>6}  {'added':>14}")
    for name in ["none", *bench.hooks.programs()]:
        low, median, high = statistics.quantiles(times[name, 0 if name == "none" else 1], n=4)
        text = "" if name == "none" else plus_minus(*added(times, name, 1))
        print(f"  {name:13}  {median:>7.1f}  {f'{low:.1f} - {high:.1f}':>15}  {median / none:>6.3f}  {text:>14}")
    print(f"\nfrom {rounds} starts with {COPIES} copies of each hook, for one copy")
    print(f"  {'':13}  {'added to a start':>16}  {'ratio':>6}  {'per run':>7}  {'to the empty program':>20}")
    floor = added(times, "empty program", COPIES)[0]
    for name in bench.hooks.programs():
        value, error = added(times, name, COPIES)
        print(f"  {name:13}  {plus_minus(value, error):>16}  {(none + value) / none:>6.3f}  "
              f"{value / RUNS_PER_START:>7.2f}  {value / floor:>20.2f}")


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


def measure_alone(bench):
    programs = bench.hooks.programs()
    times = {(name, operation): [] for name in programs for operation in OPERATIONS}
    for _ in range(ALONE):
        for name, operation in times:
            times[name, operation].append(spawn(programs[name], operation, bench.live_xml))
    return {key: median_and_error(values) for key, values in times.items()}


def print_alone(bench, alone):
    print(f"\n{ALONE} runs of each program alone, milliseconds")
    print(f"  {'':13}" + "".join(f"  {operation:>13}" for operation, _ in OPERATIONS) + f"  {'three of a start':>16}")
    prepare, quick, _ = OPERATIONS
    for name in bench.hooks.programs():
        columns = "".join(f"  {plus_minus(*alone[name, operation]):>13}" for operation in OPERATIONS)
        print(f"  {name:13}{columns}  {alone[name, prepare][0] + 2 * alone[name, quick][0]:>16.2f}")


def print_result(times):
    value, error = added(times, "our hook", COPIES)
    floor, _ = added(times, "empty program", COPIES)
    python, _ = added(times, "in Python", COPIES)
    print(f"\nThe three runs of our hook add {value:.1f} ms (± {error:.1f}) to a start, to compare with the aim of "
          f"{AIM} ms; an empty program adds {floor:.1f} ms, the check in Python {python:.1f} ms.")


def run(rounds):
    bench = Bench()
    try:
        times = measure_starts(bench, rounds)
        print_starts(bench, times, rounds)
        print_alone(bench, measure_alone(bench))
        print_result(times)
    finally:
        bench.clean_up()


def look_like_a_guarded_daemon():
    """By the name of the executable, and the mark of util/live_mark.h. Does not return in the first process."""
    if pathlib.Path("/proc/self/exe").readlink().name != "libvirtd":
        name = os.path.join(os.environ["QMP_GUARD_LAB_DIR"], "libvirtd")
        shutil.copy(sys.executable, name)
        os.execv(name, [name, *sys.argv])
    mark = os.memfd_create("qmp-guard-active")
    os.ftruncate(mark, mmap.PAGESIZE)
    return mmap.mmap(mark, mmap.PAGESIZE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=40, metavar="N")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error("N is at least 2")
    if "QMP_GUARD_LAB_DIR" not in os.environ:
        parser.error("not inside a lab: scripts/lab -- /usr/bin/python3 tests/bench/start.py")
    if not HOOK.is_symlink():
        parser.error(f"{HOOK} is missing: the lab was started with --no-hook or --unguarded")
    if not shutil.which("gcc"):
        parser.error("gcc is missing: it builds the empty program")

    mark = look_like_a_guarded_daemon()
    libvirt.registerErrorHandler(lambda *_: None, None)
    run(options.rounds)
    mark.close()


if __name__ == "__main__":
    sys.exit(main())
