#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of many moods, inside a lab: workload_client.py DOMAIN

Reads lines `WORKLOAD COUNT`, does that and prints how many nanoseconds it took.
"""

import itertools
import sys
import time

import libvirt
import libvirt_qemu

NAMESPACE = "urn:qmp-guard:policy:1"
STATUS = '{"execute":"query-status"}'
HMP = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
# Passing, and denied by a class, by a rule, and for being unreadable.
MIXTURE = ((STATUS, 0), ('{"execute":"inject-nmi"}', 0), (STATUS, 0), ("info status", HMP), (STATUS, 0),
           ('{"execute":"query-status","id":1}', 0), (STATUS, 0), ('{"execute":"query-kvm"}', 0))
numbers = itertools.count()


class Client:
    def __init__(self, name):
        self.domain = libvirt.open("qemu:///system").lookupByName(name)

    def send(self, text, flags=0):
        try:
            libvirt_qemu.qemuMonitorCommand(self.domain, text, flags)
        except libvirt.libvirtError:
            pass

    def set_policy(self, rules):
        self.domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, f"<policy>{rules}</policy>", "qg", NAMESPACE, 0)


def passing(client, _):
    client.send(STATUS)


def mixed(client, number):
    client.send(*MIXTURE[number % len(MIXTURE)])


def new_rules(number):
    """Rules that nobody has seen before, of many lengths."""
    return f'<deny command="none-{number}-{"x" * (number % 97)}"/><deny command="query-kvm"/><allow unix-group="ops"/>'


def changing(client, number):
    """A new policy for every tenth command; all pass."""
    if number % 10 == 0:
        client.set_policy(new_rules(number))
    client.send(STATUS)


def policies(client, number):
    """A new policy, valid or not, for every tenth command of the mixture."""
    if number % 10 == 0:
        client.set_policy(new_rules(number) + ("<frob/>" if number % 50 == 0 else ""))
    mixed(client, number)


WORKLOADS = {work.__name__: work for work in (passing, mixed, changing, policies)}


def main():
    # libvirt prints each error as well.
    libvirt.registerErrorHandler(lambda *_: None, None)
    client = Client(sys.argv[1])
    for line in sys.stdin:
        name, count = line.split()
        work = WORKLOADS[name]
        begin = time.monotonic_ns()
        for _ in range(int(count)):
            work(client, next(numbers))
        print(time.monotonic_ns() - begin, flush=True)


if __name__ == "__main__":
    main()
