# SPDX-License-Identifier: LGPL-2.1-or-later
"""query-status through libvirtd, guarded and not: what a client sees, and what polkit and a proxy add to the same call.

`plain` is libvirtd as it is, with the same log; `guarded` writes the log and the durable trail. A guarded daemon of the
system always has both, so what the log alone takes is measured with a user's own daemons (qemu:///session), which have
no trail. `own line` is plain and writes one line of libvirt's own for each command: the least that a log of commands
costs. `guarded, counting` has a host policy with `repeat`, by which such repetitions are judged and counted, and not
written. `polkit` is plain with libvirt's access driver and a real polkitd, which allows all. `proxy` is a client of
virt-qemu-qmp-proxy, which is itself a client of `plain`. Nobody is root.
"""

import contextlib
import os
import statistics
import subprocess
import sys

from groups import WARM_UP, Comparison, cpu, p50, p99
from labs import SYSTEM, USER, Caller, Lab, wait_for
from rows import Row, microseconds
from section import REPO, Unavailable
from session_daemon import SessionDaemon

sys.path.append(str(REPO / "tests/integration"))
import polkit   # noqa: E402

TITLE = "query-status through libvirtd"
UNGUARDED = ["--unguarded"]
OWN_LINE = ["--set", "log_filters=1:libvirt-qemu"]      # virDomainQemuMonitorCommand() says what it was called with
COUNTING = "guarded, counting"
LABS = {"plain": UNGUARDED, "plain, too": UNGUARDED, "guarded": [],
        COUNTING: ["--host-policy", REPO / "tests/bench/repeats.xml"], "own line": UNGUARDED + OWN_LINE,
        "polkit": UNGUARDED}
OWN_LINE_WORDS = 'cmd={"execute":"query-status"}'
SESSIONS = {"session": "plain", "session, too": "plain, too", "guarded session": "guarded"}
NAME = "bench"
MERGED = 10         # blocks for a p99: of one alone it would be its second worst call


def start_polkit(lab):
    polkit.start_polkit(lab, "")
    lab.daemon("restart")


def start_proxy(lab):
    socket = lab.directory / "s/proxy"      # the session's daemon made that: it is the user's own
    process = lab.popen("virt-qemu-qmp-proxy", "-c", SYSTEM, NAME, socket, user=USER, stdin=subprocess.DEVNULL)
    wait_for(socket, process)
    return Caller(lab, NAME, socket=socket)


def check_log(name, log, n_calls):
    """Is it what it is called? Each call has its line in the log, the guard's or libvirt's own, or none has."""
    text = log.read_text(errors="replace")
    for words, has_them in (("QMP: bench | query-status |", "guarded" in name),
                            (OWN_LINE_WORDS, name == "own line")):
        n_lines = text.count(words)
        if name == COUNTING and has_them:
            n_lines *= n_calls if n_lines == 1 else 0
        if n_lines < n_calls if has_them else n_lines:
            raise RuntimeError(f"{name}: {n_lines} lines with '{words}' for {n_calls} calls")


