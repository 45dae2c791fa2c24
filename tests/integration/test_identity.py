# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who asks, and about which domain: the daemon's knowledge of both counts, never what the client says."""

import os
import socket
import sys

import libvirt
import pytest

from audit_log import encoded
from clients import SOCKET, SYSTEM, is_denied, monitor, qmp_guard, request, run
from machines import unique_name
from raw_rpc import RawClient, RpcError

# alice is in the groups alice, ops and libvirt; bob in bob and libvirt.
ALLOWED_NMI = '<allow command="inject-nmi" {}/>'


@pytest.mark.parametrize("condition, who", [
    ('user="alice"', {"alice"}),
    ('user="root"', {"root"}),
    ('user="Alice"', set()),
    ('user="uid:21001"', set()),
    ('user="21001"', set()),
    ('user="*"', set()),
    ('unix-group="ops"', {"alice"}),
    ('unix-group="bob"', {"bob"}),
    ('unix-group="libvirt"', {"alice", "bob"}),
    ('unix-group="root"', {"root"}),
    ('unix-group="21003"', set()),
    ('user="alice" unix-group="ops"', {"alice"}),
    ('user="bob" unix-group="ops"', set()),
    ('', {"root", "alice", "bob"}),
])
def test_rule_by_user_and_group(vm, log, condition, who):
    vm.set_policy(ALLOWED_NMI.format(condition))
    for user in ("root", "alice", "bob"):
        done = monitor(vm.name, "inject-nmi", user=None if user == "root" else user)
        record = log.record()
        assert record.passed == (done.returncode == 0) == (user in who), (user, done.stderr)
        assert record.field("user") == user
        log.mark()


@pytest.mark.parametrize("rule, denied", [('<deny user="bob"/>', {"bob"}), ('<deny unix-group="ops"/>', {"alice"})])
def test_deny_by_user_and_group(vm, rule, denied):
    vm.set_policy(rule)
    assert {user for user in ("alice", "bob") if monitor(vm.name, "query-status", user=user).returncode} == denied


def test_user_without_a_name(vm, log):
    """libvirt itself turns away a user who is not in passwd, so no record need call one by a number."""
    done = run("setpriv", "--reuid=34567", "--regid=34567", "--clear-groups", "--", "virsh", "-c", SYSTEM,
               "qemu-monitor-command", vm.name, "query-status")
    assert done.returncode == 1 and "user record" in done.stderr
    assert log.records() == []


# Says that it is somebody else, then sends a command; prints what came of both.
SPOOF = """
import sys, libvirt, libvirt_qemu
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open("qemu:///system")
domain = connection.lookupByName(sys.argv[1])
started = int(open("/proc/1/stat").read().rpartition(")")[2].split()[19])
claims = {libvirt.VIR_CONNECT_IDENTITY_USER_NAME: "@USER@", libvirt.VIR_CONNECT_IDENTITY_UNIX_USER_ID: @UID@,
          libvirt.VIR_CONNECT_IDENTITY_GROUP_NAME: "@USER@", libvirt.VIR_CONNECT_IDENTITY_UNIX_GROUP_ID: @UID@,
          libvirt.VIR_CONNECT_IDENTITY_SASL_USER_NAME: "admin", libvirt.VIR_CONNECT_IDENTITY_PROCESS_ID: 1,
          libvirt.VIR_CONNECT_IDENTITY_PROCESS_TIME: started}
try:
    connection.setIdentity(claims)
except libvirt.libvirtError as error:
    print("setIdentity:", error, file=sys.stderr)
for command in sys.argv[2:]:
    try:
        libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"%s"}' % command, 0)
        print(command, "ran")
    except libvirt.libvirtError as error:
        print(command, "failed")
"""
AS_ROOT = SPOOF.replace("@USER@", "root").replace("@UID@", "0")
AS_ALICE = SPOOF.replace("@USER@", "alice").replace("@UID@", "21001")


def test_identity_cannot_be_spoofed(vm, log):
    vm.set_policy(ALLOWED_NMI.format('user="root"'), ALLOWED_NMI.format('unix-group="root"'))
    done = run(sys.executable, "-c", AS_ROOT, vm.name, "query-status", "inject-nmi", user="alice")
    assert done.stdout.split("\n")[:2] == ["query-status ran", "inject-nmi failed"], done
    refused, status, nmi = log.records()
    assert refused.level == "error" and refused.text == "QMP identity refused: uid:21001 | claimed=root"
    assert status.passed and status.field("user") == "alice"
    assert not nmi.passed and nmi.field("user") == "alice"


@pytest.mark.parametrize("name", ["x | user=root", "x\nQMP: forged | stop | user=root", "\x1b[31mred", "\u202eroot"])
def test_claimed_name_forges_no_line(vm, log, name):
    """The refusal repeats what was claimed."""
    script = SPOOF.replace('"@USER@"', ascii(name)).replace("@UID@", "0")
    run(sys.executable, "-c", script, vm.name, user="alice")
    record = log.record()
    assert record.kind == "QMP identity refused" and record.text.count("|") == 1 and record.text.isascii()
    assert all(level for level, _ in log.entries())


