# SPDX-License-Identifier: LGPL-2.1-or-later
"""What not every libvirt or QEMU can do, found by asking the one that is here, never by its version.

A test that is marked needs("NAME") is excused where NAME is lacking, and counted as such; any other test that cannot
run where all is meant to be there has failed. test_features.py sees that nothing is found lacking by mistake.
"""

import functools
import os
import re
from typing import Callable, NamedTuple

import libvirt
import libvirt_qemu
import pytest

from clients import REPO, SYSTEM, run


LIBVIRT, QEMU = "libvirt", "QEMU"
OVERRIDE = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>override</name>
<memory>1</memory><os><type>hvm</type></os><qemu:deprecation behavior='omit'/><qemu:override>
<qemu:device alias='x'><qemu:frontend><qemu:property name='x' type='bool' value='true'/></qemu:frontend></qemu:device></qemu:override></domain>"""
NO_SOURCE = 77      # scripts/virtqemud
POLKITDS = ["/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd"]


class Feature(NamedTuple):
    what: str
    is_here: Callable
    since: tuple = ()       # for test_features.py alone: of what, and from which number on, as libvirt writes them


EXCUSED = "this version lacks "    # how the reason of an excuse begins


def keeps_override():
    """A libvirt that does not know an element drops it without a word."""
    connection = libvirt.open(SYSTEM)
    domain = connection.defineXML(OVERRIDE)
    kept = domain.XMLDesc()
    domain.undefine()
    connection.close()
    return "qemu:override" in kept and "qemu:deprecation" in kept


def polkit_reads_rules():
    """It is linked with what runs JavaScript. One that is not installed lacks nothing, and the tests fail."""
    found = list(filter(os.path.exists, POLKITDS))
    return not found or any(re.search("duktape|mozjs", run("ldd", path).stdout) for path in found)


def source_is_there():
    """Of daemons that Debian has in no package. Where they cannot be made for another reason, the tests fail."""
    return run(REPO / "scripts/virtqemud", timeout=None).returncode != NO_SOURCE


FEATURES = {
    "descriptors": Feature("virDomainQemuMonitorCommandWithFiles()",
                           lambda: hasattr(libvirt_qemu, "qemuMonitorCommandWithFiles"), (LIBVIRT, 8002000)),
    "pass-fds": Feature("virsh qemu-monitor-command --pass-fds",
                        lambda: "--pass-fds" in run("virsh", "help", "qemu-monitor-command").stdout,
                        (LIBVIRT, 8002000)),
    "override": Feature("qemu:override and qemu:deprecation in a domain", keeps_override, (LIBVIRT, 8002000)),
    "polkit-rules": Feature("a polkit with rules in JavaScript", polkit_reads_rules),
    "virtqemud": Feature("a virtqemud, for the mirror does not have Debian's source of it", source_is_there),
    "qmp-trace": Feature("a trace of the QMP commands that QEMU begins",
                         lambda: "qmp_enter_" in run("qemu-system-x86_64", "-trace", "help").stdout, (QEMU, 7000000)),
    "proxy": Feature("virt-qemu-qmp-proxy", lambda: os.path.exists("/usr/bin/virt-qemu-qmp-proxy"), (LIBVIRT, 8004000)),
}


@functools.lru_cache(maxsize=None)
def has(name):
    return FEATURES[name].is_here()


def needs(name):
    assert name in FEATURES
    return pytest.mark.needs(name)


def lacking(item):
    """The first of what @item, a test, needs and is not there; None when it can run."""
    return next((mark.args[0] for mark in item.iter_markers("needs") if not has(mark.args[0])), None)
