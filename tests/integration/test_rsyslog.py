# SPDX-License-Identifier: LGPL-2.1-or-later
"""The trail on another host: two real rsyslogds on the loopback, with the configurations that docs/fleet.md shows."""

import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from certificates import make_key, make_signed
from clients import REPO, request, run
from trail import Trail, assert_chained

RSYSLOGD = "/usr/sbin/rsyslogd"
RELP = "/usr/lib/{}-linux-gnu/rsyslog/omrelp.so".format(os.uname().machine)
STATUS = request("query-status")
SECONDS = 25        # the sender tries again every five

# Around the file that is shown: what Debian's /etc/rsyslog.conf does, but without the system's sockets.
MAIN = """
module(load="imuxsock" sysSock.use="off")
global(workDirectory="{directory}")
include(file="{shown}")
*.* action(type="omfile" file="{directory}/messages")
"""

pytestmark = pytest.mark.skipif(not all(map(os.path.exists, (RSYSLOGD, RELP))) or not shutil.which("openssl"),
                                reason="no rsyslog, rsyslog-relp or openssl: scripts/setup installs them")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Certificates:
    """An authority, and what it signed."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        make_key("/CN=ca", *self.files("ca"), "-x509")
        self.sign("logs", "logs.example.com")
        self.sign("host", "one.hosts.example.com")

    def sign(self, name, common_name):
        make_signed(f"/CN={common_name}", *self.files(name), self.files("ca")[::-1], f"subjectAltName=DNS:{common_name}")

    def files(self, name):
        return self.directory / f"{name}.key", self.directory / f"{name}.pem"


class Rsyslog:
    """One rsyslogd in the foreground, of a file below docs with some of its words exchanged."""

    def __init__(self, directory, shown, words):
        self.directory = directory
        directory.mkdir()
        text = (REPO / "docs" / shown).read_text()
        for word, ours in words.items():
            assert word in text, f"{shown} does not say {word}"
            text = text.replace(word, str(ours))
        (directory / shown).write_text(text)
        self.configuration = directory / "rsyslog.conf"
        self.configuration.write_text(MAIN.format(directory=directory, shown=directory / shown))
        self.process = None

    def check(self):
        return run(RSYSLOGD, "-N1", "-f", self.configuration)

    def start(self):
        with open(self.directory / "stderr", "ab") as errors:
            self.process = subprocess.Popen(
                [RSYSLOGD, "-n", "-i", self.directory / "pid", "-f", self.configuration], stderr=errors)

    def stop(self, number=signal.SIGTERM):
        if self.process:
            self.process.send_signal(number)
            self.process.wait(timeout=40)
            self.process = None

    def said(self):
        return "".join((self.directory / name).read_text(errors="replace") for name in ("stderr", "messages")
                       if (self.directory / name).exists())


@pytest.fixture
def lab(second_lab):
    return second_lab()


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path / "tls")


@pytest.fixture
def collector(lab, certificates, tmp_path):
    """The receiving side, not started yet, and where it puts what the sender sends."""
    port = free_port()
    copies = tmp_path / "copies"
    made = Rsyslog(tmp_path / "server", "rsyslog-server.conf", {
        'port="2514"': f'port="{port}"', "/etc/rsyslog.d/tls": certificates.directory, "/var/log/qmp-guard": copies})
    made.port, made.copies = port, copies / "127.0.0.1"
    yield made
    made.stop(signal.SIGKILL)


@pytest.fixture
def sender(lab, collector, certificates, tmp_path):
    made = Rsyslog(tmp_path / "client", "rsyslog-client.conf", {
        'target="logs.example.com" port="2514"': f'target="127.0.0.1" port="{collector.port}"',
        "/etc/rsyslog.d/tls": certificates.directory, "libvirtd.log": lab.log.path.name,
        "/var/log/libvirt/": f"{lab.directory}/var/log/libvirt/"})
    yield made
    made.stop(signal.SIGKILL)


def once_each(path):
    """The lines of a copy: RELP may send one twice rather than lose it."""
    return list(dict.fromkeys(path.read_bytes().splitlines())) if path.exists() else []


def wait_for_lines(copy, *originals):
    """Until the copy has as many different lines as the files that it is a copy of; returns those of both.

    Empty ones, which libvirt's log has, are not sent.
    """
    expected = list(dict.fromkeys(line for path in originals for line in path.read_bytes().splitlines() if line))
    deadline = time.monotonic() + SECONDS
    while len(once_each(copy)) < len(expected) and time.monotonic() < deadline:
        time.sleep(0.1)
    return once_each(copy), expected


def send_some(machine, first):
    """Fifty commands whose lines differ, also within a millisecond; QEMU does not know their arguments."""
    for number in range(first, first + 50):
        machine.send(request("query-status", **{f"x{number}": 1}))


def test_copy_is_the_trail(lab, collector, sender, tmp_path):
    """Through a rotation, and while the collector is away, too."""
    machine, trail = lab.machine(), Trail(lab.directory)
    copy, rotated = collector.copies / "qmp-guard-trail.log", trail.path.with_name("audit.log.1")
    collector.start()
    sender.start()
    send_some(machine, 0)
    machine.send(request("query-status", **{f"{number:0>255}": 1 for number in range(200)}))
    found, expected = wait_for_lines(copy, trail.path)
    assert found == expected and max(map(len, expected)) > 8000, sender.said()

    collector.stop()
    send_some(machine, 50)
    trail.path.rename(rotated)
    send_some(machine, 100)
    assert once_each(copy) == expected      # nobody was there to write it
    collector.start()
    found, expected = wait_for_lines(copy, rotated, trail.path)
    assert found == expected, sender.said()
    (tmp_path / "copy").write_bytes(b"".join(line + b"\n" for line in found))
    assert assert_chained(tmp_path / "copy") == int(trail.path.with_name("audit.log.head").read_text().split()[0])
    done = run("virt-qmp-guard", "audit", "--verify", tmp_path / "copy")
    assert done.returncode == 0, done

    lines, expected = wait_for_lines(collector.copies / "libvirtd.log", lab.log.path)
    assert lines == expected and sum(b": QMP: " in line for line in lines) == 151
    assert {path.stat().st_mode & 0o777 for path in collector.copies.iterdir()} == {0o600}


def test_stranger_is_refused(lab, collector, sender, certificates):
    """Whose certificate the same authority signed, for another name."""
    certificates.sign("host", "one.example.com")
    lab.machine().send(STATUS)
    collector.start()
    sender.start()
    deadline = time.monotonic() + SECONDS
    while "authentication error" not in collector.said():
        assert time.monotonic() < deadline, collector.said()
        time.sleep(0.05)
    assert not collector.copies.exists()


def test_sender_refuses_another_collector(lab, collector, sender, certificates):
    certificates.sign("logs", "other.example.com")
    lab.machine().send(STATUS)
    collector.start()
    sender.start()
    deadline = time.monotonic() + SECONDS
    while "authentication error" not in sender.said():
        assert time.monotonic() < deadline, sender.said()
        time.sleep(0.05)
    assert not collector.copies.exists()


def test_configurations_are_valid(collector, sender):
    for side in (collector, sender):
        done = side.check()
        assert done.returncode == 0 and "error" not in done.stderr.lower(), done.stderr
