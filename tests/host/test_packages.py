# SPDX-License-Identifier: LGPL-2.1-or-later
"""The life of the package on a host. One story: each check begins where the one before it has left the machine."""

import re
import subprocess

import pytest

from libvirt_host import DROP_IN, PACKAGE, POLICY, REFUSED, SOCKETS, TRAIL, UNIT, LibvirtHost, package
from machine import WORK, wait_until

PLUGIN = "/usr/lib/x86_64-linux-gnu/libvirt-qmp-guard/guard.so"
DELEGATING = '<qg:policy xmlns:qg="urn:qmp-guard:policy:1"><qg:delegate/></qg:policy>\n'
ALICES = '<qg:policy xmlns:qg="urn:qmp-guard:policy:1"><qg:allow command="inject-nmi" user="alice"/></qg:policy>\n'
UPGRADE = f"/root/{PACKAGE}_upgrade.deb"


@pytest.fixture(scope="module")
def host():
    machine = LibvirtHost("host")
    yield machine
    machine.end()


@pytest.fixture(scope="module")
def files(host):
    """What there was before the package."""
    return host.files()


# ---- before

def test_fresh_debian_12_runs_libvirtd(host, files):
    assert 'VERSION_ID="12"' in host.do("cat", "/etc/os-release")
    assert host.is_active() and host.run("systemctl", "--failed", "--quiet").stdout == ""
    host.do("virsh", "define", "/root/demo.xml")
    host.start_guest()
    assert host.passes("query-status") and host.passes("inject-nmi")


def test_installing_changes_nothing(host):
    before = host.daemon()
    host.install()
    assert host.daemon() == before and not host.is_guarded() and host.passes("inject-nmi")
    assert not host.path(DROP_IN).exists() and not host.path(POLICY).exists()
    assert host.status()["guard-live"]["result"] == "FAIL"
    assert "'virt-qmp-guard enable'" in host.status()["preload-set"]["remedy"]


# ---- on

def test_enable_audit_only(host):
    before, qemu = host.daemon(), host.qemu()
    done = host.do("virt-qmp-guard", "enable", "--audit-only")
    assert f"systemctl restart {UNIT}" in done and 'log_filters="1:qmpguard 3:*"' in done
    assert host.daemon() == before and not host.is_guarded()

    host.restart()
    assert host.is_guarded() and host.qemu() == qemu != []
    assert [row for row in host.status().values() if row["result"] == "FAIL"] == []
    assert host.status()["guard-live"]["detail"] == f"active in libvirtd, process {host.daemon()}"
    said = host.journal()
    assert host.passes("query-status") and host.passes("inject-nmi") and host.passes("inject-nmi", "alice")
    assert "QMP would block: demo | inject-nmi | user=alice | rule=baseline:@dangerous" in said()


def test_enforcing_holds_at_once(host):
    text = host.path(POLICY).read_text()
    host.path(POLICY).write_text(text.replace(' mode="audit"', ""))
    for user in [None, "alice"]:
        assert host.passes("query-status", user)
        done = host.monitor("inject-nmi", user)
        assert done.returncode == 1
        assert done.stderr.startswith(REFUSED + "baseline:@dangerous; use: virsh inject-nmi demo")
    done = host.run("virsh", "qemu-monitor-command", "demo", "--hmp", "info status")
    assert done.returncode == 1 and done.stderr.endswith("use: virsh domstate demo --reason\n")
    done = host.virsh("qemu-agent-command", "demo", '{"execute":"guest-ping"}', user="alice")
    assert done.stdout == '{"return":{}}\n'


def test_who_is_not_of_the_group_has_no_connection(host):
    done = host.monitor("query-status", "bob")
    assert done.returncode == 1 and "failed to connect" in done.stderr and "authentication unavailable" in done.stderr


def test_policy_of_a_domain(host):
    host.write(POLICY, DELEGATING)
    host.write("/home/alice/policy.xml", ALICES)
    done = host.run("virt-qmp-guard", "-c", "qemu:///system", "policy", "set", "demo", "/home/alice/policy.xml",
                    user="alice")
    assert done.returncode == 0, done.stderr
    assert host.passes("inject-nmi", "alice") and not host.passes("inject-nmi")


