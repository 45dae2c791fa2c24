# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers whom libvirt's own access control knows: a real polkit on a real system bus, both private to a lab.

alice may not read domains, bob may not write to them. The guard asks libvirt under the daemon's own identity, and must
have given it back when libvirt decides about the caller.
"""

import os
import sys
import time

import pytest

from machines import NAMESPACE, bare_xml, unique_name
from second_lab import SecondLab
from test_identity import AS_ROOT

DBUS = "/usr/bin/dbus-daemon"
POLKITD = "/usr/lib/polkit-1/polkitd"
BUS_CONFIGURATION = "/usr/share/dbus-1/system.conf"

# libvirt's own list is in a package that brings the daemon's units; polkit only wants to have heard of an action.
ACTIONS = """<?xml version="1.0"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/PolicyKit/1.0/policyconfig.dtd">
<policyconfig>{}</policyconfig>
"""
ACTION = """<action id="org.libvirt.api.{}"><description>x</description><message>x</message><defaults>
<allow_any>yes</allow_any><allow_inactive>yes</allow_inactive><allow_active>yes</allow_active></defaults></action>"""
NAMES = ["connect.getattr", "connect.read", "connect.write", "connect.search-domains", "domain.getattr", "domain.read",
         "domain.write", "domain.start", "domain.stop", "domain.save"]
RULES = """polkit.addRule(function(action, subject) {
    if ((action.id == "org.libvirt.api.domain.read" && subject.user == "alice") ||
        (action.id == "org.libvirt.api.domain.write" && subject.user == "bob"))
        return polkit.Result.NO;
});
"""


def start_polkit(lab):
    """Covers polkit's files with ours, in the lab alone, and starts what libvirtd will talk to."""
    for name, file, text in (("actions", "libvirt.policy", ACTIONS.format("".join(map(ACTION.format, NAMES)))),
                             ("rules.d", "libvirt.rules", RULES)):
        directory = lab.directory / "polkit" / name
        directory.mkdir(parents=True)
        (directory / file).write_text(text)
    # polkitd runs as a user of its own, who may not enter the lab's directory; a mount he may.
    script = f"""
        mount --bind {lab.directory}/polkit/actions /usr/share/polkit-1/actions
        mount --bind {lab.directory}/polkit/rules.d /usr/share/polkit-1/rules.d
        mkdir -p /run/dbus
        exec >{lab.directory}/polkit.log 2>&1
        setsid {DBUS} --config-file={BUS_CONFIGURATION} --nofork --nopidfile &
        while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.02; done
        setsid {POLKITD} &"""
    done = lab.run("sh", "-ec", script)
    assert done.returncode == 0, done.stderr
    output = lab.directory / "polkit.log"
    deadline = time.monotonic() + 10
    while "Acquired the name" not in output.read_text():
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.02)
    lab.configure(access_drivers='[ "polkit" ]')


@pytest.fixture(scope="module")
def lab(in_lab):
    for file in (DBUS, POLKITD, BUS_CONFIGURATION):
        if not os.path.exists(file):
            pytest.skip(f"no {file}: install dbus-daemon, dbus-system-bus-common and polkitd")
    started = SecondLab()
    try:
        start_polkit(started)
        started.daemon("restart")
        yield started
    finally:
        started.close()


class PolkitMachine:
    """Everything is done from inside the lab: polkit looks at the process that asks, and knows no other namespace."""

    def __init__(self, lab):
        self.lab = lab
        self.name = unique_name()
        done = lab.virsh("create", "/dev/stdin", input=bare_xml(self.name))
        assert done.returncode == 0, done.stderr

    def set_policy(self, *rules):
        self.set_policy_text("<policy>" + "".join(rules) + "</policy>")

    def set_policy_text(self, text):
        assert self.lab.virsh("metadata", self.name, NAMESPACE, "--key", "qg", "--set", text).returncode == 0

    def clear_policy(self):
        self.lab.virsh("metadata", self.name, NAMESPACE, "--remove")

    def ask(self, user, command="query-status"):
        return self.lab.virsh("qemu-monitor-command", self.name, command, user=None if user == "root" else user)


