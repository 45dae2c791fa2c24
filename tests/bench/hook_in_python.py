#!/usr/bin/python3 -IS
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt hook of hooks/ as a script, for tests/bench/start.py to compare it with.

It judges by the same table of operations, and roughly by the shipped default: no host policy, no system log, no
profiles. So it does less than the C hook, and starts as fast as a Python that needs no packages can.
"""

import sys

POLICY = "{urn:qmp-guard:policy:1}"
QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
MARK = " /memfd:qmp-guard-active (deleted)\n"
TRAIL = "/var/log/libvirt/qmp-guard/audit.log"
RUNS = "/run/libvirt/qmp-guard/runs"
RULES = {"allow", "warn", "deny"}
MONITORS = {"qmp", "qmp-pretty", "monitor", "mon", "gdb", "s", "qtest"}
EMULATORS = ("/usr/bin/qemu-system-", "/usr/bin/qemu-kvm", "/usr/bin/kvm", "/usr/libexec/qemu-kvm")


def read_domain():
    # Imported only here and below: most runs have nothing to do.
    import xml.etree.ElementTree

    text = sys.stdin.buffer.read()
    if b"<!DOCTYPE" in text:
        raise ValueError("a domain has no DOCTYPE")
    root = xml.etree.ElementTree.fromstring(text)
    if root.tag != "domain":
        raise ValueError("not the XML of a domain")
    return root


def look_at_policy(policy):
    for rule in policy:
        name = rule.tag.removeprefix(POLICY)
        if name == rule.tag or name not in RULES:
            yield "policy-invalid", f"unknown element <{name}>", False
        elif any(child.tag != POLICY + "argument" or "name" not in child.attrib for child in rule):
            yield "policy-invalid", f"a rule <{name}> has something else than <argument name=''>", False


def look_at_command_line(root):
    arguments = [element.get("value", "") for element in root.iterfind(f"{QEMU}commandline/{QEMU}arg")]
    for argument, value in zip(arguments, arguments[1:] + [""]):
        name = argument.lstrip("-").split("=")[0]
        if argument.startswith("-") and (name in MONITORS or value.startswith("mon:")):
            is_local = value.startswith("unix:") or value == "none"
            yield ("unix-monitor" if is_local else "network-monitor"), f"-{name} opens a monitor", not is_local
        elif argument.startswith("-"):
            yield "argument", f"-{name} is passed to QEMU past libvirt", False


def is_guarded():
    import os

    with open(f"/proc/{os.getppid()}/maps", encoding="utf-8", errors="replace") as maps:
        return any(line.endswith(MARK) for line in maps)


def look(root):
    """Triples: what was found, why, and whether it is refused."""
    policy = root.find(f"metadata/{POLICY}policy")
    if policy is not None:
        yield from look_at_policy(policy)
    if not is_guarded():
        yield "unguarded-daemon", "the guard is not active in the daemon", policy is not None
    emulator = root.findtext("devices/emulator")
    if emulator and not emulator.startswith(EMULATORS):
        yield "emulator", f"the emulator is {emulator}", False
    yield from look_at_command_line(root)


def record(**fields):
    import json
    import os
    import time

    fields = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": "start"} | fields
    os.makedirs(os.path.dirname(TRAIL), 0o700, exist_ok=True)
    trail = os.open(TRAIL, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    os.write(trail, (json.dumps(fields) + "\n").encode())


def judge(domain, operation):
    root = read_domain()
    findings = list(look(root))
    refused = [reason for _, reason, is_refused in findings if is_refused]
    for finding, reason, is_refused in findings:
        record(domain=domain, operation=operation, verdict="deny" if is_refused else "warn", finding=finding,
               reason=reason)
    if not refused:
        record(domain=domain, uuid=root.findtext("uuid"), operation=operation, verdict="allow",
               findings=len(findings))
    elif operation != "reconnect":
        sys.exit(f"qmp-guard: domain '{domain}' may not start: {refused[0]}")


def end_run(_domain, _operation):
    import os
    import shutil

    path = os.path.join(RUNS, os.path.basename(read_domain().findtext("uuid")))
    if os.path.isdir(path):
        shutil.rmtree(path)


ACTIONS = {("prepare", "begin"): judge, ("restore", "begin"): judge, ("migrate", "begin"): judge,
           ("attach", "begin"): judge, ("reconnect", "begin"): judge, ("release", "end"): end_run}


def main():
    action = ACTIONS.get(tuple(sys.argv[2:4]))
    if action:
        action(*sys.argv[1:3])


if __name__ == "__main__":
    main()
