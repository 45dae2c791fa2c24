# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guard that is compared with the model: build/tests/model/ask, spoken to in batches."""
import json
import subprocess

import model


class ReadDifferently(Exception):
    """A text became other operations than the model makes of it, or such of another class or groups."""


class Batch:
    """What asks of one batch refer to by number. Texts that the guard cannot read have no operations."""

    def __init__(self, guard, requests, callers):
        self.requests, self.callers = requests, callers
        read = guard.say({"requests": requests, "callers": callers})["requests"]
        self.operations = [self._operations(*request, answer) for request, answer in zip(requests, read)]
        self.readable = [number for number, operations in enumerate(self.operations) if operations]

    @staticmethod
    def _operations(channel, text, answer):
        if "operations" not in answer:
            return None
        operations = model.operations_of(channel, text, answer["operations"])
        ours = [(operation.channel, operation.name, operation.expanded, operation.command_class, operation.groups)
                for operation in operations]
        theirs = [(read["channel"], read["name"], read["expanded"] or read["arguments"] or {}, read["class"],
                   set(read["groups"]))
                  for read in answer["operations"]]
        if ours != theirs:
            raise ReadDifferently(f"model and guard read differently: {channel} {text}\n model {ours}\n guard {theirs}")
        return operations


class Guard:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("ask died")
        return json.loads(answer)

    def judge(self, case, asks):
        """The answers, [verdict, rule] for each ask; or the name of the policy that is invalid."""
        answer = self.say({**case, case["way"] or "plain": True, "asks": asks})
        return answer.get("answers") or answer["error"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
