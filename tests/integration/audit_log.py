# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads libvirtd's log: the guard's records in it, and only those that are new."""

import pathlib
import re
from typing import NamedTuple

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: \d+: (debug|info|warning|error) : (.*)", re.DOTALL)
AFTERWARDS = "QMP refused by libvirt"
TIMESTAMP = r"timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


class Record(NamedTuple):
    level: str      # as libvirtd writes it: info, warning, error
    text: str       # `QMP: demo | query-status | ...`

    @property
    def kind(self):
        return self.text.split(":")[0]

    @property
    def domain(self):
        return self.text.split(": ", 1)[1].split(" | ")[0]

    @property
    def command(self):
        return self.text.split(" | ")[1]

    @property
    def passed(self):
        return self.kind != "QMP blocked"

    def field(self, name):
        """The value behind `name=`; None when the record has no such field."""
        for part in self.text.split(" | ")[2:]:
            key, separator, value = part.partition("=")
            if separator and key == name:
                return value
        return None


def encoded(name):
    """How a record writes a name: printable ASCII but for what could look like a part of the line, else \\xHH."""
    return "".join(chr(byte) if 0x20 <= byte <= 0x7e and chr(byte) not in "\\|=:" else f"\\x{byte:02x}"
                   for byte in name.encode())


class AuditLog:
    """What is written to the log after mark(), which every test begins with.

    libvirtd writes a record before it answers the client, so nothing need be waited for.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.offset = 0
        self.mark()

    def mark(self):
        self.offset = self.path.stat().st_size if self.path.exists() else 0
        return self

    def raw(self):
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read()

    def entries(self):
        """Each line as (level, text); a line that is not libvirtd's has the level None."""
        lines = self.raw().decode(errors="surrogateescape").split("\n")
        assert lines.pop() == "", "the log ends in the middle of a line"
        matches = ((line, LINE.fullmatch(line)) for line in lines)
        return [(match[1], match[2]) if match else (None, line) for line, match in matches]

    def records(self):
        """The decisions, and the refusals of claimed identities."""
        return [record for record in self._ours() if record.kind != AFTERWARDS]

    def refused_by_libvirt(self):
        """What passed the guard and then met libvirt's own permissions."""
        return [record for record in self._ours() if record.kind == AFTERWARDS]

    def policies(self):
        """What is said of domains' policies: first seen, changed."""
        return [(level, text) for level, text in self.entries() if text.startswith("domain policy ")]

    def _ours(self):
        return [Record(level, text) for level, text in self.entries() if re.match(r"QMP[ :]", text)]

    def record(self):
        """The one record there is; more, or none, is a failure."""
        records = self.records()
        assert len(records) == 1, f"one record expected: {records}"
        return records[0]

    def messages(self):
        """What the guard says of itself, and libvirtd of anything: all that is no record."""
        return [(level, text) for level, text in self.entries() if not re.match(r"QMP[ :]", text)]
