# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libvirt sends by itself, measured where no guard is: the comparison lets that pass, and nothing else."""

import sys
import time

import pytest

from catalogue import REPO
from testimony import OF_LIBVIRT, TRACE, read_trace

sys.path.insert(0, str(REPO / "tests/integration"))
from second_lab import SecondLab  # noqa: E402

IDLE = 5


@pytest.fixture(scope="module")
def machine():
    lab = SecondLab("--unguarded")
    trace = lab.file("own.trace", "")
    made = lab.machine("own", arguments=[*(word for event in TRACE for word in ("-trace", event)), "-D", trace])
    yield made, trace
    lab.close()


def own_after(machine, *texts):
    """What is in the trace besides @texts themselves, which are commands without arguments."""
    made, trace = machine
    offset = trace.stat().st_size
    for text in texts:
        made.send(f'{{"execute":"{text}"}}')
    time.sleep(IDLE if not texts else 1)
    messages = read_trace(trace.read_bytes()[offset:])
    seen = [message.command for message in messages if message.command in texts and not message.arguments]
    assert seen == list(texts)
    return [(message.command, message.arguments) for message in messages if message.command not in texts]


def test_of_an_idle_machine(machine):
    assert own_after(machine) == []


@pytest.mark.parametrize("texts", [("stop",), ("cont",), ("query-status", "query-version"), ("system_powerdown",),
                                   ("qom-list-types",), ("nonesuch",)])
def test_after_a_command(machine, texts):
    assert own_after(machine, *texts) == []


def test_after_a_reset(machine):
    own = own_after(machine, "system_reset")
    assert own and all(command in OF_LIBVIRT for command in own)
