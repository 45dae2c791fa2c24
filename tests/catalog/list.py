#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists the commands that one QEMU has, in the format of the lists beside this file.

usage: list.py QEMU-SYSTEM-BINARY [< GUEST-INFO]

GUEST-INFO is the answer of a guest agent, when its commands shall be listed too:
  virsh qemu-agent-command DOMAIN '{"execute":"guest-info"}' | list.py /usr/bin/qemu-system-x86_64
One binary lists only what it was built with, for its own architecture.
"""
import json
import os
import re
import stat
import subprocess
import sys

FEATURES = ("deprecated", "unstable")


class Monitor:
    """A QEMU that runs nothing, and its QMP over stdio."""

    def __init__(self, binary):
        self.process = subprocess.Popen(
            [binary, "-machine", "none", "-nodefaults", "-display", "none", "-S", "-qmp", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.greeting = json.loads(self.process.stdout.readline())["QMP"]
        self.execute("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def execute(self, command, **arguments):
        arguments = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.process.stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        while True:
            answer = json.loads(self.process.stdout.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def version(self):
        """As (major, minor)."""
        return self.greeting["version"]["qemu"]["major"], self.greeting["version"]["qemu"]["minor"]

    def package(self):
        number = self.greeting["version"]["qemu"]
        package = self.greeting["version"]["package"].strip()
        return f"{number['major']}.{number['minor']}.{number['micro']} {package}".strip()


def qmp_lines(monitor):
    features = {entry["name"]: [name for name in entry.get("features", []) if name in FEATURES]
                for entry in monitor.execute("query-qmp-schema") if entry["meta-type"] == "command"}
    return [" ".join(["qmp", entry["name"], *features.get(entry["name"], [])])
            for entry in monitor.execute("query-commands")]


def hmp_lines(monitor):
    """`NAME|ALIAS ARGUMENTS -- TEXT`; a line that goes on with the text is indented."""
    lines = []
    for question in ("help", "help info"):
        for line in monitor.execute("human-monitor-command", command_line=question).splitlines():
            match = re.match(r"(info )?([\w?][\w?|-]*) .*-- ", line)
            if match and bool(match[1]) == (question == "help info"):
                lines.append(f"hmp {match[1] or ''}{match[2]}")
    return lines


def agent_lines(guest_info):
    return [f"agent {command['name']}" for command in json.loads(guest_info)["return"]["supported_commands"]]


def is_given(stream):
    """Whether somebody sends something, and not a terminal or nothing at all."""
    mode = os.fstat(stream.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def main(binary):
    guest_info = sys.stdin.read().strip() if is_given(sys.stdin) else ""
    with Monitor(binary) as monitor:
        print(f"# {binary} {monitor.package()}")
        lines = [*qmp_lines(monitor), *hmp_lines(monitor)]
    print(*sorted(lines), *sorted(agent_lines(guest_info) if guest_info else []), sep="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
