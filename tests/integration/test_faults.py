# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each call that the plugin makes of libvirt, and each allocation of its own, fails in turn in a daemon."""

import fcntl
import itertools
import os
import pathlib
import time

import pytest

from clients import REPO, is_denied, request
from machines import policy
from second_lab import SHIPPED_DEFAULT, SecondLab

FAULTS = pathlib.Path(os.environ.get("QMP_GUARD_BUILD", REPO / "build")) / "tests/integration/faults.so"

# What cannot be put on record does not pass.
RECORDED_ALONE = SHIPPED_DEFAULT.replace("profile=", 'unrecorded="deny" profile=')
ALLOWED = "query-status"
# By the domain's policy, and by what is known of the caller: neither may be lost.
DENIED = ["query-kvm", "query-name"]
RULES = ['<deny command="query-kvm"/>', '<deny command="query-name" user="root"/>']

CALLS = ["virDomainLookupByUUID", "virDomainGetMetadata", "virDomainGetXMLDesc", "virDomainGetName", "virDomainGetUUID",
         "virDomainGetUUIDString", "virDomainGetConnect", "virIdentityGetCurrent", "virIdentitySetCurrent",
         "virIdentityGetUserName", "virIdentityGetSASLUserName", "virIdentityGetX509DName",
         "virIdentityGetSELinuxContext", "virIdentityGetUNIXUserID", "virIdentityGetUNIXGroupID",
         "virIdentityGetProcessID", "malloc"]

MOST = 100      # more calls of one function than any command makes

tokens = itertools.count(1)


@pytest.fixture(scope="module")
def lab(in_lab):
    lab = SecondLab()
    # Behind the guard, whose calls go to whatever comes next.
    lab.preload(lab.guard, FAULTS)
    lab.daemon("restart")
    yield lab
    lab.close()


def send_with_fault(lab, machine, command, name, nth):
    """The answer, what was recorded as decided, and whether anything failed."""
    token = f"t{next(tokens)}"
    (lab.directory / "etc/libvirt/faults").write_text(f"{name} {nth} {token}\n")
    lab.trail.mark()
    answer = machine.send(request(command))
    hit = lab.directory / "etc/libvirt/faults.hit"
    decisions = [record["verdict"] for record in lab.trail.records("decision")]
    return answer, decisions, hit.exists() and hit.read_text() == token


def check(command, answer, decisions):
    if isinstance(answer, dict):
        assert command == ALLOWED and decisions == ["allow"]
    else:
        assert answer.get_error_message(), "an error that says nothing"
        assert decisions in ([], ["deny"])


@pytest.mark.parametrize("name", CALLS)
def test_call_that_fails(lab, name):
    """In each place: what is allowed passes with a record or is refused, what is denied is refused."""
    machine = lab.machine()
    machine.set_policy(*RULES)
    lab.set_host_policy(RECORDED_ALONE)
    daemon = lab.run(lab.directory / "daemon", "pid").stdout
    hits = 0
    for command in [ALLOWED, *DENIED]:
        for nth in range(1, MOST):
            answer, decisions, is_hit = send_with_fault(lab, machine, command, name, nth)
            if not is_hit:
                break
            hits += 1
            check(command, answer, decisions)
        assert nth < MOST - 1
        assert is_denied(answer) == (command != ALLOWED), answer    # nothing has failed
        assert decisions == ["allow" if command == ALLOWED else "deny"]
    assert hits > 0
    assert lab.virsh("version").returncode == 0
    assert lab.run(lab.directory / "daemon", "pid").stdout == daemon
    # Nothing is to fail that the daemon does at its end.
    assert not send_with_fault(lab, machine, ALLOWED, "nothing", 1)[2]
    lab.set_host_policy(SHIPPED_DEFAULT)
    machine.discard()


def change_policy(lab, machine):
    machine.set_policy('<deny command="query-status"/>')


def change_host_policy(lab, machine):
    lab.set_host_policy(policy("<delegate/>", confirm="@dangerous"))


def hold_trail(lab, machine):
    file = open(f"{lab.trail.path}.head", "rb")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


# A call that takes its time, and what makes it necessary after all.
COSTLY = [("xmlCtxtReadMemory", change_policy), ("xmlCtxtReadMemory", change_host_policy), ("nanosleep", hold_trail)]


@pytest.mark.parametrize("name, spoil", COSTLY)
def test_a_command_like_the_last_costs_little(lab, name, spoil):
    """A call that is to fail and does not was not made: no policy is parsed again, and nothing waited for.

    Nor is the name service asked: test_unix_groups.py::test_command_does_not_wait_for_the_name_service.
    """
    machine = lab.machine()
    machine.set_policy('<allow command="query-status" unix-group="root"/>',
                       *[f'<deny command="none-{number}"/>' for number in range(1000)])
    # A host policy that has just been written is read again for every command: it may still be changing.
    while lab.host_policy.exists() and time.time() - lab.host_policy.stat().st_ctime < 4:
        time.sleep(0.1)
    machine.send(request(ALLOWED))
    for _ in range(20):
        answer, decisions, is_hit = send_with_fault(lab, machine, ALLOWED, name, 1)
        assert isinstance(answer, dict) and decisions == ["allow"] and not is_hit
    held = spoil(lab, machine)
    *_, is_hit = send_with_fault(lab, machine, ALLOWED, name, 1)
    assert is_hit
    if held:
        held.close()
    lab.set_host_policy(SHIPPED_DEFAULT)
    machine.discard()
