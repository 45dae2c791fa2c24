# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons that are compared, in several groups of fresh ones.

Two daemons of the same program differ by some percent for as long as they live, by where their memory happens to lie.
So no pair of them says much: each group has new ones, started in the other order, and a row tells what each group says.
"""

import array
import statistics

from labs import Block
from rows import microseconds, row_of
from turns import measure_in_turns

WARM_UP = 200       # calls


class Comparison:
    """Blocks by setup, in groups."""

    def __init__(self):
        self.groups = []

    def add(self, measures, count):
        """@measures is {setup: function that measures a block}."""
        self.groups.append(measure_in_turns(measures, count))

    def _blocks(self, group, name, merged):
        blocks = group[name]
        return [merge(blocks[at:at + merged]) for at in range(0, len(blocks), merged)]

    def pairs(self, function, name, against, merged=1):
        """What @function makes of each block and its partner, by group; of so many in a row made one."""
        return [[function(block, other) for block, other in zip(self._blocks(group, name, merged),
                                                                self._blocks(group, against, merged))]
                for group in self.groups]

    def median(self, name, figure, merged=1):
        return statistics.median(figure(block) for group in self.groups for block in self._blocks(group, name, merged))

    def row(self, what, name, against, figure, merged=1, **more):
        """The ratio of a figure of each block to its partner's."""
        groups = self.pairs(lambda block, other: figure(block) / figure(other), name, against, merged)
        medians = " ".join(f"{statistics.median(ratios):.3f}" for ratios in groups)
        note = (f"{microseconds(self.median(name, figure, merged))} to "
                f"{microseconds(self.median(against, figure, merged))}; by pair of daemons {medians}")
        return row_of(what, sum(groups, []), note=note, **more)

    def added(self, name, against, figure):
        """What the blocks have more than their partners: a list."""
        return sum(self.pairs(lambda block, other: figure(block) - figure(other), name, against), [])


def merge(blocks):
    times = array.array("Q")
    for block in blocks:
        times.extend(block.times)
    return Block(times, statistics.mean(block.cpu for block in blocks))


def p50(block):
    return block.rank(0.5)


def p99(block):
    return block.rank(0.99)


def cpu(block):
    return block.cpu
