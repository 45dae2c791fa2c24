# SPDX-License-Identifier: LGPL-2.1-or-later
"""When the name service is asked for a caller's UNIX groups: as a client connects, and not while a command waits.

The name service is /etc/group here. A FIFO in its place is one that never answers.
"""

import errno
import os
import re
import select
import subprocess
import sys
import time

import pytest

from clients import request

NMI = request("inject-nmi")
OPS_ONLY = '<allow command="inject-nmi" unix-group="ops"/>'      # alice is in ops, bob is not

PROMPT = 3              # seconds that are ample for an answer
PATIENCE = 30           # seconds that are ample for a program's start
RENEWAL_WAIT = 5        # what a connection waits for the name service at most
JUST_READ = 2           # what was read so long ago is asked for anew by who connects

CLIENT = """
import sys, libvirt, libvirt_qemu
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open(sys.argv[1])
domain = connection.lookupByName(sys.argv[2])
print("connected", flush=True)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    try:
        if word == "be":
            user, number = rest.split()
            connection.setIdentity({libvirt.VIR_CONNECT_IDENTITY_USER_NAME: user,
                                    libvirt.VIR_CONNECT_IDENTITY_UNIX_USER_ID: int(number),
                                    libvirt.VIR_CONNECT_IDENTITY_UNIX_GROUP_ID: int(number)})
        else:
            libvirt_qemu.qemuMonitorCommand(domain, line, 0)
        print("done", flush=True)
    except libvirt.libvirtError as error:
        print(error.get_error_message(), flush=True)
"""


class Client:
    """A connection that stays open, of one of the lab's users."""

    def __init__(self, lab, machine, user):
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", sys.executable, "-c", CLIENT,
             lab.uri, machine.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def answer(self, seconds=PROMPT):
        """The next line; None when there is none in time."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        return self.process.stdout.readline().rstrip("\n") if ready else None

    def ask(self, line, seconds=PROMPT):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer(seconds)

    def close(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def lab(second_lab):
    return second_lab()


@pytest.fixture
def machine(lab):
    made = lab.machine()
    made.set_policy(OPS_ONLY)
    return made


@pytest.fixture
def start_client(lab, machine):
    """Starts clients; they are connected, or about to be."""
    started = []

    def start(user):
        started.append(Client(lab, machine, user))
        return started[-1]

    yield start
    for client in started:
        client.close()


@pytest.fixture
def connect(start_client):
    def connect_(user):
        client = start_client(user)
        assert client.answer(PATIENCE) == "connected"
        return client
    return connect_


def silence_name_service(lab):
    """From now on whoever asks for a group waits. Returns what is_waited_for() takes."""
    fifo = lab.directory / "silent"
    os.mkfifo(fifo, 0o644)
    assert lab.run("mount", "--bind", fifo, "/etc/group").returncode == 0
    return fifo


def is_waited_for(fifo):
    """Whether somebody asks the silent name service. It gets an answer by that: no groups."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        return True
    except OSError as error:
        assert error.errno == errno.ENXIO
        return False


def write_groups(lab, pattern, replacement):
    file = lab.directory / "etc/group"
    text, count = re.subn(pattern, replacement, file.read_text(), flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)       # the same file: it is mounted


def rule_of(lab):
    return lab.log.records()[-1].field("rule")


def test_command_does_not_wait_for_the_name_service(lab, start_client, connect):
    alice, bob, proxy = (connect(user) for user in ("alice", "bob", "root"))
    assert proxy.ask("be alice 21001") == "done"        # as virtproxyd, which connects as root
    silent = silence_name_service(lab)
    assert alice.ask(NMI) == "done"
    assert "access denied" in bob.ask(NMI) and rule_of(lab) == "baseline:@dangerous"
    assert proxy.ask(NMI) == "done"
    assert not is_waited_for(silent)
    # Who connects does ask (libvirt has a question of its own), and until there is an answer it is not connected.
    newcomer = start_client("alice")
    assert newcomer.answer() is None
    deadline = time.monotonic() + PATIENCE
    while not is_waited_for(silent):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_silent_name_service_holds_nothing_up_but_who_needs_it(lab, connect):
    """Whose groups are not known waits for them, a connection not for long; the daemon goes on."""
    alice, proxy = connect("alice"), connect("root")
    silence_name_service(lab)
    begun = time.monotonic()
    assert proxy.ask("be bob 21002", RENEWAL_WAIT + PROMPT) == "done"
    assert time.monotonic() - begun >= RENEWAL_WAIT
    assert proxy.ask(NMI) is None
    assert alice.ask(NMI) == "done"


def test_change_of_membership_counts_for_who_connects(lab, connect):
    before = connect("alice")
    assert before.ask(NMI) == "done"
    write_groups(lab, "^ops:(.*):alice$", r"ops:\1:bob")
    assert before.ask(NMI) == "done"                    # what is known of it is a minute's
    time.sleep(JUST_READ)
    assert "access denied" in connect("alice").ask(NMI)
    assert "access denied" in before.ask(NMI)
    assert connect("bob").ask(NMI) == "done"
    write_groups(lab, "^ops:(.*):bob$", r"ops:\1:alice")
    time.sleep(JUST_READ)
    assert connect("alice").ask(NMI) == "done"
    assert "access denied" in connect("bob").ask(NMI)


def test_name_service_that_fails(lab, connect):
    """What was known of a user holds for some minutes; of whom nothing was known, nothing may be decided."""
    proxy = connect("root")
    assert proxy.ask("be alice 21001") == "done" and proxy.ask(NMI) == "done"
    for name in ("alice", "bob"):
        write_groups(lab, f"^{name}:.*\n", "")
    time.sleep(JUST_READ)
    assert proxy.ask("be alice 21001") == "done" and proxy.ask(NMI) == "done"
    assert proxy.ask("be bob 21002") == "done"
    assert "access denied" in proxy.ask(NMI) and rule_of(lab) == "guard:unknown-groups"
