# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real polkit on a real system bus, private to a lab, as libvirt's access driver.

Without rules everybody may do everything that is in ACTIONS; a permission that is not is unknown to polkit, and an
error to whoever asks. Everything is asked from inside the lab: polkit looks at the process that asks, and knows no other
namespace.
"""

import os
import time

import pytest

from machines import NAMESPACE, bare_xml, unique_name

DBUS = "/usr/bin/dbus-daemon"
POLKITD = "/usr/lib/polkit-1/polkitd"
BUS_CONFIGURATION = "/usr/share/dbus-1/system.conf"
# Asks the bus whether polkit is there; without starting it, as any word to polkit itself would.
IS_THERE = ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/",
            "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.PolicyKit1"]

# libvirt's own list is in a package that brings the daemon's units; polkit only wants to have heard of an action.
CONNECT_PERMISSIONS = ["getattr", "read", "write", "search-domains"]
DOMAIN_PERMISSIONS = """getattr read write read-secure start stop reset save delete migrate checkpoint snapshot suspend
    hibernate core-dump pm-control init-control inject-nmi send-input send-signal fs-trim fs-freeze block-read block-write
    mem-read open-graphics open-device screenshot open-namespace set-time set-password""".split()
ACTIONS = [f"connect.{name}" for name in CONNECT_PERMISSIONS] + [f"domain.{name}" for name in DOMAIN_PERMISSIONS]

_POLICY = """<?xml version="1.0"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/PolicyKit/1.0/policyconfig.dtd">
<policyconfig>{}</policyconfig>
"""
_ACTION = """<action id="org.libvirt.api.{}"><description>x</description><message>x</message><defaults>
<allow_any>yes</allow_any><allow_inactive>yes</allow_inactive><allow_active>yes</allow_active></defaults></action>"""


def require_polkit():
    """Skips the test where the programs are missing."""
    for file in (DBUS, POLKITD, BUS_CONFIGURATION):
        if not os.path.exists(file):
            pytest.skip(f"no {file}: install dbus-daemon, dbus-system-bus-common and polkitd")


def denying(*denied):
    """Rules, in polkit's own language, that deny (PERMISSION, USER) each: ("domain.read", "alice")."""
    tests = " ||\n        ".join(f'(action.id == "org.libvirt.api.{action}" && subject.user == "{user}")'
                                for action, user in denied)
    return f"polkit.addRule(function(action, subject) {{\n    if ({tests})\n        return polkit.Result.NO;\n}});\n"


def start_polkit(lab, rules):
    """Covers polkit's files with ours, in the lab alone, and starts what libvirtd will talk to.

    The daemon has to be restarted to ask it. @rules is JavaScript: see denying().
    """
    for name, file, text in (("actions", "libvirt.policy", _POLICY.format("".join(map(_ACTION.format, ACTIONS)))),
                             ("rules.d", "libvirt.rules", rules)):
        directory = lab.directory / "polkit" / name
        directory.mkdir(parents=True)
        (directory / file).write_text(text)
    # polkitd runs as a user of its own, who may not enter the lab's directory; a mount he may.
    script = f"""
        mount --bind {lab.directory}/polkit/actions /usr/share/polkit-1/actions
        mount --bind {lab.directory}/polkit/rules.d /usr/share/polkit-1/rules.d
        mkdir -p /run/dbus
        exec >{lab.directory}/polkit.log 2>&1
        setsid {DBUS} --config-file={BUS_CONFIGURATION} --nofork --nopidfile &
        while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.02; done
        setsid {POLKITD} &"""
    done = lab.run("sh", "-ec", script)
    assert done.returncode == 0, done.stderr
    output = lab.directory / "polkit.log"
    deadline = time.monotonic() + 10
    while "boolean true" not in lab.run(*IS_THERE).stdout:
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.02)
    lab.configure(access_drivers='[ "polkit" ]')


class PolkitMachine:
    """A bare machine of the lab. Everything is done from inside it, by root or by one of the lab's users."""

    def __init__(self, lab):
        self.lab = lab
        self.name = unique_name()
        done = lab.virsh("create", "/dev/stdin", input=bare_xml(self.name))
        assert done.returncode == 0, done.stderr

    def set_policy(self, *rules):
        self.set_policy_text("<policy>" + "".join(rules) + "</policy>")

    def set_policy_text(self, text):
        assert self.lab.virsh("metadata", self.name, NAMESPACE, "--key", "qg", "--set", text).returncode == 0

    def clear_policy(self):
        self.lab.virsh("metadata", self.name, NAMESPACE, "--remove")

    def ask(self, user, command="query-status"):
        return self.lab.virsh("qemu-monitor-command", self.name, command, user=None if user == "root" else user)
