# SPDX-License-Identifier: LGPL-2.1-or-later
"""Audit records that nobody's daemon wrote, and what policy replay says of records."""

import json

from clients import qmp_guard

YES, NO, UNSURE = 0, 1, 2

HMP = {"channel": "hmp", "command": "human-monitor-command", "class": "dangerous", "rule": "domain:x#1"}
DUMP = '<argument name="filename" match="/dump/*"/>'
SCREENDUMP = {"command": "screendump", "class": "privileged", "groups": ["@host-file-write", "@privileged", "@known"],
              "verdict": "warn", "parameters": ["filename"]}
MIGRATE = {"command": "migrate", "class": "privileged", "groups": ["@migration", "@privileged", "@known"],
           "verdict": "warn", "parameters": ["uri"]}
GRANTED = {"command": "inject-nmi", "class": "dangerous", "groups": ["@dangerous", "@known"], "verdict": "grant",
           "rule": "baseline:@dangerous", "grants": [{"grant": "0a1b2c3d", "taken": 1, "left": 0, "reason": "x"}]}


def write_records(path, changes):
    """Writes records into the file: each a decision with what is given over a usual one."""
    with path.open("w", encoding="utf-8") as file:
        for seq, change in enumerate(changes, 1):
            record = {"time": f"2026-11-21T10:00:00.{seq:06d}Z", "event": "decision", "domain": "demo",
                      "user": "alice", "channel": "qmp", "command": "query-status", "verdict": "allow",
                      "rule": "baseline:@safe", "who": {"user": change.get("user", "alice")},
                      "policy": "none", "host-policy": "a" * 64}
            record |= change | {"seq": seq, "chain": "0" * 64}
            file.write(json.dumps({name: value for name, value in record.items() if value is not None},
                                  separators=(",", ":")) + "\n")


def replay(file, *words):
    done = qmp_guard("policy", "replay", "--json", file, *words)
    answer = json.loads(done.stdout) if done.stdout else {"changes": [], "total": {}}
    changes = [(row["channel"], row["command"], row["was"], row["would-be"]) for row in answer["changes"]]
    return done.returncode, changes, answer["total"]
