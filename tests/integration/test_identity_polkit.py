# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers whom libvirt's own access control knows: a real polkit on a real system bus, both private to a lab.

alice may not read domains, bob may not write to them. The guard asks libvirt under the daemon's own identity, and must
have given it back when libvirt decides about the caller.
"""

import sys

import pytest

from features import needs
from polkit import PolkitMachine, denying, require_polkit, start_polkit
from second_lab import SecondLab
from test_identity import AS_ROOT

pytestmark = needs("polkit-rules")


@pytest.fixture(scope="module")
def lab(in_lab):
    require_polkit()
    started = SecondLab()
    try:
        start_polkit(started, denying(("domain.read", "alice"), ("domain.write", "bob")))
        started.daemon("restart")
        yield started
    finally:
        started.close()


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
    written = lab.virsh("desc", machine.name, "--live", "--new-desc", "x", user="bob")
    assert written.returncode == 1 and "access denied" in written.stderr


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
        command="virsh -q -c qemu:///system qemu-monitor-command $1 {\\"execute\\":\\"query-status\\"}"
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
