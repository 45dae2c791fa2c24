# SPDX-License-Identifier: LGPL-2.1-or-later
"""The laboratory itself: what it promises to those who run tests in it, and to the host."""

import os
import pathlib
import pty
import re
import shlex
import signal
import stat
import subprocess
import tempfile
import time
import uuid

import pytest

REPO = pathlib.Path(__file__).resolve().parents[2]
LAB = REPO / "scripts/lab"
COVERED = ["/etc/libvirt", "/run/libvirt", "/run/libvirtd.pid", "/var/lib/libvirt", "/var/cache/libvirt",
           "/var/log/libvirt", "/etc/passwd", "/etc/group", "/etc/hosts"]
TIMEOUT = 60

# A guest and an orphan to leave behind, and a way to tell the lab's processes: the number of its PID namespace.
LEAVE_TRACES = f"""
{REPO}/tests/lab/guest xml --bare left | virsh -q create /dev/stdin >/dev/null
setsid sleep 1000 </dev/null >/dev/null 2>&1 &
echo $QMP_GUARD_LAB_DIR $(readlink /proc/self/ns/pid)
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root")


def lab(*options, command=None, script=None, **kwargs):
    """Runs an unguarded lab to its end."""
    arguments = [LAB, "--unguarded", *options, "--", *(command or ["bash", "-ec", script])]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=TIMEOUT, **kwargs)


class RunningLab:
    """A lab whose COMMAND is a script that ends by itself only when its standard input does."""

    def __init__(self, script, wait="exec cat", **kwargs):
        self.process = subprocess.Popen([LAB, "--unguarded", "--", "bash", "-ec", f"{script}\n{wait}"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, **kwargs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()        # not kill(): after that nobody would remove the directory
        self.process.communicate(timeout=TIMEOUT)

    def finish(self):
        self.process.stdin.close()
        self.process.stdin = None

    def line(self):
        return self.process.stdout.readline().split()

    def end(self):
        return self.process.wait(timeout=TIMEOUT)       # with its standard input still open


def processes_in(namespace):
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/pid") == namespace:
                found.append(process.name)
        except OSError:
            pass        # it has ended meanwhile
    return found


def assert_no_trace(directory, namespace):
    assert re.fullmatch(r"(/dev/shm|/tmp)/qmp-guard-lab\.\w+", directory)
    assert processes_in(namespace) == []
    assert directory not in pathlib.Path("/proc/self/mountinfo").read_text()
    assert not os.path.exists(directory)


def state_of_host():
    """Everything below what a lab covers, with times: access to it must not even have changed it."""
    state = {}
    for top in COVERED:
        for path in [pathlib.Path(top), *pathlib.Path(top).rglob("*")]:
            if path.exists():
                info = path.stat()
                state[str(path)] = (info.st_ino, info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
    for parent in ("/etc", "/run", "/var/lib", "/var/cache", "/var/log"):
        state[parent] = sorted(os.listdir(parent))
    return state


@pytest.fixture(params=["libvirtd", "virtqemud"])
def daemon(request, monkeypatch):
    """The daemon that labs are of in this test."""
    monkeypatch.setenv("QMP_GUARD_DAEMON", request.param)
    return request.param


@pytest.mark.parametrize("command, status", [
    (["true"], 0),
    (["bash", "-c", "exit 7"], 7),
    (["bash", "-c", "kill -TERM $$"], 128 + signal.SIGTERM),
    (["bash", "-c", "kill -KILL $$"], 128 + signal.SIGKILL),
    (["/etc/passwd"], 126),
    (["/no/such/program"], 127),
])
def test_exit_status_is_that_of_the_command(command, status):
    assert lab(command=command).returncode == status


def test_arguments_and_standard_streams_reach_the_command():
    result = lab(command=["bash", "-c", 'printf "<%s>" "$@"; cat; echo err >&2; pwd', "-", "a b", "", "--", "*"],
                 input="hello\n", cwd="/usr")
    assert result.stdout == "<a b><><--><*>hello\n/usr\n"
    assert "err\n" in result.stderr


def test_environment_of_the_command(daemon):
    socket = {"libvirtd": "libvirt-sock", "virtqemud": "virtqemud-sock"}[daemon]
    result = lab(script=f"""
        [[ -d $QMP_GUARD_LAB_DIR && -s $QMP_GUARD_LAB_LOG ]]
        [[ $QMP_GUARD_LAB_LOG == $QMP_GUARD_LAB_DIR/* && $QMP_GUARD_LAB_LOG -ef /var/log/libvirt/{daemon}.log ]]
        [[ $QMP_GUARD_LAB_DOMAIN_TYPE == kvm || $QMP_GUARD_LAB_DOMAIN_TYPE == qemu ]]
        [[ $LIBVIRT_DEFAULT_URI == "qemu+unix:///system?socket=$QMP_GUARD_LAB_DIR/run/libvirt/{socket}" ]]
        [[ $QMP_GUARD_BUILD == /* && $PATH == $QMP_GUARD_BUILD/src/helper:* ]]
        [[ $(id -u) == 0 && $$ != 1 && -e /proc/1/comm && $(hostname) == lab-* && $(virsh hostname) == $(hostname) ]]
        virsh -q list
        virsh -q -c qemu:///system list
        virt-admin -q srv-list | grep -q {daemon}
        [[ $QMP_GUARD_DAEMON == {daemon} && $(</proc/$($QMP_GUARD_LAB_DIR/daemon pid)/comm) == {daemon} ]]""")
    assert result.returncode == 0, result.stderr


def test_domain_type_can_be_chosen():
    result = lab(script="echo $QMP_GUARD_LAB_DOMAIN_TYPE", env=os.environ | {"QMP_GUARD_LAB_DOMAIN_TYPE": "kvm"})
    assert result.stdout == "kvm\n"


def test_users_of_the_lab():
    result = lab(script="""
        id alice; id bob
        setpriv --reuid alice --regid alice --init-groups -- virsh -q uri
        setpriv --reuid nobody --regid nogroup --clear-groups -- virsh -q -c qemu:///system uri
        if setpriv --reuid nobody --regid nogroup --clear-groups -- ls $QMP_GUARD_LAB_DIR; then exit 1; fi""")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "uid=21001(alice)" in lines[0] and "(ops)" in lines[0] and "(libvirt)" in lines[0]
    assert "uid=21002(bob)" in lines[1] and "(ops)" not in lines[1] and "(libvirt)" in lines[1]
    assert re.match(r"qemu\+unix:///system\?socket=(/dev/shm|/tmp)/qmp-guard-lab\.", lines[2])
    assert lines[3:] == ["qemu:///system"]


def test_host_is_untouched():
    before = state_of_host()
    result = lab(script=f"""
        for path in {' '.join(COVERED)}; do
            [[ -e $path ]] || continue      # a host may do without /etc/hosts, and the lab does, too
            if [[ -d $path ]]; then touch $path/written; else echo '# written' >>$path; fi
        done
        hostname elsewhere
        mount -t tmpfs lab /mnt
        {LEAVE_TRACES}""")
    assert result.returncode == 0, result.stderr
    assert state_of_host() == before
    assert os.uname().nodename != "elsewhere"
    assert_no_trace(*result.stdout.split())


def test_rest_of_the_host_is_there():
    """Where the host lacks a directory its parent is covered, which must not hide the neighbours."""
    result = lab(command=["bash", "-c", "ls /var/lib /var/cache /var/log; ls -l /var/lib/dpkg"])
    for parent in ("/var/lib", "/var/cache", "/var/log"):
        assert set(os.listdir(parent)) <= set(result.stdout.split())
    assert "status" in result.stdout


def test_nothing_is_left_after_failure():
    result = lab(script=f"{LEAVE_TRACES} exit 1")
    assert result.returncode == 1
    assert_no_trace(*result.stdout.split())
    assert "exit status 1" in result.stderr
    assert "is tainted: high-privileges" in result.stderr       # a line of libvirtd's log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_after_signal(number):
    with RunningLab(LEAVE_TRACES) as running:
        traces = running.line()
        assert len(processes_in(traces[1])) > 4
        running.process.send_signal(number)
        assert running.end() == 128 + number
        assert_no_trace(*traces)


def test_no_process_is_left_when_killed():
    with RunningLab(LEAVE_TRACES) as running:
        directory, namespace = running.line()
        running.process.kill()
        running.end()
        deadline = time.monotonic() + 10
        while processes_in(namespace) and time.monotonic() < deadline:
            time.sleep(0.02)        # nobody is left to wait for them
        assert processes_in(namespace) == []
        subprocess.run(["rm", "-rf", "--one-file-system", directory], check=True)


def test_signal_during_start():
    with RunningLab("") as running:
        running.process.stderr.readline()       # where the log is: said just before libvirtd starts
        running.process.terminate()
        assert running.end() == 128 + signal.SIGTERM


def test_command_may_handle_a_signal():
    with RunningLab("trap 'echo cleaned up; exit 5' TERM; echo ready", wait="while :; do sleep 0.05; done") as running:
        assert running.line() == ["ready"]
        running.process.terminate()
        assert running.line() == ["cleaned", "up"]
        assert running.end() == 5


def test_interrupt_from_the_keyboard_reaches_the_command_once():
    script = "trap 'count=$((count + 1))' INT; echo ready; for i in {1..10}; do sleep 0.05; done; echo count=$count"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(LAB, [LAB, "--unguarded", "--quiet", "--", "bash", "-c", script])
    output = b""
    while b"ready" not in output:
        output += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    while True:
        try:
            output += os.read(terminal, 1000)
        except OSError:         # how Linux reports the end of a terminal
            break
    assert b"count=1\r\n" in output
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_two_labs_reach_each_other():
    with RunningLab("echo $QMP_GUARD_LAB_DIR $(hostname); virsh -q capabilities | grep -m1 '<uuid>'") as first:
        directory, name = first.line()
        first_uuid = first.line()
        uri = f"qemu+unix:///system?socket={directory}/run/libvirt/libvirt-sock"
        second = lab(script=f"""
            virsh -q -c '{uri}' hostname
            virsh -q hostname
            virsh -q capabilities | grep -m1 '<uuid>'
            {REPO}/tests/lab/guest xml --bare visitor | virsh -q -c '{uri}' create /dev/stdin >/dev/null
            virsh -q -c '{uri}' list --name
            virsh -q list --name""")
        names = second.stdout.split()
        assert names[0] == name and names[1].startswith("lab-") and names[1] != name
        assert [names[2]] != first_uuid
        assert names[3:] == ["visitor"]
        first.finish()
        assert first.end() == 0


def test_settings(daemon):
    result = lab("--set", "max_clients=77", "--set", "unix_sock_rw_perms=0750", "--set", "qemu.max_core=unlimited",
                 "--set", 'qemu.namespaces=[ "mount" ]', "--set", "qemu.max_core=0",
                 "--set", "log_filters=1:qmpguard 2:util 3:*", script=f"""
        virt-admin srv-clients-info {daemon} | grep nclients_max
        stat -c %a "${{LIBVIRT_DEFAULT_URI#*socket=}}"
        cat /etc/libvirt/qemu.conf /etc/libvirt/{daemon}.conf""")
    assert result.returncode == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[:2] == ["nclients_max : 77", "750"]
    for line in ("max_core = 0", 'namespaces = [ "mount" ]', "max_clients = 77", 'unix_sock_rw_perms = "0750"',
                 'log_filters = "1:qmpguard 2:util 3:*"'):
        assert lines.count(line) == 1
        assert [other.split(" = ")[0] for other in lines].count(line.split(" = ")[0]) == 1


def test_host_policy(tmp_path):
    policy = tmp_path / "mine.xml"
    policy.write_text("<policy/>\n")
    policy.chmod(0o600)
    os.chown(policy, 12345, 12345)
    result = lab("--host-policy", policy,
                 script="cd /etc/libvirt/qmp-guard; stat -c '%u:%g %a' policy.xml; cat policy.xml")
    assert result.stdout == "0:0 644\n<policy/>\n"


def test_log_can_be_kept(tmp_path):
    log = tmp_path / "kept.log"
    lab("--log", log, command=["true"])
    assert "libvirt version" in log.read_text()


def test_place():
    place = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        result = lab("--place", place, script="echo $QMP_GUARD_LAB_DIR; virsh -q uri")
        directory, uri = result.stdout.split()
        assert pathlib.Path(directory).parent == place and directory in uri and list(place.iterdir()) == []
        assert lab("--place", place / "none", command=["true"]).returncode == 2
    finally:
        place.rmdir()


def test_quiet():
    assert lab("--quiet", command=["false"]).stderr == ""


def test_daemon_can_be_controlled_and_guests_survive(daemon):
    result = lab(script=f"""
        # Not "! command", which set -e ignores.
        refused() {{ if "$@" 2>/dev/null; then echo "not refused: $*" >&2; exit 1; fi; }}
        daemon=$QMP_GUARD_LAB_DIR/daemon
        {REPO}/tests/lab/guest xml --bare survivor | virsh -q create /dev/stdin >/dev/null
        first=$($daemon pid)
        [[ $(</proc/$first/comm) == {daemon} ]]
        refused $daemon start
        $daemon stop
        refused $daemon pid
        refused $daemon stop
        refused virsh uri
        output=$($daemon start)         # ends only if the daemon has not kept our pipe
        virsh -q domstate survivor
        $daemon restart
        kill -KILL $($daemon pid)
        while $daemon pid >/dev/null 2>&1; do sleep 0.01; done
        $daemon start
        virsh -q domstate survivor""")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["running", "running"]


def test_daemon_that_dies_is_reported(daemon):
    result = lab(script="kill -KILL $($QMP_GUARD_LAB_DIR/daemon pid); sleep 0.1; exit 3")
    assert result.returncode == 3
    assert f"{daemon} died" in result.stderr


def test_daemon_that_does_not_start(daemon):
    result = lab("--set", "max_clients=many", command=["echo", "not reached"])
    assert result.returncode == 125
    assert result.stdout == ""
    assert "max_clients" in result.stderr and f"{daemon} does not start" in result.stderr


def test_no_such_daemon(monkeypatch):
    monkeypatch.setenv("QMP_GUARD_DAEMON", "virtlxcd")
    result = lab(command=["echo", "not reached"])
    assert (result.returncode, result.stdout) == (2, "") and "neither libvirtd nor virtqemud" in result.stderr


@pytest.fixture
def fake_build(tmp_path):
    """A build directory with an empty guard, no hook to speak of, and a helper that only says its name."""
    (tmp_path / "plugin").mkdir()
    (tmp_path / "src/helper").mkdir(parents=True)
    subprocess.run(["gcc", "-shared", "-o", tmp_path / "plugin/guard.so", "-x", "c", "/dev/null"], check=True)
    (tmp_path / "hooks").mkdir()
    for name in ("qmp-guard-hook", "qmp-guard-judge"):
        (tmp_path / "hooks" / name).touch()
    helper = tmp_path / "src/helper/virt-qmp-guard"
    helper.write_text("#!/bin/sh\necho helper\n")
    helper.chmod(0o755)
    return tmp_path


def test_guarded(fake_build, daemon):
    script = f"""
        maps() {{ grep -c {fake_build}/plugin/guard.so /proc/$($QMP_GUARD_LAB_DIR/daemon pid)/maps || true; }}
        virt-qmp-guard
        [[ $QMP_GUARD_BUILD == {fake_build} && -z ${{LD_PRELOAD-}} ]]
        [[ $(maps) -gt 0 ]] && echo guarded
        : >$QMP_GUARD_LAB_DIR/preload
        $QMP_GUARD_LAB_DIR/daemon restart
        [[ $(maps) -eq 0 ]] && echo unguarded"""
    result = subprocess.run([LAB, "--", "bash", "-ec", script], env=os.environ | {"QMP_GUARD_BUILD": str(fake_build)},
                            capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["helper", "guarded", "unguarded"]


def test_build_in_a_directory_of_roots(fake_build):
    """Everybody can run what was built there; what else is there they cannot list, and nothing of it has changed."""
    hidden = fake_build.parent
    fake_build.chmod(0o755)
    (hidden / "beside").write_text("x\n")
    done = subprocess.run([LAB, "--unguarded", "--", "bash", "-ec", f"""
        setpriv --reuid nobody --regid nogroup --clear-groups -- virt-qmp-guard
        setpriv --reuid nobody --regid nogroup --clear-groups -- ls {hidden} || cat {hidden}/beside
        pwd; stat -c %a {hidden}"""], cwd=fake_build, env=os.environ | {"QMP_GUARD_BUILD": str(fake_build)},
                          capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.stdout.split() == ["helper", "x", str(fake_build), "711"], done
    assert hidden.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("missing", ["plugin/guard.so", "hooks/qmp-guard-hook", "hooks/qmp-guard-judge",
                                     "src/helper/virt-qmp-guard"])
def test_missing_build(fake_build, missing):
    (fake_build / missing).unlink()
    result = subprocess.run([LAB, "--", "true"], env=os.environ | {"QMP_GUARD_BUILD": str(fake_build)},
                            capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 2
    assert re.fullmatch(r"scripts/lab: .*" + missing + r" is missing: build first.*\n", result.stderr)


@pytest.mark.parametrize("arguments, why", [
    ("", "no '--'"),
    ("--unguarded true", "true"),
    ("--unguarded", "no '--'"),
    ("--unguarded --", "no COMMAND"),
    ("--frobnicate -- true", "--frobnicate"),
    ("--unguard -- true", "--unguard"),
    ("stray -- true", "stray"),
    ("--host-policy -- true", "--host-policy"),
    ("--host-policy /no/such/file -- true", "/no/such/file"),
    ("--host-policy /etc -- true", "/etc"),
    ("--log /no/such/directory/log -- true", "/no/such/directory"),
    ("--set -- true", "--set"),
    ("--set max_clients -- true", "max_clients"),
    ("--set =1 -- true", "=1"),
    ("--set network.key=1 -- true", "network.key=1"),
    ("--set 'a=1\n' -- true", "KEY=VALUE"),
])
def test_usage_errors(arguments, why):
    result = subprocess.run([LAB, *shlex.split(arguments)], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 2
    assert result.stdout == ""
    assert why in result.stderr and result.stderr.startswith("scripts/lab: ")
    assert len(result.stderr.splitlines()) == 1


def test_help():
    result = subprocess.run([LAB, "--help"], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 0
    for word in ("--unguarded", "--host-policy", "--set", "--log", "--quiet", "QMP_GUARD_LAB_DIR", "exit status"):
        assert word in result.stdout


def test_domain_templates_are_valid(tmp_path):
    guest = REPO / "tests/lab/guest"
    number = str(uuid.uuid4())
    for options in ([], ["--bare"], ["--type", "kvm", "--uuid", number, "--serial", "/tmp/console"]):
        domain = tmp_path / "domain.xml"
        with domain.open("w") as output:
            subprocess.run([guest, "xml", *options, "name"], check=True, stdout=output)
        assert "@" not in domain.read_text()
        subprocess.run(["virt-xml-validate", domain, "domain"], check=True)
    assert number in domain.read_text() and "type='kvm'" in domain.read_text() and "/tmp/console" in domain.read_text()


def test_guest_has_a_real_agent():
    guest = REPO / "tests/lab/guest"
    built = subprocess.run([guest, "build"], capture_output=True, text=True)
    if built.returncode != 0:
        pytest.skip(f"no guest: {built.stderr.splitlines()[-1]}")
    result = lab(script=f"""
        {guest} xml demo | virsh -q create /dev/stdin >/dev/null
        for i in {{1..300}}; do
            grep -aq 'guest ready' /var/log/libvirt/qemu/demo.console && break
            sleep 0.1
        done
        virsh qemu-agent-command demo '{{"execute":"guest-ping"}}'
        virsh qemu-agent-command demo '{{"execute":"guest-get-host-name"}}'
        virsh -q shutdown --mode acpi demo
        for i in {{1..100}}; do
            [[ $(virsh -q list --name) == "" ]] && exit 0
            sleep 0.1
        done
        exit 1""")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[:2] == ['{"return":{}}', '{"return":{"host-name":"guest"}}']


@pytest.mark.parametrize("kind", ["directory", "link"])
@pytest.mark.parametrize("words", [["chroot", "trixie", "true"], ["package", "PLACE"]])
def test_no_other_users_directory(tmp_path, kind, words):
    """The place where a chroot is kept is anybody's to write to; and of the packages root installs one."""
    theirs, place = tmp_path / "theirs", tmp_path / "place"
    theirs.mkdir()
    if kind == "link":
        place.symlink_to(theirs)
    else:
        os.chown(theirs, 21001, 21001)
        theirs.rename(place)
    script, *arguments = [str(place) if word == "PLACE" else word for word in words]
    done = subprocess.run([REPO / "scripts" / script, *arguments], capture_output=True, text=True, check=False,
                          timeout=TIMEOUT, env=os.environ | {"QMP_GUARD_CHROOT": str(place)})
    assert done.returncode == 1 and "is not ours" in done.stderr, done
    assert not list(place.iterdir())
