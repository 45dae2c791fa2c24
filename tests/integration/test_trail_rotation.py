# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real logrotate, with the configuration that is installed: no record is lost, and the chain goes on."""

import collections
import gzip
import json
import shutil
import threading
import time

import libvirt
import libvirt_qemu
import pytest

from clients import REPO, request, run, zip_equal
from trail import Trail, assert_chained

LOGROTATE = "/usr/sbin/logrotate"
CONFIGURATION = REPO / "src/audit/logrotate.conf"
STATUS = request("query-status")
ROTATIONS = 5
THREADS = 4

# What a host's own /etc/logrotate.conf may say, and the guard's part must not inherit.
GLOBAL = """
monthly
rotate 1
create 0644 root root
copytruncate
dateext
mail root
olddir /nonexistent
start 0
su nobody nogroup
include {}
"""

pytestmark = pytest.mark.skipif(not shutil.which(LOGROTATE), reason="no logrotate: scripts/setup installs it")


def write_main(directory, configuration=CONFIGURATION):
    """A host's main configuration, which includes the guard's."""
    main = directory / "logrotate.conf"
    main.write_text(GLOBAL.format(configuration))
    main.chmod(0o644)       # logrotate passes over a file that others may write to
    return main


class Senders:
    """Clients that send without a pause, each on a connection of its own, until they are stopped."""

    def __init__(self, lab, machine):
        self.stopping = threading.Event()
        self.sent = [0] * THREADS
        self.threads = [threading.Thread(target=self.send, args=(lab.uri, machine.name, number))
                        for number in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def send(self, uri, name, number):
        connection = libvirt.open(uri)
        domain = connection.lookupByName(name)
        while not self.stopping.is_set():
            libvirt_qemu.qemuMonitorCommand(domain, STATUS, 0)
            self.sent[number] += 1
        connection.close()

    def wait_for(self, more):
        """Until each has sent as many more."""
        aims = [count + more for count in self.sent]
        deadline = time.monotonic() + 20
        while any(count < aim for count, aim in zip_equal(self.sent, aims)):
            assert time.monotonic() < deadline, "the senders do not get on"
            time.sleep(0.01)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        return sum(self.sent)


def whole_parts(trail, rotations, directory):
    """The parts from the oldest on, unpacked where they were compressed: all but the last two."""
    parts = []
    for number in range(rotations, 1, -1):
        part = directory / f"part-{number}"
        part.write_bytes(gzip.decompress(trail.path.with_name(f"audit.log.{number}.gz").read_bytes()))
        parts.append(part)
    return [*parts, trail.path.with_name("audit.log.1"), trail.path]


def test_rotation_under_load(second_lab, tmp_path):
    lab = second_lab()
    machine, trail = lab.machine(), Trail(lab.directory)
    main, state = write_main(lab.directory), lab.directory / "logrotate.state"
    senders = Senders(lab, machine)
    try:
        for _ in range(ROTATIONS):
            senders.wait_for(20)
            done = lab.run(LOGROTATE, "-f", "-s", state, main)
            assert done.returncode == 0 and done.stderr == "", done
        senders.wait_for(20)
    finally:
        sent = senders.stop()

    directory = trail.path.parent
    assert {path.name for path in directory.iterdir()} == {
        "audit.log", "audit.log.head", "audit.log.1",
        *(f"audit.log.{number}.gz" for number in range(2, ROTATIONS + 1))}
    assert {path.stat().st_mode & 0o7777 for path in directory.iterdir()} == {0o600}

    parts = whole_parts(trail, ROTATIONS, tmp_path)
    events = collections.Counter(json.loads(line)["event"] for part in parts for line in part.open())
    assert (events["decision"], events["outcome"]) == (sent, sent)
    assert "lost" not in events and all(part.stat().st_size > 0 for part in parts)
    assert assert_chained(*parts) == int((directory / "audit.log.head").read_text().split()[0])


@pytest.fixture
def rotate(tmp_path):
    """Runs logrotate on a copy of the configuration whose trail is an empty directory's; returns the names there."""
    directory = tmp_path / "trail"
    directory.mkdir(mode=0o700)
    text = CONFIGURATION.read_text()
    assert text.count("\n/var/log/libvirt/qmp-guard/audit.log {") == 1
    configuration = tmp_path / "qmp-guard"
    configuration.write_text(text.replace("/var/log/libvirt/qmp-guard", str(directory)))
    configuration.chmod(0o644)
    main = write_main(tmp_path, configuration)

    def rotate(size, age_days):
        trail = directory / "audit.log"
        if size is not None:
            with trail.open("wb") as file:
                file.truncate(size)
            trail.chmod(0o600)
        (directory / "audit.log.head").write_text("1\n")
        (directory / "audit.log.repeats").write_text("x")
        when = time.strftime("%Y-%-m-%-d-%H:%M:%S", time.localtime(time.time() - age_days * 86400))
        state = tmp_path / "state"
        state.write_text(f'logrotate state -- version 2\n"{trail}" {when}\n')
        state.chmod(0o600)
        done = run(LOGROTATE, "-s", state, main)
        assert done.returncode == 0, done
        return {path.name for path in directory.iterdir()} - {"audit.log.head", "audit.log.repeats"}
    return rotate


@pytest.mark.parametrize("size, age_days, names", [
    (1000, 0, {"audit.log"}),
    (1000, 8, {"audit.log.1"}),
    (99 << 20, 0, {"audit.log"}),
    (101 << 20, 0, {"audit.log.1"}),
    (0, 8, {"audit.log"}),
    (None, 8, set()),
], ids=["young", "old", "not yet big", "big", "empty", "missing"])
def test_when_it_is_rotated(rotate, size, age_days, names):
    """Once a week, on Sundays, or sooner when it has grown; without a file there is nothing to complain of."""
    assert rotate(size, age_days) == names


def test_a_year_is_kept(rotate):
    """The 53rd oldest part goes."""
    for _ in range(55):
        names = rotate(10, 8)
    assert names == {"audit.log.1", *(f"audit.log.{number}.gz" for number in range(2, 53))}
