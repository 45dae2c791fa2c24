#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the guard's decisions with those of a model that was written from the documentation.

usage: compare.py ASK [--pairs N] [--minutes N] [--seed N] [--processes N] [--exhaustive] [--junit FILE]

ASK is build/tests/model/ask. A pair is a policy (the host's, and the domain's if it has one) and a request
of some caller; compared are the verdict and the rule that gave it. A difference is made as small as it goes
and printed; exit status 1. With --minutes there may be fewer pairs than were asked for.
"""
import argparse
import random
import sys
import time
from collections import Counter
from multiprocessing import Pool
from xml.sax.saxutils import quoteattr

import exhaustive
import model
from generator import Generator, policy_text
from guard import Batch, Guard, ReadDifferently
from shrink import shrink

REQUESTS = 120
POLICIES = 120
# After so many the rest is not looked at: one fault has many differences.
DIFFERENCES_MAX = 5


# What passes through the whole guard, words of the record and all, is only a part: it is slow.
THROUGH_GUARD = 15
COUNTED = 60


def as_case(host, domain, is_confidential, way=None):
    """@way: "whole" and "counted" go through the whole guard, the latter with limits."""
    return {"host": host, "domain": domain, "confidential": is_confidential, "way": way}


def differences(guard, batch, case, asks, tally):
    """(ask, what the model says, what the guard says) wherever they differ. @tally counts who decided."""
    theirs = guard.judge(case, asks)
    if isinstance(theirs, str):
        yield None, "valid", f"{theirs} policy invalid"
        return
    judge = model.Judge(case["host"], case["domain"], case["confidential"])
    for ask, their in zip(asks, theirs, strict=True):
        number, caller, native = ask
        say = judge.judge_counted if case["way"] == "counted" else judge.judge
        ours = say(batch.operations[number], batch.callers[caller], frozenset(native))
        origin, what = their[1].split(":", 1)
        tally["limit" if what.startswith("limit:") else origin, their[0]] += 1
        if list(ours) != their:
            yield ask, ours, their


def report(difference, case, batch, seed):
    ask, ours, theirs = difference
    lines = [f"model {ours}, guard {theirs}  (seed {seed})", f"  host    {case['host']}", f"  domain  {case['domain']}"]
    if case["confidential"]:
        lines.append("  the domain has <launchSecurity>")
    if ask:
        lines += [f"  request {batch.requests[ask[0]]}", f"  caller  {batch.callers[ask[1]]}", f"  native  {ask[2]}"]
    return "\n".join(lines)


def compare_everything(program):
    """(tally, texts of differences) of the whole catalogue under each profile."""
    guard = Guard(program)
    tally = Counter()
    try:
        batch = Batch(guard, exhaustive.requests(), [{"label": "alice", "user": "alice"}])
    except ReadDifferently as difference:
        return tally, [str(difference)]
    unread = exhaustive.unread(batch)
    found = [f"no text of {name} could be read" for name in unread]
    for number, (host, domain, is_confidential) in enumerate(exhaustive.policies()):
        case = as_case(host, domain, is_confidential, "whole" if number == 0 else None)
        asks = [[number, 0, []] for number in batch.readable]
        found += [report(difference, case, batch, "none")
                  for difference in differences(guard, batch, case, asks, tally)]
        if len(found) > DIFFERENCES_MAX:
            break
    guard.close()
    return tally, found


def compare_round(guard, seed, tally):
    """Texts of the differences of one batch of texts with some policies each."""
    rng = random.Random(seed)
    generator = Generator(rng)
    batch = Batch(guard, [generator.request() for _ in range(REQUESTS)], [generator.caller() for _ in range(12)])
    operations = [operation for number in batch.readable for operation in batch.operations[number]]
    # Rules are made after these: mostly after such as have something to go by.
    operations += [operation for operation in operations if generator.has_list(operation.expanded)] * 4
    found = []
    for way in ["whole"] * 2 + ["counted"] * 6 + [None] * POLICIES:
        limits = rng.randrange(3) if way == "counted" else 0
        host = generator.policy(operations, True, limits) if rng.random() < 0.85 else None
        domain = generator.policy(operations, False, limits) if rng.random() < 0.65 or not host else None
        case = as_case(policy_text(host), policy_text(domain), rng.random() < 0.15, way)
        asks = [[number, rng.randrange(len(batch.callers)), generator.permissions()] for number in batch.readable]
        if way == "whole":
            asks = rng.sample(asks, THROUGH_GUARD)
        elif way == "counted":
            asks = rng.choices(rng.sample(asks, THROUGH_GUARD), k=COUNTED)
        for difference in differences(guard, batch, case, asks, tally):
            found.append(report_shrunk(guard, difference, host, domain, case, batch, asks, seed))
            break
        if len(found) >= DIFFERENCES_MAX:
            break
    return found


def report_shrunk(guard, difference, host, domain, case, batch, asks, seed):
    def differing(host, domain, request, caller, native):
        small = Batch(guard, [request], [caller])
        if not small.readable:
            return None
        case_now = dict(case, host=policy_text(host), domain=policy_text(domain))
        found = next(differences(guard, small, case_now, [[0, 0, native]], Counter()), None)
        return (found, case_now, small) if found else None

    ask = difference[0]
    text = report(difference, case, batch, seed)
    if ask and case["way"] == "counted":
        sequence = [f"  before  {batch.requests[number]} {batch.callers[caller]}" for number, caller, _ in asks]
        return "\n".join([text] + sequence)
    if ask:
        smallest = shrink(differing, host, domain, batch.requests[ask[0]], batch.callers[ask[1]], ask[2])
        text = report(*smallest, seed) if smallest else text
        guard.say({"requests": batch.requests, "callers": batch.callers})
    return text


def work(job):
    program, seed, pairs, until = job
    guard = Guard(program)
    tally, found, rounds = Counter(), [], 0
    while tally.total() < pairs and time.monotonic() < until and not found:
        try:
            found = compare_round(guard, f"{seed}.{rounds}", tally)
        except ReadDifferently as difference:
            found = [f"{difference}  (seed {seed}.{rounds})"]
        rounds += 1
    guard.close()
    return tally, found


def compare_random(options):
    until = time.monotonic() + 60 * options.minutes
    processes = options.processes
    jobs = [(options.ask, f"{options.seed}.{number}", options.pairs / processes, until) for number in range(processes)]
    with Pool(processes) as pool:
        results = pool.map(work, jobs, 1)
    return sum((tally for tally, _ in results), Counter()), [text for _, found in results for text in found]


def write_junit(path, results):
    with open(path, "w", encoding="utf-8") as out:
        out.write('<testsuite name="model">\n')
        for name, _, found, _ in results:
            out.write(f'<testcase classname="model" name="{name}">')
            out.write(f"<failure message={quoteattr(found[0])}/>" if found else "")
            out.write("</testcase>\n")
        out.write("</testsuite>\n")


def timed(name, function, *arguments):
    """Runs a comparison and prints what came of it: (name, tally, texts of differences, seconds)."""
    start = time.monotonic()
    tally, found = function(*arguments)
    seconds = time.monotonic() - start
    print(f"{name}: {tally.total()} pairs in {seconds:.0f} s, {len(found)} differences")
    for verdict in model.VERDICTS:
        by = [f"{origin} {count}" for (origin, said), count in sorted(tally.items()) if said == verdict]
        print(f"  {verdict:6} {', '.join(by) or 'never'}")
    print("\n".join(found[:DIFFERENCES_MAX]), end="\n" if found else "", flush=True)
    return name, tally, found, seconds


def run(options):
    results = []
    if options.exhaustive:
        results.append(timed("exhaustive", compare_everything, options.ask))
    if options.pairs:
        print(f"seed {options.seed}", flush=True)
        results.append(timed("random", compare_random, options))
    return results


def parser():
    ret = argparse.ArgumentParser(usage=__doc__)
    ret.add_argument("--pairs", type=int, default=0)
    ret.add_argument("--minutes", type=float, default=float("inf"))
    ret.add_argument("--seed", default="1")
    ret.add_argument("--processes", type=int, default=2)
    ret.add_argument("--exhaustive", action="store_true")
    return ret


def main():
    own = parser()
    own.add_argument("ask")
    own.add_argument("--junit")
    options = own.parse_args()
    results = run(options)
    if options.junit:
        write_junit(options.junit, results)
    return 1 if not results or any(found or not tally for _, tally, found, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
