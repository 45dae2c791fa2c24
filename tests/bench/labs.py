# SPDX-License-Identifier: LGPL-2.1-or-later
"""Labs of a section: any number at the same time, each with its own daemon, and clients that run inside.

Programs are put into a lab's namespaces from outside, so that each client is a child of this process, with pipes of its
own, and yet to the daemon a process like any other: it can be seen in /proc, and polkit can be asked about it.
"""

import array
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import time

import libvirt

from rows import quantile
from section import REPO

USER = "alice"      # all clients: of root polkit asks nothing, nor do rules about groups
SYSTEM = "qemu:///system"
TIMEOUT = 120
CPUCLOCK_SCHED = 2      # Linux: the precise clock of a process


def bare_xml(name):
    """A machine that boots nothing. Without KVM, which to a paused machine is all the same."""
    return subprocess.run([REPO / "tests/lab/guest", "xml", "--bare", "--type", "qemu", name], check=True,
                          capture_output=True, text=True).stdout


class Lab:
    """Options are those of scripts/lab."""

    def __init__(self, *options):
        self.clients = []
        self.process = subprocess.Popen(
            [REPO / "scripts/lab", "--quiet", *map(str, options), "--", "sh", "-c",
             'echo "$QMP_GUARD_LAB_DIR $LIBVIRT_DEFAULT_URI $QMP_GUARD_BUILD"; exec cat'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        greeting = self.process.stdout.readline().split()
        if not greeting:
            raise RuntimeError("the lab does not start")
        self.directory, self.build = pathlib.Path(greeting[0]), pathlib.Path(greeting[2])
        self.uri = greeting[1]
        self.init = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
        self.guard = self.build / "plugin/guard.so"
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """With its end everything in it ends, too; and it ends whatever became of its clients."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._end)
            for client in self.clients:
                stack.callback(client.close)

    def _end(self):
        self.connection = None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()

    def enter(self, *arguments, user=None):
        """The command line that runs a program inside, as root or as one of the lab's users."""
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"] if user else []
        return ["nsenter", "-t", self.init, "-m", "-u", "-p", "-w", "--", *as_user, *map(str, arguments)]

    def run(self, *arguments, user=None, input=None, check=False):
        return subprocess.run(self.enter(*arguments, user=user), input=input, capture_output=True, text=True,
                              timeout=TIMEOUT, check=check)

    def popen(self, *arguments, user=None, **kwargs):
        return subprocess.Popen(self.enter(*arguments, user=user), **kwargs)

    def configure(self, **settings):
        """Adds settings to libvirtd.conf, in its own syntax; they count from the daemon's next start."""
        with open(self.directory / "etc/libvirt/libvirtd.conf", "a", encoding="ascii") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())

    def daemon(self, action):
        """start, stop, restart or pid."""
        self.connection = None
        return self.run(self.directory / "daemon", action, check=True).stdout.strip()

    def find_daemon(self, pid_file="run/libvirtd.pid"):
        """The daemon as a process of ours: what is in its PID file is its number inside."""
        number = (self.directory / pid_file).read_text().strip()
        namespace = os.readlink(f"/proc/{self.init}/ns/pid")
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(path / "ns/pid") == namespace and \
                        re.search(rf"^NSpid:.*\t{number}$", (path / "status").read_text(), re.MULTILINE):
                    return Daemon(path)
            except OSError:     # it ended meanwhile
                pass
        raise RuntimeError("the lab has no daemon")

    def program(self, path):
        """A copy that the lab's users may run: the build directory may be closed to them."""
        copy = self.directory / path.name
        if not copy.exists():
            shutil.copy(path, copy)
        return copy

    def connect(self):
        if self.connection is None:
            self.connection = libvirt.open(self.uri)
        return self.connection

    def start_machine(self, name, uri=SYSTEM, user=None):
        """Paused: it takes no time from anybody, and answers all the same."""
        file = self.directory / f"{name}.xml"
        file.write_text(bare_xml(name))
        done = self.run("virsh", "-q", "-c", uri, "create", "--paused", file, user=user)
        if done.returncode != 0:
            raise RuntimeError(f"no machine: {done.stderr}")

    def add(self, client):
        self.clients.append(client)
        return client


class Daemon:
    """What the kernel knows of it."""

    def __init__(self, path):
        self.path = path
        self.clock = ~int(path.name) << 3 | CPUCLOCK_SCHED     # what clock_getcpuclockid(3) makes of it

    def cpu(self):
        """Nanoseconds that its threads have run, also those that have ended."""
        return time.clock_gettime_ns(self.clock)

    def resident(self):
        """KiB."""
        for line in (self.path / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("the daemon has no VmRSS")


class Caller:
    """A running tests/bench/latency_client.c in a lab."""

    def __init__(self, lab, domain, uri=SYSTEM, socket=None, pid_file="run/libvirtd.pid"):
        program = lab.program(lab.build / "tests/bench/latency_client")
        self.process = lab.popen(program, uri, domain, *([socket] if socket else []), user=USER,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.daemon = lab.find_daemon(pid_file)
        lab.add(self)

    def times(self, call, count):
        """Nanoseconds of each of @count calls."""
        self.process.stdin.write(f"{call} {count}\n".encode())
        self.process.stdin.flush()
        times = array.array("Q", self.process.stdout.read(8 * count))
        if len(times) != count:
            raise RuntimeError(f"the client ended in the midst of {count} calls of {call}")
        return times

    def block(self, call, count):
        """The times, and the daemon's own for one call."""
        before = self.daemon.cpu()
        times = self.times(call, count)
        return Block(times, (self.daemon.cpu() - before) / count)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=TIMEOUT)


class Block:
    """What a few calls in a row came to, in nanoseconds."""

    def __init__(self, times, cpu):
        self.times = times
        self.cpu = cpu

    def rank(self, share):
        return quantile(self.times, share)


class Load:
    """A running tests/bench/throughput_client.c in a lab."""

    def __init__(self, lab, clients):
        self.process = lab.popen(lab.program(lab.build / "tests/bench/throughput_client"), SYSTEM, clients, user=USER,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.calls = 0

    def calls_per_second(self, seconds):
        calls, nanoseconds = ask(self.process, round(1000 * seconds))
        self.calls += calls
        return calls / nanoseconds * 1e9

    close = Caller.close


class Workload:
    """A running workload_client.py in a lab."""

    def __init__(self, lab, domain):
        program = lab.program(REPO / "tests/bench/workload_client.py")
        self.process = lab.popen("/usr/bin/python3", program, domain, user=USER, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)

    def calls_per_second(self, workload, count):
        nanoseconds, = ask(self.process, workload, count)
        return count / nanoseconds * 1e9

    close = Caller.close


def ask(process, *words):
    """A line for a client, and the numbers of its answer."""
    process.stdin.write(" ".join(map(str, words)) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args[-2:]} ended")
    return [int(word) for word in line.split()]


def wait_for(path, process):
    """Until @process has made a file."""
    deadline = time.monotonic() + TIMEOUT
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"no {path}")
        time.sleep(0.02)
