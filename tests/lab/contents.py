# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a lab's directory holds when the lab starts; scripts/lab says what becomes of it."""

import os
import pathlib
import re
import shutil
import uuid

CONTROL = pathlib.Path(__file__).with_name("daemon.sh")

# Accounts of the lab.  The last line is what libvirt does not start without; accounts that the host has stay as they
# are, apart from new members, except for the two users.
OUR_USERS = {"alice": 21001, "bob": 21002}
USERS = OUR_USERS | {"libvirt-qemu": 21005}
GROUPS = {"alice": (21001, []), "bob": (21002, []), "ops": (21003, ["alice"]), "libvirt": (21004, ["alice", "bob"]),
          "libvirt-qemu": (21005, []), "kvm": (21006, [])}

DAEMON_CONF = {
    "unix_sock_group": "root",
    "unix_sock_ro_perms": "0777",
    "unix_sock_rw_perms": "0777",
    "auth_unix_ro": "none",
    "auth_unix_rw": "none",
    # Two gates: the filter lets our INFO lines through, the output must not stop them again.
    "log_filters": "1:qmpguard 3:*",
}

# A laboratory has neither the users, nor the labels, nor the control groups that a distribution gives to QEMU.
QEMU_CONF = {
    "user": "root",
    "group": "root",
    "dynamic_ownership": "0",
    "security_driver": "none",
    "namespaces": "[]",
    "cgroup_controllers": "[]",
    "stdio_handler": "file",
}


def conf_value(value):
    # 0777 is not a number to libvirt but a string of digits: permissions.
    if re.fullmatch(r"-?(0|[1-9][0-9]*)|\[.*\]", value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def write_conf(path, values):
    path.write_text("".join(f"{key} = {conf_value(value)}\n" for key, value in values.items()))


def write_accounts(etc):
    """Copies of passwd and group with our users added; returns the number of group libvirt."""
    users, groups = ({line.split(":")[0]: line.split(":") for line in pathlib.Path(path).read_text().splitlines()}
                     for path in ("/etc/passwd", "/etc/group"))
    for name, number in USERS.items():
        if name in OUR_USERS or name not in users:
            users[name] = [name, "x", str(number), str(number), "", "/nonexistent", "/bin/sh"]
    for name, (number, members) in GROUPS.items():
        entry = groups.setdefault(name, [name, "x", str(number), ""])
        if name in OUR_USERS:
            entry[2] = str(number)
        entry[3] = ",".join(sorted(set(entry[3].split(",")) - {""} | set(members)))

    for file, entries in (("passwd", users), ("group", groups)):
        (etc / file).write_text("".join(":".join(entry) + "\n" for entry in entries.values()))
    return int(groups["libvirt"][2])


def write_lab(directory, daemon, guard, hook, host_policy, settings):
    """Fills the lab's directory.  The daemon is a name or a path; the guard, the hook and the host policy are files or None;
    settings are triples: whether the key is one of qemu.conf, key, value."""
    etc = directory / "etc"
    for path in ("etc/libvirt/qmp-guard", "run/lock", "var/lib/libvirt", "var/cache/libvirt", "var/log/libvirt/qemu"):
        (directory / path).mkdir(parents=True)
    (directory / "run/lock").chmod(0o1777)

    # Whoever can talk to this daemon is as good as root on the host, for QEMU runs as root and any domain may be
    # defined; and the socket must be open to all so that tests can be any user.  So the directory is closed, except to
    # the group that has such rights on every libvirt host.
    os.chown(directory, 0, write_accounts(etc))
    directory.chmod(0o750)

    conf = DAEMON_CONF | {"log_outputs": f"1:file:/var/log/libvirt/{daemon.name}.log", "host_uuid": str(uuid.uuid4())}
    qemu = dict(QEMU_CONF)
    for is_qemu, key, value in settings:
        (qemu if is_qemu else conf)[key] = value
    write_conf(etc / f"libvirt/{daemon.name}.conf", conf)
    write_conf(etc / "libvirt/qemu.conf", qemu)
    if hook:
        (etc / "libvirt/hooks/qemu.d").mkdir(parents=True)
        (etc / "libvirt/hooks/qemu.d/50-qmp-guard").symlink_to(hook)
    if host_policy:
        shutil.copyfile(host_policy, etc / "libvirt/qmp-guard/policy.xml")

    # libvirt looks up its own host name; without this line that may wait for a name server.
    name = "lab-" + directory.name.rsplit(".", 1)[1].replace("_", "0").lower()
    (etc / "hostname").write_text(name + "\n")
    (etc / "hosts").write_text(f"127.0.0.1 localhost {name}\n::1 localhost\n")

    (directory / "preload").write_text(f"{guard or ''}\n")
    (directory / "program").write_text(f"{daemon}\n")
    shutil.copyfile(CONTROL, directory / "daemon")
    (directory / "daemon").chmod(0o755)
