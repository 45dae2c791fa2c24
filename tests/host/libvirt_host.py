# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that is a libvirt host, as Debian's packages make one, with a VM and two ordinary users."""

import json
import re
import subprocess

from machine import PACKAGES, REPO, Machine, wait_until

UNIT = "libvirtd.service"
SOCKETS = ["libvirtd.socket", "libvirtd-ro.socket", "libvirtd-admin.socket"]
DROP_IN = "/etc/systemd/system/libvirtd.service.d/50-qmp-guard.conf"
POLICY = "/etc/libvirt/qmp-guard/policy.xml"
TRAIL = "/var/log/libvirt/qmp-guard"
PACKAGE = "libvirt-qmp-guard"
REFUSED = "error: access denied: 'inject-nmi' on domain 'demo' is denied by "
# What the kernel shows, and what changes by itself.
NOT_COMPARED = ["/proc", "/sys", "/dev", "/packages", "/tmp", "/var/tmp", "/var/cache", "/var/lib/dpkg", "/var/lib/apt",
                "/var/log/journal", "/run/log", "/run/systemd", "/run/udev", "/var/lib/systemd", "/var/log/apt"]


class LibvirtHost(Machine):
    def __init__(self, name):
        super().__init__(name)
        self.apt("install", "--no-install-recommends", "libvirt-daemon-system", "libvirt-clients", "qemu-system-x86")
        self.do("useradd", "--create-home", "--groups=libvirt", "alice")
        self.do("useradd", "--create-home", "bob")
        self.copy_guest()

    def copy_guest(self):
        images = self.path("/var/lib/libvirt/images")
        for name in ["vmlinuz", "initrd.gz"]:
            images.joinpath(name).write_bytes(REPO.joinpath("build/guest", name).read_bytes())
        self.write("/root/demo.xml", re.sub(r">/[^<]*/guest/", ">/var/lib/libvirt/images/", subprocess.run(
            [REPO / "tests/lab/guest", "xml", "--type", "qemu", "demo"], capture_output=True, text=True,
            check=True).stdout))

    def virsh(self, *words, user=None):
        return self.run("virsh", "-q", "-c", "qemu:///system", *words, user=user)

    def monitor(self, command, user=None):
        """Plain virsh: an ordinary user says which libvirt is meant, root need not."""
        uri = ["-c", "qemu:///system"] if user else []
        return self.run("virsh", *uri, "qemu-monitor-command", "demo", command, user=user)

    def passes(self, command, user=None):
        done = self.monitor(command, user)
        assert done.returncode == 0 or done.stderr.startswith("error: access denied"), done.stderr
        return done.returncode == 0

    def start_guest(self):
        if "demo" not in self.virsh("list", "--name").stdout.split():
            self.path("/var/log/libvirt/qemu/demo.console").unlink(missing_ok=True)
            self.do("virsh", "start", "demo")
        console = self.path("/var/log/libvirt/qemu/demo.console")
        wait_until(lambda: console.exists() and "guest ready" in console.read_text(), "the guest does not boot", 180)

    def qemu(self):
        return self.run("pgrep", "-f", "^/usr/bin/qemu-system-x86_64 -name guest=demo,").stdout.split()

    def daemon(self):
        return int(self.do("systemctl", "show", "--property=MainPID", "--value", UNIT))

    def is_guarded(self):
        return "/memfd:qmp-guard-active" in self.do("cat", f"/proc/{self.daemon()}/maps")

    def is_active(self, unit=UNIT):
        return self.run("systemctl", "is-active", unit).stdout.strip() == "active"

    def systemctl(self, verb, unit=UNIT):
        """systemd lets nobody start a unit more than a few times in ten seconds: that is not what is tested."""
        self.run("systemctl", "reset-failed", UNIT)
        return self.run("systemctl", verb, unit)

    def restart(self):
        done = self.systemctl("restart")
        assert done.returncode == 0, self.do("journalctl", "-u", UNIT, "-n", "30")

    def status(self):
        """Each check of the host, and what came of it."""
        done = self.run("virt-qmp-guard", "status", "--json")
        return {row["check"]: row for row in json.loads(done.stdout) if row["scope"] == "host"}

    def journal(self):
        """Returns a function: what the daemon's unit has logged since now."""
        cursor = re.search(r"-- cursor: (.*)", self.do("journalctl", "-q", "-n1", "--show-cursor"))[1]
        return lambda: self.do("journalctl", "-q", "-u", UNIT, f"--after-cursor={cursor}")

    def files(self):
        skipped = [word for path in NOT_COMPARED for word in ("-path", path, "-o")][:-1]
        return set(self.do("find", "/", "(", *skipped, ")", "-prune", "-o", "-print").splitlines())

    def install(self, path=None):
        return self.apt("install", path or f"/packages/{package().name}")


def package():
    found = list(PACKAGES.glob(f"{PACKAGE}_*.deb"))
    assert len(found) == 1, f"not one {PACKAGE} in {PACKAGES}"
    return found[0]
