# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guard adds to starts: of the daemon, of a domain, and of the helper's own program.

The daemon's start lasts until a client has had an answer to its first call; a domain's as long as libvirt's call for
it. start.py measures both inside a lab, and says how. What runs as a program of its own is spawned and waited for.
"""

import collections
import os
import statistics
import subprocess
import time

from rows import ratios, row_of
from section import REPO
from turns import measure_in_turns

TITLE = "starts of the daemon, of domains and of programs"
COPIES = 8      # as start.py has them
AIM = 6         # ms for the three runs of our hook
HOOKS = {"our hook": "our hook", "empty program": "a program that does nothing", "in Python": "the same hook in Python"}
FLOOR = ["virsh", "--version"]


def milliseconds(values):
    return f"{statistics.median(values):.2f} ms"


def compare(what, times, others, **more):
    return row_of(what, ratios(times, others), **more,
                  note=f"{len(times)} pairs; {milliseconds(times)} to {milliseconds(others)}")


def measure_in_lab(run):
    """{(what, how): [milliseconds]}, as start.py prints them."""
    rounds = [run.choose(2, 15, 50), run.choose(2, 25, 100), run.choose(5, 100, 300)]
    done = subprocess.run([REPO / "scripts/lab", "--quiet", "--", "/usr/bin/python3", "-B",
                           REPO / "tests/bench/start.py", *map(str, rounds)],
                          stdout=subprocess.PIPE, text=True, check=True)
    times = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        what, how, value = line.split("\t")
        times[what, how].append(float(value))
    return times


def domains(times):
    none = times["domain", "none x0"]
    for hook, called in HOOKS.items():
        yield compare(f"a domain's start with {called}, to without a hook", times["domain", f"{hook} x1"], none)
    for hook, called in HOOKS.items():
        added = [(value - other) / COPIES for value, other in zip(times["domain", f"{hook} x{COPIES}"], none)]
        row = row_of(f"what {called} adds to a domain's start, to that start",
                     [value / statistics.median(none) for value in added],
                     note=f"three runs of the hook: {milliseconds(added)}, from starts with {COPIES} copies of it")
        if hook == "our hook":
            row.aim, row.is_met = f"at most {AIM} ms", statistics.median(added) <= AIM
        yield row
    for hook in ("our hook", "in Python"):
        yield compare(f"the prepare of {HOOKS[hook]} alone, to {HOOKS['empty program']}",
                      times["hook", f"{hook} prepare"], times["hook", "empty program prepare"])


def spawn(command):
    """Milliseconds until the program has ended."""
    actions = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_WRONLY, 0) for descriptor in (1, 2)]
    begin = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - begin
    if status != 0:
        raise RuntimeError(f"{' '.join(command)} ends with {os.waitstatus_to_exitcode(status)}")
    return 1000 * seconds


def helper(run):
    program = str(run.build / "src/helper/virt-qmp-guard")
    commands = {"virt-qmp-guard --version": [program, "--version"],
                "virt-qmp-guard check query-status": [program, "check", "--host-policy",
                                                      str(REPO / "xml/examples/host-hardened.xml"), "query-status"]}
    measures = {" ".join(FLOOR): lambda: spawn(FLOOR)}
    measures |= {name: lambda command=command: spawn(command) for name, command in commands.items()}
    times = measure_in_turns(measures, run.choose(20, 200, 1000))
    for name in commands:
        yield compare(f"{name}, to {' '.join(FLOOR)}", times[name], times[" ".join(FLOOR)])


def measure(run):
    yield from helper(run)
    run.say("daemons, domains and hooks, in a lab")
    times = measure_in_lab(run)
    yield compare("libvirtd's start to its first answer, guarded, to unguarded", times["daemon", "guarded"],
                  times["daemon", "unguarded"])
    yield from domains(times)