def test_root_may_speak_for_another(vm, log):
    """virtproxyd does so for each client of its own."""
    vm.set_policy(ALLOWED_NMI.format('user="root"'))
    done = run(sys.executable, "-c", AS_ALICE, vm.name, "query-status", "inject-nmi")
    assert done.stdout.split("\n")[:2] == ["query-status ran", "inject-nmi failed"], done
    assert [(record.passed, record.field("user")) for record in log.records()] == [(True, "alice"), (False, "alice")]


CLAIM = """
import sys, libvirt, libvirt_qemu
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open("qemu:///system")
connection.setIdentity({libvirt.VIR_CONNECT_IDENTITY_USER_NAME: sys.argv[2]} if sys.argv[2:] else {})
domain = connection.lookupByName(sys.argv[1])
print(libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"query-status"}', 0))
"""


def test_root_speaks_for_nobody(vm, log):
    """An identity without a name is nobody's, not root's."""
    assert run(sys.executable, "-c", CLAIM, vm.name).returncode == 1
    record = log.record()
    assert not record.passed and record.field("user") == "-" and record.field("rule") == "guard:unknown-caller"


class Connected:
    """A socket that is connected to the daemon by a process that ends when it is told to."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        is_connected, is_over = os.pipe(), os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(is_over[1])
            os.write(is_connected[1], bytes([self.socket.connect_ex(SOCKET)]))
            os.read(is_over[0], 1)
            os._exit(0)
        assert os.read(is_connected[0], 1) == b"\0"
        self.over = is_over[1]

    def end(self):
        os.close(self.over)
        os.waitpid(self.child, 0)


def test_process_that_is_gone_is_nobody(vm, log):
    """Whether it was root's own or a daemon that somebody had connect here: nobody can look at it any more."""
    connected = Connected()
    with RawClient(connected=connected.socket) as client:
        client.make_known()
        connected.end()
        client.open()
        with pytest.raises(RpcError):
            client.monitor_command(vm.domain.UUID(), request("query-status").encode())
    record = log.record()
    assert not record.passed and record.field("user") == "-" and record.field("rule") == "guard:unknown-caller"


def test_process_that_was_looked_at_may_end(vm, log):
    connected = Connected()
    with RawClient(connected=connected.socket) as client:
        client.open()
        connected.end()
        client.monitor_command(vm.domain.UUID(), request("query-status").encode())
    assert log.record().passed and log.record().field("user") == "root"


def test_name_that_root_gives_forges_no_line(vm, log):
    assert run(sys.executable, "-c", CLAIM, vm.name, "x | y\nQMP: forged").returncode == 0
    assert log.record().field("user") == r"x \x7c y\x0aQMP\x3a forged"


def test_groups_that_cannot_be_told(vm):
    """Nobody knows whether such a caller is in the group, so a rule that denies it must not be passed over."""
    vm.set_policy('<deny unix-group="ops"/>', "<allow/>")
    assert monitor(vm.name, "query-status", user="bob").returncode == 0
    assert monitor(vm.name, "query-status", user="alice").returncode == 1
    # alice again, but the daemon is not told the number that it needs for her groups.
    assert run(sys.executable, "-c", CLAIM, vm.name, "alice").returncode == 1
    assert run(sys.executable, "-c", CLAIM, vm.name, "no-such-user").returncode == 1


def test_handle_from_before_a_rename(make_vm, log):
    """A handle keeps the name that the domain had; the record has the one that it has."""
    machine = make_vm(persistent=True)
    old_handle, old_name, new_name = machine.domain, machine.name, unique_name("renamed")
    assert qmp_guard("policy", "set", old_name, "/dev/stdin", input='<policy xmlns="urn:qmp-guard:policy:1">'
                     '<deny command="query-status"/></policy>').returncode == 0
    machine.connection.lookupByName(old_name).rename(new_name)
    machine.start()
    assert old_handle.name() == old_name
    machine.name = new_name
    answer = machine.send(request("query-status"))
    assert is_denied(answer) and f"domain '{new_name}'" in answer.get_error_message()
    assert not is_denied(machine.send(request("query-kvm")))
    assert {record.domain for record in log.records()} == {new_name}


@pytest.mark.parametrize("name", [b"", b"another", b"x\nQMP: forged | stop | user=root | params=[]",
                                  b"x | stop | user=root", b"\x1b[2J", b"\xff\xfe", b"x" * 3000])
