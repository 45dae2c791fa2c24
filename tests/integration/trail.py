# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads a lab's audit trail: the records in it that are new, and whether their chain holds."""

import hashlib
import json


class Trail:
    """What was written after mark(). A record is there before libvirt goes on, so nothing need be waited for."""

    def __init__(self, directory):
        """@directory is the lab's."""
        self.path = directory / "var/log/libvirt/qmp-guard/audit.log"
        self.mark()

    def mark(self):
        self.offset = self.path.stat().st_size if self.path.is_file() else 0
        return self

    def lines(self):
        if not self.path.is_file():
            return []
        return self.path.read_bytes()[self.offset:].decode().split("\n")[:-1]

    def records(self, *events):
        """Of these events; of any, if none is named."""
        found = [json.loads(line) for line in self.lines()]
        return [record for record in found if not events or record["event"] in events]

    def starts(self, domain=None, **wanted):
        """What the hook recorded: of a domain, if one is named, and with these members."""
        return [record for record in self.records("start") if domain in (None, record["domain"]) and
                all(record.get(key) == value for key, value in wanted.items())]

    def findings(self, domain):
        """(verdict, finding) of each; a start that passes has no finding."""
        return [(record["verdict"], record.get("finding")) for record in self.starts(domain)]


def assert_chained(*paths):
    """Computes the chain anew, from the first of the files to the last; returns the number of records."""
    chain, seq = "", 0
    for path in paths:
        for line in path.read_bytes().splitlines():
            record = json.loads(line)
            seq += 1
            hashed = line[:line.rindex(b',"chain":"')]
            chain = hashlib.sha256(chain.encode() + hashed).hexdigest()
            assert (record["seq"], record["chain"]) == (seq, chain), line
    return seq