def test_log_and_trail(host):
    """With the lines for libvirtd.conf that `enable` prints."""
    lines = re.findall(r'^ +(log_\w+=".*")$', host.do("virt-qmp-guard", "enable"), re.MULTILINE)
    assert len(lines) == 2
    with host.path("/etc/libvirt/libvirtd.conf").open("a") as file:
        file.write("\n".join(lines) + "\n")
    assert 'log_filters' not in host.do("virt-qmp-guard", "enable")
    host.restart()
    said = host.journal()
    assert host.passes("query-status", "alice") and not host.passes("inject-nmi")
    for text in [said(), host.path("/var/log/libvirt/libvirtd.log").read_text()]:
        assert re.search(r"QMP: demo \| query-status \| params=\[\] \| user=alice \| timestamp=", text)
        assert "QMP blocked: demo | inject-nmi | user=root | rule=baseline:@dangerous" in text
    assert host.status()["log-level"]["result"] == "PASS"
    denied = host.do("virt-qmp-guard", "audit", "--vm", "demo", "--verdict", "deny")
    assert re.search(r"demo +root +qmp +inject-nmi +dangerous +deny +baseline:@dangerous", denied)
    host.do("virt-qmp-guard", "audit", "--verify")
    assert host.run("virt-qmp-guard", "audit", user="alice").returncode != 0


def test_hook_refuses_a_bad_domain(host):
    text = host.path("/root/demo.xml").read_text().replace("<name>demo", "<name>sneaky").replace(
        "</domain>", "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<qemu:arg value='-qmp'/><qemu:arg value='tcp:0.0.0.0:4444,server=on,wait=off'/></qemu:commandline></domain>")
    host.write("/root/sneaky.xml", text)
    done = host.run("virsh", "create", "/root/sneaky.xml")
    assert done.returncode == 1 and "domain 'sneaky' may not start: -qmp opens a monitor" in done.stderr


def test_trail_is_rotated(host):
    done = host.run("logrotate", "--debug", "/etc/logrotate.conf")
    assert done.returncode == 0 and "error" not in done.stderr
    host.do("logrotate", "--force", "/etc/logrotate.d/qmp-guard")
    assert host.path(f"{TRAIL}/audit.log.1").exists()
    assert host.passes("query-status") and host.path(f"{TRAIL}/audit.log").stat().st_size > 0
    host.do("virt-qmp-guard", "audit", "--verify")


# ---- starts of the daemon

def test_a_client_starts_a_guarded_daemon(host):
    host.systemctl("stop")
    assert not host.is_active() and host.is_active("libvirtd.socket")
    assert host.passes("inject-nmi", "alice") and not host.passes("inject-nmi") and host.is_guarded()


def test_a_daemon_that_left_when_idle_comes_back_guarded(host):
    """As Debian has it, after 120 seconds without a client and a VM; here after as many as the questions take."""
    assert "--timeout 120" in host.do("ps", "-o", "args=", str(host.daemon()))
    host.write("/etc/default/libvirtd", 'LIBVIRTD_ARGS="--timeout 5"\n')
    host.do("virsh", "destroy", "demo")
    host.restart()
    wait_until(lambda: not host.is_active(), "libvirtd stays")
    host.do("virsh", "list")
    assert host.is_active() and host.is_guarded()
    host.path("/etc/default/libvirtd").unlink()
    host.restart()
    host.start_guest()


def test_a_daemon_that_crashed_comes_back_guarded(host):
    before, qemu = host.daemon(), host.qemu()
    host.run("systemctl", "reset-failed", UNIT)
    host.do("kill", "-SEGV", str(before))
    wait_until(lambda: host.daemon() not in (0, before) and host.is_active(), "systemd does not start libvirtd again")
    assert host.is_guarded() and host.qemu() == qemu != [] and not host.passes("inject-nmi")