def test_name_in_a_handle_is_the_clients_word(vm, log, name):
    """The protocol has both name and UUID; libvirt looks the domain up by its UUID and believes the name."""
    uuid = vm.domain.UUID()
    with RawClient() as client:
        assert client.monitor_command(uuid, b'{"execute":"query-status"}', name)
        with pytest.raises(RpcError, match=f"domain '{vm.name}'"):
            client.monitor_command(uuid, b'{"execute":"inject-nmi"}', name)
    assert [(record.passed, record.domain) for record in log.records()] == [(True, vm.name), (False, vm.name)]


@pytest.mark.parametrize("name", [b"nowhere", b"x\nQMP: forged | stop | user=root", b"x | y", b"\x1b[2J\x9b",
                                  b"\xc3\xa9"])
def test_handle_to_no_domain(log, name):
    with RawClient() as client, pytest.raises(RpcError) as raised:
        client.monitor_command(b"\x12" * 16, b'{"execute":"query-status"}', name)
    assert raised.value.code == libvirt.VIR_ERR_NO_DOMAIN and "\n" not in str(raised.value)
    record = log.record()
    assert record.kind == "QMP blocked" and record.field("rule") == "guard:no-domain"
    assert len(record.text.split(" | ")) == 5 and record.text.isascii()
    assert all(level for level, _ in log.entries())


NAMES = ["a | stop | user=root", "QMP: other | stop | user=root", "quo'te\"d", "back\\slash", "%s%n%d", "$(id)`id`;&",
         "sp ace", "\u00fcml\u00e4ut", "\u202ereversed", "\u0085nel", "\u009b31mC1", "\u2028line", "a\tb", "<&>",
         "domain:invalid", "\U0001f600", "user=root", "x" * 200]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_domain_with_a_hostile_name(make_vm, log, name):
    """Whatever libvirt lets a domain be called, a record of it is one line with the fields it should have."""
    machine = make_vm(name=name, persistent=True)
    log.mark()
    machine.send(request("query-status"))       # it does not run; that is libvirt's to say, after the guard
    answer = machine.send(request("inject-nmi"))
    assert is_denied(answer) and f"domain '{encoded(name)}'" in answer.get_error_message()
    passed, denied = log.records()
    assert passed.text.startswith(f"QMP: {encoded(name)} | query-status | params=[] | user=root | timestamp=")
    assert denied.text == f"QMP blocked: {encoded(name)} | inject-nmi | user=root | rule=baseline:@dangerous"
    assert all(text.startswith("QMP") == (entry in (passed, denied)) for entry in log.entries() for text in entry[1:])


def test_domain_with_a_newline_in_its_name(make_vm, log):
    """libvirt refuses to define one but creates a transient one; its own lines about it do fall apart, ours do not."""
    name = unique_name("two\nQMP: lines | stop")
    with pytest.raises(libvirt.libvirtError):
        make_vm(name=name, persistent=True)
    machine = make_vm(name=name)
    log.mark()
    assert machine.send(request("query-name"))["return"] == {"name": name}
    assert is_denied(machine.send(request("inject-nmi")))
    ours = [entry for entry in log.entries() if "query-name" in entry[1] or "inject-nmi" in entry[1]]
    assert len(ours) == 3 and all(level and encoded(name) in text for level, text in ours)


@pytest.mark.parametrize("command", ["x | user=root", "x\nQMP: forged | stop", "\x1b[31m", "\u202e", "x" * 300])
def test_command_forges_no_line(vm, log, command):
    vm.send(request(command))
    record = log.record()
    assert record.kind == "QMP blocked" and record.command == "(unreadable)" and record.text.isascii()
    assert all(level for level, _ in log.entries())


@pytest.mark.parametrize("key", ["a | user=root", "a],user=root", "a\nb", "\u202e", "\x1b[31m", "x" * 255])
def test_argument_forges_no_line(vm, log, key):
    """The names of a safe command's arguments are in its record."""
    vm.send(request("query-status", **{key: 1}))
    record = log.record()
    assert record.text.isascii() and record.text.count("[") == 1 and record.text.count("]") == 1
    assert len(record.text.split(" | ")) == 5 and record.field("user") == "root"
    assert all(level for level, _ in log.entries())


def test_read_only_client_leaves_no_false_record(vm, log):
    """Anybody may open the read-only socket, and by the protocol send what libvirt's own client would not.

    libvirt refuses what passed the guard; the record of it does not stand alone.
    """
    with RawClient(f"{SOCKET}-ro") as client:
        for command in (b'{"execute":"query-status"}', b'{"execute":"system_reset"}', b'{"execute":"inject-nmi"}'):
            with pytest.raises(RpcError):
                client.monitor_command(vm.domain.UUID(), command)
    assert [(record.command, record.passed) for record in log.records()] == [
        ("query-status", True), ("system_reset", True), ("inject-nmi", False)]
    for passed, refused in zip(log.records(), log.refused_by_libvirt()):
        assert refused.level == "warning"
        assert refused.text.split(": ", 1)[1] == passed.text.split(": ", 1)[1]
    assert len(log.refused_by_libvirt()) == 2
