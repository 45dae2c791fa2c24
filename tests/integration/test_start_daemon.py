# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook and the daemon above it: one without the guard, one behind a script, and one that is started again."""

import os
import time

import libvirt
import pytest

from machines import policy
from second_lab import SHIPPED_DEFAULT, SecondLab, refusal_of
from test_start_hook import INVALID, LAX, MON, STRICT, is_running, made, refuse_only, start_rules


@pytest.fixture(scope="module")
def shared_bare_lab(in_lab):
    """A daemon with the hook, but without the guard."""
    lab = SecondLab()
    lab.preload()
    lab.daemon("restart")
    yield lab
    lab.close()


@pytest.fixture
def bare_lab(shared_bare_lab):
    shared_bare_lab.set_host_policy(None)
    shared_bare_lab.trail.mark()
    return shared_bare_lab


@pytest.mark.parametrize("host, metadata, finding, refused", [
    (None, None, "unguarded-default", False),
    (None, policy("<allow/>"), "unguarded-daemon", True),
    (None, policy("<frob/>"), "unguarded-daemon", True),
    (policy("<delegate/>"), None, "unguarded-daemon", True),
    (policy("<delegate/>"), policy("<allow/>"), "unguarded-daemon", True),
    (start_rules('<warn finding="unguarded-daemon"/>'), policy("<allow/>"), "unguarded-daemon", False),
    (policy("<delegate/>", mode="audit"), None, "unguarded-daemon", False),
], ids=["neither", "domain", "invalid", "host", "both", "host-warns", "host-audits"])
def test_unguarded_daemon(bare_lab, host, metadata, finding, refused):
    bare_lab.set_host_policy(host)
    name, xml = made(bare_lab, [], metadata=metadata)
    started = bare_lab.start(xml)
    assert is_running(started) != refused
    if refused:
        assert refusal_of(started).finding == finding and "the guard is not active in process " in started.args[0]
    passed = "audit" if host and 'mode="audit"' in host else "warn"
    assert ("deny" if refused else passed, finding) in bare_lab.trail.findings(name)


def test_unguarded_default_can_be_refused(bare_lab):
    """Only by a file, and then it is no default any more: the rule is for the daemon that lost its guard."""
    bare_lab.set_host_policy(refuse_only("unguarded-default"))
    name, xml = made(bare_lab, [])
    assert is_running(bare_lab.start(xml))
    assert bare_lab.trail.findings(name) == [("allow", None)]


class Guests:
    """Several that run when the daemon is restarted; their XML is refused under more than one of the host's rules."""

    def __init__(self, lab):
        self.lab = lab
        whats = [{}, {"arguments": ["-no-shutdown"]}, {"metadata": policy("<allow/>")}, {"metadata": policy("<frob/>")},
                 {"arguments": MON}, {"metadata": f"<x:x xmlns:x='urn:x'>{'x' * 1000000}</x:x>"}]
        lab.set_host_policy(LAX)
        self.names = [lab.start(made(lab, what)[1]).name() for what in whats]
        self.with_findings = self.names[1:5]
        self.pids = self.processes()

    def processes(self):
        return {name: (self.lab.directory / f"run/libvirt/qemu/{name}.pid").read_text() for name in self.names}

    def assert_alive(self):
        """A job of the domain's waits until the daemon is done with it."""
        for name in self.names:
            domain = self.lab.connect().lookupByName(name)
            domain.resume()
            domain.suspend()
            assert domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED
        assert self.processes() == self.pids


@pytest.fixture(scope="module")
def shared_guests(in_lab):
    lab = SecondLab()
    yield Guests(lab)
    lab.close()


@pytest.fixture
def guests(shared_guests):
    lab = shared_guests.lab
    lab.set_host_policy(SHIPPED_DEFAULT)
    lab.trail.mark()
    yield shared_guests
    lab.preload(lab.guard)


