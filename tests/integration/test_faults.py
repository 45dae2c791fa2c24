# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each call that the plugin makes of libvirt, and each allocation of its own, fails in turn in a daemon."""

import itertools
import os
import pathlib

import pytest

from clients import REPO, is_denied, request
from second_lab import SecondLab

FAULTS = pathlib.Path(os.environ.get("QMP_GUARD_BUILD", REPO / "build")) / "tests/integration/faults.so"

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
    machine.discard()
