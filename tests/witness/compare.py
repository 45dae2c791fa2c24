# SPDX-License-Identifier: LGPL-2.1-or-later
"""Three accounts of the same texts, and whether they agree: the client's, the audit trail's, the witness's.

Each text has a record with its digest and size; what passed by that record and this folder's own reading of the text
is, one by one and in order, what the witness read; nothing else did it read but what libvirt sends by itself.
"""

import hashlib
import re
from typing import NamedTuple

import hmp_reading
import json_reading
import policies
from json_reading import Unreadable
from testimony import OF_LIBVIRT, WITHOUT_ENTRY, Contradiction, is_same

DENIED = 88     # VIR_ERR_ACCESS_DENIED


class Text(NamedTuple):
    """What a client sends."""
    channel: str        # qmp, hmp or agent
    data: bytes
    fds: int = 0
    is_raw: bool = False    # by the wire protocol itself: it holds a NUL

    def seen(self):
        """What libvirt makes of it: C ends at a NUL."""
        return self.data.split(b"\0", 1)[0]


class Sent(NamedTuple):
    """And what it got."""
    text: Text
    error: int      # libvirt's code; 0: an answer
    message: str

    def is_agents_error(self):
        return "unable to execute QEMU agent command" in self.message


def encoded(name):
    """How a record writes a name."""
    return "".join(chr(byte) if 0x20 <= byte <= 0x7e and byte != 0x5c else f"\\x{byte:02x}" for byte in name.encode())


def _check_names(record, member, wanted):
    names = record.get(member, [])
    wanted = [encoded(name) for name in wanted]
    if names[-1:] == ["..."] and len(names) <= len(wanted):     # too long for a record
        names = names[:-1]
        wanted = wanted[:len(names)]
    if names != wanted:
        raise Contradiction(f"the record's {member} are {names!r:.300}, the text's {wanted!r:.300}")


def _check_record(sent, record, is_last):
    """Is it the record of this text, and does the client say the same?"""
    seen = sent.text.seen()
    if record["text"] != hashlib.sha256(seen).hexdigest() or record["bytes"] != len(seen):
        raise Contradiction(f"a record that is none of this text: {record!r:.400}")
    if record["channel"] != sent.text.channel and record.get("command") != "human-monitor-command":
        raise Contradiction(f"the channel is {sent.text.channel}, recorded is {record['channel']}")
    if (record["verdict"] == "deny") != (sent.error == DENIED) and not is_last:
        raise Contradiction(f"verdict {record['verdict']}, but the client got error {sent.error}: {sent.message}")


def _wanted_of_line(line, record, witness_line):
    """Whether QEMU's own reading of the line it was given is its reading of the client's."""
    wanted = hmp_reading.read_line(line)
    try:
        got = hmp_reading.read_line(witness_line)
    except Unreadable as error:
        raise Contradiction(f"QEMU was given the line {witness_line!r:.300}, which it refuses: {error}") from None
    if wanted != got:
        raise Contradiction(f"the client's line is {wanted!r:.300}, QEMU's is {got!r:.300}")
    # It is the line rebuilt, not the client's own: the true name first, single blanks, nothing that ends a line.
    if not re.match(re.escape(wanted.name.encode("latin-1")) + rb"( [^ ]|$)", witness_line) or \
            re.search(rb"[\t\n\v\f\r\0]| $", witness_line):
        raise Contradiction(f"the line was not rebuilt: {witness_line!r:.300}")
    if record["hmp"] != wanted.name:
        raise Contradiction(f"recorded is the HMP command {record['hmp']}, executed {wanted.name}")
    if wanted.arguments is not None and wanted.name != "info":
        _check_names(record, "parameters", wanted.arguments)
    return ("hmp", wanted.name, wanted.arguments)


