#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sends generated texts through the guarded daemon and asks QEMU and the guest's agent what they executed.

Runs inside a lab (scripts/witness makes it). Workers, each with a machine and connections of its own, take batches;
what a batch is made of depends on the seed and its number alone. Exit status 0: no difference.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import random
import secrets
import shlex
import sys
import threading
import time
import traceback

from compare import Place, check_batch, check_numbers
from policies import POLICIES
from testimony import Contradiction
from texts import Generator

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/witness.md"
BATCH = 250
TRIES = 400     # of the shrinker


def texts_of(seed, number, schema, channel):
    generator = Generator(random.Random(f"{seed}/{channel}/{number}"), schema, channel)
    return [generator.text() for _ in range(BATCH)]


def policy_of(number):
    return list(POLICIES)[number % len(POLICIES)]


def clients_of(number):
    """Most batches have one client, so that all is in one order; a fifth has two at once on the same machine."""
    return 2 if number % 5 == 4 else 1


def send_by(witness, client, texts, sent, died):
    """What one client sends. Ends when QEMU does."""
    for text in texts:
        if died.is_set():
            break
        answer = witness.send(text, client)
        sent.append(answer)
        if witness.has_died(answer):
            died.set()


def send_all(witness, policy, texts, clients=1):
    """Sends them, by so many clients at once, and compares the accounts. Returns counts; raises Place."""
    witness.set_policy(policy)
    sent_by, died = [[] for _ in range(clients)], threading.Event()
    threads = [threading.Thread(target=send_by, args=(witness, client, texts[client::clients], sent_by[client], died))
               for client in range(1, clients)]
    for thread in threads:
        thread.start()
    send_by(witness, 0, texts[::clients], sent_by[0], died)
    for thread in threads:
        thread.join()
    sent = [each for account in sent_by for each in account]
    last_words = [account[-1].text for account in sent_by if account] if died.is_set() else []
    records = witness.trail.read()
    try:
        messages = witness.testimony()
        witness.last = check_numbers(messages, witness.last)
    except Contradiction as error:
        raise Place(len(sent) - 1, error) from None
    counts = check_batch(policy, sent, records, messages, clients, last_words)
    if died.is_set():
        counts["died"] = [" | ".join(repr(text)[:500] for text in last_words)]
    return counts


class Shrinker:
    """Finds the least that still fails."""

    def __init__(self, witness, policy):
        self.witness, self.policy, self.tries = witness, policy, 0

    def fails(self, texts):
        """Why it fails; None when it does not, or there were enough tries."""
        self.tries += 1
        if self.tries > TRIES:
            return None
        try:
            counts = send_all(self.witness, self.policy, texts)
        except Contradiction as error:
            self.witness.last = None
            return str(error)
        if "died" in counts:
            self.witness.restart()
        return None

    def least(self, parts, joined):
        """@parts without those that are not needed; @joined makes texts of parts."""
        size = len(parts) // 2
        while size:
            at = 0
            while at < len(parts):
                fewer = parts[:at] + parts[at + size:]
                if fewer and self.fails(joined(fewer)):
                    parts = fewer
                else:
                    at += size
            size //= 2
        return parts

    def shrink(self, texts, number):
        """(texts, why)"""
        self.witness.last = None
        # The trace comes after the text: what is noticed at one may be the work of one before.
        for start in (number, max(0, number - 10), 0):
            if self.fails(texts[start:number + 1]):
                break
        else:
            return texts[number:number + 1], "it does not fail by itself, nor does what was sent before it"
        texts = self.least(texts[start:number + 1], lambda parts: parts)
        for at, text in enumerate(texts):
            data = self.least(text.data, lambda parts, at=at: texts[:at] + [texts[at]._replace(data=parts)] +
                              texts[at + 1:])
            texts[at] = text._replace(data=data)
        self.tries = 0
        return texts, self.fails(texts)


def report(seed, number, policy, place, texts, why):
    lines = [f"DIFFERENCE seed={seed} batch={number} policy={policy}: {place}", f"  least: {why}"]
    for text in texts:
        shown = repr(text.data) if len(text.data) < 2000 else f"{text.data[:200]!r}... {len(text.data)} bytes"
        lines.append(f"  send {text.channel}{' with a descriptor' if text.fds else ''}: {shown}")
    lines.append(f"  under {POLICIES[policy]}")
    return "\n".join(lines)


def make_witness(channel, name):
    if channel == "agent":
        from agent import AgentWitness
        return AgentWitness(name)
    from machine import Witness
    return Witness(name)


