# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a text asks for, by a reading that shares nothing with the guard's: Python's json, and the limits of
docs/security.md.

Stricter than the guard it must not be, nor more generous: each difference is one that the run reports.
"""

import json
import math
import re
from typing import NamedTuple

QMP_BYTES = 1 << 20
AGENT_BYTES = 4 << 20
TOKENS = 65536
DEPTH = 32
KEY_BYTES = 255
NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
ACTIONS = 256
JSON_NAMES = 4      # a json: name in a json: name in ...

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(r'[][{}:,]|[^][{}:,\s]+')


class Unreadable(Exception):
    """The text is not one that may pass."""


class Request(NamedTuple):
    command: str
    arguments: dict     # None: the text has none

    def actions(self):
        """(type, data) of each action of a transaction."""
        if self.command != "transaction":
            return []
        return [(action["type"], action.get("data", {})) for action in self.arguments["actions"]]


def _check_string(text):
    for character in text:
        code = ord(character)
        if code == 0 or 0xd800 <= code < 0xe000 or 0xfdd0 <= code < 0xfdf0 or code & 0xfffe == 0xfffe:
            raise Unreadable(f"U+{code:04X}")


def _integer(text):
    # Python takes up to 4300 digits; nothing of more than 20 fits.
    if len(text) > 20 or not -(1 << 63) <= int(text) < 1 << 64:
        raise Unreadable("no 64-bit integer")
    return int(text)


def _real(text):
    if re.match(r"-?0[eE]", text):
        raise Unreadable("0 with an exponent")
    if not math.isfinite(float(text)):
        raise Unreadable("infinite")
    return float(text)


def _constant(text):
    raise Unreadable(text)


def _object(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise Unreadable("a key comes twice")
        _check_string(key)
        if len(key.encode()) > KEY_BYTES:
            raise Unreadable("a long key")
        found[key] = value
    return found


def _check_strings(value):
    if isinstance(value, str):
        _check_string(value)
    elif isinstance(value, dict):
        for member in value.values():
            _check_strings(member)
    elif isinstance(value, list):
        for member in value:
            _check_strings(member)


def _check_size(text):
    """Depth and tokens, without strings: what is nested too deep would end Python's own reader."""
    bare = _STRING.sub("s", text)
    depth = 0
    for bracket in re.findall(r"[][{}]", bare):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH:
            raise Unreadable("too deep")
    if len(bare) > TOKENS and len(_TOKEN.findall(bare)) > TOKENS:
        raise Unreadable("too many tokens")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_real,
                            parse_constant=_constant)


def read_document(text):
    """The object that @text, bytes, is. Raises Unreadable."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(str(error)) from None
    _check_size(decoded)
    # Python's strings may hold U+007F; ours may only as an escape.
    if "\x7f" in decoded:
        raise Unreadable("U+007F")
    try:
        document = _DECODER.decode(decoded)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    if not isinstance(document, dict):
        raise Unreadable("no object")
    _check_strings(document)
    return document


def _check_json_names(value, left=JSON_NAMES):
    """A text that begins with json: stands for an object in QEMU's block layer, and must be one."""
    if isinstance(value, str) and value.startswith("json:"):
        if not left:
            raise Unreadable("json: too deep")
        _check_json_names(read_document(value.removeprefix("json:").encode()), left - 1)
    elif isinstance(value, dict):
        for member in value.values():
            _check_json_names(member, left)
    elif isinstance(value, list):
        for member in value:
            _check_json_names(member, left)


def _check_actions(request):
    actions = (request.arguments or {}).get("actions")
    if not isinstance(actions, list) or len(actions) > ACTIONS:
        raise Unreadable("actions")
    for action in actions:
        if (not isinstance(action, dict) or not isinstance(action.get("type"), str)
                or not NAME.fullmatch(action["type"]) or not isinstance(action.get("data", {}), dict)):
            raise Unreadable("action")


def read_request(text, channel="qmp"):
    """What @text, bytes, asks for. Raises Unreadable when it must not pass. @channel: qmp or agent."""
    if len(text) > (QMP_BYTES if channel == "qmp" else AGENT_BYTES):
        raise Unreadable("too large")
    document = read_document(text)
    if not document.keys() <= {"execute", "arguments"} or not isinstance(document.get("execute"), str):
        raise Unreadable("envelope")
    if not NAME.fullmatch(document["execute"]):
        raise Unreadable("name")
    if not isinstance(document.get("arguments", {}), dict):
        raise Unreadable("arguments")
    request = Request(document["execute"], document.get("arguments"))
    if channel == "qmp":
        _check_json_names(request.arguments)
        if request.command == "transaction":
            _check_actions(request)
    return request
