# SPDX-License-Identifier: LGPL-2.1-or-later
"""One pass over a trail: how many records of each kind, and does the chain hold to the head?"""

import collections
import hashlib
import json


class TrailCount:
    def __init__(self, path):
        self.events = collections.Counter()
        self.size = path.stat().st_size
        self.broken = None      # the number of the first record that does not follow from those before
        self.records = 0
        chain = ""
        with path.open("rb") as file:
            for line in file:
                chain = self._add(line.rstrip(b"\n"), chain)
        head = path.with_name(path.name + ".head").read_text().split()
        if self.broken is None and head != [str(self.records), chain]:
            self.broken = self.records

    def _add(self, line, before):
        record = json.loads(line)
        self.records += 1
        self.events[record["event"]] += 1
        hashed = line[:line.rindex(b',"chain":"')]
        chain = hashlib.sha256(before.encode() + hashed).hexdigest()
        if self.broken is None and (record["seq"], record["chain"]) != (self.records, chain):
            self.broken = self.records
        return record["chain"]
