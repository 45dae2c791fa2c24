# SPDX-License-Identifier: LGPL-2.1-or-later
"""A further lab beside the one that the tests run in: unguarded, differently configured, or one that may be broken.

Its daemon is reached by URI from here. What has to happen inside it (its /etc, its users, its daemon's restart) is done
by lab_server.py, which is the COMMAND of that lab.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import libvirt

from audit_log import AuditLog
from clients import REPO
from machines import Machine, bare_xml, unique_name

SERVER = pathlib.Path(__file__).with_name("lab_server.py")


class SecondLab:
    """Options are those of scripts/lab. Always closed by whoever made it."""

    def __init__(self, *options):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [REPO / "scripts/lab", "--quiet", *map(str, options), "--", sys.executable, SERVER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        greeting = self.process.stdout.readline()
        if not greeting:
            self.errors.seek(0)
            raise RuntimeError(f"the second lab does not start: {self.errors.read()}")
        environment = json.loads(greeting)
        self.directory = pathlib.Path(environment["QMP_GUARD_LAB_DIR"])
        self.uri = environment["LIBVIRT_DEFAULT_URI"]
        self.log = AuditLog(self.directory / "var/log/libvirt/libvirtd.log")
        self.guard = f"{environment['QMP_GUARD_BUILD']}/plugin/guard.so"
        self.host_policy = self.directory / "etc/libvirt/qmp-guard/policy.xml"
        self.connection = None

    def run(self, *arguments, user=None, input=None):
        """Runs a program inside, as root or as one of the lab's users."""
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"] if user else []
        self.process.stdin.write(json.dumps({"arguments": [*as_user, *map(str, arguments)], "input": input}) + "\n")
        self.process.stdin.flush()
        return subprocess.CompletedProcess(arguments, **json.loads(self.process.stdout.readline()))

    def virsh(self, *arguments, **kwargs):
        return self.run("virsh", "-q", "-c", "qemu:///system", *arguments, **kwargs)

    def daemon(self, action):
        """start, stop, restart or pid; whatever was connected to the old daemon is connected to the new one."""
        done = self.run(self.directory / "daemon", action)
        assert done.returncode == 0, done.stderr
        self.connection = None
        return done.stdout.strip()

    def preload(self, *libraries):
        """Says what the daemon is started with from now on."""
        (self.directory / "preload").write_text(":".join(map(str, libraries)))

    def configure(self, **settings):
        """Adds settings to libvirtd.conf, in its own syntax; they count from the daemon's next start."""
        with open(self.directory / "etc/libvirt/libvirtd.conf", "a", encoding="ascii") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())

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
