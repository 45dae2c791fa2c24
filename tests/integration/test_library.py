# SPDX-License-Identifier: LGPL-2.1-or-later
"""libqmpguard as it is installed: what it exports, and its examples against a real daemon."""

import ctypes
import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import libvirt
import pytest

from clients import REPO, SOCKET, is_denied, request, run
from machines import policy
from trail import Trail

EXAMPLES = REPO / "docs/examples"
NMI = request("inject-nmi")
ARGUMENT, MEMORY, POLICY, CONNECTION, DOMAIN, PERMISSION, DENIED, LIBVIRT = range(1, 9)
QMP, HMP, AGENT = range(3)
GRANTS = pathlib.Path("/run/libvirt/qmp-guard/grants")


class Installed:
    """A staged installation, and the two examples, where every user can read them."""

    def __init__(self, directory):
        done = run("meson", "install", "-C", os.environ["QMP_GUARD_BUILD"], "--no-rebuild",
                   env=os.environ | {"DESTDIR": str(directory)})
        assert done.returncode == 0, done.stdout + done.stderr
        (pc_file,) = directory.rglob("libqmpguard.pc")
        self.libraries = pc_file.parents[1]
        self.library = self.libraries / "libqmpguard.so.0"
        (self.header,) = directory.rglob("qmpguard.h")
        self.environment = os.environ | {"LD_LIBRARY_PATH": str(self.libraries)}
        self.pkg_config = {"PKG_CONFIG_PATH": str(pc_file.parent), "PKG_CONFIG_SYSROOT_DIR": str(directory)}
        self.examples = {"c": [directory / "execute"], "python": ["/usr/bin/python3", directory / "execute.py"]}
        flags = self.flags("--cflags", "--libs")
        done = run("cc", "-Wall", "-Werror", EXAMPLES / "execute.c", "-o", directory / "execute", *flags)
        assert done.returncode == 0, done.stderr
        shutil.copy(EXAMPLES / "execute.py", directory)

    def flags(self, *options):
        done = run("pkg-config", *options, "libqmpguard", env=os.environ | self.pkg_config)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()


@pytest.fixture(scope="module")
def installed():
    directory = pathlib.Path(f"/tmp/qmp-guard-library.{os.getpid()}")
    directory.mkdir(mode=0o755)
    yield Installed(directory)
    shutil.rmtree(directory)


@pytest.fixture(params=["c", "python"])
def execute(installed, request):
    """Runs an example: execute(DOMAIN, TEXT[, REASON], user=NAME)."""
    def execute_(*arguments, **kwargs):
        return run(*installed.examples[request.param], *arguments, env=installed.environment, **kwargs)
    return execute_


