# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients other than virsh: libvirt-python, virt-qemu-qmp-proxy, and many threads on one connection."""

import array
import json
import os
import socket
import subprocess
import sys
import threading
import time

import libvirt
import libvirt_qemu
import pytest

from clients import HMP, SYSTEM, answer_of, is_denied, request, send
from features import has, needs

VIR_FROM_QEMU = 10


def with_files(domain, text, files=(), flags=0):
    return answer_of(libvirt_qemu.qemuMonitorCommandWithFiles, domain, text, [file.fileno() for file in files], flags)


def test_python_monitor_command(vm, log):
    answer = send(vm.domain, request("query-name"))
    assert answer["return"] == {"name": vm.name}
    denied = send(vm.domain, request("inject-nmi"))
    assert is_denied(denied)
    assert denied.get_error_domain() == VIR_FROM_QEMU
    assert denied.get_error_level() == libvirt.VIR_ERR_ERROR
    assert [(record.passed, record.command) for record in log.records()] == [
        (True, "query-name"), (False, "inject-nmi")]


def test_python_hmp(vm, log):
    assert is_denied(send(vm.domain, "info status", HMP))
    vm.set_policy('<allow channel="hmp" command="info status"/>')
    assert send(vm.domain, "info status", HMP).startswith("VM status: ")
    assert is_denied(send(vm.domain, "info version", HMP))
    assert [record.passed for record in log.records()] == [False, True, False]


def test_python_agent_command(guest, log):
    def ask(text):
        return answer_of(libvirt_qemu.qemuAgentCommand, guest.domain, text, 5, 0)

    assert json.loads(ask('{"execute":"guest-sync","arguments":{"id":4711}}')) == {"return": 4711}
    guest.set_policy('<deny channel="agent" command="guest-exec*"/>')
    assert is_denied(ask(request("guest-exec", path="/bin/true")))
    assert ask('{"execute":"guest-ping"}') == '{"return":{}}'
    assert [record.passed for record in log.records()] == [True, False, True]


@needs("descriptors")
def test_python_with_files(vm, log):
    with open("/etc/hostname") as file:
        text, files = with_files(vm.domain, request("query-name"))
        assert json.loads(text)["return"] == {"name": vm.name} and files == []
        assert is_denied(with_files(vm.domain, request("inject-nmi")))
        assert "fdset-id" in with_files(vm.domain, request("add-fd"), [file])[0]
        assert is_denied(with_files(vm.domain, request("query-name"), [file]))
        assert is_denied(with_files(vm.domain, "info status", flags=HMP))
    assert [record.passed for record in log.records()] == [True, False, True, False, False]


@pytest.mark.parametrize("flags", [2, 4, 1 << 31, HMP | 2])
def test_unknown_flags(witness, log, flags):
    """What a later libvirt may mean by them, nobody here can judge."""
    ways = [send] + ([with_files] if has("descriptors") else [])
    for way in ways:
        answer = way(witness.domain, request("query-status"), flags=flags)
        assert is_denied(answer) and "flags" in answer.get_error_message()
    refusals = [(record.level, record.field("rule")) for record in log.records()]
    assert refusals == len(ways) * [("error", "request:unknown-flags")]
    assert witness.executed() == []


def test_unknown_flags_for_the_agent(vm, log):
    answer = answer_of(libvirt_qemu.qemuAgentCommand, vm.domain, '{"execute":"guest-ping"}', 5, 1)
    assert is_denied(answer)
    assert log.record().field("rule") == "request:unknown-flags" and log.record().field("channel") == "agent"


def test_attaching_to_a_foreign_qemu(connection, unguarded, vm, log):
    """No libvirt does it any more, and each says so; ours says so before libvirt is asked."""
    answer = answer_of(libvirt_qemu.qemuAttach, connection, vm.process(), 0)
    assert is_denied(answer)
    record = log.record()
    assert record.level == "error"
    assert record.text == ("QMP blocked: - | qemu-attach | user=root | rule=guard:attach | "
                           "reason=attaching to a running QEMU is not supported under the guard")
    answer = answer_of(libvirt_qemu.qemuAttach, unguarded.connect(), 1, 0)
    assert isinstance(answer, libvirt.libvirtError) and not is_denied(answer)


# In a process of its own: who registers an event loop must keep it running, or the daemon hangs up.
LISTENER = """
import sys, libvirt, libvirt_qemu
libvirt.virEventRegisterDefaultImpl()
connection = libvirt.open(sys.argv[1])
libvirt_qemu.qemuMonitorEventRegister(connection, connection.lookupByName(sys.argv[2]), None,
                                      lambda *arguments: print(arguments[2], flush=True), None)
print("listening", flush=True)
while True:
    libvirt.virEventRunDefaultImpl()
"""


def test_events_are_not_commands(make_vm, log):
    """Nobody's text travels when a client listens, so nothing is judged there, whatever the policy."""
    machine = make_vm()
    machine.set_policy("<deny/>")
    with subprocess.Popen([sys.executable, "-c", LISTENER, SYSTEM, machine.name], stdout=subprocess.PIPE,
                          text=True) as listener:
        assert listener.stdout.readline() == "listening\n"
        machine.domain.suspend()
        assert listener.stdout.readline() == "STOP\n"
        listener.kill()
    assert log.records() == []


