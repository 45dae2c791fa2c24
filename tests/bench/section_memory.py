# SPDX-License-Identifier: LGPL-2.1-or-later
"""What commands leave behind in the daemon's memory: with --commands N, or --full, of that many instead of thousands.

`mixed` has commands that pass and that are refused in three ways; `policies` is that with a new policy, valid or not,
at every tenth command. Each has a daemon that has just been started.
"""

import contextlib
import itertools

from labs import Lab, Workload
from rows import Row
from section_growth import start_machines

TITLE = "memory: what many commands leave behind"
LABS = {"guarded": [], "plain": ["--unguarded"]}
WORKLOADS = [("mixed", "guarded"), ("policies", "guarded"), ("policies", "plain")]
STEPS = 10
MILLION = 1000000       # a page of 4 KiB is nothing to so many


def memory_row(lab, kind, workload, n_commands):
    """What a command leaves behind for good; the first tenth is warm-up, after which nothing should."""
    daemon = lab.find_daemon()
    sizes = [daemon.resident()]
    with contextlib.closing(Workload(lab, "bench-0")) as client:
        for step in range(STEPS):
            client.calls_per_second(workload, n_commands * (step + 1) // STEPS - n_commands * step // STEPS)
            sizes.append(daemon.resident())
    grown = sizes[-1] - sizes[1]
    steps = " ".join(f"{after - before:+}" for before, after in itertools.pairwise(sizes))
    return Row(f"memory that a command leaves, {workload}, {kind}", 1024 * grown / (n_commands * (STEPS - 1) / STEPS),
               unit="bytes", aim="< 1" if kind == "guarded" and n_commands >= MILLION else "",
               note=f"{n_commands:,} commands: {sizes[0]:,} KiB, then by tenth {steps}")


def measure(run):
    n_commands = run.commands or run.choose(500, 10000, MILLION)
    with contextlib.ExitStack() as stack:
        labs = {name: stack.enter_context(Lab(*options)) for name, options in LABS.items()}
        start_machines(labs, range(1))
        for workload, kind in WORKLOADS:
            run.say(f"{n_commands} commands, {workload}, {kind}")
            labs[kind].daemon("restart")
            yield memory_row(labs[kind], kind, workload, n_commands)
