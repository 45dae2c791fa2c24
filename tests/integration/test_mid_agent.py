# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's agent, its socket or its QEMU is taken away, or stopped, in the midst of an agent command."""

import os
import pathlib
import signal
import socket
import threading
import time
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu
import pytest

from clients import SYSTEM, answer_of, is_denied, request
from machines import GuestMachine, is_guest_built
from trail import Trail, assert_chained

SOON = 60       # seconds for what takes little time, in a guest that is emulated

BLOCK, DEFAULT, SHORT = -2, -1, 1
TIMEOUTS = pytest.mark.parametrize("timeout", [BLOCK, DEFAULT, SHORT], ids=["block", "default", "short"])
FINITE = pytest.mark.parametrize("timeout", [DEFAULT, SHORT], ids=["default", "short"])

PORT = "org.qemu.guest_agent.0"
SHELL = "shell"
AGENT = f"qemu-ga -d -m virtio-serial -p /dev/virtio-ports/{PORT} -f /run/qemu-ga.pid -t /run"
# Only once it has its name: a link to the directory would have the next one made in there, in the device's place.
LINK = (f"port=$(grep -l {PORT} /sys/class/virtio-ports/*/name | cut -d/ -f5) && "
        f'[ -c "/dev/$port" ] && ln -sfn "../$port" /dev/virtio-ports/{PORT}')
SERVE = f"while :; do sh <>/dev/virtio-ports/{SHELL} >&0 2>&1; sleep 0.1; done"

# The agent's guest-set-time runs it and waits for it: so the agent is in mid-command for as long as the test likes.
CLOCK = r"printf '#!/bin/sh\n: >/run/begun\nwhile [ -e /run/held ]; do sleep 0.1; done\n' >/sbin/hwclock.new"
SLOW = request("guest-set-time")


def wait_until(condition):
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def the_trail():
    return Trail(pathlib.Path(os.environ["QMP_GUARD_LAB_DIR"]))


def ask(domain, text, timeout=SOON):
    return answer_of(libvirt_qemu.qemuAgentCommand, domain, text, timeout, 0)


class ShellGuest(GuestMachine):
    """A guest with an agent, and with a shell behind another port, to do to the agent what it cannot do itself."""

    def __init__(self, connection):
        super().__init__(connection, SHELL)
        self.wait()
        answer = ask(self.domain, request("guest-exec", path="/bin/sh", arg=["-c", SERVE]))
        assert not isinstance(answer, libvirt.libvirtError), answer
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SOON)
        self.socket.connect(self.port_path(self.name, SHELL))
        self.lines = self.socket.makefile("rw")
        assert self.shell(f"{CLOCK} && chmod 755 /sbin/hwclock.new && mv /sbin/hwclock.new /sbin/hwclock")

    def shell(self, command):
        """Whether it succeeds in the guest."""
        print(f"{command}; echo status=$?", file=self.lines, flush=True)
        while not (line := self.lines.readline()).startswith("status="):
            assert line, "the guest's shell is gone"
        return line == "status=0\n"

    def signal(self, number):
        assert self.shell(f"kill -{int(number)} $(cat /run/qemu-ga.pid)")

    def is_connected(self):
        return f"name='{PORT}' state='connected'" in self.domain.XMLDesc()

    def agent_port(self):
        """The port that the agent listens at, as libvirt describes it."""
        for channel in ElementTree.fromstring(self.domain.XMLDesc()).iter("channel"):
            if channel.find("target").get("name") == PORT:
                return ElementTree.tostring(channel, encoding="unicode")
        raise LookupError(PORT)

    def start_agent(self):
        """A new one, when the old one is gone for libvirt, too."""
        wait_until(lambda: not self.is_connected())
        assert self.shell(AGENT)
        wait_until(self.is_connected)

    def close(self):
        self.lines.close()
        self.socket.close()
        self.discard()


@pytest.fixture(scope="module")
def guests():
    """The living one is the last."""
    booted = []
    yield booted
    for guest in booted:
        guest.close()


@pytest.fixture
def guest(connection, guests):
    if not is_guest_built():
        pytest.skip("the guest with the agent could not be built: tests/lab/guest build")
    if not guests or not guests[-1].domain.isActive():
        guests.append(ShellGuest(connection))
    guests[-1].set_policy('<deny channel="agent" command="guest-exec"/>')
    return guests[-1]


class SlowCommand:
    """An agent command that the guest's agent is in the midst of."""

    def __init__(self, guest, timeout):
        self.guest, self.timeout = guest, timeout
        self.trail = the_trail()
        assert guest.shell("rm -f /run/begun && : >/run/held")
        self.thread = threading.Thread(target=self.send)
        self.thread.start()
        wait_until(lambda: guest.shell("[ -e /run/begun ]"))

    def send(self):
        # A connection of its own: on a shared one the test's other calls would wait behind it.
        connection = libvirt.open(SYSTEM)
        self.answer = ask(connection.lookupByName(self.guest.name), SLOW, self.timeout)
        connection.close()

    def let_go(self):
        assert self.guest.shell("rm /run/held")

    def finish(self):
        self.thread.join(SOON)
        assert not self.thread.is_alive()
        return self.answer

    def records(self):
        """(event, what it says, error) of all that was recorded of it."""
        found = [record for record in self.trail.records("decision") if record["command"] == "guest-set-time"]
        assert len(found) == 1 and found[0]["domain"] == self.guest.name
        return [(record["event"], record.get("verdict") or record["result"], record.get("error"))
                for record in self.trail.records() if record.get("id") == found[0]["id"]]


