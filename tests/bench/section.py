# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a section of scripts/bench is, and what it is given.

A section is a module tests/bench/section_NAME.py; that it is there makes it one. It has

    TITLE               one line, the heading of its table
    def measure(run):   a generator of Rows (rows.py), each as soon as it is known

and its docstring says what is measured and how; `scripts/bench --help` shows its first line. It is called outside any
lab, as root, after scripts/build, and starts what labs it needs by itself (labs.py). It takes some minutes at most,
some seconds when run.is_quick, and as long as it needs when run.is_full. It asserts nothing: a figure that falls short
is a row like any other. Only when there is no figure to be had it raises RuntimeError, or Unavailable, which says what
has to be installed for it.

Things that are compared take turns in short blocks within one run, in an order that is turned round (turns.py), so that
the machine's mood is shared; a row shows the median of the blocks' ratios and their quartiles.
"""

import dataclasses
import importlib
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parents[1]
# The order in the document; any others follow.
ORDER = ["roundtrip", "decision", "growth", "memory", "others", "starts", "search"]


class Unavailable(RuntimeError):
    """What it takes is not on this machine."""


@dataclasses.dataclass
class Run:
    """What measure() is given."""
    build: pathlib.Path         # the build directory: programs of tests/bench/*.c are in build/tests/bench
    is_quick: bool = False      # for a look, and to see whether it works
    is_full: bool = False       # as long as it takes
    commands: int | None = None     # of a section that sends as many as it is told
    started: float = dataclasses.field(default_factory=time.monotonic)

    def choose(self, quick, usual, full=None):
        """How many, by the length of the run."""
        if self.is_quick:
            return quick
        return full if self.is_full and full is not None else usual

    def program(self, name):
        return self.build / "tests/bench" / name

    def say(self, text):
        """What goes on, for whoever waits; no part of the result."""
        print(f"  [{time.monotonic() - self.started:.0f} s] {text}", file=sys.stderr, flush=True)


def names():
    found = sorted(path.stem.removeprefix("section_") for path in HERE.glob("section_*.py"))
    return sorted(found, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def load(name):
    return importlib.import_module(f"section_{name}")
