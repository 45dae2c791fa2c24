# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever may send a domain commands may edit its policy while it runs: that it changed is on record."""

import json
import subprocess

from clients import request

STATUS = request("query-status")
ALLOW_NMI = '<allow command="inject-nmi"/>'


def digest(machine):
    """What the hook, which reads the domain's whole XML, calls its policy."""
    done = subprocess.run(["virt-qmp-guard", "check", "--domain", machine.name, "--start", "--json"],
                          capture_output=True, text=True, check=False)
    return json.loads(done.stdout)["policy"]


def test_first_command_names_the_policy(make_vm, log):
    machine = make_vm()
    machine.send(STATUS)
    machine.send(STATUS)
    assert log.policies() == [("info", f"domain policy in force: {machine.name} | policy=none")]


def test_a_change_is_recorded_at_the_next_command(make_vm, log):
    machine = make_vm()
    machine.send(STATUS)
    machine.set_policy(ALLOW_NMI)
    first = digest(machine)
    log.mark()
    machine.send(STATUS)
    machine.send(STATUS)
    assert log.policies() == [("warning", f"domain policy changed: {machine.name} | policy={first} | was=none")]

    log.mark()
    machine.set_policy(ALLOW_NMI, profile="observe")
    second = digest(machine)
    machine.send(STATUS)
    assert first != second and len(second) == 64
    assert log.policies() == [("warning", f"domain policy changed: {machine.name} | policy={second} | was={first}")]

    log.mark()
    machine.clear_policy()
    machine.send(STATUS)
    assert log.policies() == [("warning", f"domain policy changed: {machine.name} | policy=none | was={second}")]


def test_an_invalid_policy_is_a_change_too(make_vm, log):
    machine = make_vm()
    machine.send(STATUS)
    log.mark()
    machine.set_policy_text("<policy><nonesuch/></policy>")
    machine.send(STATUS)
    assert log.policies() == [("warning", f"domain policy changed: {machine.name} | policy=invalid | was=none")]


def test_the_same_policy_written_anew_is_no_change(make_vm, log):
    machine = make_vm()
    machine.set_policy(ALLOW_NMI)
    machine.send(STATUS)
    log.mark()
    machine.set_policy_text(f"<policy  mode='enforce'>\n\n  {ALLOW_NMI}<!-- again --></policy>")
    machine.send(STATUS)
    changed = log.policies()
    machine.set_policy_text(f"<policy>\n\n  {ALLOW_NMI}<!-- again --></policy>")
    machine.send(STATUS)
    assert len(changed) == 1 and len(log.policies()) == 2      # an attribute more, and gone again
    log.mark()
    machine.set_policy_text(f"<policy>{ALLOW_NMI}</policy>")
    machine.send(STATUS)
    assert log.policies() == []
