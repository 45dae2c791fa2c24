# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rows of the unit tests' decide.table, sent through the daemon: it decides as the guard alone does."""

import json
import re
from typing import NamedTuple

import libvirt_qemu
import pytest

from clients import HMP, REPO, answer_of, is_denied, request, virsh

TABLE = REPO / "tests/unit/decide.table"
AGENT_TIMEOUT = 1
KINDS = {"deny": "QMP blocked", "audit": "QMP would block"}
SAY_RULE = {*KINDS.values(), "QMP dangerous"}

# What may pass, as it leaves the machine as it is. Nothing answers for the agent, so all of its commands do.
HARMLESS = re.compile(r"(x-)?query-\S*( .*)?|info( .*)?|qom-get .*|log none|set_link x .*|gva2gpa .*|add-fd|"
                      r"\S*nonesuch|Query-status|inject-nmi|(netdev|block)\S*del\S* .*|nbd-server-stop")
UNABLE = ("user=", "unix-group=", "purpose=")     # the caller is root, and says no purpose


class Row(NamedTuple):
    number: int
    policy: str     # XML; None without one
    channel: str
    text: str
    verdict: str
    rule: str

    def __str__(self):
        return f"line {self.number}: {self.text[:40]}"


def rows():
    """Those that say nothing of the host's policy or of who calls, and do no harm."""
    policies = {"-": None}
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        fields = [field.strip(" ") for field in line.removeprefix("policy ").split("|")]
        if line.startswith("policy "):
            name, attributes, rules = fields
            policies[name] = f"<policy {attributes}>{rules}</policy>"
            continue
        host, domain, _, channel, text, verdict, rule = fields
        policy = policies[domain]
        harmless = verdict == "deny" or channel == "agent" or HARMLESS.fullmatch(text)
        if host == "-" and harmless and not any(word in (policy or "") for word in UNABLE):
            yield Row(number, policy, channel, text, verdict, rule)


ROWS = list(rows())


def as_json(text):
    """`NAME {ARGUMENTS}` as the text that a client sends; the arguments stay as they are written."""
    name, _, arguments = text.partition(" ")
    return f'{{"execute":{json.dumps(name)}' + (f',"arguments":{arguments}' if arguments else "") + "}"


def send(machine, channel, text):
    if channel == "hmp":
        return machine.send(text, HMP)
    if channel == "wrapped":
        return machine.send(request("human-monitor-command", command_line=text))
    if channel == "agent":
        return answer_of(libvirt_qemu.qemuAgentCommand, machine.domain, as_json(text), AGENT_TIMEOUT, 0)
    return machine.send(as_json(text))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(vm, log, row):
    if row.policy:
        vm.set_policy_text(row.policy)
    answer = send(vm, row.channel, row.text)
    record = log.record()
    assert is_denied(answer) == (row.verdict == "deny"), answer
    assert record.domain == vm.name
    # The record of what is usual to pass does not say by which rule it does.
    assert record.field("rule") == (row.rule if record.kind in SAY_RULE else None)
    if row.verdict in KINDS:
        assert record.kind == KINDS[row.verdict]
    else:
        assert record.kind not in KINDS.values()
    if row.verdict == "warn":
        assert record.level == "warning"


SAMPLE = ROWS[::max(1, len(ROWS) // 80)]


def virsh_words(row, name):
    """The same as an operator types it."""
    if row.channel == "hmp":
        return ["qemu-monitor-command", name, "--hmp", row.text]
    if row.channel == "wrapped":
        return ["qemu-monitor-command", name, request("human-monitor-command", command_line=row.text)]
    if row.channel == "agent":
        return ["qemu-agent-command", name, as_json(row.text), "--timeout", str(AGENT_TIMEOUT)]
    return ["qemu-monitor-command", name, as_json(row.text)]


@pytest.mark.parametrize("row", SAMPLE, ids=str)
def test_row_through_virsh(vm, log, row):
    if row.policy:
        vm.set_policy_text(row.policy)
    done = virsh(*virsh_words(row, vm.name))
    assert ("access denied" in done.stderr) == (row.verdict == "deny"), done.stderr
    assert len(log.records()) == 1


def test_machine_is_sane_after_all(vm):
    assert vm.is_sane()


def test_enough_rows():
    """A table that was not read would have no row that fails."""
    assert len(ROWS) >= 200
    assert len(SAMPLE) >= 60
    for channel in ("qmp", "hmp", "wrapped", "agent"):
        verdicts = {row.verdict == "deny" for row in ROWS if row.channel == channel}
        assert verdicts == {True, False}, channel
