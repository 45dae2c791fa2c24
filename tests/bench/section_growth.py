# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many machines, many clients, and policies that change without end: throughput and records.

Throughput is that of query-status by so many clients, each with a connection of its own, to all machines in turn, in a
guarded daemon and in one that is not. The daemons are restarted in between, and find their machines again.
"""

import concurrent.futures
import contextlib
import statistics

import libvirt

from labs import Lab, Load, Workload, bare_xml
from rows import Row, ratios, row_of
from trail_count import TrailCount
from turns import measure_in_turns

TITLE = "growth: machines, clients, policies"
LABS = {"plain": ["--unguarded"], "plain, too": ["--unguarded"], "guarded": []}
TARGET = (200, 8)       # machines, clients
# By the number of machines, in rising order: how many clients.
QUICK = {1: [8], 3: [8]}
USUAL = {1: [1, 64], 200: [8]}
FULL = {number: [1, 2, 4, 8, 16, 32, 64] for number in (1, 10, 50, 200)}
BLOCK = 0.1             # seconds
TRAIL = "var/log/libvirt/qmp-guard/audit.log"


def start_machines(labs, numbers):
    """All labs at the same time; starting takes more waiting than work."""
    xml = bare_xml("NAME")

    def start(lab):
        for number in numbers:
            lab.connect().createXML(xml.replace("NAME", f"bench-{number}"), libvirt.VIR_DOMAIN_START_PAUSED)

    with concurrent.futures.ThreadPoolExecutor(len(labs)) as pool:
        list(pool.map(start, labs.values()))


def measure_load(labs, n_clients, n_rounds, seconds):
    """Calls per second, by lab; and how many calls the guarded one had."""
    with contextlib.ExitStack() as stack:
        loads = {name: stack.enter_context(contextlib.closing(Load(lab, n_clients))) for name, lab in labs.items()}
        for load in loads.values():
            load.calls_per_second(seconds)      # warm-up
        rates = measure_in_turns({name: lambda load=load: load.calls_per_second(seconds)
                                  for name, load in loads.items()}, n_rounds)
        return rates, loads["guarded"].calls


def to_plain(rates, name):
    return ratios(rates[name], rates["plain"])


def load_rows(n_machines, n_clients, results):
    """@results: by restart."""
    where = f"{n_machines} VMs, {n_clients} clients"
    aim = ">= 0.98" if (n_machines, n_clients) == TARGET else ""
    medians = " ".join(f"{statistics.median(to_plain(rates, 'guarded')):.3f}" for rates in results)
    speeds = [statistics.median(rate for rates in results for rate in rates[name]) for name in ("guarded", "plain")]
    yield row_of(f"{where}: throughput, guarded to not", sum((to_plain(rates, "guarded") for rates in results), []),
                 aim=aim, note=f"{speeds[0]:,.0f}/s to {speeds[1]:,.0f}/s; by pair of daemons {medians}")
    yield row_of(f"{where}: noise, two unguarded", sum((to_plain(rates, "plain, too") for rates in results), []))


def resident_row(n_machines, labs):
    sizes = {name: lab.find_daemon().resident() for name, lab in labs.items()}
    return Row(f"{n_machines} VMs: the daemon's resident memory, guarded to not", sizes["guarded"] / sizes["plain"],
               note=f"{sizes['guarded']:,} KiB to {sizes['plain']:,} KiB; two unguarded: "
                    f"{sizes['plain, too'] / sizes['plain']:.3f}")


def measure_loads(run, labs):
    """A row for each number of machines and clients, and how the trail came out of it."""
    n_calls = n_machines = 0
    n_restarts = run.choose(1, 2, 5)
    for wanted, clients in run.choose(QUICK, USUAL, FULL).items():
        run.say(f"machines: {wanted} in each of {len(labs)} daemons")
        start_machines(labs, range(n_machines, wanted))
        n_machines = wanted
        results = {number: [] for number in clients}
        for restart in range(n_restarts):
            for lab in list(labs.values())[::1 if restart % 2 == 0 else -1]:
                lab.daemon("restart")
            for number in clients:
                rates, calls = measure_load(labs, number, run.choose(4, 20, 40), BLOCK)
                results[number].append(rates)
                n_calls += calls
        for number in clients:
            yield from load_rows(n_machines, number, results[number])
        yield resident_row(n_machines, labs)
    yield from trail_rows(labs["guarded"].directory / TRAIL, n_calls)


def trail_rows(path, n_calls):
    count = TrailCount(path)
    whole = min(count.events["decision"], count.events["outcome"])
    chain = "the chain is unbroken" if count.broken is None else f"the chain is broken at record {count.broken}"
    yield Row("commands of these without a decision and an outcome in the trail", n_calls - whole, unit="commands",
              aim="= 0", note=f"of {n_calls:,}; {count.events['lost']} records of losses; {chain}")
    yield Row("the trail's size for one command", count.size / n_calls, unit="bytes")


def measure_policies(run, labs):
    """The same commands while the domain has another policy at every tenth."""
    labs = {name: labs[name] for name in ("plain", "plain, too", "guarded")}
    with contextlib.ExitStack() as stack:
        clients = {name: stack.enter_context(contextlib.closing(Workload(lab, "bench-0")))
                   for name, lab in labs.items()}
        n_calls = run.choose(20, 100)
        rates = measure_in_turns({name: lambda client=client: client.calls_per_second("changing", n_calls)
                                  for name, client in clients.items()}, run.choose(4, 20, 200))
    yield row_of("a new policy at every tenth command: throughput", to_plain(rates, "guarded"),
                 note=f"{statistics.median(rates['guarded']):,.0f}/s to {statistics.median(rates['plain']):,.0f}/s")
    yield row_of("a new policy at every tenth command: noise, two unguarded", to_plain(rates, "plain, too"))


def measure(run):
    with contextlib.ExitStack() as stack:
        labs = {name: stack.enter_context(Lab(*options)) for name, options in LABS.items()}
        yield from measure_loads(run, labs)
    # With one machine: what 200 of them take from libvirtd is not what is asked here.
    with contextlib.ExitStack() as stack:
        labs = {name: stack.enter_context(Lab(*options)) for name, options in LABS.items()}
        start_machines(labs, range(1))
        yield from measure_policies(run, labs)
