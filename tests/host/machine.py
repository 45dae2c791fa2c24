# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fresh Debian 12 that systemd has booted: a copy of the base that scripts/test-host makes, in systemd-nspawn."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
BASE = pathlib.Path(os.environ["QMP_GUARD_HOST_BASE"])
WORK = pathlib.Path(os.environ["QMP_GUARD_HOST_WORK"])
PACKAGES = pathlib.Path(os.environ["QMP_GUARD_PACKAGES"])
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_PAGER": ""}
BOOT_TIMEOUT = 180
PR_SET_PDEATHSIG = 1
CGROUPS = [path for path in map(pathlib.Path, ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"]) if path.is_dir()]


def wait_until(condition, what, timeout=60):
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {timeout} seconds"
        time.sleep(0.1)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Machine:
    """It is booted as it is made."""

    def __init__(self, name, network=False):
        self.root = WORK / name
        subprocess.run(["cp", "-a", BASE / "root", self.root], check=True)
        self.container = None
        self.leader = None
        self.name = f"qmp-guard-{os.getpid()}-{name}"
        self.network = network
        self.boot()

    def path(self, name):
        return self.root / name.lstrip("/")

    def command(self):
        nspawn = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--machine=qmp-guard-host",
                  "--capability=all", "--console=read-only", "--link-journal=no", f"--directory={self.root}",
                  f"--bind={BASE / 'archives'}:/var/cache/apt/archives", f"--bind-ro={PACKAGES}:/packages"]
        if not self.network:
            nspawn.append("--private-network")
        # The namespace's first process dies with the test, and with it the whole machine.
        wrapped = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *nspawn]
        if pathlib.Path("/run/systemd/system").is_dir():
            return ["systemd-run", "--quiet", "--scope", "--property=Delegate=yes", *wrapped]
        return wrapped

    def enter_cgroup(self):
        """Where no systemd has one for it."""
        die_with_parent()
        if not pathlib.Path("/run/systemd/system").is_dir():
            for path in CGROUPS:
                path.joinpath(self.name).mkdir(exist_ok=True)
                path.joinpath(self.name, "cgroup.procs").write_text(str(os.getpid()))

    def boot(self):
        log = WORK / f"{self.root.name}.console"
        # As a fresh Debian 12 has them, whatever this host has: one tree of control groups, /tmp on the disk.
        environment = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"}
        with log.open("ab") as output:
            self.container = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output,
                                              stderr=output, env=environment, preexec_fn=self.enter_cgroup)
        self.leader = wait_until(self.find_leader, f"no systemd in the machine, see {log}", BOOT_TIMEOUT)
        wait_until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"),
                   f"the machine does not come up, see {log}", BOOT_TIMEOUT)

    def find_leader(self):
        assert self.container.poll() is None, "systemd-nspawn ended"
        todo = [self.container.pid]
        while todo:
            pid = todo.pop()
            try:
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    return pid
                todo += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except FileNotFoundError:
                pass
        return None

    def run(self, *words, user=None, **kwargs):
        """Runs a program in the machine, as root or as @user, and returns what came of it."""
        enter = ["nsenter", f"--target={self.leader}", "--all", "--root", "--wd", "env", "-i",
                 *(f"{key}={value}" for key, value in ENVIRONMENT.items()), f"HOME={'/root' if not user else '/'}"]
        if user:
            enter += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        kwargs = {"capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL} | kwargs
        return subprocess.run([*enter, *map(os.fspath, words)], check=False, **kwargs)

    def do(self, *words, **kwargs):
        """The same, of what has to succeed; returns what it printed."""
        done = self.run(*words, **kwargs)
        assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def apt(self, *words, **kwargs):
        return self.do("apt-get", "-q", "-y", *words, timeout=900, **kwargs)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def reboot(self):
        """systemd stops what runs, as it does for a host's reboot, and is started again."""
        self.do("systemctl", "poweroff")
        self.container.wait(BOOT_TIMEOUT)
        self.boot()

    def end(self):
        self.container.kill()
        self.container.wait()
        for path in CGROUPS:
            for directory, _, _ in os.walk(path / self.name, topdown=False):
                # What was killed leaves its group a moment later.
                wait_until(lambda group=directory: not pathlib.Path(group, "cgroup.procs").read_text(),
                           f"processes are left in {directory}")
                os.rmdir(directory)
        shutil.rmtree(self.root)
