# SPDX-License-Identifier: LGPL-2.1-or-later
"""A system that has nothing but a shell, libvirtd and what they need."""

import os
import pathlib
import re
import shutil
import subprocess

REPO = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = pathlib.Path(os.environ["QMP_GUARD_PACKAGES"])
VERSION = re.search(r"^  version: '(.*)'", (REPO / "meson.build").read_text(), re.MULTILINE).group(1)
DROP_IN = "etc/systemd/system/libvirtd.service.d/50-qmp-guard.conf"
PROGRAMS = ["/usr/bin/cat", "/usr/bin/dash", "/usr/bin/grep", "/usr/bin/rm", "/usr/bin/rmdir", "/usr/sbin/libvirtd"]


ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
# Of an operator who looks after many hosts.
ELSEWHERE = ENVIRONMENT | {"LIBVIRT_DEFAULT_URI": "qemu+ssh://elsewhere/system"}


def run(*words, **kwargs):
    kwargs = {"capture_output": True, "text": True, "check": True, "timeout": 120, "env": ENVIRONMENT} | kwargs
    return subprocess.run([*map(os.fspath, words)], **kwargs)


def expected():
    """Rows of package, path."""
    text = pathlib.Path(__file__).with_name("contents.table").read_text()
    return [line.split() for line in text.splitlines() if not line.startswith("#")]


class System:
    """A root directory."""

    def __init__(self, root):
        self.root = root
        for name in ["bin", "sbin", "lib", "lib64"]:
            self.path(f"usr/{name}").mkdir(parents=True)
            self.path(name).symlink_to(f"usr/{name}")
        for program in PROGRAMS:
            self.copy(program)
            self.copy_libraries(program)
        self.path("usr/bin/sh").symlink_to("dash")
        self.write("dev/null", "")
        self.path("var/log/libvirt").mkdir(parents=True)
        self.path("etc/libvirt/hooks").mkdir(parents=True)
        self.write("usr/lib/systemd/system/libvirtd.service", "[Service]\n")

    def path(self, name):
        return self.root / name

    def write(self, name, text):
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def copy(self, path):
        self.path(path[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, self.path(path[1:]))

    def copy_libraries(self, program):
        for path in re.findall(r"(/\S+) \(0x", run("ldd", program).stdout):
            self.copy(path)

    def pretend_guarded(self):
        self.write("proc/7/comm", "libvirtd\n")
        self.path("proc/7/exe").symlink_to("/usr/sbin/libvirtd")
        self.write("proc/7/maps", "00200000-00201000 r--s 00000000 00:01 9   /memfd:qmp-guard-active (deleted)\n")

    def helper(self, *words, **kwargs):
        return run("chroot", self.root, "/usr/bin/virt-qmp-guard", *words, **kwargs)
