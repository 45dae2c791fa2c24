# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the witnesses say: QEMU's trace, and the log of the guest's agent.

QEMU, with the events of TRACE, writes a line for each message that its JSON reader finds (`handle_qmp_command`, and
`monitor_qmp_err_in_band` for each that it cannot read), one when a command's arguments are accepted and it begins
(`qmp_enter_NAME`), and one for each HMP line. The agent's log has the bytes that it read, and a line for each message
that its JSON reader made of them.
"""

import json
import re
from typing import NamedTuple

import libvirt

TRACE = ["qmp_enter_*", "handle_hmp_command", "handle_qmp_command", "monitor_qmp_err_in_band"]

# What libvirt itself sends to a QEMU that runs, by itself: after each reset of the machine. (Found by an idle run, and
# by one that sends each command by itself: docs/witness.md.) By the first version that was seen to send it.
_OF_VERSIONS = [
    (12_008_000, [("qom-list", {"path": "/machine/peripheral"}), ("query-block", {"flat": True})]),
    (0, [("qom-list", {"path": "/machine/peripheral"}), ("query-block", {})]),
]
OF_LIBVIRT = next(sent for version, sent in _OF_VERSIONS if libvirt.getVersion() >= version)

# QEMU has hand-written readers for these, without an event.
WITHOUT_ENTRY = {"device_add", "query-qmp-schema", "netdev_add", "object-add"}

# What a line begins with: the process and the time; or, since QEMU 10, the time alone, as libvirt tells it to.
_BEGIN = rb"(?:\d+@\d+\.\d{6}:|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z )"
_LINE = re.compile(_BEGIN + rb"(?:handle_qmp_command mon 0x[0-9a-f]+ req: (?P<request>.*)"
                   rb"|qmp_enter_(?P<entered>\w+) (?P<arguments>.*)"
                   rb"|handle_hmp_command mon 0x[0-9a-f]+ cmdline: (?P<line>.*)"
                   rb"|monitor_qmp_err_in_band (?P<error>.*))", re.DOTALL)


class Contradiction(Exception):
    """The witness says what cannot be, or what the records do not say."""


class Message(NamedTuple):
    """One that QEMU, or the agent, read."""
    command: str
    arguments: dict
    number: int         # libvirt's for it; None: it numbers none for the agent
    is_entered: bool    # its arguments were accepted
    line: bytes         # what HMP was given; None


def _object(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Contradiction(f"a key comes twice: {pairs!r:.200}")
    return found


def _json(text):
    try:
        return json.loads(text.decode("ascii"), object_pairs_hook=_object)
    except ValueError as error:
        raise Contradiction(f"QEMU's trace is no JSON: {text!r:.200}: {error}") from None


def _message(text):
    request = _json(text)
    number = re.fullmatch(r"libvirt-(\d+)", str(request.get("id")))
    if not request.keys() <= {"execute", "arguments", "id"} or not number:
        raise Contradiction(f"a message that libvirt's own sending cannot have made: {text!r:.300}")
    return Message(request["execute"], request.get("arguments", {}), int(number[1]), False, None)


def read_trace(text):
    """The messages of a part of QEMU's trace, which begins and ends between two of them."""
    messages = []
    for line in text.split(b"\n")[:-1]:
        match = _LINE.fullmatch(line)
        if not match:
            raise Contradiction(f"a line of the trace is none of QEMU's: {line!r:.300}")
        last = messages[-1] if messages else None
        if match["request"] is not None:
            messages.append(_message(match["request"]))
        elif match["error"] is not None:
            raise Contradiction(f"QEMU read what is no JSON: {match['error']!r:.300}")
        elif match["entered"] is not None:
            if (not last or last.is_entered or match["entered"].decode() != re.sub(r"[-.]", "_", last.command)
                    or _json(match["arguments"]) != last.arguments):
                raise Contradiction(f"QEMU executes what it was not sent last: {line!r:.300}")
            messages[-1] = last._replace(is_entered=True)
        else:
            if not last or not last.is_entered or last.command != "human-monitor-command" or last.line is not None:
                raise Contradiction(f"an HMP line out of its place: {line!r:.300}")
            messages[-1] = last._replace(line=match["line"])
    if not text.endswith(b"\n") and text:
        raise Contradiction(f"the trace ends in the middle of a line: {text[-200:]!r}")
    return messages


def is_own_begun(text):
    """Whether a part of QEMU's trace ends inside a line, or with what libvirt sends by itself: QEMU always begins it."""
    if not text.endswith(b"\n"):
        return text != b""
    match = _LINE.fullmatch(text[text.rfind(b"\n", 0, -1) + 1:-1])
    if not match or match["request"] is None:
        return False
    request = _json(match["request"])
    return (request.get("execute"), request.get("arguments", {})) in OF_LIBVIRT


_CHUNK = re.compile(rb": debug: read data, count: (\d+), data: ")
_PROCESSED = b": debug: process_event: called\n"


def read_agent_log(text):
    """The messages in a part of the agent's log."""
    stream, at, processed = b"", 0, 0
    while match := _CHUNK.search(text, at):
        processed += text.count(_PROCESSED, at, match.start())
        end = match.end() + int(match[1])
        stream += text[match.end():end]
        at = end
    processed += text.count(_PROCESSED, at)
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    try:
        messages, at, stream = [], 0, stream.decode()
    except UnicodeDecodeError as error:
        raise Contradiction(f"the agent was sent what is no UTF-8: {error}") from None
    while stream[at:].strip():
        at += len(stream[at:]) - len(stream[at:].lstrip("\n"))
        try:
            request, at = decoder.raw_decode(stream, at)
        except ValueError as error:
            raise Contradiction(f"the agent was sent what is no JSON: {stream[at:at + 200]!r}: {error}") from None
        if not isinstance(request, dict) or not request.keys() <= {"execute", "arguments"}:
            raise Contradiction(f"the agent was sent what is no command: {request!r:.300}")
        messages.append(Message(request["execute"], request.get("arguments", {}), None, True, None))
    if processed != len(messages):
        raise Contradiction(f"the agent made {processed} messages of what are {len(messages)}")
    return messages


def is_same(wanted, seen):
    """Whether QEMU read what a text says. It keeps 64-bit integers; a real number may be printed as a whole one."""
    if isinstance(wanted, float):
        return isinstance(seen, (int, float)) and not isinstance(seen, bool) and float(seen) == wanted
    if type(wanted) is not type(seen):
        return False
    if isinstance(wanted, dict):
        return wanted.keys() == seen.keys() and all(is_same(wanted[key], seen[key]) for key in wanted)
    if isinstance(wanted, list):
        return len(wanted) == len(seen) and all(map(is_same, wanted, seen))
    return wanted == seen
