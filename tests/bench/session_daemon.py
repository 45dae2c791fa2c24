# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user's own libvirtd (qemu:///session) in a lab.

Guarded, it is the one that has the log alone: the trail is the host's, and its directory is closed to users.
"""

import os
import subprocess

from labs import USER, wait_for

CONFIGURATION = {
    "libvirtd.conf": 'log_filters = "1:qmpguard 3:*"\nlog_outputs = "1:file:{}/log"\n',
    "qemu.conf": 'security_driver = "none"\nstdio_handler = "file"\n',
}


class SessionDaemon:
    def __init__(self, lab, guard):
        self.lab = lab
        self.directory = lab.directory / "s"        # a socket's path has to be short
        number = int(lab.run("id", "-u", USER, check=True).stdout)
        configuration = self.directory / "config/libvirt"
        configuration.mkdir(parents=True)
        for name, text in CONFIGURATION.items():
            (configuration / name).write_text(text.format(self.directory))
        for path in (self.directory, *self.directory.rglob("*")):
            os.chown(path, number, number)
        self.pid_file = "s/run/libvirt/libvirtd.pid"
        self.log = self.directory / "log"
        socket = self.directory / "run/libvirt/libvirt-sock"
        self.uri = f"qemu+unix:///session?socket={socket}"
        home = [f"HOME={self.directory}", f"XDG_RUNTIME_DIR={self.directory}/run",
                f"XDG_CONFIG_HOME={self.directory}/config", f"XDG_CACHE_HOME={self.directory}/cache"]
        preload = [f"LD_PRELOAD={guard}"] if guard else []
        # The preload is for libvirtd alone, and not for what enters the lab.
        self.process = lab.popen("env", *home, "sh", "-c", f'mkdir -p "$XDG_RUNTIME_DIR"; exec env {" ".join(preload)} '
                                 'libvirtd --timeout 600', user=USER, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(socket, self.process)

    def start_machine(self, name):
        self.lab.start_machine(name, self.uri, USER)
