#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does the daemon grow, and how fast is it, when clients send commands without end?

    scripts/lab -- /usr/bin/python3 tests/bench/passthrough.py [N] [WORKLOAD...]

Runs each workload N times (100000) and prints after each tenth the resident memory of libvirtd and the commands per
second. A leak of one allocation for each command shows as growth that goes on: the table ends with the growth since
the first tenth, which is warm-up. In the same lab with --unguarded the numbers are libvirt's own.
"""

import argparse
import itertools
import os
import pathlib
import subprocess
import sys
import time

import libvirt
import libvirt_qemu

REPO = pathlib.Path(__file__).resolve().parents[2]
NAMESPACE = "urn:qmp-guard:policy:1"
STATUS = '{"execute":"query-status"}'
HMP = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
STEPS = 10


class Bench:
    def __init__(self):
        self.connection = libvirt.open("qemu:///system")
        xml = subprocess.run([REPO / "tests/lab/guest", "xml", "--bare", "bench"], check=True, capture_output=True,
                             text=True).stdout
        self.domain = self.connection.createXML(xml)
        self.daemon = pathlib.Path("/run/libvirtd.pid").read_text().strip()

    def resident(self):
        """KiB."""
        for line in pathlib.Path(f"/proc/{self.daemon}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("libvirtd has no VmRSS")

    def send(self, text, flags=0):
        try:
            return libvirt_qemu.qemuMonitorCommand(self.domain, text, flags)
        except libvirt.libvirtError:
            return None

    def set_policy(self, rules):
        text = f"<policy>{rules}</policy>" if rules else None
        self.domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, text, "qg", NAMESPACE, 0)


def passing(bench, _):
    bench.send(STATUS)


def mixed(bench, number):
    """Passing and denied by a class, by a rule, and for being unreadable, in turn."""
    text, flags = ((STATUS, 0), ('{"execute":"inject-nmi"}', 0), (STATUS, 0), ("info status", HMP), (STATUS, 0),
                   ('{"execute":"query-status","id":1}', 0), (STATUS, 0), ('{"execute":"query-kvm"}', 0))[number % 8]
    bench.send(text, flags)


def policies(bench, number):
    """A policy that nobody has seen before for every tenth command, valid or not."""
    if number % 10 == 0:
        broken = "<frob/>" if number % 50 == 0 else ""
        bench.set_policy(f'<deny command="none-{number}-{"x" * (number % 97)}"/><allow unix-group="ops"/>{broken}')
    mixed(bench, number)


def metadata(bench, number):
    """As `policies`, but without a command: what libvirt itself needs for the changes."""
    if number % 10 == 0:
        bench.set_policy(f'<deny command="none-{number}-{"x" * (number % 97)}"/>')


WORKLOADS = {"passing": passing, "mixed": mixed, "policies": policies, "metadata": metadata}


def run(bench, name, count):
    workload = WORKLOADS[name]
    bench.set_policy('<deny command="query-kvm"/>' if name == "mixed" else "")
    print(f"{name}: {' '.join((workload.__doc__ or 'query-status alone').split())}")
    print(f"  {'commands':>9}  {'resident KiB':>12}  {'change':>7}  {'commands/s':>10}")
    numbers = itertools.count()
    start_size = size = bench.resident()
    print(f"  {0:>9}  {size:>12}")
    warm = None
    begin = time.monotonic()
    for step in range(1, STEPS + 1):
        step_begin = time.monotonic()
        for _ in range(count * step // STEPS - count * (step - 1) // STEPS):
            workload(bench, next(numbers))
        seconds = time.monotonic() - step_begin
        before, size = size, bench.resident()
        if warm is None:
            warm = size
        print(f"  {count * step // STEPS:>9}  {size:>12}  {size - before:>+7}  {count / STEPS / seconds:>10.0f}",
              flush=True)
    print(f"  grown by {warm - start_size} KiB in the first tenth, by {size - warm} KiB after it; "
          f"{count / (time.monotonic() - begin):.0f} commands/s\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=100000, metavar="N")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    options = parser.parse_args()
    unknown = set(options.workloads) - set(WORKLOADS)
    if unknown or options.count < STEPS:
        parser.error(f"no workload {', '.join(unknown)}" if unknown else f"N is at least {STEPS}")
    if "QMP_GUARD_LAB_DIR" not in os.environ:
        parser.error("not inside a lab: scripts/lab -- /usr/bin/python3 tests/bench/passthrough.py")

    libvirt.registerErrorHandler(lambda *_: None, None)
    bench = Bench()
    for name in options.workloads or ["passing", "mixed", "policies"]:
        run(bench, name, options.count)
    bench.domain.destroy()


if __name__ == "__main__":
    sys.exit(main())
