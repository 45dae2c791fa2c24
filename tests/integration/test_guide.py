# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/guide.md does what it shows: its commands, pasted one block after the other into root's shell.

The host that it speaks of is a lab whose daemon begins without the guard. Where systemd and apt would be at work stand
programs of this test's: what `enable` writes goes into a system of its own, and decides with what the lab's daemon is
started next.
"""

import re
import shutil
import textwrap

import pytest

from clients import REPO, run
from second_lab import SecondLab
from test_enable import DROP_IN, System, installation   # noqa: F401 (a fixture)

GUIDE = (REPO / "docs/guide.md").read_text(encoding="utf-8")
CHAPTER = re.compile(r"^## (.+)\n", re.MULTILINE)
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```\n(?:\n *```text\n(.*?)^ *```\n)?", re.MULTILINE | re.DOTALL)

# What differs from run to run. On both sides it becomes the same word.
VARYING = [
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+\+0000: \d+)?", "TIME"), (r"\b[0-9a-f]{8}\b", "ID"),
    (r"\bprocess \d+", "process N"), (r"\blibvirt-\d+", "libvirt-N"), (r"\d+m \d\ds", "LEFT"), (r" {2,}", " "),
]

# Chapters that begin on another host than the one that the chapter before has left.
BEFORE = {
    "Roll it out": "rm -r /var/log/libvirt/qmp-guard",
    "One trail for a fleet": "mkdir -p /var/log/qmp-guard/192.0.2.7 && cp /var/log/libvirt/qmp-guard/audit.log "
                             "/var/log/qmp-guard/192.0.2.7/qmp-guard-trail.log",
    "Confidential VMs": "rm /etc/libvirt/qmp-guard/policy.xml",
}

APT = """#!/bin/sh
test "$1" = install
"""
# The unit's drop-in is what puts the guard in.
SYSTEMCTL = """#!/bin/sh
test "$*" = "restart libvirtd.service" || exit 1
test -e {root}/{drop_in} && echo {guard} >{lab}/preload || : >{lab}/preload
exec {lab}/daemon restart
"""
# Writes the JSON that an older virsh does not make of plain words: docs/versions.md.
VIRSH = """#!/usr/bin/python3
import os, sys
sys.path.insert(0, "{tests}")
from clients import virsh_words
os.execv("/usr/bin/virsh", ["virsh", *virsh_words(*sys.argv[1:])])
"""
# enable and disable are the installed program's, in a system that has what they look for; the policy is the lab's.
HELPER = """#!/bin/sh
case $1 in enable|disable) ;; *) exec {built} "$@" ;; esac
policy=etc/libvirt/qmp-guard/policy.xml
mountpoint -q {root}/proc || mount --rbind /proc {root}/proc
rm -f {root}/$policy
mkdir -p {root}/etc/libvirt/qmp-guard /etc/libvirt/qmp-guard
if test -e /$policy; then cp -p /$policy {root}/$policy; fi
chroot {root} {installed} "$@"
status=$?
rm -f /$policy
if test -e {root}/$policy; then cp -p {root}/$policy /$policy; fi
exit $status
"""


def chapters():
    parts = CHAPTER.split(GUIDE)[1:]
    return {title: BLOCK.findall(text) for title, text in zip(parts[::2], parts[1::2])}


def same(text):
    for pattern, instead in VARYING:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def is_shown(shown, printed):
    """`…` in the guide is anything up to the end of what is said there."""
    return re.fullmatch(re.escape(same(shown)).replace("…", ".*"), same(printed)) is not None


@pytest.fixture(scope="module")
def host(in_lab, installation, tmp_path_factory):   # noqa: F811
    directory = tmp_path_factory.mktemp("host")
    run("cp", "-al", installation, directory / "root", check=True)
    system = System(directory / "root")
    system.write("usr/bin/systemctl", "#!/bin/sh\n", 0o755)
    system.write("run/systemd/system/.there", "")
    system.path("proc").mkdir(exist_ok=True)
    lab = SecondLab(program="libvirtd")     # whatever the other tests have
    lab.preload()
    lab.daemon("restart")
    lab.machine("demo")
    names = {"root": system.root, "drop_in": DROP_IN, "guard": lab.guard, "lab": lab.directory,
             "built": shutil.which("virt-qmp-guard"), "tests": REPO / "tests/integration",
             "installed": "/" + str(system.helper.relative_to(system.root))}
    for name, text in [("apt", APT), ("systemctl", SYSTEMCTL), ("virt-qmp-guard", HELPER), ("virsh", VIRSH)]:
        lab.file(name, text.format(**names)).chmod(0o755)
    lab.system = system
    (lab.directory / "work").mkdir()
    yield lab
    lab.close()


def paste(host, commands):
    """Runs a block as root's shell would, and returns its exit status and all that is seen."""
    # What a lab has not of its own.
    for path, instead in [("/usr/share/qmp-guard", next(host.system.root.glob("usr/**/share/qmp-guard"))),
                          ("/var/log/qmp-guard", host.directory / "collector")]:
        commands = commands.replace(path, str(instead))
    script = f"cd {host.directory}/work\nexec 2>&1\nPATH={host.directory}:$PATH\n"
    done = host.run("bash", "-c", script + textwrap.dedent(commands))
    return done.returncode, done.stdout


def test_all_chapters_have_their_blocks():
    """Nothing here is skipped because a heading was changed."""
    counts = {title: len(blocks) for title, blocks in chapters().items()}
    assert counts == {"Try it in five minutes": 8, "Roll it out": 10, "Harden a host": 2, "One trail for a fleet": 1,
                      "Confidential VMs": 2}


def test_guide(host):
    failures = []
    for title, blocks in chapters().items():
        assert paste(host, BEFORE.get(title, "true")) == (0, "")
        for commands, shown in blocks:
            status, printed = paste(host, commands)
            if shown and not is_shown(shown, printed):
                failures.append(f"{title}: {commands}shown:\n{shown}\nprinted:\n{printed}")
            if not shown and status != 0:
                failures.append(f"{title}: {commands}exit status {status}:\n{printed}")
    assert not failures, "\n\n".join(failures)
