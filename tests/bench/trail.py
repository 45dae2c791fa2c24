#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Is every command on record, when a great many are sent at once?

    scripts/lab -- /usr/bin/python3 tests/bench/trail.py [N] [THREADS] [--machines M]

Sends N commands (1000000) from THREADS clients (8), each a process with a connection of its own, to M machines (4;
libvirt sends each one command at a time). Then reads the trail once, record by record: there must be a decision and an
outcome for every command that was sent, and the chain must be unbroken from the first record to the head. Ends with 1
when it is not so.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time

import libvirt
import libvirt_qemu

REPO = pathlib.Path(__file__).resolve().parents[2]
TRAIL = pathlib.Path("/var/log/libvirt/qmp-guard/audit.log")
STATUS = '{"execute":"query-status"}'


def name_of(machine):
    return f"trail-bench-{machine}"


def make_machines(count):
    connection = libvirt.open("qemu:///system")
    for number in range(count):
        xml = subprocess.run([REPO / "tests/lab/guest", "xml", "--bare", name_of(number)], check=True,
                             capture_output=True, text=True).stdout
        connection.createXML(xml)


def send(machine, count, start):
    """One client; Python's lock would hold threads of one process back."""
    connection = libvirt.open("qemu:///system")
    domain = connection.lookupByName(name_of(machine))
    start.wait()
    for _ in range(count):
        libvirt_qemu.qemuMonitorCommand(domain, STATUS, 0)


def run_clients(count, clients, machines):
    """Returns the seconds that it took."""
    start = multiprocessing.Barrier(clients + 1)
    shares = [count // clients + (number < count % clients) for number in range(clients)]
    processes = [multiprocessing.Process(target=send, args=(number % machines, share, start))
                 for number, share in enumerate(shares)]
    for process in processes:
        process.start()
    start.wait()
    begin = time.monotonic()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError("a client failed: no answer to a command")
    return time.monotonic() - begin


class Count:
    """What one pass over the trail finds."""

    def __init__(self):
        self.decisions = self.outcomes = self.lost = self.records = 0
        self.broken = None
        self.chain = ""

    def read(self, path):
        with path.open("rb") as file:
            for line in file:
                self.add(line.rstrip(b"\n"))
        return self

    def add(self, line):
        record = json.loads(line)
        self.records += 1
        self.decisions += record["event"] == "decision"
        self.outcomes += record["event"] == "outcome"
        self.lost += record["event"] == "lost"
        hashed = line[:line.rindex(b',"chain":"')]
        self.chain = hashlib.sha256(self.chain.encode() + hashed).hexdigest()
        if self.broken is None and (record["seq"], record["chain"]) != (self.records, self.chain):
            self.broken = self.records
        self.chain = record["chain"]

    def faults(self, sent):
        head = TRAIL.with_name("audit.log.head").read_text().split()
        checks = [
            (self.decisions == sent, f"{self.decisions} decisions of {sent} commands"),
            (self.outcomes == sent, f"{self.outcomes} outcomes of {sent} commands"),
            (self.lost == 0, "records were lost"),
            (self.broken is None, f"the chain is broken at record {self.broken}"),
            (head == [str(self.records), self.chain], "the head is not the last record's"),
        ]
        return [fault for is_right, fault in checks if not is_right]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=1000000, metavar="N")
    parser.add_argument("threads", nargs="?", type=int, default=8, metavar="THREADS")
    parser.add_argument("--machines", type=int, default=4, metavar="M")
    options = parser.parse_args()
    if min(options.count, options.threads, options.machines) < 1:
        parser.error("N, THREADS and M are at least 1")
    if "QMP_GUARD_LAB_DIR" not in os.environ:
        parser.error("not inside a lab: scripts/lab -- /usr/bin/python3 tests/bench/trail.py")

    make_machines(options.machines)
    seconds = run_clients(options.count, options.threads, options.machines)
    print(f"sent      {options.count} commands from {options.threads} clients to {options.machines} machines in "
          f"{seconds:.1f} s: {options.count / seconds:.0f} commands/s", flush=True)
    if not TRAIL.exists():
        print("no trail: this lab is unguarded, or its guard keeps none")
        return 1

    begin = time.monotonic()
    count = Count().read(TRAIL)
    size = TRAIL.stat().st_size
    print(f"recorded  {count.decisions} decisions, {count.outcomes} outcomes, {count.records} records in all; "
          f"{size / 1e6:.1f} MB, {size / options.count:.0f} bytes for each command")
    faults = count.faults(options.count)
    print(f"verified  in {time.monotonic() - begin:.1f} s: {'; '.join(faults) or 'all there, and the chain holds'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
