#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the guard's decisions with those of a model that was written from the documentation.

usage: compare.py ASK [--pairs N] [--seed N] [--processes N] [--exhaustive] [--junit FILE]

ASK is build/tests/model/ask. A pair is a policy (the host's, and the domain's if it has one) and a request
of some caller; compared are the verdict and the rule that gave it. A difference is made as small as it goes
and printed; exit status 1.
"""
import argparse
import random
import sys
import time
from multiprocessing import Pool
from xml.sax.saxutils import quoteattr

import exhaustive
import model
from generator import Generator, policy_text
from guard import Batch, Guard
from shrink import shrink

REQUESTS = 400
POLICIES = 40
# After so many the rest is not looked at: one fault has many differences.
DIFFERENCES_MAX = 5


def as_case(host, domain, is_confidential, whole):
    return {"host": host, "domain": domain, "confidential": is_confidential, "whole": whole}


def differences(guard, batch, case, asks):
    """(ask, what the model says, what the guard says) wherever they differ."""
    theirs = guard.judge(case, asks)
    if isinstance(theirs, str):
        yield None, "valid", f"{theirs} policy invalid"
        return
    judge = model.Judge(case["host"], case["domain"], case["confidential"])
    for ask, their in zip(asks, theirs, strict=True):
        number, caller, native = ask
        ours = judge.judge(batch.operations[number], batch.callers[caller], frozenset(native))
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
    """(pairs, texts of differences) of the whole catalogue under each profile."""
    guard = Guard(program)
    batch = Batch(guard, exhaustive.requests(), [{"user": "alice"}])
    unread = exhaustive.unread(batch)
    found = [f"no text of {name} could be read" for name in unread]
    pairs = 0
    for number, (host, domain, is_confidential) in enumerate(exhaustive.policies()):
        case = as_case(host, domain, is_confidential, number == 0)
        asks = [[number, 0, []] for number in batch.readable]
        pairs += len(asks)
        found += [report(difference, case, batch, "none") for difference in differences(guard, batch, case, asks)]
        if len(found) > DIFFERENCES_MAX:
            break
    guard.close()
    return pairs, found


def compare_round(guard, seed):
    """(pairs, texts of differences) of one batch of texts with some policies each."""
    rng = random.Random(seed)
    generator = Generator(rng)
    batch = Batch(guard, [generator.request() for _ in range(REQUESTS)], [generator.caller() for _ in range(12)])
    operations = [operation for number in batch.readable for operation in batch.operations[number]]
    pairs, found = 0, []
    for number in range(POLICIES):
        host = generator.policy(operations, True) if rng.random() < 0.85 else None
        domain = generator.policy(operations, False) if rng.random() < 0.65 or not host else None
        is_confidential = rng.random() < 0.15
        case = as_case(policy_text(host), policy_text(domain), is_confidential, number == 0)
        asks = [[number, rng.randrange(len(batch.callers)), generator.permissions()] for number in batch.readable]
        if case["whole"]:
            asks = asks[::20]
        pairs += len(asks)
        for difference in differences(guard, batch, case, asks):
            found.append(report_shrunk(guard, difference, host, domain, case, batch, seed))
            break
        if len(found) >= DIFFERENCES_MAX:
            break
    return pairs, found


def report_shrunk(guard, difference, host, domain, case, batch, seed):
    def differing(host, domain, request, caller, native):
        small = Batch(guard, [request], [caller])
        if not small.readable:
            return None
        case_now = dict(case, host=policy_text(host), domain=policy_text(domain))
        return next(((found, case_now, small) for found in differences(guard, small, case_now, [[0, 0, native]])), None)

    ask = difference[0]
    text = report(difference, case, batch, seed)
    if ask:
        smallest = shrink(differing, host, domain, batch.requests[ask[0]], batch.callers[ask[1]], ask[2])
        text = report(*smallest, seed) if smallest else text
        guard.say({"requests": batch.requests, "callers": batch.callers})
    return text


def work(job):
    program, seed, pairs_wanted = job
    guard = Guard(program)
    pairs, found, rounds = 0, [], 0
    while pairs < pairs_wanted and not found:
        more, found = compare_round(guard, f"{seed}.{rounds}")
        pairs, rounds = pairs + more, rounds + 1
    guard.close()
    return pairs, found


def compare_random(program, pairs, seed, processes):
    jobs = [(program, f"{seed}.{number}", pairs // processes + 1) for number in range(processes)]
    with Pool(processes) as pool:
        results = pool.map(work, jobs, 1)
    return sum(pairs for pairs, _ in results), [text for _, found in results for text in found]


def write_junit(path, results):
    with open(path, "w", encoding="utf-8") as out:
        out.write('<testsuite name="model">\n')
        for name, _, found in results:
            out.write(f'<testcase classname="model" name="{name}">')
            out.write(f"<failure message={quoteattr(found[0])}/>" if found else "")
            out.write("</testcase>\n")
        out.write("</testsuite>\n")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("ask")
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("--junit")
    options = parser.parse_args()
    results = []
    if options.exhaustive:
        results.append(("exhaustive", *timed(compare_everything, options.ask)))
    if options.pairs:
        print(f"seed {options.seed}", flush=True)
        results.append(("random", *timed(compare_random, options.ask, options.pairs, options.seed, options.processes)))
    for _, _, found in results:
        print("\n".join(found[:DIFFERENCES_MAX]), end="\n" if found else "")
    if options.junit:
        write_junit(options.junit, results)
    return 1 if any(found or not pairs for _, pairs, found in results) else 0


def timed(function, *arguments):
    start = time.monotonic()
    pairs, found = function(*arguments)
    print(f"{function.__name__}: {pairs} pairs in {time.monotonic() - start:.0f} s, {len(found)} differences", flush=True)
    return pairs, found


if __name__ == "__main__":
    sys.exit(main())
