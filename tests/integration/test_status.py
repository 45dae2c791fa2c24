# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-qmp-guard status: what it says of a sound host and of one that is not, and of domains that are open."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess

import libvirt
import pytest

from clients import DAEMON, PID_FILE, REPO, SYSTEM, qmp_guard, request, run
from machines import bare_xml, policy, unique_name
from second_lab import HOOK_PATH, SHIPPED_DEFAULT, SecondLab

BUILD = pathlib.Path(os.environ.get("QMP_GUARD_BUILD", REPO / "build"))
YES, NO, UNSURE = 0, 1, 2
RESULTS = {"PASS", "WARN", "FAIL"}
MEMBERS = ["scope", "domain", "check", "result", "detail", "remedy"]
TCP = ["-qmp", "tcp:127.0.0.1:0,server=on,wait=off"]


def answer(done):
    """The exit status, and what each check said: of the host by its name, of a domain by that and the check's name."""
    rows = json.loads(done.stdout)
    assert all(list(row) == MEMBERS and row["result"] in RESULTS for row in rows)
    assert all((row["remedy"] is None) == (row["result"] == "PASS") for row in rows)
    assert all((row["scope"] == "host") == (row["domain"] is None) for row in rows)
    assert done.returncode == (NO if any(row["result"] == "FAIL" for row in rows) else YES) and done.stderr == ""
    found = {row["check"] if row["domain"] is None else (row["domain"], row["check"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def status(*words, **kwargs):
    return answer(qmp_guard("status", "--json", *words, **kwargs))


def status_in(lab, *words, **kwargs):
    return answer(lab.run("virt-qmp-guard", "-c", SYSTEM, "status", "--json", *words, **kwargs))


def host_results(found):
    return {check: row["result"] for check, row in found.items() if isinstance(check, str)}


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    """Of this module's own, for its files are spoilt; without the hook, which would refuse open monitors."""
    lab = SecondLab("--no-hook")
    lab.machine("first").send(request("query-status"))
    yield lab
    lab.close()


@pytest.fixture
def lab(shared_lab):
    shared_lab.set_host_policy(SHIPPED_DEFAULT)
    return shared_lab


def test_guarded_host(vm):
    vm.send(request("query-status"))
    found = status(vm.name)
    for check in ("guard-live", "hook-installed", "log-level", "trail-directory", "trail-file", "trail-chain"):
        assert found[check]["result"] == "PASS", found[check]
    process = PID_FILE.read_text().strip()
    assert found["guard-live"]["detail"] == f"active in {DAEMON}, process {process}"


def test_unguarded_host(unguarded):
    found = status_in(unguarded)
    assert found["guard-live"]["result"] == found["hook-installed"]["result"] == "FAIL"
    assert f"not active in {DAEMON}" in found["guard-live"]["detail"]
    assert "virt-qmp-guard enable" in found["guard-live"]["remedy"]
    assert found["hook-installed"]["remedy"].startswith("install it")
    assert found["trail-file"]["result"] == "WARN"


def test_lines(vm):
    """As virt-host-validate prints them: a line for each check, in the order of --json."""
    done = qmp_guard("status", vm.name)
    rows = list(status(vm.name).values())
    lines = done.stdout.splitlines()
    assert done.returncode == NO and done.stderr == "" and len(lines) == len(rows)
    for line, row in zip(lines, rows):
        scope = f"domain {vm.name}" if row["domain"] else "host"
        remedy = f"; remedy: {row['remedy']}" if row["remedy"] else ""
        assert re.sub(" +:", ":", line) == f"{scope}: {row['check']}: {row['result']} ({row['detail']}{remedy})"


def on_terminal(*words, environment=()):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(["env", *environment, "virt-qmp-guard", "-c", SYSTEM, *words], stdout=theirs)
    os.close(theirs)
    text = b""
    while True:
        try:
            text += os.read(ours, 65536)
        except OSError:         # nobody has the other end any more
            break
    os.close(ours)
    process.wait()
    return text.decode()


def test_colours(vm):
    plain = on_terminal("status", vm.name, environment=["NO_COLOR=1"])
    coloured = on_terminal("status", vm.name, environment=["-u", "NO_COLOR"])
    assert "\033" not in plain and "guard-live" in plain
    assert "\033" not in qmp_guard("status", vm.name).stdout
    assert {"\033[32mPASS\033[0m", "\033[33mWARN\033[0m", "\033[31mFAIL\033[0m"} <= set(
        re.findall("\033\\[3.m....\033\\[0m", coloured))
    assert re.sub("\033\\[[0-9]+m", "", coloured) == plain
    # An empty one is none; JSON has no colours.
    assert "\033" in on_terminal("status", vm.name, environment=["NO_COLOR="])
    assert "\033" not in on_terminal("status", "--json", vm.name, environment=["-u", "NO_COLOR"])


def test_no_domain_runs(second_lab):
    lab = second_lab()
    found = status_in(lab)
    assert found and all(isinstance(check, str) for check in found)
    assert "FAIL" not in host_results({check: row for check, row in found.items() if check != "preload-set"}).values()


def test_which_domains(make_vm):
    first, second = make_vm(), make_vm()
    domains = {check[0] for check in status() if isinstance(check, tuple)}
    assert {first.name, second.name} <= domains
    for name in (first.name, first.domain.ID(), first.domain.UUIDString()):
        assert {check[0] for check in status(str(name)) if isinstance(check, tuple)} == {first.name}
    both = status(second.name, first.name)
    assert [check[0] for check in both if isinstance(check, tuple)][::10] == [second.name, first.name]


def test_could_not_tell(make_vm):
    defined = make_vm(persistent=True)
    for words in (["no-such-domain"], [defined.name], ["--frob"]):
        for form in ([], ["--json"]):
            done = qmp_guard("status", *words, *form)
            assert (done.returncode, done.stdout) == (UNSURE, "") and done.stderr, words
    for uri in ("test:///default", "qemu+unix:///system?socket=/none"):
        done = run("virt-qmp-guard", "-c", uri, "status")
        assert (done.returncode, done.stdout) == (UNSURE, "") and done.stderr.startswith("virt-qmp-guard: "), uri


def test_open_monitors(lab, public_directory):
    path = public_directory / "monitor"
    for machine, arguments in [("plain", []), ("tcp", TCP), ("socket", ["-qmp", f"unix:{path},server=on,wait=off"]),
                               ("abstract", ["-chardev", f"socket,id=c,path={path},abstract=on,server=on,wait=off",
                                             "-mon", "chardev=c"])]:
        assert isinstance(lab.start(bare_xml(machine, arguments=arguments)), libvirt.virDomain)
    path.chmod(0o700)
    found = status_in(lab)
    assert found["plain", "extra-monitor"]["result"] == "PASS"
    assert found["tcp", "extra-monitor"]["result"] == "FAIL"
    assert "network" in found["tcp", "extra-monitor"]["detail"] and found["tcp", "extra-monitor"]["remedy"]
    assert found["socket", "extra-monitor"]["result"] == "WARN"
    assert found["abstract", "extra-monitor"]["result"] == "FAIL"
    path.chmod(0o777)
    row = status_in(lab, "socket")["socket", "extra-monitor"]
    assert row["result"] == "FAIL" and str(path) in row["detail"] and "open to any user" in row["detail"]
    public_directory.chmod(0o750)
    assert status_in(lab, "socket")["socket", "extra-monitor"]["result"] == "WARN"


def test_libvirts_own_monitor(lab):
    machine = lab.machine()
    assert status_in(lab)[machine.name, "monitor-socket"]["result"] == "PASS"
    directory = lab.directory / f"var/lib/libvirt/qemu/domain-{machine.domain.ID()}-{machine.name}"
    lab.directory.chmod(0o755)
    try:
        directory.chmod(0o755)
        (directory / "monitor.sock").chmod(0o777)
        row = status_in(lab)[machine.name, "monitor-socket"]
        assert row["result"] == "FAIL" and "0777" in row["detail"]
    finally:
        lab.directory.chmod(0o750)
        machine.discard()


def test_who_qemu_is(second_lab):
    """libvirt's sandbox is on by default; here QEMU is root, there it is not."""
    root = second_lab("--set", "qemu.seccomp_sandbox=0")
    user = second_lab("--set", "qemu.user=libvirt-qemu", "--set", "qemu.group=libvirt-qemu")
    wanted = {"qemu-user": ("FAIL", "PASS"), "capabilities": ("FAIL", "PASS"), "seccomp": ("WARN", "PASS"),
              "no-new-privs": ("WARN", "PASS")}
    results = []
    for lab in (root, user):
        machine = lab.machine()
        results.append({check: status_in(lab)[machine.name, check]["result"] for check in wanted})
    assert results == [{check: row[number] for check, row in wanted.items()} for number in (0, 1)]


def test_number_of_another_process(lab):
    """What has ended, or is another's by now, is not taken for the domain's QEMU."""
    machine = lab.machine()
    path = lab.directory / f"run/libvirt/qemu/{machine.name}.pid"
    own = path.read_text()
    asked = ["qemu-user", "capabilities", "seccomp", "no-new-privs", "mount-namespace", "label", "cgroup-limits",
             "monitor-socket", "extra-monitor"]
    for number, detail in ((lab.daemon("pid"), "not this domain's"), ("4194304", "is not there"), ("x", "no process")):
        path.write_text(number)
        found = status_in(lab, machine.name)
        assert {found[machine.name, check]["result"] for check in asked} == {"WARN"}
        assert all(detail in found[machine.name, check]["detail"] for check in asked)
        assert found[machine.name, "domain-policy"]["result"] == "PASS"
    path.write_text(own)
    assert not status_in(lab, machine.name)[machine.name, "qemu-user"]["detail"].startswith("not known")
    lab.find(machine).discard()


def test_policy_of_a_domain(make_vm):
    vm = make_vm()
    assert status(vm.name)[vm.name, "domain-policy"]["result"] == "PASS"
    vm.set_policy("<allow/>")
    assert status(vm.name)[vm.name, "domain-policy"]["detail"] == "valid"
    vm.set_policy("<allow/>", mode="audit")
    assert status(vm.name)[vm.name, "domain-policy"]["result"] == "WARN"
    vm.set_policy("<frob/>")
    row = status(vm.name)[vm.name, "domain-policy"]
    assert row["result"] == "FAIL" and "frob" in row["detail"]


def test_policy_of_the_host(lab):
    def found():
        return status_in(lab)["host-policy"]

    assert found()["result"] == "PASS"
    lab.set_host_policy(policy("<delegate/>", mode="audit"))
    assert found()["result"] == "WARN" and "audit" in found()["detail"]
    lab.set_host_policy(policy("<frob/>"))
    assert found()["result"] == "FAIL" and "policy.xml:2: " in found()["detail"]
    lab.set_host_policy(SHIPPED_DEFAULT)
    lab.host_policy.chmod(0o666)
    assert found()["result"] == "FAIL" and "0666" in found()["detail"]
    lab.host_policy.chmod(0o644)
    os.chown(lab.host_policy, 21001, 0)
    assert found()["result"] == "FAIL" and "uid 21001" in found()["detail"]
    lab.set_host_policy(SHIPPED_DEFAULT)
    lab.machine().send(request("query-status"))     # by which the daemon has read the file
    lab.set_host_policy(None)
    assert found()["result"] == "FAIL" and "gone" in found()["detail"]


def test_no_policy_of_the_host(second_lab):
    row = status_in(second_lab())["host-policy"]
    assert row["result"] == "WARN" and "no file" in row["detail"]


def test_trail(lab):
    path = lab.trail.path
    head = path.with_name("audit.log.head")
    for spoilt, mode, wanted in [(path, 0o644, ("trail-file", "WARN")), (path, 0o622, ("trail-file", "FAIL")),
                                 (path.parent, 0o755, ("trail-directory", "WARN")),
                                 (path.parent, 0o777, ("trail-directory", "FAIL")),
                                 (head, 0o666, ("trail-chain", "FAIL"))]:
        before = spoilt.stat().st_mode
        spoilt.chmod(mode)
        check, result = wanted
        assert status_in(lab)[check]["result"] == result, (spoilt, mode)
        spoilt.chmod(before)
        assert status_in(lab)[check]["result"] == "PASS"
    text = head.read_bytes()
    head.write_text("nonsense")
    assert status_in(lab)["trail-chain"]["detail"] == "the head is damaged"
    head.unlink()
    assert status_in(lab)["trail-chain"]["result"] == "FAIL"
    head.write_bytes(text)
    head.chmod(0o600)
    assert status_in(lab)["trail-chain"]["result"] == "PASS"


def test_grants(lab):
    directory = lab.directory / "run/libvirt/qmp-guard"
    assert status_in(lab)["grants-directory"]["result"] == "PASS"
    directory.mkdir(mode=0o700, exist_ok=True)
    for mode, result in ((0o700, "PASS"), (0o755, "WARN"), (0o777, "FAIL")):
        directory.chmod(mode)
        assert status_in(lab)["grants-directory"]["result"] == result
    shutil.rmtree(directory)


def test_hook(lab):
    """Without one, with one of another user's, one that libvirt cannot run, and in a place where all may write."""
    hook = lab.directory / HOOK_PATH[1:]
    assert status_in(lab)["hook-installed"]["result"] == "FAIL"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\n")
    for mode, owner, above, result in [(0o755, 0, 0o755, "PASS"), (0o644, 0, 0o755, "FAIL"), (0o775, 0, 0o755, "FAIL"),
                                       (0o755, 21001, 0o755, "FAIL"), (0o755, 0, 0o777, "FAIL")]:
        os.chown(hook, owner, 0)
        hook.chmod(mode)
        hook.parent.chmod(above)
        assert status_in(lab)["hook-installed"]["result"] == result, (mode, owner, above)
    shutil.rmtree(hook.parent)


def test_unit(lab):
    """Of the daemon that runs, and of no other."""
    template = BUILD / "plugin/50-qmp-guard.conf"
    # Some packages of libvirt have the units with the daemon.
    of_packages = "/usr/lib/systemd/system"
    assert lab.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", of_packages).returncode == 0
    assert status_in(lab)["preload-set"]["result"] == "WARN"
    other = {"libvirtd": "virtqemud", "virtqemud": "libvirtd"}[DAEMON]
    for name, result in ((other, "WARN"), (DAEMON, "PASS")):
        units = lab.directory / "run/systemd/system"
        (units / f"{name}.service.d").mkdir(parents=True)
        (units / f"{name}.service").write_text("[Service]\n")
        (units / f"{name}.service.d/50-qmp-guard.conf").write_text(template.read_text())
        assert status_in(lab)["preload-set"]["result"] == result
    (units / f"{DAEMON}.service.d/50-qmp-guard.conf").unlink()
    assert status_in(lab)["preload-set"]["result"] == "FAIL"
    shutil.rmtree(units)
    assert lab.run("umount", of_packages).returncode == 0


@pytest.mark.parametrize("settings, result", [
    (["log_filters=3:*", f"log_outputs=1:file:/var/log/libvirt/{DAEMON}.log"], "WARN"),
    (["log_filters=1:qmpguard", f"log_outputs=4:file:/var/log/libvirt/{DAEMON}.log"], "FAIL"),
], ids=["info", "warning"])
def test_log_level(second_lab, settings, result):
    """What is said of the configuration is what becomes of the lines."""
    lab = second_lab(*(word for setting in settings for word in ("--set", setting)))
    row = status_in(lab)["log-level"]
    assert row["result"] == result and "log_filters" in row["remedy"]
    machine = lab.machine()
    lab.log.mark()
    machine.send(request("query-status"))
    machine.send(request("system_reset"))
    kinds = [record.kind for record in lab.log.records()]
    assert ("QMP privileged" in kinds) == (result == "WARN") and "QMP" not in kinds


def test_another_user(vm):
    """Sees what it may; what it may not see has not passed."""
    everything = status(vm.name)
    seen = status(vm.name, user="alice")
    assert list(seen) == list(everything)
    assert seen["guard-live"]["result"] == "WARN"
    for check in ("guard-live", "trail-file", "trail-chain", (vm.name, "mount-namespace"), (vm.name, "monitor-socket")):
        assert seen[check]["detail"].startswith("not known: ") and seen[check]["remedy"] == "run as root"
    for check, row in seen.items():
        known = not row["detail"].startswith("not known: ")
        assert row["result"] == (everything[check]["result"] if known else "WARN"), check


def test_hostile_name(make_vm):
    """A name makes neither a line nor a colour of its own."""
    vm = make_vm(f"{unique_name()}\u202e: guard-live : PASS")
    done = qmp_guard("status", vm.name)
    assert done.stdout.isascii() and "\\xe2\\x80\\xae" in done.stdout
    assert (vm.name.replace("\u202e", "\\xe2\\x80\\xae"), "qemu-user") in status(vm.name)


def test_name_that_libvirt_escapes(make_vm):
    """In the name of the file with QEMU's number, for example; and another domain may be called what comes of it."""
    name = unique_name()
    for called in (f"{name}<&>", f"{name}&lt;&amp;&gt;", f"{name}\"'"):
        vm = make_vm(called)
        assert not status(vm.name)[vm.name, "qemu-user"]["detail"].startswith("not known")
        done = qmp_guard("grant", vm.name, "--command", "inject-nmi", "--reason", "a test")
        assert done.returncode == 0, done
        vm.send(request("inject-nmi"))