@pytest.fixture(scope="module")
def guard(installed):
    """The Python example as a module; the loader finds what is loaded already under its soname."""
    loaded = ctypes.CDLL(str(installed.library))
    spec = importlib.util.spec_from_file_location("execute", EXAMPLES / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.loaded = loaded
    return module


@pytest.fixture(scope="module", autouse=True)
def no_grants_left():
    """Others use the same machine, and a denial names a grant that was spent."""
    yield
    pathlib.Path("/run/libvirt/qmp-guard/grants").unlink(missing_ok=True)


@pytest.fixture
def trail():
    return Trail(pathlib.Path(os.environ["QMP_GUARD_LAB_DIR"]))


def steps(trail):
    return [record["step"] for record in trail.records("grant")]


def decisions(trail):
    """(command, verdict) of each."""
    return [(record["command"], record["verdict"]) for record in trail.records("decision")]


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# What is installed.

def test_exports(installed):
    """What the version script lists, under its version; and nothing else."""
    listed = re.findall(r"^ +(qmpguard_\w+);", (REPO / "src/lib/exports.map").read_text(), re.MULTILINE)
    declared = re.findall(r"\b(qmpguard_\w+)\(", installed.header.read_text())
    found = run("nm", "-D", "--defined-only", installed.library).stdout.split("\n")[:-1]
    exported = {line.split()[2] for line in found if line.split()[1] != "A"}
    assert len(listed) > 5 and exported == {f"{name}@@QMPGUARD_0.1" for name in listed}
    assert set(listed) <= set(declared)
    # A comment may name a function of the header; none may be named that is not there.
    assert set(declared) <= set(listed)


def test_soname(installed):
    assert "libqmpguard.so.0]" in run("readelf", "-d", installed.library).stdout
    assert (installed.libraries / "libqmpguard.so").exists()


@pytest.mark.parametrize("compiler", [["cc", "-x", "c", "-std=c99", "-Wpedantic"], ["cc", "-x", "c", "-std=gnu11"],
                                      ["g++", "-x", "c++", "-std=c++11", "-Wpedantic"]], ids=["c99", "gnu11", "c++"])
def test_header_stands_alone(installed, compiler):
    done = run(*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *installed.flags("--cflags"), "-",
               input="#include <qmpguard.h>\nint main(void) { return QMPGUARD_OK; }\n")
    assert done.returncode == 0, done.stderr


def test_structures_of_the_python_example(installed, guard, tmp_path):
    """ctypes copies them by hand."""
    names = {"QmpguardError": guard.Error, "QmpguardQuestion": guard.Question, "QmpguardAnswer": guard.Answer}
    source = tmp_path / "sizes.c"
    lines = [f'printf("{name} %zu\\n", sizeof({name}));\n' +
             "".join(f'printf("{name}.{field[0]} %zu\\n", offsetof({name}, {field[0]}));\n' for field in kind._fields_)
             for name, kind in names.items()]
    source.write_text("#include <qmpguard.h>\n#include <stdio.h>\nint main(void) {\n" + "".join(lines) + "}\n")
    assert run("cc", source, "-o", tmp_path / "sizes", *installed.flags("--cflags")).returncode == 0
    for line in run(tmp_path / "sizes").stdout.splitlines():
        what, number = line.split()
        name, _, field = what.partition(".")
        offset = getattr(names[name], field).offset if field else ctypes.sizeof(names[name])
        assert offset == int(number), what


# The examples.

def test_what_policies_allow(execute, witness, trail):
    done = execute(witness.name, request("query-status"))
    assert done.returncode == 0, done.stderr
    judged, reply = done.stdout.splitlines()
    assert judged == "allow by baseline:@safe" and "return" in json.loads(reply)
    assert witness.executed() == ["query-status"] and steps(trail) == []


@pytest.mark.parametrize("user", [None, "alice"])
def test_denied_without_the_flag(execute, witness, trail, user):
    done = execute(witness.name, NMI, user=user)
    assert done.returncode == DENIED and "is denied by baseline:@dangerous" in done.stderr
    assert done.stdout == "deny by baseline:@dangerous\n"
    assert witness.executed() == [] and steps(trail) == []
    assert decisions(trail) == [("inject-nmi", "deny")]


def test_root_with_the_flag(execute, witness, trail):
    done = execute(witness.name, NMI, "the guest hangs")
    assert done.returncode == 0, done.stderr
    assert witness.executed() == ["inject-nmi"]
    (given,) = trail.records("grant")
    (decision,) = trail.records("decision")
    assert (given["step"], given["for"], given["uses"], given["command"]) == ("given", "user:root", 1, "inject-nmi")
    assert given["reason"] == "the guest hangs" and given["user"] == given["given-by"]
    assert 28 <= given["seconds"] <= 30 and len(given["granted-text"]) == 64
    assert decision["verdict"] == "grant"
    (taken,) = decision["grants"]
    assert (taken["grant"], taken["left"], taken["reason"]) == (given["grant"], 0, "the guest hangs")
    # It is on record before it counts, and it is used up.
    assert given["seq"] < decision["seq"]
    assert is_denied(witness.send(NMI))
    assert witness.executed() == ["inject-nmi"]


def test_each_time_a_grant(execute, witness, trail):
    for _ in range(2):
        assert execute(witness.name, NMI, "again").returncode == 0
    assert steps(trail) == ["given", "given"] and witness.executed() == 2 * ["inject-nmi"]
    taken = [record["grants"][0]["grant"] for record in trail.records("decision")]
    assert taken == [record["grant"] for record in trail.records("grant")] and len(set(taken)) == 2


def test_who_gave_it(installed, witness, trail):
    """The person on record is who logged in, as for the helper's grants; it is root's grant all the same."""
    done = run("sh", "-c", 'echo 21001 >/proc/self/loginuid && exec "$@"', "sh", *installed.examples["c"], witness.name,
               NMI, "by hand", env=installed.environment)
    assert done.returncode == 0, done.stderr
    (given,) = trail.records("grant")
    assert (given["user"], given["given-by"], given["for"]) == ("alice", "alice", "user:root")
    assert witness.executed() == ["inject-nmi"]


def test_only_root(execute, witness, trail):
    """No other user gets further than the library, which sends nothing."""
    done = execute(witness.name, NMI, "I need it", user="alice")
    assert done.returncode == PERMISSION and "only root" in done.stderr
    assert witness.executed() == [] and trail.records() == []


def test_unused_is_revoked(execute, witness, trail):
    witness.set_policy('<allow command="inject-nmi"/>')
    done = execute(witness.name, NMI, "just in case")
    assert done.returncode == 0, done.stderr
    assert witness.executed() == ["inject-nmi"] and decisions(trail) == [("inject-nmi", "allow")]
    assert steps(trail) == ["given", "revoked"]
    given, revoked = trail.records("grant")
    assert given["grant"] == revoked["grant"] and revoked["left"] == 1 and revoked["user"] == given["user"]
    witness.clear_policy()
    assert is_denied(witness.send(NMI))
    assert witness.executed() == ["inject-nmi"]


# The calls themselves.

def test_hmp_and_agent(guard, witness, guest):
    def send(machine, channel, text, reason):
        reply, error = ctypes.c_void_p(), guard.Error()
        code = guard.guard.qmpguard_execute(guard.pointer_of(machine.domain._o, b"virDomainPtr"), channel,
                                            text.encode(), 1 if reason else 0, reason, ctypes.byref(reply), error)
        text = ctypes.string_at(reply.value).decode() if reply else None
        guard.guard.qmpguard_free(reply)
        return code, text

    assert send(witness, HMP, "info version", None) == (DENIED, None)
    code, text = send(witness, HMP, "info  version", b"a look")
    assert code == 0 and re.match(r"\d+\.\d+", text) and witness.executed()[-1] == "hmp: info version"
    text = request("guest-exec", path="/bin/true")
    guest.set_policy('<deny command="guest-exec" channel="agent"/>')
    assert send(guest, AGENT, text, None) == (DENIED, None)
    code, text = send(guest, AGENT, text, b"a look")
    assert code == 0 and json.loads(text)["return"]["pid"] > 0


def test_error_of_qemu_is_a_reply(guard, witness):
    reply = guard.execute(witness.domain, request("qom-get", path="/none", property="x"))
    assert json.loads(reply)["error"]["class"] == "DeviceNotFound"


def test_libvirts_error_stays(guard, witness):
    """What the guard told the client is not lost by what is done behind it."""
    witness.set_policy('<allow command="inject-nmi"/>')
    with pytest.raises(guard.GuardError) as raised:
        guard.execute(witness.domain, '{"execute":"inject-nmi"} trailing')
    assert raised.value.code == DENIED
    last = libvirt.virGetLastError()
    assert last[0] == libvirt.VIR_ERR_ACCESS_DENIED and last[2] == str(raised.value)


@pytest.mark.parametrize("text, reason, code, word", [
    (NMI, " \t", ARGUMENT, "needs a reason"),
    (NMI, "x" * 256, ARGUMENT, "longer than 255"),
    ("{", "because", ARGUMENT, "cannot be read"),
    ('{"execute":"inject-nmi","execute":"stop"}', "because", ARGUMENT, "cannot be read"),
])
def test_refused_before_anything_is_sent(guard, witness, trail, text, reason, code, word):
    with pytest.raises(guard.GuardError, match=word) as raised:
        guard.execute(witness.domain, text, reason)
    assert raised.value.code == code and trail.records() == [] and witness.executed() == []


def test_other_connections(guard, trail):
    connection = libvirt.open("test:///default")
    domain = connection.lookupByName("test")
    with pytest.raises(guard.GuardError, match="qemu:///system of this host") as raised:
        guard.execute(domain, NMI, "because")
    assert raised.value.code == CONNECTION and trail.records() == []
    # Without the flag nothing depends on where it is.
    with pytest.raises(guard.GuardError) as raised:
        guard.execute(domain, NMI)
    assert raised.value.code == LIBVIRT


def test_socket_that_may_lead_anywhere(guard, witness, trail):
    """It is forwarded from another host, for all that a URI tells."""
    connection = libvirt.open(f"qemu:///system?socket={SOCKET}")
    domain = connection.lookupByUUID(witness.domain.UUID())
    with pytest.raises(guard.GuardError, match="qemu:///system of this host") as raised:
        guard.execute(domain, NMI, "because")
    assert raised.value.code == CONNECTION and trail.records() == [] and witness.executed() == []


def test_domain_that_does_not_run(guard, make_vm, trail):
    machine = make_vm(persistent=True)
    with pytest.raises(guard.GuardError, match="no run of the domain") as raised:
        guard.execute(machine.domain, NMI, "because")
    assert raised.value.code == DOMAIN and trail.records() == []


@pytest.mark.parametrize("place, recorded", [("grants", ["given", "failed"]), ("trail", [])])
def test_no_grant_that_is_not_kept_or_recorded(guard, witness, trail, place, recorded):
    assert guard.execute(witness.domain, NMI, "so that both are there")
    path = GRANTS if place == "grants" else trail.path
    aside = path.with_name("aside")
    path.rename(aside)
    path.mkdir()
    witness.mark()
    try:
        with pytest.raises(guard.GuardError, match=f"no grant could be given: .*{path.name}") as raised:
            guard.execute(witness.domain, NMI, "because")
        assert raised.value.code == PERMISSION
    finally:
        path.rmdir()
        aside.rename(path)
    assert witness.executed() == [] and steps(trail)[1:] == recorded
    assert guard.execute(witness.domain, NMI, "it works again")


def test_open_grant_is_for_its_text_and_user_alone(installed, make_vm, trail):
    """One that is not used is open for as long as its command takes: here, for as long as QEMU stands still."""
    machine = make_vm()
    machine.set_policy('<allow command="qom-get" user="root"><argument name="path" match="/machine"/></allow>',
                       '<deny command="qom-get"/>')
    wanted = request("qom-get", path="/machine", property="type")
    os.kill(machine.process(), signal.SIGSTOP)
    try:
        running = subprocess.Popen([*map(str, installed.examples["c"]), machine.name, wanted, "hold it open"],
                                   env=installed.environment, stdout=subprocess.PIPE, text=True)
        wait_for(lambda: decisions(trail) == [("qom-get", "allow")])
        other_user = run("virsh", "-q", "-c", "qemu:///system", "qemu-monitor-command", machine.name, wanted,
                         user="alice")
        assert other_user.returncode != 0 and "is denied by" in other_user.stderr
        assert is_denied(machine.send(request("qom-get", path="/objects", property="type")))
        assert steps(trail) == ["given"] and running.poll() is None
    finally:
        os.kill(machine.process(), signal.SIGCONT)
    assert '"return"' in running.communicate(timeout=60)[0] and running.returncode == 0
    assert [verdict for _, verdict in decisions(trail)] == ["allow", "deny", "deny"]
    assert steps(trail) == ["given", "revoked"] and trail.records("grant")[1]["left"] == 1


def test_host_that_wants_a_second_word(installed, second_lab, tmp_path):
    host = tmp_path / "policy.xml"
    host.write_text(policy("<delegate/>", confirm="@dangerous"))
    lab = second_lab("--host-policy", host)
    machine = lab.machine()
    for _ in range(2):
        lab.trail.mark()
        done = lab.run("env", f"LD_LIBRARY_PATH={installed.libraries}", *installed.examples["c"], machine.name, NMI,
                       "now")
        given, revoked = lab.trail.records("grant")
        assert (given["step"], revoked["step"]) == ("given", "revoked")
        # It is this one that is told of, and not an older one.
        assert done.returncode == DENIED and f"the grant {given['grant']} is unconfirmed" in done.stderr


def test_threads(guard, witness, trail):
    """Each command passes with a grant, though one may take another's of the same text; what is left is revoked."""
    count = 96
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda number: guard.execute(witness.domain, NMI, f"reason {number}"), range(count)))
    assert len(replies) == count and witness.executed() == count * ["inject-nmi"]
    passed = [record for record in trail.records("decision") if record["verdict"] == "grant"]
    assert len({record["grants"][0]["grant"] for record in passed}) == len(passed) == count
    assert steps(trail).count("given") - steps(trail).count("revoked") == count


def test_no_descriptor_stays(guard, witness):
    guard.execute(witness.domain, NMI, "warm up")
    before = len(os.listdir("/proc/self/fd"))
    guard.execute(witness.domain, NMI, "count")
    assert len(os.listdir("/proc/self/fd")) == before