@pytest.fixture
def wrapped():
    """An operator's own script runs the hook, as a child of a shell."""
    wrapped_labs = []

    def wrap(lab):
        hook = lab.directory / "etc/libvirt/hooks/qemu.d/50-qmp-guard"
        script = hook.with_name("10-operator")
        script.write_text(f'#!/bin/sh\necho run >>{lab.directory}/wrapper-ran\n{os.readlink(hook)} "$@"\nexit $?\n')
        script.chmod(0o755)
        hook.rename(lab.directory / "hook-aside")
        wrapped_labs.append((lab, hook, script))

    yield wrap
    for lab, hook, script in wrapped_labs:
        script.unlink()
        (lab.directory / "hook-aside").rename(hook)


def test_hook_under_an_operators_script(guests, bare_lab, wrapped):
    """It finds the daemon above the shell: the guarded one, and the other one, too."""
    lab = guests.lab
    for each in (lab, bare_lab):
        wrapped(each)
    started = lab.start(made(lab, [], metadata=policy("<allow/>"))[1])
    assert is_running(started) and lab.trail.findings(started.name()) == [("allow", None)]
    told = refusal_of(bare_lab.start(made(bare_lab, [], metadata=policy("<allow/>"))[1]))
    assert told.finding == "unguarded-daemon" and "is not active in process" in told.reason
    assert "run" in (lab.directory / "wrapper-ran").read_text()


def reconnects(lab, name):
    records = lab.trail.starts(name)
    assert {record["operation"] for record in records} == {"reconnect"}
    return {(record["verdict"], record.get("finding")) for record in records}


def test_restart_with_guests(guests):
    guests.lab.daemon("restart")
    guests.assert_alive()
    first, argument, _, invalid, network, large = guests.names
    assert reconnects(guests.lab, first) == {("allow", None)} == reconnects(guests.lab, large)
    assert reconnects(guests.lab, argument) == {("warn", "argument"), ("allow", None)}
    assert reconnects(guests.lab, invalid) == {("warn", "policy-invalid"), ("allow", None)}
    assert reconnects(guests.lab, network) == {("warn", "argument"), ("audit", "network-monitor"), ("allow", None)}


def test_restart_under_rules_that_refuse_all(guests):
    guests.lab.set_host_policy(STRICT)
    guests.lab.daemon("restart")
    guests.assert_alive()
    for name in guests.names:
        assert {("audit", "emulator"), ("allow", None)} <= reconnects(guests.lab, name)


def test_restart_with_an_invalid_host_policy(guests):
    guests.lab.set_host_policy(INVALID)
    guests.lab.daemon("restart")
    guests.assert_alive()
    for name in guests.names:
        assert reconnects(guests.lab, name) == {("audit", "unreadable")}


def test_restart_of_a_daemon_that_loses_the_guard(guests):
    guests.lab.set_host_policy(None)
    guests.lab.preload()
    guests.lab.daemon("restart")
    guests.assert_alive()
    first, _, own, *_ = guests.names
    assert reconnects(guests.lab, first) == {("warn", "unguarded-default"), ("allow", None)}
    assert reconnects(guests.lab, own) == {("audit", "unguarded-daemon"), ("allow", None)}


def test_restart_without_a_trail(guests):
    directory = guests.lab.trail.path.parent
    directory.rename(directory.with_name("aside"))
    directory.write_text("")
    guests.lab.set_host_policy(STRICT)
    guests.lab.daemon("restart")
    guests.assert_alive()
    directory.unlink()
    directory.with_name("aside").rename(directory)


def test_hook_that_fails_would_have_ended_them(shared_guests):
    """What the tests before rely on. Comes last, for it ends the guests."""
    lab = shared_guests.lab
    script = lab.directory / "etc/libvirt/hooks/qemu.d/99-fails"
    script.write_text('#!/bin/sh\n[ "$2" != reconnect ]\n')
    script.chmod(0o755)
    lab.daemon("restart")
    deadline = time.monotonic() + 10
    while lab.connect().listDomainsID() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert lab.connect().listDomainsID() == []
