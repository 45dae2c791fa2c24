# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever may send a command may also write the domain's policy: neither may keep the daemon busy or make it grow."""

import os
import pathlib
import signal
import subprocess
import time

import libvirt_qemu
import pytest

from clients import PID_FILE, SYSTEM, answer_of, is_denied, request
from features import needs

# What one command may take where a client does its worst; an ordinary one takes a millisecond.
SECONDS = 2


def daemon():
    return pathlib.Path(f"/proc/{PID_FILE.read_text().strip()}")


def timed(machine, text):
    start = time.monotonic()
    answer = machine.send(text)
    return answer, time.monotonic() - start


def test_many_rules(vm, log):
    vm.set_policy(*[f'<deny command="none-{number}"/>' for number in range(19999)], '<deny command="query-kvm"/>')
    for _ in range(3):
        answer, seconds = timed(vm, request("query-kvm"))
        assert is_denied(answer) and seconds < SECONDS
    assert {record.field("rule") for record in log.records()} == {"domain:query-kvm#20000"}
    assert not is_denied(vm.send(request("query-name")))


def test_one_rule_too_many(vm):
    vm.set_policy_text("<policy>" + 20001 * "<allow/>" + "</policy>")
    answer, seconds = timed(vm, request("query-kvm"))
    assert is_denied(answer) and "more than 20000 rules" in answer.get_error_message() and seconds < SECONDS


BOMB = "*a" * 500 + "*b"


@pytest.mark.parametrize("rules, text, refusal", [
    (8000 * [f'<allow command="{"*a" * 50}*b"/>'], request("a" * 255), None),
    (500 * [f'<allow command="qom-get"><argument name="path" match="{BOMB}"/></allow>'],
     request("qom-get", path="a" * 100000, property="x"), "guard:too-much-work"),
    (20000 * ['<allow command="x*" user="y"/>'],
     request("transaction", actions=256 * [{"type": "abort", "data": {}}]), "guard:too-much-work"),
], ids=["command", "argument", "transaction"])
def test_work_is_bounded(witness, log, rules, text, refusal):
    """It ends, and where it ends in a refusal that says whose fault it is."""
    witness.set_policy(*rules)
    witness.send(request("query-kvm"))      # the policy is parsed now
    witness.mark()
    log.mark()
    answer, seconds = timed(witness, text)
    assert seconds < SECONDS
    record = log.record()
    assert is_denied(answer) == (refusal is not None)
    if refusal:
        assert record.field("rule") == refusal and "policy 'domain'" in record.field("reason")
        assert witness.executed() == []
    witness.clear_policy()
    assert witness.is_sane()


def test_large_answers_and_large_texts(vm):
    """Nothing of a text or an answer is cut. (QEMU takes seconds to read a text of megabytes; the guard does not.)"""
    assert len(vm.send(request("query-qmp-schema"))["return"]) > 500
    name = "x" * 100000
    assert name in vm.send(request("qom-get", path="/machine", property=name))["error"]["desc"]


def test_guest_that_hangs_holds_up_only_what_it_must_answer(make_vm, log):
    """A command waits for its QEMU, as without the guard. It is on record by then; and no refusal waits."""
    machine, other = make_vm(), make_vm()
    log.mark()
    process = machine.process()
    os.kill(process, signal.SIGSTOP)
    try:
        waiting = subprocess.Popen(["virsh", "-q", "-c", SYSTEM, "qemu-monitor-command", machine.name,
                                request("query-kvm")],
                                   stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 10
        while not log.records():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert log.record().command == "query-kvm" and log.record().passed
        answer, seconds = timed(machine, request("inject-nmi"))
        assert is_denied(answer) and seconds < SECONDS
        answer, seconds = timed(machine, "not { json")
        assert is_denied(answer) and seconds < SECONDS
        assert not is_denied(other.send(request("query-name")))
        assert waiting.poll() is None
    finally:
        os.kill(process, signal.SIGCONT)
    assert '"present":true' in waiting.communicate(timeout=30)[0]


@needs("descriptors")
def test_no_descriptor_stays_in_the_daemon(vm):
    """Refused or not, what a client passed is closed when the call is over."""
    def count():
        return len(list((daemon() / "fd").iterdir()))

    def send():
        with open("/etc/hostname") as file:
            answer_of(libvirt_qemu.qemuMonitorCommandWithFiles, vm.domain, request("query-name"), [file.fileno()], 0)
            answer_of(libvirt_qemu.qemuMonitorCommandWithFiles, vm.domain, request("add-fd"), [file.fileno()], 0)

    send()
    before = count()
    for _ in range(50):
        send()
    assert count() <= before + 2