def _operations(sent, record, message):
    """Checks one text against what the witness read; returns what it was: [(channel, name, arguments), ...]."""
    text = sent.text
    if text.channel == "hmp":
        if message.command != "human-monitor-command" or message.arguments.keys() != {"command-line"}:
            raise Contradiction(f"an HMP line became {message!r:.300}")
        return [_wanted_of_line(text.seen(), record, message.arguments["command-line"].encode())]
    request = json_reading.read_request(text.seen(), text.channel)
    wanted = dict(request.arguments or {})
    got = dict(message.arguments)
    operations = []
    if text.channel == "qmp" and request.command == "human-monitor-command":
        line, rebuilt = wanted.pop("command-line"), got.pop("command-line", None)
        if not isinstance(line, str) or not isinstance(rebuilt, str):
            raise Contradiction("an HMP line that is no text")
        operations.append(_wanted_of_line(line.encode(), record, rebuilt.encode()))
    else:
        _check_names(record, "parameters", wanted)
        if text.channel == "qmp":
            _check_names(record, "parts", [name for name, _ in request.actions()])
        operations.append((text.channel, request.command, wanted))
        operations += [("qmp", name, data) for name, data in request.actions()]
    if message.command != request.command or not is_same(wanted, got):
        raise Contradiction(f"the text says {request.command} {wanted!r:.300}, "
                            f"the witness {message.command} {got!r:.300}")
    if record["command"] != request.command:
        raise Contradiction(f"recorded is {record['command']}, executed {request.command}")
    return operations


def _check_entry(outcome, message):
    """What QEMU answered and what it did."""
    if message.command == "human-monitor-command" and message.is_entered:
        # There is no CPU of that number: an error before the line is looked at.
        is_left = message.line is None and "cpu-index" in message.arguments and outcome["result"] != "success"
        line = (message.line or b"").decode("utf-8", "replace")
        if not is_left and line != message.arguments.get("command-line"):
            raise Contradiction(f"HMP was given {message.line!r:.300}, the message has {message.arguments!r:.300}")
    if outcome["result"] == "success" and not message.is_entered and message.command not in WITHOUT_ENTRY:
        raise Contradiction(f"{message.command} succeeded, and QEMU did not execute it")


def _is_own(message, channel):
    """Whether libvirt sends that by itself."""
    if channel == "agent":
        return message.command == "guest-sync" and message.arguments.keys() == {"id"} and \
            isinstance(message.arguments["id"], int) and message.arguments["id"] > 1 << 40
    return any(message.command == command and message.arguments == arguments for command, arguments in OF_LIBVIRT)


def check_passed(policy, passed, message):
    """One text that passed."""
    try:
        operations = _operations(passed.sent, passed.record, message)
    except Unreadable as error:
        raise Contradiction(f"passed, and is none that may: {error}") from None
    _check_entry(passed.outcome, message)
    for operation in operations:
        if not policies.permits(policy, *operation):
            raise Contradiction(f"policy {policy} does not permit {operation!r:.300}")


def check_refused(sent, record):
    """One that did not: when it was not read, this folder's own reading must know why."""
    if record["rule"] != "request:unreadable" or sent.text.channel == "hmp":
        return
    try:
        request = json_reading.read_request(sent.text.seen(), sent.text.channel)
    except Unreadable:
        return
    if request.command != "human-monitor-command" or sent.text.channel == "agent":
        raise Contradiction(f"refused as unreadable ({record['reason']}), and reads well: {request!r:.300}")


class Place(Contradiction):
    """A contradiction, and which of the texts it is about."""

    def __init__(self, number, why):
        super().__init__(str(why))
        self.number = number


class Passed(NamedTuple):
    """A text that passed by its record, and so must be with the witness."""
    number: int
    sent: Sent
    record: dict
    outcome: dict


