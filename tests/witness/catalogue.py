# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands, read from the catalogue's table: what the generator knows by name."""

import pathlib
from typing import NamedTuple

REPO = pathlib.Path(__file__).resolve().parents[2]
TABLE = REPO / "src/catalog/commands.table"


class Command(NamedTuple):
    channel: str
    name: str
    groups: frozenset
    marks: tuple
    args_type: str      # HMP: QEMU's own description of the arguments


def read_table():
    """The commands by (channel, name)."""
    commands = {}
    for line in TABLE.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")] + [""] * 9
        command = Command(fields[0], fields[1], frozenset(fields[3].split(",")), tuple(fields[6].split()), fields[8])
        commands[command.channel, command.name] = command
    return commands


COMMANDS = read_table()

# HMP's second names: {"c": "cont"}.
ALIASES = {mark.removeprefix("alias="): command.name for command in COMMANDS.values() if command.channel == "hmp"
           for mark in command.marks if mark.startswith("alias=")}


def names(channel):
    return [name for of, name in COMMANDS if of == channel]


def is_only_reading(channel, name):
    """Whether the table calls it a query, whatever its arguments."""
    command = COMMANDS.get((channel, name))
    return command is not None and "@query" in command.groups