@pytest.fixture(scope="module")
def shared_machine(lab):
    return PolkitMachine(lab)


@pytest.fixture
def machine(lab, shared_machine):
    lab.log.mark()
    yield shared_machine
    shared_machine.clear_policy()


def test_access_control_is_in_force(lab, machine):
    """Or the tests below would show nothing."""
    assert lab.virsh("dumpxml", machine.name).returncode == 0
    assert lab.virsh("dumpxml", machine.name, user="alice").returncode == 1
    assert lab.virsh("dumpxml", machine.name, user="bob").returncode == 0
    assert lab.virsh("suspend", machine.name, user="bob").returncode == 1


def test_caller_who_may_not_read_the_policy_is_bound_by_it(lab, machine):
    machine.set_policy('<deny command="query-status"/>', '<allow command="inject-nmi" user="alice"/>')
    denied = machine.ask("alice")
    assert denied.returncode == 1 and "domain:query-status#1" in denied.stderr
    assert machine.ask("alice", "query-name").returncode == 0
    assert machine.ask("alice", "inject-nmi").returncode == 0
    assert [(record.passed, record.field("user")) for record in lab.log.records()] == [
        (False, "alice"), (True, "alice"), (True, "alice")]


def test_caller_who_may_not_write_is_refused_by_libvirt(lab, machine):
    """Had the guard left its own identity on the thread, libvirt would let bob through."""
    for _ in range(10):
        assert machine.ask("root").returncode == 0
        done = machine.ask("bob")
        assert done.returncode == 1 and "denied access" in done.stderr and "domain:" not in done.stderr
    assert {record.field("user") for record in lab.log.records()} <= {"root", "bob"}
    assert [record.field("user") for record in lab.log.refused_by_libvirt()] == 10 * ["bob"]


def test_caller_who_may_not_write_is_refused_while_others_may(lab, machine):
    """The daemon's threads serve all of them in turn."""
    script = """
        command="virsh -q -c qemu:///system qemu-monitor-command $1 query-status"
        for user in alice bob root alice bob root alice bob; do
            (i=0; while [ $i -lt 8 ]; do
                setpriv --reuid=$user --regid=$user --init-groups -- $command >/dev/null 2>&1 && echo $user
                i=$((i + 1))
            done) &
        done
        wait"""
    users = lab.run("sh", "-c", script, "-", machine.name).stdout.split()
    assert sorted(users) == 24 * ["alice"] + 16 * ["root"]


def test_spoofing_opens_no_door(lab, machine):
    done = lab.run(sys.executable, "-c", AS_ROOT, machine.name, "query-status", user="bob")
    assert "query-status failed" in done.stdout
    texts = [record.text for record in lab.log.records()]
    assert "QMP identity refused: uid:21002 | claimed=root" in texts
    assert not any("user=root" in text for text in texts)


def test_spoofing_opens_it_without_the_guard(lab, machine):
    """The reason why identities are the guard's business: libvirt believes what any client says of itself."""
    lab.preload()
    lab.daemon("restart")
    try:
        assert machine.ask("bob").returncode == 1
        done = lab.run(sys.executable, "-c", AS_ROOT, machine.name, "query-status", user="bob")
        assert "query-status ran" in done.stdout
    finally:
        lab.preload(lab.guard)
        lab.daemon("restart")


def test_policy_counts_when_nobody_may_read(lab, machine):
    """A broken policy, too, is found under the daemon's identity."""
    machine.set_policy_text("<policy><frob/></policy>")
    done = machine.ask("alice")
    assert done.returncode == 1 and "domain:invalid" in done.stderr
    machine.clear_policy()
    assert machine.ask("alice").returncode == 0