PASSED = ("decision", "warn", None)
# Since libvirt 11 a command that was under way has an error of its own, which older bindings have no name for.
AGENT_COMMAND_TIMEOUT = 112
UNANSWERED = {libvirt.VIR_ERR_AGENT_UNRESPONSIVE, AGENT_COMMAND_TIMEOUT}


def assert_others_are_answered(guest, other):
    """Other domains' clients, and this one's whom the agent has nothing to do with: its monitor's, and a refused one."""
    assert other.is_sane() and is_denied(other.send(request("inject-nmi")))
    assert guest.is_sane()
    assert is_denied(ask(guest.domain, request("guest-exec", path="/bin/true")))


def assert_next_is_judged(guest):
    """The agent that is there now answers with its own words, and what is denied does not reach it."""
    trail = the_trail()
    assert ask(guest.domain, request("guest-ping")) == '{"return":{}}'
    assert '"host-name":"guest"' in ask(guest.domain, request("guest-get-host-name"))
    assert is_denied(ask(guest.domain, request("guest-exec", path="/bin/true")))
    found = [(record["event"], record.get("verdict") or record["result"]) for record in
             trail.records("decision", "outcome")]
    assert found == 2 * [("decision", "allow"), ("outcome", "success")] + [("decision", "deny")]
    assert assert_chained(trail.path) > 0


def failure_of(answer):
    """How an error of libvirt's own is recorded."""
    assert isinstance(answer, libvirt.libvirtError) and not is_denied(answer)
    return "outcome", "failure", f"libvirt:{answer.get_error_code()}"


def is_unresponsive(answer):
    return (isinstance(answer, libvirt.libvirtError) and
            answer.get_error_code() in UNANSWERED)


@TIMEOUTS
def test_agent_is_killed(guest, vm, timeout):
    """Its port closes with it, so nobody waits: with no timeout either."""
    slow = SlowCommand(guest, timeout)
    guest.signal(signal.SIGKILL)
    assert is_unresponsive(slow.finish())
    failed = failure_of(slow.answer)
    assert slow.records() == [PASSED, failed]
    assert_others_are_answered(guest, vm)
    slow.let_go()
    guest.start_agent()
    assert_next_is_judged(guest)
    assert slow.records() == [PASSED, failed]


def test_agent_is_stopped_and_goes_on(guest, vm):
    """Who waits without a timeout waits, alone, and gets the answer."""
    slow = SlowCommand(guest, BLOCK)
    guest.signal(signal.SIGSTOP)
    assert_others_are_answered(guest, vm)
    slow.let_go()
    assert_others_are_answered(guest, vm)
    assert slow.thread.is_alive() and slow.records() == [PASSED]
    guest.signal(signal.SIGCONT)
    assert slow.finish() == '{"return":{}}'
    assert slow.records() == [PASSED, ("outcome", "success", None)]
    assert_next_is_judged(guest)


@FINITE
def test_agent_is_stopped_for_too_long(guest, vm, timeout):
    """The late answer is nobody's: neither the next command's nor a second outcome."""
    slow = SlowCommand(guest, timeout)
    guest.signal(signal.SIGSTOP)
    assert_others_are_answered(guest, vm)
    assert is_unresponsive(slow.finish())
    failed = failure_of(slow.answer)
    assert slow.records() == [PASSED, failed]
    slow.let_go()
    guest.signal(signal.SIGCONT)
    assert_next_is_judged(guest)
    assert slow.records() == [PASSED, failed]


@FINITE
def test_agent_was_stopped_before(guest, vm, timeout):
    """libvirt first asks whether anybody is there; that question must not be answered to the next command."""
    trail = the_trail()
    guest.signal(signal.SIGSTOP)
    assert is_unresponsive(ask(guest.domain, request("guest-ping"), timeout))
    decision, outcome = trail.records("decision", "outcome")
    assert (decision["verdict"], outcome["result"]) == ("allow", "failure") and decision["id"] == outcome["id"]
    assert_others_are_answered(guest, vm)
    guest.signal(signal.SIGCONT)
    assert_next_is_judged(guest)


@TIMEOUTS
def test_socket_is_closed(guest, vm, timeout):
    """QEMU's end of it, with the port, while the agent lives; the next agent is behind a new port."""
    slow = SlowCommand(guest, timeout)
    port = guest.agent_port()
    guest.domain.detachDevice(port)
    failed = failure_of(slow.finish())
    assert slow.records() == [PASSED, failed]
    assert_others_are_answered(guest, vm)
    slow.let_go()
    assert guest.shell("kill -9 $(cat /run/qemu-ga.pid) || :")      # it may have ended, for want of a port
    wait_until(lambda: guest.shell(f"! grep -q {PORT} /sys/class/virtio-ports/*/name"))     # the guest has let go of it
    guest.domain.attachDevice(port)
    wait_until(lambda: guest.shell(LINK))
    guest.start_agent()
    assert_next_is_judged(guest)
    assert slow.records() == [PASSED, failed]


def test_qemu_is_killed(guest, vm):
    slow = SlowCommand(guest, BLOCK)
    os.kill(guest.process(), signal.SIGKILL)
    failed = failure_of(slow.finish())
    assert slow.records() == [PASSED, failed]
    assert vm.is_sane() and is_denied(vm.send(request("inject-nmi")))
    failure_of(ask(guest.domain, request("guest-ping")))