def work(worker, channel, seed, numbers, results, left):
    """A worker's life: batches until there are none, or so many differences were found that none is @left."""
    try:
        witness = make_witness(channel, f"{channel}-witness-{worker}")
        schema = witness.schema()
        for number in iter(numbers.get, None):
            if left.value <= 0:
                break
            policy = policy_of(number)
            texts = texts_of(seed, number, schema, channel)
            try:
                counts = send_all(witness, policy, texts, clients_of(number))
            except Place as place:
                with left.get_lock():
                    left.value -= 1
                if left.value < 0:
                    break
                number_of = place.number if clients_of(number) == 1 else len(texts) - 1
                least, why = Shrinker(witness, policy).shrink(texts, number_of)
                counts = {"difference": [report(seed, number, policy, place, least, why)]}
                witness.restart()
            if "died" in counts:
                witness.restart()
            results.put((channel, policy, counts))
        witness.close()
    except Exception:   # a worker that is gone without a word would be waited for
        results.put((channel, None, {"difference": [traceback.format_exc()]}))
    results.put(None)


def add(total, counts):
    for key, value in counts.items():
        total[key] = total.get(key, type(value)()) + value


def run(seed, texts, agent_texts, workers, most, show=print):
    """Ends early at @most differences. Returns {(channel, policy): counts} and the seconds that it took."""
    workers_by = multiprocessing.get_context("fork")    # another's children would open the queues anew, by name
    results, differences = workers_by.Queue(), workers_by.Value("i", most)
    processes = []
    for channel, count, size in (("qmp", texts, workers), ("agent", agent_texts, 1 if agent_texts else 0)):
        numbers = workers_by.Queue()
        for number in range(-(-count // BATCH)):
            numbers.put(number)
        for worker in range(size):
            numbers.put(None)
            arguments = (worker, channel, seed, numbers, results, differences)
            processes.append(workers_by.Process(target=work, args=arguments))
    start = time.monotonic()
    for process in processes:
        process.start()
    totals, left, said = {}, len(processes), start
    while left:
        result = results.get()
        if result is None:
            left -= 1
            continue
        channel, policy, counts = result
        add(totals.setdefault((channel, policy), {}), counts)
        for text in counts.get("difference", []):
            show(text)
        if time.monotonic() - said > 60:
            said = time.monotonic()
            show(f"  {sum(each.get('texts', 0) for each in totals.values())} texts in {said - start:.0f} s")
    for process in processes:
        process.join()
    return totals, time.monotonic() - start


def table(totals):
    """What docs/witness.md shows of a run."""
    lines = ["| channel | policy | texts | refused | passed | begun by the witness | by libvirt itself | deaths "
             "| differences |", "|---|---|---|---|---|---|---|---|---|"]
    for (channel, policy), counts in sorted(totals.items(), key=str):
        lines.append(f"| {channel} | {policy} | " + " | ".join(
            str(counts.get(key, 0)) for key in ("texts", "refused", "passed", "executed", "own")) +
            f" | {len(counts.get('died', []))} | {len(counts.get('difference', []))} |")
    return "\n".join(lines)


def document(text):
    """Puts a run's result into the page that has the last one's."""
    begin, end = "<!-- result -->\n", "<!-- end of result -->"
    before, _, rest = DOCUMENT.read_text().partition(begin)
    DOCUMENT.write_text(before + begin + text + end + rest.partition(end)[2])


def main():
    parser = argparse.ArgumentParser(prog="scripts/witness", description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=int, default=20000, help="for QEMU's monitor (default: %(default)s)")
    parser.add_argument("--agent-texts", type=int, help="for the guest's agent (default: a tenth of that; 0: none)")
    parser.add_argument("--seed", default=None, help="makes the same texts again (default: a new one, printed)")
    parser.add_argument("--workers", type=int, default=3, help="machines at a time (default: %(default)s)")
    parser.add_argument("--differences", type=int, default=3, help="end after that many (default: %(default)s)")
    parser.add_argument("--document", action="store_true", help="writes the result into docs/witness.md")
    parser.add_argument("--json", metavar="FILE", help="writes the result there, too")
    options = parser.parse_args()
    seed = options.seed or secrets.token_hex(4)
    agent_texts = options.texts // 10 if options.agent_texts is None else options.agent_texts
    print(f"seed: {seed}", flush=True)
    totals, seconds = run(seed, options.texts, agent_texts, options.workers, options.differences)
    print(table(totals))
    count = sum(counts.get("texts", 0) for counts in totals.values())
    differences = [text for counts in totals.values() for text in counts.get("difference", [])]
    for counts in totals.values():
        for text in counts.get("died", []):
            print(f"QEMU died of: {text}")
    result = f"{count} texts in {seconds:.0f} s ({count / seconds:.0f}/s), {len(differences)} differences, seed {seed}"
    print(result)
    if options.document:
        command = shlex.join(["scripts/witness", *sys.argv[1:]])
        document(f"`{command}`, {time.strftime('%Y-%m-%d')}: {result}\n\n{table(totals)}\n")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"seed": seed, "seconds": seconds, "totals": [[*key, value] for key, value in totals.items()]},
                      file)
    return 1 if differences or not count else 0


if __name__ == "__main__":
    # The kernel ends the workers with the lab; nothing else need be tidied.
    status = main()
    sys.stdout.flush()
    os._exit(status)
