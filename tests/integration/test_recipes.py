# SPDX-License-Identifier: LGPL-2.1-or-later
"""The recipes of docs/audit.md, run as they stand there, on the log and the trail of real commands."""

import json
import re
import time

import pytest

from clients import DAEMON, REPO, request
from second_lab import SecondLab

# They name libvirtd's log; virtqemud's is called as it is.
PAGE = (REPO / "docs/audit.md").read_text(encoding="utf-8").replace("libvirtd.log", f"{DAEMON}.log")
BLOCK = re.search(r"## Recipes\n.*?```\n(.*?)```", PAGE, re.DOTALL)[1]
RECIPES = {question: lines for question, *lines in (part.splitlines() for part in BLOCK.strip().split("\n\n"))}

# Instead of a mail; and what follows a file without end is given a few seconds.
MAIL = "#!/bin/sh\nexec cat\n"


@pytest.fixture(scope="module")
def lab(in_lab):
    started = SecondLab()
    demo, other = started.machine("demo"), started.machine("other")
    for _ in range(120):
        demo.send(request("query-status"))
    for machine, user, *words in [
            (demo, "alice", "system_reset"), (demo, "alice", "inject-nmi"), (demo, "bob", "--hmp", "info status"),
            (other, "alice", "inject-nmi"), (other, "bob", "query-name"),
            (demo, "alice", "pmemsave", '"val":0', '"size":16', '"filename":"/var/lib/libvirt/qemu/dump"')]:
        started.virsh("qemu-monitor-command", machine.name, *words, user=user)
    mail = started.file("mail", MAIL)
    mail.chmod(0o755)
    yield started
    started.close()


def run(lab, line, seconds=20):
    return lab.run("sh", "-c", f"cd /var/log/libvirt && PATH={lab.directory}:$PATH && exec timeout {seconds} sh -c "
                               f"'{line.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'")


def lines_of(lab, line):
    done = run(lab, line)
    assert done.returncode == 0 and done.stderr == "", (line, done)
    return done.stdout.splitlines()


def test_all_recipes_are_known():
    """Nothing here is skipped because a heading was changed."""
    assert len(RECIPES) == 11 and all(lines for lines in RECIPES.values())


# How many lines grep prints, and how many rows audit does; it has the start of a domain, too. A table's head is one more.
COUNTS = {
    "# all that was asked of one VM": (124, 125), "# privileged commands": (1, 1), "# memory dumps": (1, 1),
    "# what was refused": (3, 3), "# what one user did": (4, 4), "# refusals for each VM": (2, 2),
    "# bursts: minutes with more than 100 safe commands; more than 100 commands in any 60 seconds": (1, 1),
}


@pytest.mark.parametrize("question", COUNTS, ids=lambda question: question[2:40])
def test_recipe(lab, question):
    in_log, rows = COUNTS[question]
    by_grep, by_audit = RECIPES[question]
    if "burst" in question and not lines_of(lab, by_grep):
        pytest.fail("the commands were not sent within one minute: run it again")
    assert len(lines_of(lab, by_grep)) == in_log
    assert len(lines_of(lab, by_audit)) == rows + 1


def test_grants(in_lab):
    """In a lab of its own: the counts of the other recipes know nothing of a grant."""
    lab = SecondLab()
    try:
        demo = lab.machine("demo")
        given = lab.run("virt-qmp-guard", "grant", "demo", "--command", "inject-nmi", "--reason", "bug 7", "--json")
        assert given.returncode == 0, given.stderr
        demo.send(request("inject-nmi"))
        by_grep, by_audit, of_one = RECIPES["# what passed by grants, and all of one grant"]
        assert len(lines_of(lab, by_grep)) == 1 and len(lines_of(lab, by_audit)) == 2
        # Given, and used; and the head.
        assert len(lines_of(lab, of_one.replace("0a1b2c3d", json.loads(given.stdout)["grant"]))) == 3
    finally:
        lab.close()


def test_daily_mail(lab):
    by_grep, by_audit = RECIPES["# a daily mail"]
    assert len(lines_of(lab, by_grep)) == 3
    assert any("demo" in line for line in lines_of(lab, by_audit))


def test_as_it_happens(lab):
    for line in RECIPES["# as it happens"]:
        done = run(lab, line, 2)
        assert done.returncode == 124 and "query-name" in done.stdout, done


def test_nothing_was_altered(lab):
    line, = RECIPES["# has anything been altered, or is anything missing?"]
    assert lines_of(lab, line)
    trail = lab.directory / "var/log/libvirt/qmp-guard/audit.log"
    text = trail.read_text()
    trail.write_text(text.replace('"user":"bob"', '"user":"eve"', 1))
    time.sleep(0.01)
    done = run(lab, line)
    trail.write_text(text)
    assert done.returncode == 1 and "audit.log" in done.stdout + done.stderr
