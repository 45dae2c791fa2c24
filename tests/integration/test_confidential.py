# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that is protected from its host is judged by the profile made for such guests, without being told to.

No such hardware is needed: libvirt asks QEMU once what it can do and keeps the answer in a file, where we add what this
host lacks; and the emulator is a wrapper that takes away again what this QEMU would not start with.
"""

import hashlib
import re
from urllib.parse import quote

import pytest

from clients import is_denied, monitor, qmp_guard, request
from machines import Machine, bare_xml, unique_name
from second_lab import SecondLab
from test_proxy import is_stopped_by_libvirt, send_as

WRAPPER = """#!/bin/bash
arguments=()
while (($#)); do
    case $1,$2 in
        -object,*sev-guest*) shift 2 && continue ;;
        -machine,*) set -- "$1" "${2/,confidential-guest-support=lsec0/}" "${@:3}" ;;
    esac
    arguments+=("$1")
    shift
done
exec qemu-system-x86_64 "${arguments[@]}"
"""
FLAG = "<flag name='sev-guest'/>"
PLATFORM = """<sev><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><pdh>x</pdh><certChain>x</certChain>
<cpu0Id>x</cpu0Id><maxGuests>15</maxGuests><maxESGuests>15</maxESGuests></sev>"""
SECURITY = """<launchSecurity type='sev'><policy>0x0001</policy><cbitpos>47</cbitpos>
<reducedPhysBits>1</reducedPhysBits></launchSecurity>"""


def confidential_xml(emulator=None):
    text = bare_xml(unique_name("confidential")).replace("</devices>", f"</devices>{SECURITY}")
    return text.replace("<devices>", f"<devices><emulator>{emulator}</emulator>") if emulator else text


@pytest.fixture(scope="module")
def lab(in_lab):
    started = SecondLab()
    emulator = started.directory / "qemu"
    emulator.write_text(WRAPPER)
    emulator.chmod(0o755)
    started.virsh("domcapabilities", "--emulatorbin", emulator)
    known = (started.directory / "var/cache/libvirt/qemu/capabilities"
             / f"{hashlib.sha256(str(emulator).encode()).hexdigest()}.xml")
    if not known.exists():
        pytest.skip("this libvirt keeps its knowledge of a QEMU elsewhere")
    text = known.read_text().replace("<flag ", f"{FLAG}<flag ", 1).replace("</qemuCaps>", f"{PLATFORM}</qemuCaps>")
    known.write_text(text)
    started.daemon("restart")
    started.vm = Machine(started.connect(), confidential_xml(emulator))
    yield started
    started.close()


@pytest.fixture
def vm(lab):
    lab.find(lab.vm).clear_policy()
    lab.log.mark()
    return lab.vm


@pytest.mark.parametrize("rules, words, command, passes, is_chosen", [
    ([], {}, "query-kvm", True, True),
    ([], {}, "query-sev", True, True),
    ([], {}, "memsave", False, True),
    ([], {}, "no-such-command", False, True),
    # A policy of its own that names no profile stands before the chosen one.
    (['<allow command="no-such-command"/>'], {}, "no-such-command", True, True),
    (['<allow command="no-such-command"/>'], {}, "memsave", False, True),
    (['<deny command="query-kvm"/>'], {}, "query-kvm", False, True),
    # One that names a profile knows what it does.
    ([], {"profile": "baseline"}, "memsave", True, False),
    ([], {"profile": "baseline"}, "inject-nmi", False, False),
    ([], {"profile": "closed"}, "query-kvm", False, False),
])
def test_profile_is_chosen(lab, vm, rules, words, command, passes, is_chosen):
    if rules or words:
        vm.set_policy(*rules, **words)
    answer = vm.send(request(command))
    record = lab.log.record()
    assert record.passed == passes != is_denied(answer)
    assert record.field("profile") == ("confidential" if is_chosen else None)


def test_profile_is_chosen_after_a_restart(lab, vm):
    lab.daemon("restart")
    assert is_denied(lab.find(vm).send(request("memsave")))
    assert lab.log.record().field("profile") == "confidential"


def test_other_guests_are_not_confidential(lab, vm):
    other = lab.machine()
    assert not is_denied(other.send(request("memsave")))
    assert not is_denied(vm.send(request("query-kvm"))) and is_denied(vm.send(request("memsave")))
    assert [record.field("profile") for record in lab.log.records()] == [None, "confidential", "confidential"]


def test_check_chooses_it_too(lab, vm, tmp_path):
    for xml, status in ((confidential_xml(), 1), (bare_xml("plain"), 0)):
        (tmp_path / "domain.xml").write_text(xml)
        done = qmp_guard("check", "--json", "--domain-xml", tmp_path / "domain.xml", "memsave")
        assert done.returncode == status
        assert ("profile=confidential" in done.stdout) == (status == 1)
    for command in ("memsave", "query-kvm"):
        lab.log.mark()
        checked = qmp_guard("-c", lab.uri, "check", "--json", "--domain", vm.name, command)
        assert lab.log.records() == []
        sent = monitor(vm.name, command, uri=lab.uri)
        assert checked.returncode == sent.returncode
        recorded, said = (re.sub(r"timestamp=\S+", "", text) for text in (lab.log.record().text, checked.stdout))
        assert recorded in said


def assert_nothing_is_learned(lab, vm, uri):
    """Of a domain with the same name, UUID and number, which is not protected."""
    lab.log.mark()
    lab.trail.mark()
    _, said = send_as(lab, "alice", f"{lab.uri}&name={quote(uri)}", "query-name")
    if not is_stopped_by_libvirt(lab, said) and "Unexpected driver" not in said[0]:
        assert said == ["query-name denied"]
        assert lab.log.record().field("rule") == "guard:elsewhere"
        (decision,) = lab.trail.records("decision")
        assert decision["policy"] == "unknown" and "uuid" not in decision
    assert is_denied(vm.send(request("memsave")))
    assert lab.log.records()[-1].field("profile") == "confidential"


def test_daemon_of_the_clients_own(lab, vm):
    """A client has ours connect to one of his."""
    lab.daemon("restart")
    own = SecondLab("--unguarded")
    try:
        number = lab.find(vm).domain.ID()
        twin = bare_xml(vm.name).replace("</name>", f"</name><uuid>{vm.domain.UUIDString()}</uuid>")
        assert [own.machine().domain.ID() for _ in range(1, number)] == list(range(1, number))
        assert Machine(own.connect(), twin).domain.ID() == number
        assert_nothing_is_learned(lab, vm, own.uri)
    finally:
        own.close()


def test_file_of_the_clients_own(lab, vm, public_directory):
    """libvirt's test driver reads its domains there. virtqemud wants no driver but its own."""
    lab.daemon("restart")
    number = lab.find(vm).domain.ID()
    names = [f"<name>{at}</name>" for at in range(1, number)]
    names += [f"<name>{vm.name}</name><uuid>{vm.domain.UUIDString()}</uuid>"]
    domains = [f"<domain type='test'>{name}<memory>8192</memory><os><type>hvm</type></os></domain>" for name in names]
    path = public_directory / "node.xml"
    path.write_text(f"<node>{''.join(domains)}</node>")
    assert_nothing_is_learned(lab, vm, f"test://{path}")


def test_guest_that_does_not_run_yet(lab, vm):
    """A command may be judged before a start and run after it: it waits while libvirt is busy with the domain."""
    emulator = lab.directory / "qemu"
    machine = Machine(lab.connect(), confidential_xml(emulator), persistent=True)
    assert is_denied(machine.send(request("memsave")))
    assert lab.log.record().field("profile") == "confidential"
    machine.discard()
