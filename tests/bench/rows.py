# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a section yields: rows, each with one figure. See section.py for the sections themselves.

A figure is a ratio or a count, never a time: times are the machine's, and say nothing on another. What a section
wants to tell of times goes into the note.
"""

import dataclasses
import math
import operator
import re
import statistics

COMPARISONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq}


@dataclasses.dataclass
class Row:
    what: str                   # one line: what is compared with what
    figure: float
    low: float | None = None    # the spread: quartiles, where not told otherwise
    high: float | None = None
    unit: str = ""              # empty for a ratio; else what is counted: "KiB", "instructions"
    aim: str = ""               # "<= 1.01", or words; empty when there is none
    is_met: bool | None = None  # follows from an aim that is a comparison
    note: str = ""              # how many of what, absolute times, what is odd

    def __post_init__(self):
        match = re.fullmatch(r"(<=|>=|<|>|=) ?([0-9.]+)", self.aim)
        if match and self.is_met is None and math.isfinite(self.figure):
            self.is_met = COMPARISONS[match[1]](self.figure, float(match[2]))

    def to_json(self):
        """JSON has no infinity: that is null."""
        return {name: None if isinstance(value, float) and not math.isfinite(value) else value
                for name, value in vars(self).items()}

    def number(self, value):
        if value is None:
            return ""
        if not math.isfinite(value):
            return str(value)
        if self.unit:
            return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.2f}"
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"

    def texts(self):
        """The cells of a table."""
        figure = f"{self.number(self.figure)} {self.unit}".rstrip()
        spread = "" if self.low is None else f"{self.number(self.low)} .. {self.number(self.high)}"
        met = {True: "yes", False: "no", None: ""}[self.is_met]
        return [self.what, figure, spread, self.aim, met, self.note]


def microseconds(nanoseconds):
    return f"{nanoseconds / 1000:,.1f} µs"


HEADINGS = ["what", "figure", "spread", "aim", "met", "note"]


def ratios(values, others):
    """Of each to its neighbour, which was measured in the same turn."""
    return [value / other for value, other in zip(values, others)]


def row_of(what, values, **more):
    """The median of what the blocks of a run gave, with their quartiles."""
    values = list(values)
    if len(values) < 2:
        return Row(what, values[0], **more)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Row(what, median, low, high, **more)


def quantile(values, share):
    """By rank, so that it is one of the values: quantile(times, 0.99)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
