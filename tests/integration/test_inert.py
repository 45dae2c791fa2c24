# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the plugin must not be seen, as in other programs and the daemon's children, and where it must not fail.

The latter are a restart of the daemon, and a libvirt that it does not know.
"""

import json
import os
import pathlib
import re
import sys

import libvirt
import pytest

from clients import DAEMON, HMP, PID_FILE, REPO, SOCKET, is_denied, request, run
from machines import bare_xml, unique_name
from raw_rpc import RawClient, RpcError
from second_lab import SecondLab

BUILD = pathlib.Path(os.environ.get("QMP_GUARD_BUILD", REPO / "build"))
GUARD = BUILD / "plugin/guard.so"


def run_both(*words):
    """The same program without the plugin, and with it. Named, as the environment of C may hold more than Python's."""
    return run(*words, env=os.environ), run(*words, env=os.environ | {"LD_PRELOAD": str(GUARD)})


def exported():
    text = (REPO / "plugin/exports.map").read_text()
    return set(re.findall(r"(\w+);", text[:text.index("local:")]))


def test_exports_what_is_listed_and_no_more():
    """Each further symbol would be in the way of every library of the daemon's."""
    if not os.path.exists("/usr/bin/nm"):
        pytest.skip("no nm: install binutils")
    lines = run("nm", "--dynamic", "--defined-only", GUARD, check=True).stdout.splitlines()
    found = {line.split()[-1].split("@")[0] for line in lines}
    assert found == exported()
    assert len(found) == 9 and all(name.startswith("vir") for name in found)


@pytest.mark.parametrize("words", [["sleep", "0"], ["env"], ["virsh", "--version"], ["virsh", "help"],
                                   [sys.executable, "-c", "import libvirt; print(libvirt.getVersion())"]])
def test_other_programs_do_not_notice(words):
    plain, preloaded = run_both(*words)
    assert (preloaded.returncode, preloaded.stderr) == (plain.returncode, plain.stderr)
    lines = plain.stdout.splitlines() + ([f"LD_PRELOAD={GUARD}"] if words == ["env"] else [])
    assert sorted(preloaded.stdout.splitlines()) == sorted(lines)


PYTHON_CLIENT = """
import sys, libvirt, libvirt_qemu
connection = libvirt.open(sys.argv[1])
domain = connection.lookupByName(sys.argv[2])
print(libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"inject-nmi"}', 0)[:12])
print(libvirt_qemu.qemuMonitorCommandWithFiles(domain, '{"execute":"inject-nmi"}', [], 0)[0][:12])
connection.setIdentity({libvirt.VIR_CONNECT_IDENTITY_USER_NAME: "alice"})
for call in (lambda: libvirt_qemu.qemuAgentCommand(domain, '{"execute":"guest-ping"}', 1, 0),
             lambda: libvirt_qemu.qemuAttach(connection, 1, 0)):
    try:
        print(call())
    except libvirt.libvirtError as error:
        print(error.get_error_code())
"""


@pytest.mark.parametrize("words", [
    ["virsh", "-c", "URI", "qemu-monitor-command", "NAME", "--hmp", "info status"],
    ["virsh", "-c", "URI", "qemu-monitor-command", "NAME", "inject-nmi", "--return-value"],
    ["virsh", "-c", "URI", "qemu-agent-command", "NAME", '{"execute":"guest-ping"}'],
    ["virsh", "-c", "URI", "list", "--all"],
    # Not linked with libvirt: it is loaded long after the plugin, and out of its sight.
    [sys.executable, "-c", PYTHON_CLIENT, "URI", "NAME"],
], ids=lambda words: " ".join(words[3:]) if words[0] == "virsh" else "libvirt-python")
def test_clients_do_not_notice(unguarded, words):
    """A client with the plugin in it, and a daemon without: nothing is judged, and nothing is different."""
    machine = unguarded.machine()
    unguarded.log.mark()
    plain, preloaded = run_both(*({"URI": unguarded.uri, "NAME": machine.name}.get(word, word) for word in words))
    machine.discard()
    assert (preloaded.returncode, preloaded.stdout, preloaded.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert unguarded.log.records() == []


def maps_of(process):
    return pathlib.Path(f"/proc/{process}/maps").read_text()


def environment_of(process):
    return pathlib.Path(f"/proc/{process}/environ").read_text()


def test_qemu_has_nothing_of_it(vm):
    """libvirt hands LD_PRELOAD on to what it starts. That we see the daemon's own shows that the method works."""
    daemon = int(PID_FILE.read_text())
    assert str(GUARD) in maps_of(daemon)
    process = vm.process()
    assert "qemu-system" in maps_of(process)
    assert "guard.so" not in maps_of(process) and "LD_PRELOAD" not in environment_of(process)


HOOK = """#!/bin/sh
{ echo "== $1 $2"; cat /proc/self/maps; echo "LD_PRELOAD=${LD_PRELOAD-none}"; } >>"%s"
"""

OTHER = "int qmp_guard_test_other;\n"


@pytest.fixture(scope="module")
def compile_library(tmp_path_factory):
    """Makes a library from C, in a place that each lab can see."""
    if run("sh", "-c", "command -v gcc").returncode != 0:
        pytest.skip("no gcc")

    def compile_(name, text):
        path = tmp_path_factory.mktemp("library") / name
        run("gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", path, "-x", "c", "-", "-ldl", input=text, check=True)
        return path
    return compile_


@pytest.mark.parametrize("order", ["guard first", "guard last", "guard between"])
def test_hooks_and_qemu_have_nothing_of_it_and_the_rest_is_kept(second_lab, compile_library, order):
    """What else the operator preloads is the operator's business."""
    others = [compile_library(name, OTHER) for name in ("other.so", "libguard.so.1")]
    lab = second_lab()
    libraries = {"guard first": [GUARD, *others], "guard last": [*others, GUARD],
                 "guard between": [others[0], GUARD, others[1]]}[order]
    lab.preload(*libraries)
    hook = lab.directory / "etc/libvirt/hooks/qemu"
    seen = lab.directory / "seen"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK % seen)
    hook.chmod(0o755)
    lab.daemon("restart")       # a first hook is found only by a daemon that starts
    machine = lab.machine()
    machine.discard()

    kept = ":".join(map(str, others))
    runs = seen.read_text().split("== ")[1:]
    assert [line.split()[1] for line in runs] == ["prepare", "start", "started", "stopped", "release"]
    for output in runs:
        assert str(GUARD) not in output
        assert all(str(other) in output for other in others)
        assert f"LD_PRELOAD={kept}\n" in output

    machine = lab.machine()
    assert is_denied(machine.send(request("inject-nmi")))
    number = (lab.directory / f"run/libvirt/qemu/{machine.name}.pid").read_text()
    maps = lab.run("cat", f"/proc/{number}/maps").stdout
    assert str(GUARD) not in maps and all(str(other) in maps for other in others)
    environment = lab.run("cat", f"/proc/{number}/environ").stdout.split("\0")
    assert f"LD_PRELOAD={kept}" in environment


