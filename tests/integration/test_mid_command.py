# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU, the daemon or the domain's policy is taken away, or put in another's place, in the midst of a command."""

import signal
import threading
import time

import libvirt
import pytest

from clients import answer_of, is_denied, request
from machines import NAMESPACE, PREFIX, policy
from second_lab import SecondLab
from trail import assert_chained

SOON = 20       # seconds for what takes no time


@pytest.fixture(scope="module")
def lab(in_lab):
    lab = SecondLab()
    yield lab
    lab.close()


def wait_until(condition):
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class SlowCommand:
    """A command whose QEMU was stopped before it was sent, and which was recorded as allowed."""

    def __init__(self, lab):
        self.lab, self.machine = lab, lab.machine()
        self.qemu = (lab.directory / f"run/libvirt/qemu/{self.machine.name}.pid").read_text()
        lab.trail.mark()
        self.signal(signal.SIGSTOP)
        self.thread = threading.Thread(target=self.send)
        self.thread.start()
        wait_until(lambda: lab.trail.records("decision"))

    def send(self):
        # A connection of its own: on a shared one the test's other calls would wait behind it.
        domain = libvirt.open(self.lab.uri).lookupByName(self.machine.name)
        self.machine.domain = domain
        self.answer = self.machine.send(request("query-status"))

    def signal(self, number):
        assert self.lab.run("kill", f"-{int(number)}", self.qemu).returncode == 0

    def finish(self):
        self.thread.join(SOON)
        assert not self.thread.is_alive()
        return self.answer

    def records(self):
        """The verdict of its decision, and the result of each outcome that was recorded of it."""
        found = self.lab.trail.records("decision", "outcome")
        return [record.get("verdict") or record["result"] for record in found if record["id"] == found[0]["id"]]


def test_qemu_is_stopped_and_goes_on(lab):
    slow = SlowCommand(lab)
    assert slow.records() == ["allow"]
    slow.signal(signal.SIGCONT)
    assert slow.finish()["return"]["status"]
    assert slow.records() == ["allow", "success"]
    assert slow.machine.is_sane()
    slow.machine.discard()


def test_qemu_is_killed(lab):
    slow = SlowCommand(lab)
    slow.signal(signal.SIGKILL)
    answer = slow.finish()
    assert isinstance(answer, libvirt.libvirtError) and not is_denied(answer)
    assert slow.records() == ["allow", "failure"]
    assert isinstance(slow.machine.send(request("query-status")), libvirt.libvirtError)
    assert lab.virsh("version").returncode == 0
    machine = lab.machine()
    assert machine.is_sane()
    machine.discard()


def test_daemon_is_killed(lab):
    slow = SlowCommand(lab)
    lab.run("kill", "-KILL", lab.run(lab.directory / "daemon", "pid").stdout.strip())
    assert isinstance(slow.finish(), libvirt.libvirtError)
    assert slow.records() == ["allow"]      # nobody knows what became of it
    slow.signal(signal.SIGCONT)
    wait_until(lambda: lab.run(lab.directory / "daemon", "pid").returncode != 0)
    lab.daemon("start")
    machine = lab.find(slow.machine)
    assert machine.is_sane()
    assert is_denied(machine.send(request("inject-nmi")))
    assert slow.records() == ["allow"] and assert_chained(lab.trail.path) > 0
    machine.discard()


# Neither is the other's by accident: one denies what the other allows, and its digest is another.
POLICIES = {"allow": policy('<allow command="query-status"/>'), "deny": policy('<deny command="query-status"/>')}


def test_policy_that_changes_all_the_time(lab):
    """A command is judged by one policy or by the other, and its record names the one that judged it."""
    machine = lab.machine()
    texts = [text.replace(f' xmlns="{NAMESPACE}"', "") for text in POLICIES.values()]
    digests = {}
    for verdict, text in zip(POLICIES, texts):
        machine.set_policy_text(text)
        lab.trail.mark()
        machine.send(request("query-status"))
        [decision] = lab.trail.records("decision")
        assert decision["verdict"] == verdict
        digests[decision["policy"]] = verdict
    assert len(digests) == 2

    ends = threading.Event()

    def flip():
        domain = libvirt.open(lab.uri).lookupByName(machine.name)
        for number in range(100000):
            if ends.is_set():
                return
            domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, texts[number % 2], PREFIX, NAMESPACE)

    lab.trail.mark()
    racer = threading.Thread(target=flip)
    racer.start()
    try:
        answers = [machine.send(request("query-status")) for _ in range(300)]
    finally:
        ends.set()
        racer.join()
    decisions = lab.trail.records("decision")
    assert len(decisions) == len(answers)
    for answer, decision in zip(answers, decisions):
        assert decision["verdict"] == digests[decision["policy"]]
        assert is_denied(answer) == (decision["verdict"] == "deny")
        assert is_denied(answer) or answer["return"]["status"]
    assert {decision["verdict"] for decision in decisions} == {"allow", "deny"}
    machine.clear_policy()
    assert machine.is_sane()
    machine.discard()