class Proxy:
    """virt-qemu-qmp-proxy and a QMP client at its socket."""

    def __init__(self, name, path):
        # Not as a program: what `env python3` finds may lack libvirt.
        self.process = subprocess.Popen([sys.executable, "/usr/bin/virt-qemu-qmp-proxy", "-c", SYSTEM, name, path],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 10
        while not path.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, self.process.stdout.read()
            time.sleep(0.01)
        self.path = str(path)
        self.socket = None
        self.connect()

    def connect(self):
        if self.socket:
            self.socket.close()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(self.path)
        assert "QMP" in self.receive()
        assert self.ask(request("qmp_capabilities")) == {"return": {}}

    def receive(self):
        data = b""
        while not data.endswith(b"\n"):
            more = self.socket.recv(65536)
            if not more:
                return None
            data += more
        return json.loads(data)

    def ask(self, text, file=None):
        """The answer; None when the proxy hung up, as it does at every error."""
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))] if file else []
        self.socket.sendmsg([text.encode()], ancillary)
        answer = self.receive()
        if answer is None:
            self.connect()
        return answer

    def close(self):
        self.socket.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def proxy(witness, tmp_path):
    started = Proxy(witness.name, tmp_path / "qmp")
    yield started
    started.close()


@needs("proxy")
def test_proxy(proxy, witness, log):
    assert proxy.ask(request("query-name")) == {"return": {"name": witness.name}}
    assert proxy.ask('{"execute":"query-name","id":"mine"}') == {"return": {"name": witness.name}, "id": "mine"}
    assert proxy.ask(request("inject-nmi")) is None
    assert proxy.ask(request("human-monitor-command", command_line="info status")) is None
    assert proxy.ask('{"exec-oob":"query-name"}') is None
    assert proxy.ask(request("query-kvm"))["return"]["present"]
    assert witness.executed() == ["query-name", "query-name", "query-kvm"]
    assert [(record.passed, record.command) for record in log.records()] == [
        (True, "query-name"), (True, "query-name"), (False, "inject-nmi"), (False, "human-monitor-command"),
        (False, "(unreadable)"), (True, "query-kvm")]


@needs("proxy")
def test_proxy_with_a_descriptor(proxy, witness, log):
    with open("/etc/hostname") as file:
        assert proxy.ask(request("getfd", fdname="mine"), file) == {"return": {}}
        assert "fdset-id" in proxy.ask(request("add-fd"), file)["return"]
        assert proxy.ask(request("query-status"), file) is None
    assert "No file descriptor supplied" in proxy.ask(request("getfd", fdname="stray"))["error"]["desc"]
    assert proxy.ask(request("closefd", fdname="mine")) == {"return": {}}
    assert [(record.passed, record.command) for record in log.records()] == [
        (True, "getfd"), (True, "add-fd"), (False, "query-status"), (True, "getfd"), (True, "closefd")]
    assert log.records()[2].field("rule") == "request:stray-fd"


THREADS, ROUNDS = 8, 40


def test_threads_share_a_connection(make_vm, log):
    """Each call has a name of its own, which its answer or its error repeats: no thread gets another's."""
    machine = make_vm()
    machine.set_policy('<deny command="denied-*"/>', '<deny channel="hmp"/>')
    connection = libvirt.open(SYSTEM)
    failures = []
    start = threading.Barrier(THREADS)

    def work(number):
        domain = connection.lookupByName(machine.name)
        start.wait()
        for count in range(ROUNDS):
            own = f"{number}-{count}"
            passed = send(domain, request(f"passed-{own}"))
            if not isinstance(passed, dict) or f"passed-{own} " not in passed["error"]["desc"]:
                failures.append((own, passed))
            denied = send(domain, request(f"denied-{own}"))
            if not is_denied(denied) or f"'denied-{own}' on domain '{machine.name}'" not in denied.get_error_message():
                failures.append((own, denied))
            denied = send(domain, f"hmp_{number}_{count}", HMP)
            if not is_denied(denied) or f"'hmp_{number}_{count}'" not in denied.get_error_message():
                failures.append((own, denied))

    threads = [threading.Thread(target=work, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []

    records = log.records()
    assert len(records) == 3 * THREADS * ROUNDS
    assert {record.domain for record in records} == {machine.name}
    seen = {(record.passed, record.field("hmp") or record.command) for record in records}
    calls = [(number, count) for number in range(THREADS) for count in range(ROUNDS)]
    assert seen == ({(True, f"passed-{number}-{count}") for number, count in calls}
                    | {(False, f"denied-{number}-{count}") for number, count in calls}
                    | {(False, f"hmp_{number}_{count}") for number, count in calls})


def test_threads_while_the_policy_changes(make_vm):
    """Every command meets one whole policy, the old or the new; a thread that changes it is not kept waiting."""
    machine = make_vm()
    stop = threading.Event()
    answers = []

    def work():
        connection = libvirt.open(SYSTEM)
        domain = connection.lookupByName(machine.name)
        while not stop.is_set():
            answers.append(send(domain, request("query-status")))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60):
        machine.set_policy(f'<{"deny" if number % 2 else "allow"} command="query-status"/>',
                           f'<deny command="filler-{number}"/>')
        assert is_denied(machine.send(request("query-status"))) == bool(number % 2)
    stop.set()
    for thread in threads:
        thread.join()
    denied = [answer for answer in answers if is_denied(answer)]
    assert 0 < len(denied) < len(answers)
    assert all(is_denied(answer) or "return" in answer for answer in answers)
    assert all("domain:query-status#1" in answer.get_error_message() for answer in denied)
