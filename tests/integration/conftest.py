# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures. The tests run inside a lab, as root: scripts/lab -- /usr/bin/python3 -m pytest tests/integration"""

import os
import pathlib
import shutil
import tempfile

import libvirt
import pytest

from audit_log import AuditLog
from features import EXCUSED, FEATURES, lacking
from machines import GuestMachine, Machine, WitnessedMachine, bare_xml, is_guest_built, unique_name
from recorded import write_records
from second_lab import SecondLab

MUST_RUN = os.environ.get("QMP_GUARD_MUST_RUN") == "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(name): what the libvirt or QEMU here may lack, of features.py")


def pytest_runtest_setup(item):
    name = lacking(item)
    if name:
        pytest.skip(f"{EXCUSED}{FEATURES[name].what}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A skip is for those who lack something. Where all is meant to be there (CI sets the variable) it is a failure."""
    report = (yield).get_result()
    if MUST_RUN and report.skipped and not hasattr(report, "wasxfail") and not lacking(item):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"QMP_GUARD_MUST_RUN=1, but: {reason}"


@pytest.fixture(scope="session", autouse=True)
def in_lab():
    if not os.environ.get("QMP_GUARD_LAB_DIR"):
        pytest.skip("not inside a lab: scripts/lab -- /usr/bin/python3 -m pytest tests/integration")


@pytest.fixture(scope="session")
def connection(in_lab):
    """To the guarded daemon of the lab; no test restarts that one."""
    opened = libvirt.open("qemu:///system")
    yield opened
    opened.close()


@pytest.fixture
def log():
    return AuditLog(os.environ["QMP_GUARD_LAB_LOG"])


@pytest.fixture(scope="session")
def shared_vm(connection):
    machine = Machine(connection, bare_xml(unique_name("shared")))
    yield machine
    machine.discard()


@pytest.fixture
def vm(shared_vm):
    """The machine that most tests share. They may give it a policy, which goes with the test."""
    yield shared_vm
    shared_vm.clear_policy()


@pytest.fixture
def make_vm(connection):
    """Makes machines of a test's own."""
    made = []

    def make(name=None, persistent=False, **kwargs):
        made.append(Machine(connection, bare_xml(name or unique_name(), **kwargs), persistent))
        return made[-1]

    yield make
    for machine in made:
        machine.discard()


@pytest.fixture(scope="session")
def shared_witness(connection, tmp_path_factory):
    machine = WitnessedMachine(connection, tmp_path_factory.mktemp("trace"))
    yield machine
    machine.discard()


@pytest.fixture
def witness(shared_witness):
    """A machine whose QEMU says what it executed."""
    shared_witness.mark()
    yield shared_witness
    shared_witness.clear_policy()


@pytest.fixture(scope="session")
def booted_guest(connection):
    if not is_guest_built():
        pytest.skip("the guest with the agent could not be built: tests/lab/guest build")
    machine = GuestMachine(connection).wait()
    yield machine
    machine.discard()


@pytest.fixture
def guest(booted_guest):
    """A machine whose guest agent answers."""
    yield booted_guest
    booted_guest.clear_policy()


@pytest.fixture
def second_lab():
    """Starts labs of a test's own."""
    started = []

    def start(*options):
        started.append(SecondLab(*options))
        return started[-1]

    yield start
    for lab in started:
        lab.close()


@pytest.fixture(scope="session")
def unguarded(in_lab):
    """A lab whose daemon has no guard: it shows what libvirt and QEMU do by themselves."""
    lab = SecondLab("--unguarded")
    yield lab
    lab.close()


@pytest.fixture
def public_directory():
    """A directory that the lab's other users can enter; pytest's own are root's, and too long for sockets."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="qmp-guard-", dir="/tmp"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def records(tmp_path):
    """Writes records into a file: each a decision with what is given over a usual one."""
    def records_(*changes):
        path = tmp_path / "audit.log"
        write_records(path, changes)
        return path
    return records_
