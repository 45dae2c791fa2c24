# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls of libvirt's that are no passthrough, in a guarded daemon and in one that is not.

The guard has nothing to do with them, and they must not notice it. Two unguarded daemons in the same run are the noise:
what differs by no more than they do does not differ.
"""

import contextlib

from groups import WARM_UP, Comparison, cpu, p50
from labs import Caller, Lab

TITLE = "libvirt's other calls, guarded to unguarded"
CALLS = {"info": "virDomainGetInfo", "lookup": "virDomainLookupByName", "xml": "virDomainGetXMLDesc",
         "list": "virConnectListAllDomains"}
SETUPS = {"plain": ["--unguarded"], "plain, too": ["--unguarded"], "guarded": []}
AIM = "no difference"


def is_no_difference(row, noise):
    """Whether the guarded one's median is where the quartiles of two that are equal are."""
    return noise.low <= row.figure <= noise.high


def measure_group(comparisons, order, n_rounds, n_calls):
    with contextlib.ExitStack() as stack:
        callers = {}
        for name in order:
            lab = stack.enter_context(Lab(*SETUPS[name]))
            lab.start_machine("bench")
            callers[name] = Caller(lab, "bench")
        for call, comparison in comparisons.items():
            for caller in callers.values():
                caller.times(call, WARM_UP)
            comparison.add({name: lambda caller=caller, call=call: caller.block(call, n_calls)
                            for name, caller in callers.items()}, n_rounds)


def measure(run):
    comparisons = {call: Comparison() for call in CALLS}
    n_groups = run.choose(1, 6, 20)
    for number in range(n_groups):
        run.say(f"daemons: group {number + 1} of {n_groups}")
        order = list(SETUPS)[::1 if number % 2 == 0 else -1]
        measure_group(comparisons, order, run.choose(6, 60), run.choose(50, 100))
    for call, comparison in comparisons.items():
        noise = comparison.row(f"{CALLS[call]}: noise, two unguarded", "plain, too", "plain", p50)
        row = comparison.row(f"{CALLS[call]}: guarded", "guarded", "plain", p50, aim=AIM)
        row.is_met = is_no_difference(row, noise)
        row.note += f"; the daemon's processor time {comparison.row('', 'guarded', 'plain', cpu).figure:.3f}"
        yield row
        yield noise
