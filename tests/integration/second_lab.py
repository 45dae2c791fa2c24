# SPDX-License-Identifier: LGPL-2.1-or-later
"""A further lab beside the one that the tests run in: unguarded, differently configured, or one that may be broken.

Its daemon is reached by URI from here. What has to happen inside it (its /etc, its users, its daemon's restart) is done
by lab_server.py, which is the COMMAND of that lab.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
from typing import NamedTuple

import libvirt

from audit_log import AuditLog
from clients import DAEMON, REPO, answer_of, run, socket_of, virsh_words
from machines import Machine, bare_xml, unique_name
from trail import Trail

SERVER = pathlib.Path(__file__).with_name("lab_server.py")
HOST_POLICY_PATH = "/etc/libvirt/qmp-guard/policy.xml"
# What holds without a file. A daemon that once had one is not started from without it.
SHIPPED_DEFAULT = '<policy xmlns="urn:qmp-guard:policy:1" profile="baseline"><delegate/></policy>'
HOOK_PATH = "/etc/libvirt/hooks/qemu.d/50-qmp-guard"


class Refusal(NamedTuple):
    """What the hook tells the user, in the midst of what libvirt does."""
    domain: str
    reason: str
    finding: str
    rule: str


_REFUSAL = re.compile(r"qmp-guard: domain '(.*?)' may not start: (.+) \[([a-z-]+), refused by ([^\]]+)\]"
                      r"(?:; remedy: .+)?")


def refusal_of(error):
    """The hook's one line in an error of libvirt's or virsh's; None when it is another's, or there is none."""
    text = error.get_error_message() if isinstance(error, libvirt.libvirtError) else error
    if not isinstance(text, str):
        return None
    _, mark, told = text.partition("qmp-guard: ")
    if not mark:
        return None
    match = _REFUSAL.fullmatch(mark + told.rstrip("\n"))     # a dot is no newline: it is one line, and the last
    assert match, text
    return Refusal(*match.groups())


def root_of(suite):
    """The root directory of that Debian, and the host's without one."""
    if suite is None:
        return pathlib.Path("/")
    return pathlib.Path(run(REPO / "scripts/chroot", "--path", suite, check=True).stdout.strip())


