# SPDX-License-Identifier: LGPL-2.1-or-later
"""An HMP line as QEMU's monitor reads it: monitor/hmp.c, get_command_name() and monitor_parse_arguments().

It reads what a client sent and what QEMU's trace shows; the two must say the same. Numbers are literal ones here: of an
expression nobody but QEMU knows what it comes to, so a line that has one must not pass.
"""

import re
from typing import NamedTuple

from catalogue import ALIASES, COMMANDS
from json_reading import Unreadable

SPACE = b" \t\n\v\f\r"
STRING_MAX = 1023
ESCAPES = {b"n": b"\n", b"r": b"\r", b"\\": b"\\", b"'": b"'", b'"': b'"'}
FORMATS = b"oduxicbhwgL"
_NUMBER = re.compile(rb"0[xX][0-9a-fA-F]+|[0-9]+")


class Line(NamedTuple):
    name: str           # `cont`, `info block`
    arguments: dict     # by QEMU's names, in their order; None: QEMU has no such command
    words: tuple        # of a command that is not known


class Reader:
    def __init__(self, text, args_type):
        self.text = text
        self.at = 0
        self.types = [part.split(":", 1) for part in args_type.split(",") if part]
        self.arguments = {}

    def skip(self):
        while self.peek() and self.peek() in SPACE:
            self.at += 1

    def peek(self):
        return self.text[self.at:self.at + 1]

    def string(self):
        """get_str()"""
        self.skip()
        if not self.peek():
            raise Unreadable("a missing text")
        found = b""
        if self.peek() != b'"':
            while self.peek() and self.peek() not in SPACE:
                found += self.peek()
                self.at += 1
        else:
            self.at += 1
            while self.peek() != b'"':
                if not self.peek():
                    raise Unreadable("no closing quote")
                byte = self.peek()
                if byte == b"\\":
                    self.at += 1
                    byte = ESCAPES.get(self.peek())
                    if byte is None:
                        raise Unreadable("escape")
                found += byte
                self.at += 1
            self.at += 1
        if len(found) > STRING_MAX:
            raise Unreadable("a text that QEMU cuts")
        return found

    def is_left_out(self, kind):
        self.skip()
        return "?" in kind and not self.peek()

    def number(self, kind):
        minus = self.peek() == b"-"
        match = _NUMBER.match(self.text, self.at + minus)
        if not match:
            raise Unreadable("no literal number")
        digits = match[0].decode()
        base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
        try:
            value = int(digits, base)
        except ValueError:
            raise Unreadable("octal") from None
        if value >= 1 << 64:
            raise Unreadable("range")
        self.at = match.end()
        # strtoull() takes it all, and what is negative wraps.
        value = -value if minus else value
        value = (value + (1 << 63)) % (1 << 64) - (1 << 63)
        self.skip()
        if self.peek() and self.peek() in b"+-*/%&|^":
            raise Unreadable("arithmetic")
        if kind[0] == "i" and value >> 32 not in (0,):
            raise Unreadable("more than 32 bits")
        return value << 20 if kind[0] == "M" else value

    def word(self):
        self.skip()
        start = self.at
        while self.peek() and self.peek() not in SPACE:
            self.at += 1
        if self.at == start:
            raise Unreadable("a missing word")
        return self.text[start:self.at]

    def format(self):
        """`/`, a count and letters. None when there is none."""
        self.skip()
        if self.peek() != b"/":
            return None
        word = self.word()
        if re.fullmatch(b"/[0-9]*[" + FORMATS + b"]*", word) is None:
            raise Unreadable("format")
        return word

    def flag(self, kind, later):
        """`-x`, or `-xs` with a text. None when it is not there."""
        self.skip()
        if self.peek() != b"-":
            return None
        letter = self.text[self.at + 1:self.at + 2].decode("latin-1")
        if letter != kind[1]:
            if not any(other[0] == "-" and other[1:2] == letter for other in later):
                raise Unreadable("flag")
            return None
        self.at += 2
        return self.string() if kind[2:3] == "s" else True

    def argument(self, kind, later):
        """One argument by its type; None when it is left out."""
        if kind[0] in "sFB":
            return None if self.is_left_out(kind) else self.string()
        if kind[0] == "O":
            return None if self.is_left_out("?") else self.string()
        if kind[0] == "S":
            if self.is_left_out(kind):
                return None
            rest, self.at = self.text[self.at:], len(self.text)
            if not rest:
                raise Unreadable("a missing text")
            return rest.rstrip(SPACE)       # of those commands none minds blanks at its end
        if kind[0] == "/":
            return self.format()
        if kind[0] == "-":
            return self.flag(kind, later)
        if kind == "i." and (self.skip() or self.peek() != b"."):
            return None
        if kind[0] in "ilM":
            return None if self.is_left_out(kind) else self.number(kind)
        if kind[0] in "oTb":
            return None if self.is_left_out(kind) else self.word()
        raise Unreadable(f"type {kind}")

    def read(self):
        for number, (key, kind) in enumerate(self.types):
            value = self.argument(kind, [other for _, other in self.types[number + 1:]])
            if value is not None:
                self.arguments[key] = value
        self.skip()
        if self.peek():
            raise Unreadable("more at the end")
        return self.arguments


def _take_name(text):
    """get_command_name(): (name, the rest)."""
    text = text.lstrip(SPACE)
    match = re.match(rb"[^ \t\n\v\f\r/]*", text)
    if not match[0]:
        raise Unreadable("no name")
    return match[0].decode("latin-1"), text[match.end():]


def read_line(text):
    """What QEMU makes of @text, bytes. Raises Unreadable when it would refuse it, or when that is not known here."""
    name, rest = _take_name(text)
    name = ALIASES.get(name, name)
    if name == "info" and rest.strip(SPACE):
        sub, rest = _take_name(rest)
        name = f"info {sub}"
    command = COMMANDS.get(("hmp", name))
    if command is None:
        return Line(name, None, tuple(rest.split()))
    if name == "info":
        return Line(name, {}, ())
    return Line(name, Reader(rest, command.args_type).read(), ())
