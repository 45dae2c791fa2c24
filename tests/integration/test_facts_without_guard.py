# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an unguarded libvirtd and QEMU do with what the guard refuses: the reasons for its rules.

A fact that is no longer true here is a rule that may be dropped; one that differs by version says so.
"""

import time

import libvirt
import pytest

from clients import HMP, request, send_bytes
from machines import OF_LIBVIRT, WitnessedMachine
from second_lab import SecondLab
from test_parsing_rows import SANITY, SMUGGLED, in_value, shortened

LIBVIRT_VERSION = libvirt.getVersion() // 1000000
IS_YAJL = LIBVIRT_VERSION < 10      # later versions read JSON with json-c


@pytest.fixture(scope="module")
def shared_machine(unguarded, tmp_path_factory):
    return WitnessedMachine(unguarded.connect(), tmp_path_factory.mktemp("trace"))


@pytest.fixture
def witness(shared_machine):
    shared_machine.mark()
    return shared_machine


@pytest.mark.parametrize("text, by_yajl, by_json_c", [
    # libvirt cuts at U+0000: what nobody would take for a command becomes one.
    (r'{"execute\u0000x":"query-uuid"}', ["query-uuid"], ["query-uuid"]),
    (r'{"execute":"query-uuid\u0000 is not what I am"}', ["query-uuid"], ["query-uuid"]),
    (in_value(r'"a\u0000b"'), ["qom-set"], ["qom-set"]),
    (in_value(r'"\ud800"'), ["qom-set"], ["qom-set"]),
    ('\f{"execute":"query-kvm"}\v', ["query-kvm"], []),
    (in_value("123456789012345678901234567890"), ["qom-set"], []),
    # The last one counts, and nobody says so.
    ('{"execute":"query-kvm","execute":"query-uuid"}', [], ["query-uuid"]),
    # libvirt sets the id, and negotiates no out-of-band execution.
    ('{"execute":"query-kvm","id":1}', [], []),
    ('{"exec-oob":"query-uuid"}', [], []),
    ('[{"execute":"query-uuid"}]', [], []),
], ids=shortened)
def test_text_is_harmless_or_is_not(witness, text, by_yajl, by_json_c):
    send_bytes(witness.domain, text if isinstance(text, bytes) else text.encode())
    assert witness.executed() == (by_yajl if IS_YAJL else by_json_c)
    assert witness.is_sane()


@pytest.mark.parametrize("text, flags", [
    ('{"execute":"query-kvm","arguments":{"a":NaN,"b":' + SMUGGLED + "}}", 0),
    ('{"execute":"query-kvm","arguments":{"a":1.,"b":' + SMUGGLED + "}}", 0),
    (b"info status\xff{'execute':'query-uuid'}", HMP),
], ids=shortened)
def test_what_json_does_not_have_runs_a_smuggled_command(unguarded, tmp_path, text, flags):
    """yajl refuses it. json-c hands it on, and QEMU forgets its braces there: one of its answers is one too many."""
    machine = WitnessedMachine(unguarded.connect(), tmp_path)
    send_bytes(machine.domain, text if isinstance(text, bytes) else text.encode(), flags)
    assert machine.is_sane() or not IS_YAJL     # whose answer it is taken for depends on when it comes
    assert ("query-uuid" in machine.executed()) != IS_YAJL
    machine.discard()


def test_too_many_tokens_run_a_smuggled_command_and_ruin_the_monitor(unguarded, tmp_path):
    """Strictly valid JSON. QEMU stops at token 2097153, forgets its braces, and reads on: a command stands there.

    QEMU 11.1 no longer forgets them.
    """
    head = '{"execute":"query-kvm","arguments":{"a":['
    ones = (2097152 - 11) // 2 + 1
    text = head + "1," * ones + SMUGGLED + "]}}"
    assert len(text) < 4194304
    machine = WitnessedMachine(unguarded.connect(), tmp_path)
    send_bytes(machine.domain, text.encode())
    forgets = unguarded.connect().getVersion() < 11000000
    # Answers are told apart by their order alone: as soon as there is one too many, each is another one's.
    assert all(machine.is_sane() for _ in range(20)) != forgets
    assert ("query-uuid" in machine.executed()) == forgets
    machine.discard()


def test_deep_nesting_ends_libvirtd(second_lab):
    """With yajl; json-c stops at a depth."""
    lab = second_lab("--unguarded")
    machine = lab.machine()
    answer = send_bytes(machine.domain, b"[" * 2000000)
    assert isinstance(answer, libvirt.libvirtError)
    assert lab.run(lab.directory / "daemon", "pid").returncode == (1 if IS_YAJL else 0)


@pytest.mark.parametrize("line, answer", [
    ("info status\ninfo version", "status: extraneous characters at the end of line"),
    ("qom-get/machine type", "pc-i440fx"),
    ("print 6*7", "0x2a"),
    ("print 6 *7", "0x2a"),
    ("inf status", "unknown command: 'inf'"),
    ("info/status", "unknown command: 'info'"),
], ids=shortened)
def test_hmp_grammar(witness, line, answer):
    assert answer in witness.send(line, HMP)
    assert witness.executed() == ["human-monitor-command", f"hmp: {line.splitlines()[0]}"]


@pytest.fixture(scope="module")
def without_sandbox(in_lab):
    lab = SecondLab("--unguarded", "--set", "qemu.seccomp_sandbox=0")
    yield lab
    lab.close()


@pytest.mark.parametrize("text, flags", [
    ("migrate -dexec:echo${IFS}ran>FILE", HMP),
    ('migrate "exec:echo ran >FILE"', HMP),
    (request("migrate", uri="exec:echo ran >FILE"), 0),
    (request("human-monitor-command", command_line='migrate "exec:echo ran >FILE"'), 0),
], ids=shortened)
def test_migrate_runs_a_program_on_the_host(without_sandbox, tmp_path, text, flags):
    machine = without_sandbox.machine()
    file = tmp_path / "proof"
    machine.send(text.replace("FILE", str(file)), flags)
    deadline = time.monotonic() + 10
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    machine.discard()
    assert file.exists()


def test_migrate_ends_the_guest_under_a_sandbox(unguarded, tmp_path):
    """QEMU's sandbox, which libvirt turns on, kills a QEMU that starts a program: no better for the guest.

    That is so of 7.2. Later QEMUs are told that they may not, and of earlier ones the program alone is killed.
    """
    machine = unguarded.machine()
    answer = machine.send(request("migrate", uri=f"exec:echo ran >{tmp_path}/proof"))
    if not isinstance(answer, libvirt.libvirtError) and "error" not in answer:
        deadline = time.monotonic() + 10
        while machine.send(request("query-migrate"))["return"]["status"] != "failed":
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert isinstance(answer, libvirt.libvirtError) or "return" in answer or "Failed to fork" in answer["error"]["desc"]
    assert not (tmp_path / "proof").exists()


def test_nothing_is_recorded(unguarded):
    """One line for each run of a machine says that some command was sent; not which, nor by whom."""
    machine = unguarded.machine()
    unguarded.log.mark()
    for _ in range(2):
        assert unguarded.virsh("qemu-monitor-command", machine.name, "query-kvm", user="alice").returncode == 0
    text = unguarded.log.raw().decode()
    assert text.count("is tainted: custom-monitor") == 1
    assert "query-kvm" not in text and "alice" not in text


def test_libvirts_own_errors_forge_lines(unguarded):
    """Even a read-only client makes libvirt write a line that looks like a record, into the same log.

    The guard's own lines cannot be forged; a log that libvirt writes errors to can. Hence a log_filters or an output
    for the guard alone, and an audit log that is not libvirt's.
    """
    forged = "2026-01-01 00:00:00.000+0000: 1: info : QMP: victim | stop | user=root"
    unguarded.log.mark()
    connection = libvirt.openReadOnly(unguarded.uri)
    with pytest.raises(libvirt.libvirtError):
        connection.compareCPU(f"<cpu>\n{forged}")      # told of by the line in which its end is missing
    assert forged in unguarded.log.raw().decode().split("\n")
    assert unguarded.log.record() == ("info", "QMP: victim | stop | user=root")


def test_sanity_is_what_the_rows_count_on(witness):
    assert witness.is_sane() and witness.executed() == SANITY


def test_reset_is_followed_up(witness):
    """By the later versions, and by no more than what a witness leaves out."""
    witness.send(request("system_reset"))
    time.sleep(2)       # it is asked by another thread, when QEMU has said that it happened
    first, *more = witness.all_executed()
    assert first == "system-reset" and set(more) <= OF_LIBVIRT
    assert set(more) == OF_LIBVIRT or LIBVIRT_VERSION < 9
