# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client that never stops trying what may have been granted: URI DOMAIN PLAN SEED, until standard input ends.

The file PLAN says which of the numbered commands are worth a try. What passed and what was lost with the daemon is
printed, with the time before and after it on the clock that grants go by.
"""

import json
import random
import select
import sys
import time

import libvirt
import libvirt_qemu

HMP = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
PAUSE = 0.008
RECENT = 4


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def choose(chance, plan):
    """Mostly a recent one, at times any that there ever was."""
    with open(plan, encoding="ascii") as file:
        last = int(file.read())
    return chance.randint(max(1, last - RECENT) if chance.random() < 0.9 else 1, last)


def main():
    uri, name, plan, seed = sys.argv[1:]
    chance = random.Random(seed)
    domain = None
    libvirt.registerErrorHandler(lambda *_: None, None)
    while not select.select([sys.stdin], [], [], 0)[0]:
        number = choose(chance, plan)
        start = now()
        try:
            if domain is None:
                domain = libvirt.open(uri).lookupByName(name)
            libvirt_qemu.qemuMonitorCommand(domain, f"print {number}", HMP)
            result = "passed"
        except libvirt.libvirtError as error:
            result = "denied" if error.get_error_message().startswith("access denied: ") else "lost"
        if result == "lost":
            domain = None
        if result != "denied":
            print(json.dumps([number, start, now(), result]), flush=True)
        if result != "passed":
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
