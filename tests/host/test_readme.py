# SPDX-License-Identifier: LGPL-2.1-or-later
"""README's two commands, as they stand there, in a clone on a fresh Debian 12."""

import re
import shutil
import subprocess
import tempfile
import time

import pytest

from machine import REPO, WORK, Machine

CLONE = "/root/qmp-guard"
HOURS = 3600


@pytest.fixture(scope="module")
def clone():
    machine = Machine("readme", network=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", f"file://{REPO}", machine.path(CLONE)], check=True)
    yield machine
    machine.end()


def commands():
    block = re.search(r"^On Debian 12, as root, from a clone:\n\n```\n(.*?)```", (REPO / "README.md").read_text(),
                      re.MULTILINE | re.DOTALL)
    return [line.partition("#")[0].split() for line in block[1].splitlines()]


def call(machine, words, timeout):
    """Its output is for who waits, and for who looks at what failed."""
    log = WORK / f"{words[0].replace('/', '-')}.log"
    begun = time.monotonic()
    with log.open("w") as output:
        done = machine.run("env", "-C", CLONE, *words, timeout=timeout, capture_output=False, stdout=output,
                           stderr=subprocess.STDOUT)
    lines = re.sub(r"\033\[[0-9;]*m", "", log.read_text()).splitlines()
    if done.returncode != 0:
        kept = shutil.copy(log, tempfile.mkdtemp(prefix="qmp-guard-failed-"))
        print(f"all that it said: {kept}")
    complaints = [line for line in lines[:-60] if re.match("_____* [^_]|E   |not ok|# ERROR", line)]
    print(f"{' '.join(words)}: exit status {done.returncode} after {time.monotonic() - begun:.0f} s", *complaints[:200],
          "...", *lines[-60:], sep="\n")
    return done.returncode, lines


def test_what_the_readme_says():
    assert commands() == [["scripts/demo"], ["scripts/test"]]


def test_nothing_is_there(clone):
    for program in ["gcc", "meson", "libvirtd", "qemu-system-x86_64"]:
        assert clone.run("which", program).returncode != 0


def test_demo(clone):
    status, lines = call(clone, commands()[0], HOURS)
    assert status == 0 and "The demo ended as it should." in "\n".join(lines[-3:])


def test_nothing_runs_that_was_not_asked_for(clone):
    """No service of what it has installed, and nothing of its own."""
    assert clone.run("systemctl", "--failed", "--quiet").stdout == ""
    running = clone.do("systemctl", "list-units", "--quiet", "--state=running", "--type=service", "--plain")
    assert "libvirt" not in running and "virt" not in clone.do("ps", "-e", "-o", "comm=")


def test_tests(clone):
    status, lines = call(clone, commands()[1], 3 * HOURS)
    assert status == 0 and re.fullmatch(r"[1-9]\d* passed, 0 failed", lines[-1])
