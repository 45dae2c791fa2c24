# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a decision costs within the daemon, without libvirt and QEMU.

Times and instructions are those of decision.c, beside json-c's parser on the same text, which is the least that a guard
could do. Times are the thread's own on a processor. Instructions are callgrind's, of one call each: they do not depend
on what else the machine does. What more rules cost is rule_count.c's to say, and what limits and grants add
limits_grants.c's.
"""

import collections
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from rows import Row, microseconds, ratios, row_of
from section import Unavailable

TITLE = "one decision in its own process"

FLOOR = "json-c"
# The works of decision.c that are told of, and what they are called.
WORKS = {"verdict": "read and decided", "text": "and written to be forwarded", "record": "and its record made"}
AIMS = {"small": "<= 1.5", "1 MB string": "<= 2", "1 MB members": "<= 2", "1 MB list": "<= 2"}
TEXTS = 6
RULES = ["10", "100", "1000", "10000"]
WAYS = [("allowed-limited", "allowed", "allowed, under four limits, to allowed"),
        ("denied-grants", "denied", "denied, beside ten grants for others, to denied without"),
        ("granted", "denied", "granted, by the last of ten grants, to denied without")]
# What does what is measured once, so that callgrind knows it by name.
COUNTED = "bench_do_measured"


def lines_of(*command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def samples(*command):
    """{key: [nanoseconds of each round]}; the last column is the time, the ones before it the key."""
    times = collections.defaultdict(list)
    for *key, value in lines_of(*command):
        times[tuple(key)].append(float(value))
    return times


def time_texts(run):
    rounds = run.choose(5, 61, 301)
    times = samples(run.program("decision"), "time", str(rounds), str(TEXTS))
    for text in dict.fromkeys(text for text, _ in times):
        floor = microseconds(statistics.median(times[text, FLOOR]))
        for work, called in WORKS.items():
            yield row_of(f"{text}: {called}, to json-c parsing it", ratios(times[text, work], times[text, FLOOR]),
                         aim=AIMS.get(text, "") if work == "verdict" else "",
                         note=f"{rounds} pairs; {microseconds(statistics.median(times[text, work]))} to {floor}")


def count_instructions(run):
    """{(text, work): instructions}, of one call each."""
    if not shutil.which("valgrind"):
        raise Unavailable("valgrind is missing: it counts instructions")
    with tempfile.TemporaryDirectory() as directory:
        found = lines_of("valgrind", "--quiet", "--tool=callgrind", f"--toggle-collect={COUNTED}",
                         f"--dump-after={COUNTED}", f"--callgrind-out-file={directory}/out",
                         run.program("decision"), "once", str(run.choose(3, TEXTS)))
        return {tuple(key): read_total(pathlib.Path(directory, f"out.{number}"))
                for number, key in enumerate(found, 1)}


def read_total(path):
    """A call has a file of its own, with one line of the sum."""
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("totals: "):
            return int(line.removeprefix("totals: "))
    raise RuntimeError(f"{path.name} of callgrind has no totals")


def instructions(run):
    counts = count_instructions(run)
    for text in dict.fromkeys(text for text, _ in counts):
        floor = counts[text, FLOOR]
        others = ", ".join(f"{work} {counts[text, work] / floor:.2f}" for work in ("tree", "text", "record"))
        yield Row(f"{text}: instructions to read and decide, to json-c's", counts[text, "verdict"] / floor,
                  aim=AIMS.get(text, ""), note=f"{counts[text, 'verdict']:,} to {floor:,}; {others}")


def growth(run):
    rounds = run.choose(21, 301)
    times = samples(run.program("rule_count"), str(rounds))
    for rules in RULES[1:]:
        yield row_of(f"a decision among {int(rules):,} rules, to one among 10", ratios(times[rules,], times["10",]),
                     aim="<= 2" if rules == RULES[-1] else "",
                     note=f"{rounds} pairs; {statistics.median(times[rules,]):.0f} to "
                          f"{statistics.median(times['10',]):.0f} ns")
    asked = {rules: (int(count), int(size)) for rules, count, size in lines_of(run.program("rule_count"), "once")}
    few, many = asked[RULES[0]], asked[RULES[-1]]
    yield Row("allocated by a judgement among 10,000 rules, less among 10", many[1] - few[1], unit="bytes", aim="= 0",
              note=f"{many[1]:,} bytes in {many[0]} allocations, to {few[1]:,} in {few[0]}")


def permissions(run):
    rounds = run.choose(21, 201)
    times = samples(run.program("limits_grants"), str(rounds))
    for way, against, called in WAYS:
        yield row_of(f"a judgement: {called}", ratios(times[way,], times[against,]),
                     note=f"{rounds} pairs; {microseconds(statistics.median(times[way,]))} to "
                          f"{microseconds(statistics.median(times[against,]))}")


def measure(run):
    yield from time_texts(run)
    yield from growth(run)
    yield from permissions(run)
    run.say("counting instructions")
    yield from instructions(run)