def test_restart_keeps_guests_and_guards_them(second_lab):
    lab = second_lab()
    machine = lab.machine()
    machine.set_policy('<deny command="query-status"/>')
    before = lab.daemon("pid")
    qemu = (lab.directory / f"run/libvirt/qemu/{machine.name}.pid").read_text()
    for kill in (False, True):
        if kill:
            lab.run("kill", "-KILL", before)
            while lab.run(lab.directory / "daemon", "pid").returncode == 0:
                pass
            lab.daemon("start")
        else:
            lab.daemon("restart")
        after = lab.daemon("pid")
        assert after != before
        before = after
        assert f"{GUARD}" in lab.run("cat", f"/proc/{after}/maps").stdout
        lab.find(machine)
        assert machine.domain.isActive()
        assert (lab.directory / f"run/libvirt/qemu/{machine.name}.pid").read_text() == qemu
        assert is_denied(machine.send(request("query-status")))
        assert is_denied(machine.send("info status", HMP))
        assert not is_denied(machine.send(request("query-name")))
    # And the other way: a daemon without the guard lets all through, which tells the two apart.
    lab.preload()
    lab.daemon("restart")
    assert not is_denied(lab.find(machine).send(request("query-status")))


# A name for which the plugin's dlsym() finds nothing, as in a libvirt that lacks it, or, behind a `=`, a function that
# does something else; libvirt's own calls are untouched.
LACKING = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int something_else(void)
{
    return 0;
}

void *dlsym(void *handle, const char *name)
{
    static void *(*real)(void *, const char *);
    char lacking[256] = "";
    FILE *file = fopen("/etc/libvirt/lacking", "re");

    if (!real)
        real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
    if (file) {
        if (!fgets(lacking, sizeof(lacking), file))
            lacking[0] = 0;
        fclose(file);
    }
    if (lacking[0] == '=' && strcmp(lacking + 1, name) == 0)
        return (void *)something_else;
    return strcmp(lacking, name) == 0 ? NULL : real(handle, name);
}
"""


@pytest.fixture(scope="module")
def lacking_lab(in_lab, compile_library):
    """A lab whose daemon's dlsym() can be told what not to find."""
    library = compile_library("lacking.so", LACKING)
    lab = SecondLab()
    # Behind the guard: RTLD_NEXT, asked from there, means the same as from the guard itself.
    lab.preload(lab.guard, library)
    lab.vm = lab.machine()
    yield lab
    lab.close()


def symbols():
    text = (REPO / "plugin/libvirt_private.c").read_text()
    table = text[text.index("bindings[] = {"):]
    rows = re.findall(r'\{"(\w+)",\s*offsetof\(LibvirtPrivate, \w+\),?\s*(true|false)', table[:table.index("};")])
    return [(name, optional == "true") for name, optional in rows]


def restart_lacking(lab, name):
    (lab.directory / "etc/libvirt/lacking").write_text(name)
    errors = lab.directory / "daemon.err"
    size = errors.stat().st_size
    lab.daemon("restart")
    lab.find(lab.vm)
    lab.log.mark()
    return errors.read_text()[size:]


