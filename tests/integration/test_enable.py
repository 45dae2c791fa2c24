# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-qmp-guard enable and disable, in a system of their own: an installation, libvirtd and a systemctl that notes."""

import os
import pathlib
import re
import shlex
import shutil

import pytest

from clients import REPO, require_virtqemud, run
from features import needs
from machines import unique_name

BUILD = pathlib.Path(os.environ.get("QMP_GUARD_BUILD", REPO / "build"))
YES, NO, UNSURE = 0, 1, 2

DROP_IN = "etc/systemd/system/libvirtd.service.d/50-qmp-guard.conf"
POLICY = "etc/libvirt/qmp-guard/policy.xml"
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/systemctl.log
for word; do
    case " $(cat /systemctl.fails) " in *" $word "*) exit 1 ;; esac
done
"""
ENFORCING = '<qg:policy xmlns:qg="urn:qmp-guard:policy:1"/>'


def libraries(*programs):
    """What the loader needs for them, itself included."""
    for program in programs:
        yield from re.findall(r"(/\S+) \(0x", run("ldd", program, check=True).stdout)


class System:
    """A root directory."""

    def __init__(self, root):
        self.root = root
        self.helper = next(path for path in root.glob("usr/**/bin/virt-qmp-guard"))
        self.plugin = next(path for path in root.glob("usr/**/libvirt-qmp-guard/guard.so"))

    def path(self, name):
        return self.root / name

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)        # it may be a link to everybody's
        path.write_text(text)
        path.chmod(mode)
        return path

    def read(self, name):
        return self.path(name).read_text()

    def run(self, *words):
        """The helper, from outside."""
        return run("virt-qmp-guard", words[0], "--root", self.root, *words[1:])

    def run_inside(self, *words):
        """The same as the system's own, with its systemctl; returns what that was told, too."""
        self.write("run/systemd/system/.there", "")
        self.write("systemctl.log", "")
        done = run("chroot", self.root, "/" + str(self.helper.relative_to(self.root)), *words)
        return done, self.read("systemctl.log").splitlines()

    def configuration(self):
        """Each file and directory that there is in /etc, and what is in it."""
        return {str(path.relative_to(self.root)): path.is_file() and not path.is_symlink() and path.read_bytes()
                for path in sorted(self.root.glob("etc/**/*"))}


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    root = tmp_path_factory.mktemp("system")
    run("meson", "install", "-C", BUILD, "--no-rebuild", check=True, env=os.environ | {
        "PATH": "/usr/bin:/bin", "DESTDIR": str(root)})
    system = System(root)
    for path in {"/bin/sh", "/bin/cat", "/usr/sbin/libvirtd",
                 *libraries("/bin/sh", "/bin/cat", "/usr/sbin/libvirtd", system.helper, system.plugin)}:
        system.path(path[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, system.path(path[1:]))
    # The link is absolute: it has to lead somewhere in there, and does.
    assert os.readlink(system.path("etc/libvirt/hooks/qemu.d/50-qmp-guard")).startswith("/usr/")
    system.write("usr/bin/systemctl", SYSTEMCTL, 0o755)
    system.write("systemctl.fails", "")
    system.write("usr/lib/systemd/system/libvirtd.service", "[Service]\nExecStart=/usr/sbin/libvirtd\n")
    system.path("etc/systemd/system").mkdir(parents=True)
    return root


@pytest.fixture
def system(installation, tmp_path):
    run("cp", "-al", installation, tmp_path / "root", check=True)
    return System(tmp_path / "root")


@pytest.mark.parametrize("name", [
    "etc/systemd/system/libvirtd.service", "run/systemd/system/libvirtd.service.d/a.conf",
    "usr/lib/systemd/system/libvirtd.service.d/a.conf", "usr/local/lib/systemd/system/libvirtd.service.d/a.conf"])
def test_disable_tells_of_what_is_elsewhere(system, name):
    """Wherever systemd looks. Removing the package would leave a daemon that does not start."""
    system.write(name, "[Service]\nEnvironment=LD_PRELOAD=/usr/$LIB/libvirt-qmp-guard/guard.so\n")
    done = system.run("disable")
    assert done.returncode == NO
    assert [line for line in done.stderr.splitlines() if f"/{name} names the plugin, too" in line] == \
        done.stderr.splitlines() != []


@pytest.mark.parametrize("line", ["Environment=LD_PRELOAD=/usr/lib/other.so", "UnsetEnvironment=LD_PRELOAD"])
def test_other_drop_in_has_the_last_word(system, line):
    """The daemon would not start."""
    system.write("etc/systemd/system/libvirtd.service.d/99-other.conf", f"[Service]\n{line}\n")
    before = system.configuration()
    for words in (["enable"], ["enable", "--restart"]):
        done, told = system.run_inside(*words)
        assert done.returncode == NO and "systemctl cat libvirtd.service" in done.stderr, done
        assert system.configuration() == before and told == []
    system.write("etc/systemd/system/libvirtd.service.d/99-other.conf", "[Service]\nEnvironment=A=B\n")
    assert system.run("enable").returncode == YES


def test_enable_and_disable(system):
    before = system.configuration()
    done = system.run("enable")
    assert (done.returncode, done.stderr) == (YES, "")
    assert f"wrote /{DROP_IN}" in done.stdout and "systemctl restart libvirtd.service" in done.stdout
    text = system.read(DROP_IN)
    template = next(system.root.glob("usr/**/systemd/50-qmp-guard.conf")).read_text()
    assert text.startswith(template) and re.fullmatch(r"# written by .*[0-9a-f]{64}\n", text[len(template):])
    assert system.path(DROP_IN).stat().st_mode & 0o7777 == 0o644
    assert set(system.configuration()) - set(before) == {DROP_IN, os.path.dirname(DROP_IN)}

    written = system.path(DROP_IN).stat()
    again = system.run("enable")
    assert again.returncode == YES and f"/{DROP_IN} is there already" in again.stdout
    assert system.path(DROP_IN).stat() == written

    done = system.run("disable")
    assert (done.returncode, done.stderr) == (YES, "") and f"removed /{DROP_IN}" in done.stdout
    assert system.configuration() == before
    again = system.run("disable")
    assert again.returncode == YES and "nothing was changed" in again.stdout


def lines_of(text, name):
    return [shlex.split(line.partition("=")[2]) for line in text.splitlines() if line.startswith(name + "=")]


def test_drop_in_fails_closed(system, connection):
    """What systemd runs before and after the daemon's start, run as it would."""
    assert system.run("enable").returncode == YES
    text = system.read(DROP_IN)
    (before,), (after,) = lines_of(text, "ExecStartPre"), lines_of(text, "ExecStartPost")
    preloaded = os.environ | {"LD_PRELOAD": str(system.plugin)}
    assert run(*before, env=preloaded).returncode == YES
    for spoil in [break_plugin, lambda system: system.plugin.unlink()]:
        spoil(system)
        done = run(*before, env=preloaded)
        assert done.returncode != YES and f"/{system.plugin.relative_to(system.root)} cannot be loaded" in done.stdout

    daemon = run(f"{os.environ['QMP_GUARD_LAB_DIR']}/daemon", "pid", check=True).stdout.strip()
    assert run(*after, env=os.environ | {"MAINPID": daemon}).returncode == YES
    assert run(*after, env=os.environ | {"MAINPID": str(os.getpid())}).returncode != YES


def break_plugin(system):
    system.plugin.unlink()
    system.plugin.write_text("no library")


def replace_mode(system):
    shutil.copy(system.plugin, system.path("copy"))
    system.path("copy").replace(system.plugin)
    system.plugin.chmod(0o666)


def mask_unit(system):
    system.path("etc/systemd/system/libvirtd.service").symlink_to("/dev/null")


@pytest.mark.parametrize("spoil, words", [
    (lambda system: system.plugin.unlink(), ["cannot read the plugin", "guard.so", "installed whole"]),
    (break_plugin, ["/usr/sbin/libvirtd cannot run with the plugin", "guard.so", "built for this libvirt"]),
    (replace_mode, ["others than root may write", "chmod go-w"]),
    (lambda system: system.path("etc/libvirt/hooks/qemu.d/50-qmp-guard").unlink(), ["cannot run the hook"]),
    (lambda system: system.write(POLICY, "<policy"), [f"/{POLICY}:1:", "repair it"]),
    (lambda system: system.path("usr/lib/systemd/system/libvirtd.service").unlink(),
     ["no unit libvirtd.service and no virtqemud.service", "libvirt-daemon-system"]),
    (mask_unit, ["no unit libvirtd.service"]),
    (lambda system: system.path("usr/sbin/libvirtd").unlink(), ["/usr/sbin/libvirtd cannot run", "No such file"]),
    (lambda system: system.write(DROP_IN, "[Service]\n"), [f"/{DROP_IN} is not as", "move it away"]),
])
def test_what_is_not_ready_changes_nothing(system, spoil, words):
    spoil(system)
    before = system.configuration()
    done = system.run("enable")
    assert (done.returncode, done.stdout) == (NO, "") and system.configuration() == before
    assert all(word in done.stderr for word in [*words, "nothing was changed"]), done.stderr


def add_virtqemud(system):
    """Linked with the same libraries as libvirtd."""
    shutil.copy(require_virtqemud(), system.path("usr/sbin/virtqemud"))


@needs("virtqemud")
def test_both_daemons(system):
    system.write("lib/systemd/system/virtqemud.service", "[Service]\n")
    done = system.run("enable")
    assert done.returncode == NO and "/usr/sbin/virtqemud cannot run" in done.stderr
    add_virtqemud(system)
    assert system.run("enable").returncode == YES
    assert system.read(DROP_IN) == system.read(DROP_IN.replace("libvirtd", "virtqemud"))


@needs("virtqemud")
def test_virtqemud_alone(system):
    """A host of modular daemons; whether one of the others is there makes no difference."""
    add_virtqemud(system)
    for path in ("usr/sbin/libvirtd", "usr/lib/systemd/system/libvirtd.service"):
        system.path(path).unlink()
    system.write("lib/systemd/system/virtqemud.service", "[Service]\n")
    system.write("lib/systemd/system/virtproxyd.service", "[Service]\n")
    system.write("etc/libvirt/libvirtd.conf", 'log_filters="1:qmpguard 3:*"\n')
    before = system.configuration()
    done, told = system.run_inside("enable", "--restart")
    assert done.returncode == YES and told[0] == "daemon-reload" and told[-1] == "--quiet restart virtqemud.service"
    assert "/etc/libvirt/virtqemud.conf" in done.stdout and "file:/var/log/libvirt/virtqemud.log" in done.stdout
    assert "libvirtd" not in done.stdout
    added = set(system.configuration()) - set(before)
    assert added == {"etc/systemd/system/virtqemud.service.d", DROP_IN.replace("libvirtd", "virtqemud")}
    done = system.run("disable")
    assert (done.returncode, done.stderr) == (YES, "") and system.configuration() == before


def test_audit_only(system):
    before = system.configuration()
    done = system.run("enable", "--audit-only")
    assert done.returncode == YES and f"wrote /{POLICY}" in done.stdout and "only audits" in done.stdout
    checked = run("virt-qmp-guard", "check", "--host-policy", system.path(POLICY), "inject-nmi")
    assert checked.returncode == YES and checked.stdout.startswith("audit")
    assert system.run("enable", "--audit-only").returncode == YES
    assert system.run("disable").returncode == YES and system.configuration() == before

    system.write(POLICY, ENFORCING)
    before = system.configuration()
    done = system.run("enable", "--audit-only")
    assert done.returncode == NO and 'mode="audit"' in done.stderr and system.configuration() == before
    system.write(POLICY, ENFORCING.replace("/>", ' mode="audit"/>'))
    policy = system.read(POLICY)
    assert system.run("enable", "--audit-only").returncode == YES
    assert system.run("disable").returncode == YES and system.read(POLICY) == policy


GUARDED = "00200000-00201000 r--s 00000000 00:01 9   /memfd:qmp-guard-active (deleted)\n"


def write_process(system, maps, program="/usr/sbin/libvirtd", user=0):
    """The only one there is."""
    system.write("proc/1/maps", maps)
    system.path("proc/1/exe").unlink(missing_ok=True)
    system.path("proc/1/exe").symlink_to(program)
    os.chown(system.path("proc/1"), user, user)


def test_policy_waits_for_the_guarded_daemon(system):
    assert system.run("enable", "--audit-only").returncode == YES
    write_process(system, GUARDED)
    done = system.run("disable")
    assert done.returncode == YES and system.path(POLICY).exists() and not system.path(DROP_IN).exists()
    assert "virt-qmp-guard disable" in done.stdout
    system.write("proc/1/maps", "")
    assert system.run("disable").returncode == YES and not system.path(POLICY).exists()


@pytest.mark.parametrize("policy, words", [
    (None, "lets no VM with a policy of its own start"),
    (ENFORCING, "lets no VM start"),
    (ENFORCING.replace("/>", ' mode="audit"/>'), None),
])
def test_disable_says_what_the_hook_refuses_then(system, policy, words):
    if policy:
        system.write(POLICY, policy)
    assert system.run("enable").returncode == YES
    done = system.run("disable")
    assert words in done.stdout if words else "start under" not in done.stdout


def test_files_of_the_operator_are_left(system):
    assert system.run("enable", "--audit-only").returncode == YES
    system.write(DROP_IN, system.read(DROP_IN).replace("[Service]\n", "[Service]\nNice=5\n"))
    changed = system.read(DROP_IN)
    done = system.run("disable")
    assert done.returncode == NO and f"/{DROP_IN} is not as" in done.stderr and system.read(DROP_IN) == changed
    # Under what is left the guard would enforce, with the daemon's next start.
    assert system.path(POLICY).exists()

    system.path(DROP_IN).unlink()
    other = os.path.dirname(DROP_IN) + "/override.conf"
    system.write(other, changed)
    assert system.run("enable").returncode == YES
    done = system.run("disable")
    assert done.returncode == NO and f"/{other} names the plugin" in done.stderr
    assert system.read(other) == changed and not system.path(DROP_IN).exists()


def test_older_version_is_replaced(system):
    template = next(system.root.glob("usr/**/systemd/50-qmp-guard.conf"))
    text = template.read_text()
    name = str(template.relative_to(system.root))
    system.write(name, "# of old\n" + text)
    assert system.run("enable").returncode == YES and system.read(DROP_IN).startswith("# of old\n")
    system.write(name, text)
    done = system.run("enable")
    assert done.returncode == YES and f"wrote /{DROP_IN}" in done.stdout and system.read(DROP_IN).startswith(text)


def test_systemd_is_told(system):
    done, told = system.run_inside("enable")
    assert done.returncode == YES and told == ["daemon-reload"], done.stderr
    assert "ran systemctl daemon-reload" in done.stdout
    done, told = system.run_inside("enable", "--restart")
    assert done.returncode == YES and told[-1] == "--quiet restart libvirtd.service"
    assert "restarted libvirtd.service" in done.stdout and "systemctl restart" not in done.stdout
    done, told = system.run_inside("disable", "--restart")
    assert done.returncode == YES and told[0] == "daemon-reload" and told[-1] == "--quiet restart libvirtd.service"
    # Also of what the operator has taken away: what systemd remembers of it would keep the daemon from starting.
    done, told = system.run_inside("disable")
    assert "nothing was changed" in done.stdout and told == ["daemon-reload"]


def test_restart_that_fails(system):
    system.write("systemctl.fails", "restart")
    done, _ = system.run_inside("enable", "--restart")
    assert done.returncode == NO and "journalctl -u libvirtd.service" in done.stderr
    assert "disable --restart" in done.stderr
    system.write("systemctl.fails", "is-active is-failed")
    done, told = system.run_inside("enable", "--restart")
    assert done.returncode == YES and not any("--quiet restart" in line for line in told)


def test_a_guarded_daemon_needs_no_restart(system):
    write_process(system, GUARDED)
    assert "systemctl restart" in system.run("enable").stdout
    assert "systemctl restart" not in system.run("enable").stdout
    # Unless the plugin was upgraded meanwhile.
    system.write("proc/1/maps", GUARDED + "7f00000000-7f00001000 r-xp 00000000 fe:00 9   /x/guard.so (deleted)\n")
    assert "systemctl restart" in system.run("enable").stdout


@pytest.mark.parametrize("program, user", [
    ("/usr/sbin/libvirtd", 21001), ("/usr/bin/python3", 0), ("/usr/bin/python3", 21001)])
def test_guarded_process_that_is_no_daemon(system, program, user):
    """Anybody may give a mapping any name."""
    assert system.run("enable", "--audit-only").returncode == YES
    write_process(system, GUARDED, program, user)
    assert "systemctl restart libvirtd.service" in system.run("enable").stdout
    assert system.run("disable").returncode == YES and not system.path(POLICY).exists()


def test_one_of_two_daemons_is_guarded(system):
    system.write("usr/lib/systemd/system/virtqemud.service", "[Service]\nExecStart=/usr/sbin/virtqemud\n")
    shutil.copy(system.path("usr/sbin/libvirtd"), system.path("usr/sbin/virtqemud"))
    assert system.run("enable").returncode == YES
    write_process(system, GUARDED)
    done = system.run("enable")
    assert "systemctl restart virtqemud.service" in done.stdout
    assert "systemctl restart libvirtd.service" not in done.stdout


def test_what_is_left_to_the_operator(system):
    assert 'log_filters="1:qmpguard' in system.run("enable").stdout
    system.write("etc/libvirt/libvirtd.conf", '# log_filters="1:qmpguard 3:*"\n')
    assert 'log_filters="1:qmpguard' in system.run("enable").stdout
    system.write("etc/libvirt/libvirtd.conf", 'log_filters="1:qmpguard 3:*"\n')
    assert 'log_filters="1:qmpguard' not in system.run("enable").stdout

    system.write("etc/apparmor.d/usr.sbin.libvirtd", "profile libvirtd /usr/sbin/libvirtd {\n}\n")
    done, told = system.run_inside("enable", "--restart")
    assert done.returncode == NO and "AppArmor" in done.stderr and told == []
    assert "apparmor_parser -r /etc/apparmor.d/usr.sbin.libvirtd" in system.run("enable").stdout
    rules = next(system.root.glob("usr/**/confinement/apparmor")).read_text()
    system.write("etc/apparmor.d/local/usr.sbin.libvirtd", rules)
    assert "apparmor_parser" not in system.run("enable").stdout
    done, _ = system.run_inside("enable", "--restart")
    assert done.returncode == YES and re.search(r"left to do:\n  nothing\n\Z", done.stdout)


@pytest.mark.parametrize("words, message", [
    (["enable", "--root", "/", "--restart"], "exclude each other"),
    (["enable", "libvirtd"], "takes only options"),
    (["disable", "--root", "/no/such"], "cannot go into /no/such"),
])
def test_usage(words, message):
    done = run("virt-qmp-guard", *words)
    assert done.returncode == UNSURE and message in done.stderr


def test_quiet(system):
    """What is left to do, and no word of what was done."""
    for command in ("enable", "disable"):
        loud = system.run(command)
        system.run("disable" if command == "enable" else "enable")
        quiet = system.run(command, "-q")
        left = loud.stdout.partition("left to do:\n")[2]
        assert quiet.returncode == loud.returncode and quiet.stdout == left and "systemctl restart" in left


@pytest.mark.parametrize("command", ["enable", "disable"])
def test_root_only(command):
    done = run("virt-qmp-guard", command, user="alice")
    assert done.returncode == UNSURE and "run this as root" in done.stderr


COMPLETE = (f"source {shlex.quote(str(REPO / 'src/helper/completion.bash'))}; COMP_WORDS=({{}}); "
            "COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _virt_qmp_guard; printf '%s\\n' \"${{COMPREPLY[@]}}\"")


def complete(*words):
    """The words that bash would offer for the last one."""
    return run("bash", "-c", COMPLETE.format(shlex.join(words)), check=True).stdout.split()


def test_completion_has_the_words_of_the_program(shared_vm):
    commands = re.findall(r'^    \{"(\w+)", \w+_run', (REPO / "src/helper/main.c").read_text(), re.MULTILINE)
    offered = complete("virt-qmp-guard", "")
    assert offered[:len(commands)] == commands and "--connect" in offered
    assert set(complete("virt-qmp-guard", "policy", "")) >= {"validate", "learn", "test", "--by-user"}
    assert complete("virt-qmp-guard", "help", "") == commands and "--readonly" in offered and "--quiet" in offered
    assert complete("virt-qmp-guard", "enable", "--a") == ["--audit-only"]
    assert complete("virt-qmp-guard", "check", "--domain", shared_vm.name) == [shared_vm.name]
    assert complete("virt-qmp-guard", "no-such-command", "--") == []


@pytest.mark.parametrize("name", ["$(echo${IFS}ran>&2)", "x;`echo${IFS}ran`", "two words", "*"])
def test_completion_runs_nothing(make_vm, name):
    """Whoever may define a domain names it; whoever presses TAB may be root."""
    vm = make_vm(f"{unique_name()}-{name}")
    for words in (["check", "--domain"], ["policy", "show"], ["grant"]):
        script = COMPLETE.format(shlex.join(["virt-qmp-guard", *words, vm.name.partition("-")[0]]))
        done = run("bash", "-c", script, check=True)
        assert done.stderr == ""
        assert vm.name in [word for line in done.stdout.splitlines() for word in shlex.split(line)], done
        assert all(len(shlex.split(line, comments=True)) == 1 for line in done.stdout.splitlines()), done
