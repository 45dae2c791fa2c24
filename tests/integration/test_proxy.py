# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers who reach virtqemud through virtproxyd, which connects as root and says for whom it speaks."""

import sys
from urllib.parse import quote

import libvirt
import pytest

from clients import SYSTEM, request, require_virtqemud, socket_of
from features import needs
from machines import policy
from polkit import PolkitMachine, denying, require_polkit, start_polkit
from raw_rpc import RawClient, RpcError
from second_lab import SecondLab
from test_identity import ALLOWED_NMI, AS_ROOT

PROXY = f"qemu+unix:///system?socket={socket_of('libvirtd')}"
DIRECT = f"qemu+unix:///system?socket={socket_of('virtqemud')}"


def start_lab():
    require_virtqemud()
    lab = SecondLab(program="virtqemud")
    lab.listen()
    lab.vm = lab.machine()
    return lab


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = start_lab()
    yield lab
    lab.close()


@pytest.fixture
def lab(shared_lab):
    shared_lab.vm.clear_policy()
    shared_lab.log.mark()
    shared_lab.trail.mark()
    return shared_lab


# Says which process it is, sends commands and says what came of each.
SEND = f"""
import os, sys, libvirt, libvirt_qemu
libvirt.registerErrorHandler(lambda *_: None, None)
print(os.getpid())
try:
    domain = libvirt.open(sys.argv[1]).lookupByName(sys.argv[2])
except libvirt.libvirtError as error:
    sys.exit(print("not opened" if error.get_error_code() == {libvirt.VIR_ERR_OPERATION_DENIED} else error))
for command in sys.argv[3:]:
    try:
        libvirt_qemu.qemuMonitorCommand(domain, '{{"execute":"%s"}}' % command, 0)
        print(command, "ran", flush=True)
    except libvirt.libvirtError as error:
        print(command, error.get_error_code() == {libvirt.VIR_ERR_ACCESS_DENIED} and "denied" or error, flush=True)
"""


def send_as(lab, user, uri, *commands):
    """Returns the client's process, and what came of the commands."""
    done = lab.run("timeout", "20", sys.executable, "-c", SEND, uri, lab.vm.name, *commands, user=user)
    number, *said = done.stdout.splitlines() or ["0"]
    return int(number), said


@needs("virtqemud")
@pytest.mark.parametrize("condition, who", [
    ('user="alice"', {"alice"}), ('user="root"', {"root"}), ('unix-group="ops"', {"alice"}), ('user="bob"', set())])
def test_the_proxys_client_is_judged(lab, condition, who):
    lab.vm.set_policy(ALLOWED_NMI.format(condition))
    lab.trail.mark()
    for user in ("root", "alice"):
        process, said = send_as(lab, user, PROXY, "inject-nmi")
        assert said == ["inject-nmi ran" if user in who else "inject-nmi denied"]
        assert lab.log.records()[-1].field("user") == user
        (decision,) = [record for record in lab.trail.records() if record["event"] == "decision"]
        assert decision["who"]["pid"] == process and decision["who"]["user"] == user
        lab.trail.mark()


@needs("virtqemud")
def test_claim_at_the_proxy(lab):
    """The proxy says who its client was when the connection was opened; a later claim it keeps for itself."""
    lab.vm.set_policy(ALLOWED_NMI.format('user="root"'))
    script = AS_ROOT.replace(SYSTEM, PROXY)
    assert PROXY in script
    done = lab.run(sys.executable, "-c", script, lab.vm.name, "query-status", "inject-nmi", user="alice")
    assert done.stdout.splitlines() == ["query-status ran", "inject-nmi failed"], done
    assert {record.field("user") for record in lab.log.records()} == {"alice"}


@needs("virtqemud")
def test_read_only_at_the_proxy(lab):
    """It uses up no grant: virtqemud is told that the connection is one."""
    done = lab.run("virt-qmp-guard", "grant", lab.vm.name, "--command", "inject-nmi", "--reason", "a test")
    assert done.returncode == 0, done.stderr
    socket = f"{lab.directory}{socket_of('libvirtd')}"
    for path, flags in ((f"{socket}-ro", 0), (socket, libvirt.VIR_CONNECT_RO)):
        with RawClient(path, flags) as client, pytest.raises(RpcError):
            client.monitor_command(lab.vm.domain.UUID(), request("inject-nmi").encode())
    assert send_as(lab, "root", PROXY, "inject-nmi", "inject-nmi")[1] == ["inject-nmi ran", "inject-nmi denied"]