class SecondLab:
    """Options are those of scripts/lab. Always closed by whoever made it.

    With @suite its libvirt and QEMU are those of another Debian (scripts/chroot), and so are its files.
    """

    def __init__(self, *options, program=DAEMON, suite=None):
        self.program = program
        self.errors = tempfile.TemporaryFile("w+")
        # Its /dev/shm is seen by nobody outside.
        enter = [REPO / "scripts/chroot", suite, "scripts/lab", "--place", "/tmp"] if suite else [REPO / "scripts/lab"]
        self.process = subprocess.Popen(
            [*enter, "--quiet", *map(str, options), "--", "/usr/bin/python3", SERVER.relative_to(REPO)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=REPO,
            env=os.environ | {"QMP_GUARD_DAEMON": program})
        # What was installed and built before is told of, too.
        greeting = next((line for line in self.process.stdout if line.startswith("{")), None)
        if not greeting:
            self.errors.seek(0)
            raise RuntimeError(f"the second lab does not start: {self.errors.read()}")
        environment = json.loads(greeting)
        self.inside = pathlib.Path(environment["QMP_GUARD_LAB_DIR"])
        self.directory = root_of(suite) / self.inside.relative_to("/")
        self.socket = f"{self.directory}{socket_of(program)}"
        self.uri = f"qemu+unix:///system?socket={self.socket}"
        self.log = AuditLog(self.directory / f"var/log/libvirt/{program}.log")
        self.guard = f"{environment['QMP_GUARD_BUILD']}/plugin/guard.so"
        self.host_policy = self.directory / "etc/libvirt/qmp-guard/policy.xml"
        self.trail = Trail(self.directory)
        self.connection = None

    def run(self, *arguments, user=None, input=None):
        """Runs a program inside, as root or as one of the lab's users."""
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"] if user else []
        self.process.stdin.write(json.dumps({"arguments": [*as_user, *map(str, arguments)], "input": input}) + "\n")
        self.process.stdin.flush()
        return subprocess.CompletedProcess(arguments, **json.loads(self.process.stdout.readline()))

    def virsh(self, *arguments, **kwargs):
        return self.run("virsh", "-q", "-c", "qemu:///system", *virsh_words(*arguments), **kwargs)

    def daemon(self, action, environment=()):
        """start, stop, restart or pid; whatever was connected to the old daemon is connected to the new one."""
        done = self.run("env", *environment, self.inside / "daemon", action)
        assert done.returncode == 0, done.stderr
        self.connection = None
        return done.stdout.strip()

    def kill_daemon(self):
        """As a crash would; it is not started again."""
        control = self.inside / "daemon"
        done = self.run("sh", "-c", f"kill -9 $({control} pid); while {control} pid >/dev/null; do sleep 0.01; done")
        assert done.returncode == 0, done.stderr
        self.connection = None

    def preload(self, *libraries):
        """Says what the daemon is started with from now on."""
        (self.directory / "preload").write_text(":".join(map(str, libraries)))

    def configure(self, **settings):
        """Adds settings to the daemon's file, in its own syntax; they count from its next start."""
        with open(self.directory / f"etc/libvirt/{self.program}.conf", "a", encoding="ascii") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())

    def listen(self, environment=(), **settings):
        """Makes it reachable by the network. libvirtd listens itself; before virtqemud virtproxyd does, unguarded.

        A proxy keeps to itself what its clients claim to be: claims_reach_the_guard.
        """
        self.claims_reach_the_guard = self.program == "libvirtd"
        if self.program == "libvirtd":
            self.daemon("stop")
            self.configure(**settings)
            command = [f"LD_PRELOAD={self.guard}", "libvirtd", "--listen"]
        else:
            etc = self.directory / "etc/libvirt"
            own = (etc / f"{self.program}.conf").read_text().replace(self.program, "virtproxyd")
            lines = (f"{key} = {value}\n" for key, value in settings.items())
            (etc / "virtproxyd.conf").write_text(own + "".join(lines))
            command = ["virtproxyd"]
        done = self.run("env", *environment, *command, "--daemon")
        assert done.returncode == 0, done.stderr

    def set_host_policy(self, text):
        """As an editor or a package does it: a new file takes the place of the old one. None: there is none."""
        if text is None:
            self.host_policy.unlink(missing_ok=True)
            return
        new = self.host_policy.with_name("policy.xml.new")
        new.write_text(text)
        new.chmod(0o644)
        new.rename(self.host_policy)

    def file(self, name, content):
        """A file that the lab's users can read; returns its path inside, which is the same outside but for a suite."""
        (self.directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.inside / name

    def hook(self, operation, content, name="fed", sub_operation="begin"):
        """Runs the hook by hand, as libvirt would, but not as a child of the daemon's."""
        return self.run("sh", "-c", 'exec "$@" <"$0"', self.file("hook-input", content), HOOK_PATH, name, operation,
                        sub_operation, "-")

    def start(self, xml):
        """Starts a domain, paused, and returns it, or the error. It may be left running: it does nothing."""
        return answer_of(self.connect().createXML, xml, libvirt.VIR_DOMAIN_START_PAUSED)

    def connect(self):
        if self.connection is None:
            self.connection = libvirt.open(self.uri)
        return self.connection

    def machine(self, name=None, **kwargs):
        """A new bare machine in this lab."""
        return Machine(self.connect(), bare_xml(name or unique_name(), **kwargs))

    def find(self, machine):
        """The same machine, after the daemon was restarted."""
        machine.connection = self.connect()
        machine.domain = machine.connection.lookupByName(machine.name)
        return machine

    def close(self):
        """Ends the server, and with it the lab; its guests go, too."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()
        self.errors.close()
