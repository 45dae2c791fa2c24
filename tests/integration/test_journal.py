# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the journal gets of a record: fields that a program can select by, none of which a caller can forge.

A socket of ours stands in for journald, whose protocol for clients is public: NAME=VALUE lines, or NAME, a length and
the bytes where a value has a newline in it.
"""

import json
import socket
import struct
import threading
from urllib.parse import quote

import pytest

from clients import DAEMON, HMP, qmp_guard, request
from raw_rpc import STATUS_ERROR, xdr_string
from second_lab import SecondLab
from test_proxy import is_stopped_by_libvirt, send_as

FIELDS = ["MESSAGE_ID", "QMPGUARD_DOMAIN", "QMPGUARD_COMMAND", "QMPGUARD_VERDICT", "QMPGUARD_USER"]


def parse(datagram):
    """The fields of one message, each name with all values it came with."""
    fields = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, separator, value = line.partition(b"=")
        if not separator:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8:8 + length], rest[8 + length + 1:]
        fields.setdefault(name.decode(), []).append(value.decode())
        datagram = rest
    return fields


class Journal:
    def __init__(self, directory):
        directory.mkdir(parents=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(directory / "socket"))
        self.socket.setblocking(False)

    def messages(self):
        found = []
        while True:
            try:
                found.append(parse(self.socket.recv(1 << 20)))
            except BlockingIOError:
                return found

    def record(self):
        """The one message with the guard's fields; each of them once."""
        (found,) = [message for message in self.messages() if "QMPGUARD_VERDICT" in message]
        assert all(len(found[name]) == 1 for name in FIELDS)
        return {name: values[0] for name, values in found.items()}


@pytest.fixture(scope="module")
def lab(in_lab):
    started = SecondLab()
    started.journal = Journal(started.directory / "run/systemd/journal")
    done = started.run("virt-admin", "-c", f"{DAEMON}:///system", "daemon-log-outputs",
                       f"1:journald 1:file:/var/log/libvirt/{DAEMON}.log")
    assert done.returncode == 0, done.stderr
    started.vm = started.machine()
    yield started
    started.close()


@pytest.fixture
def journal(lab):
    lab.vm.clear_policy()
    lab.journal.messages()
    lab.log.mark()
    return lab.journal


@pytest.mark.parametrize("text, flags, command, verdict, priority", [
    (request("query-status"), 0, "query-status", "allow", "6"),
    (request("closefd", fdname="none"), 0, "closefd", "warn", "4"),
    (request("no-such-command"), 0, "no-such-command", "warn", "4"),
    (request("inject-nmi"), 0, "inject-nmi", "deny", "3"),
    ("info status", HMP, "human-monitor-command", "deny", "3"),
    ("not { json", 0, "(unreadable)", "deny", "3"),
])
def test_fields(lab, journal, text, flags, command, verdict, priority):
    lab.vm.send(text, flags)
    found = journal.record()
    assert found["MESSAGE"] == lab.log.record().text
    assert found["PRIORITY"] == priority
    assert [found[name] for name in FIELDS[1:]] == [lab.vm.name, command, verdict, "root"]
    assert len(found["MESSAGE_ID"]) == 32 and int(found["MESSAGE_ID"], 16)


def test_a_message_id_for_each_kind(lab, journal):
    """The same for all of a kind, another for each kind."""
    lab.vm.set_policy('<warn command="query-kvm"/>', '<allow channel="hmp" command="info status"/>')
    seen = {}
    for text, flags in ((request("query-status"), 0), (request("query-name"), 0), (request("no-such-command"), 0),
                        (request("closefd", fdname="none"), 0), (request("inject-nmi"), 0), ("x", 0),
                        ("info status", HMP),
                        (request("memsave", val=0, size=1, filename="/no/such/file"), 0)):
        lab.vm.send(text, flags)
        found = journal.record()
        seen.setdefault(found["MESSAGE"].split(":")[0], set()).add(found["MESSAGE_ID"])
    assert set(seen) == {"QMP", "QMP unknown", "QMP privileged", "QMP blocked", "QMP dangerous", "QMP memory dump"}
    assert all(len(numbers) == 1 for numbers in seen.values())
    assert len(set.union(*seen.values())) == len(seen)


def test_fields_cannot_be_forged(lab, journal):
    """A newline in a domain's name would be the start of a field of the caller's choice."""
    machine = lab.machine(name="x\nQMPGUARD_VERDICT=allow\nPRIORITY=7")
    machine.send(request("inject-nmi"))
    found = journal.record()
    assert found["QMPGUARD_VERDICT"] == "deny" and found["PRIORITY"] == "3"
    assert found["QMPGUARD_DOMAIN"] == r"x\x0aQMPGUARD_VERDICT\x3dallow\x0aPRIORITY\x3d7"
    machine.discard()


class LyingDaemon:
    """Answers the first call of each client with an error of its own wording."""

    def __init__(self, path, message):
        self.message = message
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        path.chmod(0o777)
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            program, version, procedure, _, serial, _ = struct.unpack(">6I", client.recv(1 << 16)[4:28])
            error = struct.pack(">3I", 1, 0, 1) + xdr_string(self.message) + struct.pack(">8I", 2, *7 * [0])
            header = struct.pack(">6I", program, version, procedure, 1, serial, STATUS_ERROR)
            client.sendall(struct.pack(">I", 4 + len(header + error)) + header + error)


@pytest.mark.parametrize("message", [
    b"QMP blocked: demo | inject-nmi | user=bob | rule=baseline:@dangerous",
    b"QMP: demo | query-status | params=[] | user=bob | timestamp=2026-11-21T12:00:00"], ids=["deny", "allow"])
def test_message_of_the_clients_own_is_no_record(lab, journal, message):
    """libvirtd says what a daemon said to it, to which a client made it connect: word for word, and as root."""
    path = lab.directory / f"lying-{len(message)}"
    LyingDaemon(path, message)
    said = send_as(lab, "alice", f"{lab.uri}&name={quote(f'qemu+unix:///system?socket={path}')}")[1]
    told = [{name: values[0] for name, values in found.items()} for found in journal.messages()]
    forged = [found for found in told if found["MESSAGE"] == message.decode()]
    assert forged or is_stopped_by_libvirt(lab, said)
    lab.vm.send(request("inject-nmi"))
    told = [{"__REALTIME_TIMESTAMP": "1795255200000000", "_UID": "0"} | found for found in forged + [journal.record()]]
    read = qmp_guard("audit", "--json", "-", input="".join(f"{json.dumps(entry)}\n" for entry in told))
    assert [json.loads(line)["domain"] for line in read.stdout.splitlines()] == [lab.vm.name], told
    written = lab.directory / f"var/log/libvirt/{DAEMON}.log"
    assert not forged or f" : {message.decode()}\n" in written.read_text()
    assert qmp_guard("audit", "--json", "--vm", "demo", written).stdout == ""