def _in_order_of(decisions, all_sent):
    """What several clients sent at once, in the order in which it was recorded."""
    waiting = {}
    for sent in all_sent:
        waiting.setdefault(hashlib.sha256(sent.text.seen()).hexdigest(), []).append(sent)
    found = []
    for record in decisions:
        same = waiting.get(record["text"])
        if not same:
            raise Place(len(found), f"a record of what was not sent, or sent once: {record!r:.400}")
        # The same bytes may have gone to two channels, and with a descriptor and without.
        found.append(max(same, key=lambda sent: (sent.text.channel == record["channel"],
                                                 (sent.error == DENIED) == (record["verdict"] == "deny"))))
        same.remove(found[-1])
    if any(waiting.values()):
        raise Place(0, f"texts without a record: {waiting!r:.400}")
    return found


def _check_decisions(decisions, outcomes, all_sent, last_words):
    """Of each text its record. Returns what passed. @last_words: these may have met a QEMU that ended."""
    passed = []
    for number, sent in enumerate(all_sent):
        if number >= len(decisions):
            raise Place(number, "a text without a record")
        record = decisions[number]
        outcome = outcomes.get(record["id"])
        is_last = sent.text in last_words
        try:
            _check_record(sent, record, is_last)
            if record["verdict"] == "deny":
                if outcome:
                    raise Contradiction("refused, and has an outcome")
                check_refused(sent, record)
                continue
            if is_last and (not outcome or outcome["result"] == "failure"):
                outcome = {"result": "died"}
            if not outcome:
                raise Contradiction("passed, and has no outcome")
            if outcome["result"] == "failure" and not sent.is_agents_error():
                raise Contradiction(f"libvirt itself failed: {outcome['error']}, {sent.message}")
        except Contradiction as error:
            raise Place(number, error) from None
        passed.append(Passed(number, sent, record, outcome))
    if len(decisions) > len(all_sent):
        raise Place(len(all_sent) - 1, f"a record of what was not sent: {decisions[len(all_sent)]!r:.400}")
    return passed


def _check_messages(policy, passed, messages, channel, clients, counts):
    """That the witness read these, and in order: only what @clients at once had sent may change places."""
    left = list(passed)
    for message in messages:
        match = next((each for each in left[:clients] if _matches(policy, each, message)), None)
        if match:
            left.remove(match)
            counts["passed"] += 1
            counts["executed"] += message.is_entered
        elif _is_own(message, channel):
            counts["own"] += 1
        elif left:
            try:
                check_passed(policy, left[0], message)
            except Contradiction as error:
                raise Place(left[0].number, error) from None
        else:
            raise Place(passed[-1].number if passed else 0, f"in no record: {message!r:.400}")
    for each in left:
        if each.outcome["result"] != "died":
            raise Place(each.number, f"recorded as passed ({each.record['command']}), the witness knows nothing of it")


def check_batch(policy, all_sent, records, messages, clients=1, last_words=()):
    """@records: the trail's of this machine. @messages: the witness's. @clients sent them at once.

    @last_words: when QEMU ended, the text that each of them sent last.

    Returns counts; raises Place.
    """
    decisions = [record for record in records if record["event"] == "decision"]
    outcomes = {record["id"]: record for record in records if record["event"] == "outcome"}
    if other := {record["event"] for record in records} - {"decision", "outcome", "policy"}:
        raise Place(0, f"records that were not expected: {other}")
    if clients > 1:
        all_sent = _in_order_of(decisions, all_sent)
    passed = _check_decisions(decisions, outcomes, all_sent, last_words)
    counts = {"texts": len(all_sent), "refused": len(all_sent) - len(passed), "passed": 0, "executed": 0, "own": 0}
    channel = "agent" if all_sent and all_sent[0].text.channel == "agent" else "qmp"
    _check_messages(policy, passed, messages, channel, clients, counts)
    return counts


def _matches(policy, passed, message):
    try:
        check_passed(policy, passed, message)
    except Contradiction:
        return False
    return True


def check_numbers(messages, last):
    """libvirt numbers what it sends: no number is missing. Returns the last."""
    for message in messages:
        if None not in (last, message.number) and message.number != last + 1:
            raise Contradiction(f"between libvirt's messages {last} and {message.number} are others")
        last = message.number
    return last