def test_guarded_after_a_boot(host):
    host.do("virsh", "autostart", "demo")
    host.reboot()
    wait_until(host.qemu, "the VM does not start with the host")
    host.start_guest()
    assert host.is_guarded() and host.passes("inject-nmi", "alice") and not host.passes("inject-nmi")
    assert [row for row in host.status().values() if row["result"] == "FAIL"] == []


def test_systemd_finds_no_fault_with_the_drop_in(host):
    """Debian 12 has no virtqemud.service: one that is libvirt's in all that the drop-in touches."""
    host.write("/etc/systemd/system/virtqemud.service", "[Service]\nType=notify\nExecStart=/usr/sbin/libvirtd\n")
    host.do("cp", "/usr/sbin/libvirtd", "/usr/sbin/virtqemud")
    assert "wrote" in host.do("virt-qmp-guard", "enable")
    for unit in [UNIT, "virtqemud.service"]:
        done = host.run("systemd-analyze", "--man=no", "verify", unit)
        assert done.returncode == 0 and "qmp-guard" not in done.stderr, done.stderr
        assert PLUGIN.split("/", 4)[4] in host.do("systemctl", "show", "--property=Environment", unit)
    host.path("/etc/systemd/system/virtqemud.service").unlink()
    host.path("/usr/sbin/virtqemud").unlink()
    host.do("virt-qmp-guard", "disable")
    host.do("virt-qmp-guard", "enable")


# ---- fails closed

def remove_plugin(path):
    path.unlink()


def damage_plugin(path):
    path.unlink()
    path.write_text("no library\n")


@pytest.mark.parametrize("spoil", [remove_plugin, damage_plugin])
def test_no_daemon_without_the_plugin(host, spoil):
    qemu, said, copy = host.qemu(), host.journal(), host.path(PLUGIN + ".kept")
    host.do("cp", "-a", PLUGIN, PLUGIN + ".kept")
    spoil(host.path(PLUGIN))
    assert host.systemctl("restart").returncode != 0 and not host.is_active()
    wait_until(lambda: host.run("systemctl", "is-failed", UNIT).returncode == 0, "systemd goes on trying")
    reason = f"qmp-guard: the daemon does not start: the plugin {PLUGIN} cannot be loaded"
    assert re.search(f"{reason}.*FAILURE", host.run("systemctl", "status", "--full", "--lines=0", UNIT).stdout)
    assert re.search(r" sh\[\d+\]: " + reason, said())
    # Not for a moment: a client would be served.
    assert not re.search(r" libvirtd\[\d+\]: libvirt version", said())
    assert host.virsh("list").returncode == 1 and host.qemu() == qemu != []

    copy.rename(host.path(PLUGIN))
    host.restart()
    assert all(host.is_active(socket) for socket in SOCKETS)
    assert host.is_guarded() and host.qemu() == qemu and not host.passes("inject-nmi")


# ---- upgrade