@needs("virtqemud")
@needs("polkit-rules")
def test_polkit_is_asked_about_the_proxys_client(in_lab):
    """And not about the proxy, which may do everything."""
    require_polkit()
    require_virtqemud()
    lab = SecondLab(program="virtqemud")
    try:
        lab.listen()
        start_polkit(lab, denying(("domain.inject-nmi", "bob")))
        lab.daemon("restart")
        lab.vm = PolkitMachine(lab)
        lab.set_host_policy(policy('<allow require="native"/>', profile="closed"))
        assert send_as(lab, "alice", PROXY, "inject-nmi")[1] == ["inject-nmi ran"]
        assert send_as(lab, "bob", PROXY, "inject-nmi")[1] == ["inject-nmi denied"]
    finally:
        lab.close()


def is_stopped_by_libvirt(lab, said):
    """Of late it lets no client choose by which way its daemon connects on: then nothing came of it."""
    assert said != ["not opened"] or lab.connect().getLibVersion() > 11003000 and lab.log.records() == []
    return said == ["not opened"]


@needs("virtqemud")
@pytest.mark.parametrize("uri, rule, user", [
    (f"{PROXY}&name={quote(PROXY)}", "guard:unknown-caller", "-"),
    (f"{PROXY}&name={quote(f'{DIRECT}&name={quote(PROXY)}')}", "guard:elsewhere", "alice"),
], ids=["to itself", "by way of virtqemud"])
def test_proxy_is_nobody(in_lab, uri, rule, user):
    """A client may have it connect to itself: then it says of a client that is itself root and itself the process.

    Of that nothing is known but that it is a daemon of libvirt's. And virtqemud sends nothing on to it.
    """
    lab = start_lab()   # libvirt's daemons do not survive the end of a connection to themselves
    try:
        lab.vm.set_policy("<allow/>")
        lab.log.mark()
        said = send_as(lab, "alice", uri, "query-status")[1]
        if is_stopped_by_libvirt(lab, said):
            return
        assert said == ["query-status denied"]
        record = lab.log.records()[-1]
        assert record.field("rule") == rule and record.field("user") == user
    finally:
        lab.close()


@pytest.mark.parametrize("program", ["libvirtd", pytest.param("virtqemud", marks=needs("virtqemud"))])
def test_daemon_connected_to_itself(in_lab, program):
    """That it is itself at the other end, it cannot know. Nothing is asked there, where it would be nobody."""
    if program == "virtqemud":
        require_virtqemud()
    lab = SecondLab(program=program)
    try:
        lab.vm = lab.machine()
        lab.vm.set_policy("<allow/>")
        lab.log.mark()
        own = f"qemu+unix:///system?socket={socket_of(program)}"
        said = send_as(lab, "alice", f"{own}&name={quote(own)}", "query-status")[1]
        if is_stopped_by_libvirt(lab, said):
            return
        assert said == ["query-status denied"]
        record = lab.log.record()
        assert record.field("user") == "alice" and record.field("rule") == "guard:elsewhere"
    finally:
        lab.close()


@needs("virtqemud")
def test_who_is_not_root_speaks_for_nobody(lab):
    """Past the proxy, with the words that it uses."""
    lab.vm.set_policy(ALLOWED_NMI.format('user="root"'))
    done = lab.run(sys.executable, "-c", AS_ROOT, lab.vm.name, "query-status", "inject-nmi", user="alice")
    assert done.stdout.splitlines() == ["query-status ran", "inject-nmi failed"], done
    refused, *decisions = [record for record in lab.log.records() if record.kind != "policy"]
    assert refused.text == "QMP identity refused: uid:21001 | claimed=root"
    assert {record.field("user") for record in decisions} == {"alice"}
