# SPDX-License-Identifier: LGPL-2.1-or-later
"""In which order things that are compared are measured."""


def rounds(things, count):
    """The things in order and in reverse, in turn: A B B A A B B A. What drifts with time meets all alike."""
    things = list(things)
    for number in range(count):
        yield things if number % 2 == 0 else things[::-1]


def measure_in_turns(measures, count):
    """Calls each of {name: function} @count times, in turns; returns {name: [what it returned, ...]}."""
    results = {name: [] for name in measures}
    for order in rounds(measures, count):
        for name in order:
            results[name].append(measures[name]())
    return results