def build_upgrade(host):
    """The same with a higher version, and a logrotate file that is another."""
    tree = WORK / "upgrade"
    subprocess.run(["dpkg-deb", "-R", package(), tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", r"\g<0>+upgrade", control.read_text(), flags=re.MULTILINE))
    rotation = tree / "etc/logrotate.d/qmp-guard"
    rotation.write_text(rotation.read_text() + "# of the newer version\n")
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", tree, host.path(UPGRADE)], check=True, capture_output=True)


def test_upgrade_keeps_what_is_the_operators(host):
    build_upgrade(host)
    with host.path("/etc/logrotate.d/qmp-guard").open("a") as file:
        file.write("# of the operator\n")
    kept = {path: host.path(path).read_text() for path in [POLICY, DROP_IN, "/etc/logrotate.d/qmp-guard"]}
    before, qemu = host.daemon(), host.qemu()
    # As an operator has it who wants no questions.
    said = host.apt("install", "-o", "Dpkg::Options::=--force-confold", UPGRADE)
    assert kept == {path: host.path(path).read_text() for path in kept}
    assert "upgrade" in host.do("dpkg-query", "-W", PACKAGE)
    assert f"systemctl restart {UNIT}" in said
    assert host.daemon() == before and host.qemu() == qemu and not host.passes("inject-nmi")


def test_until_the_restart_the_old_guard_is_shown(host):
    live = host.status()["guard-live"]
    assert live["result"] == "WARN" and "before the plugin was upgraded" in live["detail"]
    assert "restart the daemon" in live["remedy"]
    assert f"systemctl restart {UNIT}" in host.do("virt-qmp-guard", "enable")
    host.restart()
    assert host.status()["guard-live"]["result"] == "PASS"
    assert f"systemctl restart {UNIT}" not in host.do("virt-qmp-guard", "enable")
    assert not host.passes("inject-nmi") and host.passes("inject-nmi", "alice")


# ---- off

def test_disable(host):
    qemu = host.qemu()
    done = host.do("virt-qmp-guard", "disable")
    assert f"systemctl restart {UNIT}" in done and not host.path(DROP_IN).parent.exists()
    assert not host.passes("inject-nmi")
    host.restart()
    assert not host.is_guarded() and host.qemu() == qemu and host.passes("inject-nmi")
    # As `disable` has said: the hook and the policy are still there.
    assert f"move /etc/libvirt/hooks/qemu.d/50-{PACKAGE[8:]} away" in done
    host.do("virsh", "destroy", "demo")
    assert host.run("virsh", "start", "demo").returncode == 1


def left_over(host, files):
    """Of the guard; what this test has put there itself is named after nothing of it."""
    return {path for path in host.files() - files if "qmp-guard" in path or "/etc/" in path and "/qemu/" not in path}


def test_purge_leaves_nothing(host, files):
    before = host.daemon()
    host.do("rm", UPGRADE)
    host.apt("purge", PACKAGE)
    assert host.daemon() == before and host.is_active()
    assert left_over(host, files) - {"/etc/subgid-", "/etc/subuid-"} == set()
    host.start_guest()
    assert host.passes("inject-nmi")


def test_purge_while_enabled(host, files):
    """The hard way: the daemon that had the guard is restarted, and no trail grows that nobody reads."""
    host.install()
    host.do("virt-qmp-guard", "enable", "--audit-only", "--restart")
    assert host.is_guarded() and host.passes("query-status") and host.path(TRAIL).exists()
    qemu = host.qemu()
    assert f"restarted {UNIT}" in host.apt("purge", PACKAGE)
    assert host.is_active() and not host.is_guarded() and host.qemu() == qemu != []
    assert host.passes("inject-nmi") and all(host.is_active(socket) for socket in SOCKETS)
    host.do("virsh", "destroy", "demo")
    host.start_guest()
    host.restart()
    assert left_over(host, files) - {"/etc/subgid-", "/etc/subuid-"} == set()


def test_removed_and_installed_again(host):
    """Removed and not purged: the records and the policy wait, and nothing keeps the daemon from starting."""
    host.install()
    host.do("virt-qmp-guard", "enable", "--restart")
    host.write(POLICY, DELEGATING)
    assert not host.passes("inject-nmi")
    host.apt("remove", PACKAGE)
    assert not host.is_guarded() and host.path(POLICY).exists() and host.path(f"{TRAIL}/audit.log").exists()
    host.restart()
    host.install()
    assert not host.is_guarded()
    host.do("virt-qmp-guard", "enable", "--restart")
    assert host.is_guarded() and not host.passes("inject-nmi")
    host.do("virt-qmp-guard", "audit", "--verify")


def test_not_removed_while_another_drop_in_preloads_it(host):
    other = DROP_IN.replace("50-qmp-guard", "override")
    host.do("cp", DROP_IN, other)
    done = host.run("apt-get", "-q", "-y", "purge", PACKAGE, timeout=300)
    assert done.returncode != 0 and f"{other} names the plugin" in done.stdout + done.stderr
    assert host.path(PLUGIN).exists()
    host.restart()
    assert host.is_guarded()
    host.do("rm", other)
    host.apt("purge", PACKAGE)
    assert host.is_active() and not host.is_guarded()