class Group:
    """A fresh daemon for each setup."""

    def __init__(self, stack, order):
        self.callers = {}
        self.logs = {}
        labs = {}
        for name in order:
            lab = labs[name] = stack.enter_context(Lab(*LABS[name]))
            if name == "polkit":
                start_polkit(lab)
            lab.start_machine(NAME)
            self.callers[name] = Caller(lab, NAME)
            self.logs[name] = lab.directory / "var/log/libvirt/libvirtd.log"
            for session in (session for session, of in SESSIONS.items() if of == name):
                daemon = SessionDaemon(lab, lab.guard if name == "guarded" else None)
                daemon.start_machine(NAME)
                self.callers[session] = Caller(lab, NAME, daemon.uri, pid_file=daemon.pid_file)
                self.logs[session] = daemon.log
        self.callers["proxy"] = start_proxy(labs["plain"])

    def measure(self, comparison, n_rounds, n_calls):
        def block(name):
            caller = self.callers[name]
            # These two take much longer, and their difference is so large that a few calls show it.
            count = max(n_calls // 5, 2) if name in ("polkit", "proxy") else n_calls
            return lambda: caller.block("proxy" if name == "proxy" else "monitor", count)

        for name, caller in self.callers.items():
            caller.times("proxy" if name == "proxy" else "monitor", WARM_UP)
        comparison.add({name: block(name) for name in self.callers}, n_rounds)
        for name, log in self.logs.items():
            check_log(name, log, n_rounds * n_calls)


def beside(comparison, what, others, aim="", guard="guarded"):
    """How many times as much another way adds to plain as the guard does. The quartiles are the worst of both."""
    low, median, high = statistics.quantiles(comparison.added(guard, "plain", p50), n=4)
    other_low, other, other_high = statistics.quantiles(comparison.added(others, "plain", p50), n=4)
    return Row(what, other / median if median > 0 else float("inf"), other_low / high if high > 0 else float("inf"),
               other_high / low if low > 0 else float("inf"), aim=aim,
               note=f"it adds {microseconds(other)}, the guard {microseconds(median)} (quartiles {microseconds(low)}, "
                    f"{microseconds(high)})")


def rows(comparison):
    row = comparison.row
    yield row("noise: two unguarded, p50", "plain, too", "plain", p50)
    yield row("noise: two unguarded, p99", "plain, too", "plain", p99, MERGED)
    yield row("noise: two unguarded, qemu:///session, p50", "session, too", "session", p50)
    yield row("noise: two unguarded, qemu:///session, p99", "session, too", "session", p99, MERGED)
    yield row("guarded, text log: p50", "guarded session", "session", p50, aim="<= 1.01")
    yield row("guarded, text log: p99", "guarded session", "session", p99, MERGED, aim="<= 1.03")
    yield row("guarded, text log and durable trail: p50", "guarded", "plain", p50, aim="<= 1.02")
    yield row("guarded, text log and durable trail: p99", "guarded", "plain", p99, MERGED)
    yield row("guarded, repetitions counted: p50", COUNTING, "plain", p50)
    yield row("guarded, repetitions counted: p99", COUNTING, "plain", p99, MERGED)
    yield row("unguarded, one log line of libvirt's own: p50", "own line", "plain", p50)
    yield row("unguarded, one log line of libvirt's own: p99", "own line", "plain", p99, MERGED)
    yield row("the daemon's processor time: noise", "plain, too", "plain", cpu)
    yield row("the daemon's processor time, text log", "guarded session", "session", cpu)
    yield row("the daemon's processor time, log and trail", "guarded", "plain", cpu)
    yield row("the daemon's processor time, repetitions counted", COUNTING, "plain", cpu)
    yield row("the daemon's processor time, one log line of libvirt's own", "own line", "plain", cpu)
    yield row("polkit access driver: p50", "polkit", "plain", p50)
    yield beside(comparison, "what polkit adds, to what the guard adds", "polkit", ">= 50")
    yield beside(comparison, "what polkit adds, to what the guard adds that counts repetitions", "polkit", guard=COUNTING)
    yield row("virt-qemu-qmp-proxy: p50", "proxy", "plain", p50)
    yield beside(comparison, "what the proxy adds, to what the guard adds", "proxy")


def measure(run):
    needed = [polkit.DBUS, polkit.POLKITD, polkit.BUS_CONFIGURATION, "/usr/bin/virt-qemu-qmp-proxy"]
    missing = [file for file in needed if not os.path.exists(file)]
    if missing:
        raise Unavailable(f"no {' '.join(missing)}: scripts/setup")
    comparison = Comparison()
    n_groups = run.choose(1, 5, 20)
    for number in range(n_groups):
        run.say(f"daemons: group {number + 1} of {n_groups}")
        with contextlib.ExitStack() as stack:
            group = Group(stack, list(LABS)[::1 if number % 2 == 0 else -1])
            group.measure(comparison, run.choose(10, 60), run.choose(20, 100))
    yield from rows(comparison)
