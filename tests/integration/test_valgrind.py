# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guarded daemon under valgrind's memcheck: no error, and no leak that grows, has a frame of the guard's.

What is wrong with libvirt and its libraries alone is not asked.
"""

import re

import libvirt
import pytest

from clients import HMP, is_denied, request
from second_lab import SecondLab

# The full path of each frame's source tells ours from others.
MEMCHECK = ("valgrind --tool=memcheck --vgdb=yes --leak-check=no --num-callers=40 --fullpath-after= "
            "--error-limit=no --child-silent-after-fork=yes --log-file={log}")
OURS = re.compile(r"\((?:\S*/)?(?:plugin|src)/\S+\.c:\d+\)")
LOST = re.compile(r"([\d,]+)(?: \([^)]*\))? bytes in [\d,]+ blocks are definitely lost")
REACHABLE = re.compile(r"bytes in [\d,]+ blocks are still reachable")

POLICY = ('<allow command="inject-nmi" user="nobody-at-all"/>', '<limit command="system_wakeup" count="3" per="1h"/>',
          '<allow command="system_wakeup"/>', '<deny command="query-kvm"/>')

# What is sent, and whether the guard refuses it.
TEXTS = [
    (request("query-status"), 0, False),
    ("info status", HMP, True),
    (request("query-kvm"), 0, True),
    (request("inject-nmi"), 0, True),
    (request("stop"), 0, False),            # granted
    (request("system_wakeup"), 0, None),    # passes until the limit is reached
    ('{"execute": "query-status", "execute": "stop"}', 0, True),
    ("{" * 60, 0, True),
    ('o "', HMP, True),
    (request("transaction", actions=[{"type": "abort", "data": {}}]), 0, None),
]


def blocks(text):
    """Each report of valgrind's, which an empty line ends."""
    return re.split(r"\n(?:==\d+==)? *\n", text)


def is_ours(block):
    return OURS.search(block) is not None


def lost(report):
    """Bytes that are definitely lost, of those whose stack has a frame of ours."""
    return sum(int(LOST.search(block)[1].replace(",", "")) for block in blocks(report)
               if is_ours(block) and LOST.search(block))


@pytest.fixture
def watched():
    lab = SecondLab()
    log = lab.directory / "valgrind.log"
    lab.daemon("stop")
    (lab.directory / "tool").write_text(MEMCHECK.format(log=log) + "\n")
    lab.daemon("start")
    yield lab, log
    lab.close()


def leaks(lab, kind="definiteleak"):
    done = lab.run("vgdb", f"--pid={lab.daemon('pid')}", "leak_check", "full", kind, "any", "unlimited")
    assert "ERROR SUMMARY" in done.stdout or "LEAK SUMMARY" in done.stdout or done.returncode == 0, done.stderr
    return done.stdout


def send_hundred(machine):
    for _ in range(100 // len(TEXTS)):
        for text, flags, is_refused in TEXTS:
            answer = machine.send(text, flags)
            assert is_refused is None or is_denied(answer) == is_refused, (text, answer)


def test_memory(watched):
    lab, log = watched
    machine = lab.machine("watched")
    machine.set_policy(*POLICY)
    done = lab.run("env", "SUDO_UID=21001", "virt-qmp-guard", "-c", "qemu:///system", "grant", "watched", "--command",
                   "stop", "--user", "root", "--for", "2h", "--reason", "valgrind")
    assert done.returncode == 0, done.stderr
    send_hundred(machine)
    first = leaks(lab)
    send_hundred(machine)
    second = leaks(lab)
    reachable = leaks(lab, "reachable")
    assert any(is_ours(block) for block in blocks(reachable) if REACHABLE.search(block)), "no frame of ours is seen"
    assert is_denied(machine.send(request("system_wakeup"))), "the limit was not reached"
    assert lost(second) <= lost(first), second
    lab.daemon("stop")
    errors = [block for block in blocks(log.read_text()) if is_ours(block) and " lost in loss record " not in block
              and " still reachable in loss record " not in block]
    assert not errors, "\n\n".join(errors)
    assert "ERROR SUMMARY" in log.read_text(), "memcheck did not come to its end"