def test_the_list_of_symbols_is_read():
    assert len(symbols()) >= 16 and ("virLogMessage", False) in symbols()


# Public, and the daemon and its drivers are linked with them: where one is missing they do not start by themselves.
OPENING = {"virConnectOpen", "virConnectOpenReadOnly", "virConnectOpenAuth"}


@pytest.mark.parametrize("name", [name for name, is_optional in symbols() if not is_optional and name not in OPENING])
def test_libvirt_that_lacks_a_symbol(lacking_lab, name):
    """The daemon starts, guests run, and every command is refused."""
    lab = lacking_lab
    told = restart_lacking(lab, name)
    assert told == f"qmp-guard: this libvirt lacks the symbol {name}: every passthrough command will be refused\n"
    assert lab.vm.domain.isActive()
    for text, flags in ((request("query-status"), 0), (request("inject-nmi"), 0), ("info status", HMP)):
        answer = lab.vm.send(text, flags)
        if name == "virReportErrorHelper":
            assert isinstance(answer, Exception)
        else:
            assert is_denied(answer) and f"lacks the symbol {name}" in answer.get_error_message()


@pytest.mark.parametrize("name", [name for name, _ in symbols() if name.startswith("virIdentityGet")
                                  and name not in {"virIdentityGetCurrent", "virIdentityGetSystem"}])
def test_libvirt_whose_symbols_mean_something_else(lacking_lab, name):
    """All are there, and who the caller is would not be known."""
    lab = lacking_lab
    why = f"this libvirt's {name} is not as it is known here"
    assert restart_lacking(lab, f"={name}") == f"qmp-guard: {why}: every passthrough command will be refused\n"
    assert lab.vm.domain.isActive()
    for text, flags in ((request("query-status"), 0), (request("inject-nmi"), 0), ("info status", HMP)):
        answer = lab.vm.send(text, flags)
        assert is_denied(answer) and why in answer.get_error_message()


def test_libvirt_that_lacks_nothing(lacking_lab):
    """Or the rows above would show only that the lab is broken."""
    assert restart_lacking(lacking_lab, "no-such-symbol") == ""
    assert not is_denied(lacking_lab.vm.send(request("query-status")))
    assert is_denied(lacking_lab.vm.send(request("inject-nmi")))


@pytest.mark.parametrize("name", [name for name, is_optional in symbols() if is_optional])
def test_optional_symbol(lacking_lab, name):
    """An older libvirt has no descriptors to pass, or no access control to ask; everything else works there."""
    assert restart_lacking(lacking_lab, name) == ""
    assert not is_denied(lacking_lab.vm.send(request("query-status")))
    assert is_denied(lacking_lab.vm.send(request("inject-nmi")))


@pytest.mark.parametrize("name", ["no-such-symbol", "g_object_set_data", "g_object_get_data"])
def test_reader_uses_up_no_grant(lacking_lab, name):
    """Anybody may be a reader. Where they cannot be told from others, no grant counts."""
    lab = lacking_lab
    assert restart_lacking(lab, name) == ""
    done = lab.run("virt-qmp-guard", "grant", lab.vm.name, "--command", "inject-nmi", "--reason", "a test", "--json")
    assert done.returncode == 0, done.stderr
    for socket, flags in ((f"{lab.socket}-ro", 0), (lab.socket, libvirt.VIR_CONNECT_RO)):
        with RawClient(socket, flags) as client, pytest.raises(RpcError):
            client.monitor_command(lab.vm.domain.UUID(), request("inject-nmi").encode())
    rows = json.loads(lab.run("virt-qmp-guard", "grants", "--all", "--json").stdout)
    assert [row["left"] for row in rows if row["grant"] == json.loads(done.stdout)["grant"]] == [1]
    assert is_denied(lab.vm.send(request("inject-nmi"))) == (name != "no-such-symbol")


SESSION = """
export HOME=$1 XDG_RUNTIME_DIR=$1/run XDG_CONFIG_HOME=$1/config XDG_CACHE_HOME=$1/cache
export LIBVIRT_DEFAULT_URI=qemu:///session
mkdir -p $XDG_RUNTIME_DIR
LD_PRELOAD=$2 setsid $4 --timeout 5 >/dev/null 2>&1 &
for i in $(seq 100); do
    [ -S $1/$5 ] && break
    sleep 0.05
done
cat >$1/domain.xml      # another user cannot open our standard input by its name
virsh -q create $1/domain.xml || exit 3
for command in query-status inject-nmi system_reset; do
    virsh -q qemu-monitor-command $3 '{"execute":"'$command'"}'
done
virsh -q destroy $3
"""


def test_session_daemon_is_guarded_too(second_lab, public_directory):
    """A user's own daemon is the same program: preloaded there, the guard guards."""
    lab = second_lab()
    name = unique_name()
    done = lab.run("sh", "-c", SESSION, "-", public_directory, lab.guard, name, DAEMON, SOCKET,
                   user="alice", input=bare_xml(name))
    assert '"running":true' in done.stdout and done.stdout.count('"return"') == 2, done
    assert "is denied by baseline:@dangerous" in done.stderr
