# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon and the helper are killed and the clock is set, anywhere in what they do, while grants are used.

Whatever was lost by that, no grant is used more often than it was given, nor when it should not count. Grant N is one
of the HMP line `print N`, so that QEMU, too, says which was used. QMP_GUARD_SEED=N repeats a run's choices.
"""

import contextlib
import datetime
import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from grant_user import now
from machines import WitnessedMachine, policy
from second_lab import SecondLab
from slow_store import slow_store
from test_grant_command import ALICE, BOB

DAEMON_KILLS, HELPER_KILLS, JUMPS = 66, 70, 64
USERS = ["alice", "bob", "root"]
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
YEAR = 365 * 24 * 3600
CLIENT = pathlib.Path(__file__).with_name("grant_user.py")
PATIENCE = 5            # seconds: more than a helper's run takes


@dataclass
class Grant:
    """What is known of one, whoever was killed meanwhile. Times are of the clock that grants go by."""
    number: int
    uses: int
    user: str                   # whom it is for; "" for anybody
    id: str = ""                # empty: the helper was killed before it told
    given: float = math.inf
    ends: float = math.inf      # by now at the latest
    confirming: float = math.inf
    revoked: float = math.inf   # by now at the latest


class Clock:
    """CLOCK_REALTIME of the lab's daemon and its helper, and no other clock of theirs."""

    def __init__(self, lab):
        self.lab = lab
        self.file = lab.directory / "clock"
        self.offset = 0
        self.variables = [f"FAKETIME_TIMESTAMP_FILE={self.file}", "FAKETIME_NO_CACHE=1",
                          "FAKETIME_DONT_FAKE_MONOTONIC=1"]
        self.set(0)

    def set(self, offset):
        self.offset = offset
        new = self.file.with_name("clock.new")
        new.write_text(f"{offset:+d}\n")
        new.rename(self.file)


class Trial:
    def __init__(self, lab, machine, chance):
        self.lab, self.machine, self.chance = lab, machine, chance
        self.clock = Clock(lab)
        self.grants = {}
        self.seen = {}          # by the grant's id: (left, whether it is over) as last listed
        self.plan = lab.file("plan", "1")
        self.kills = []         # when the daemon was killed
        self.cut_short = Counter()
        self.libraries = [slow_store(lab.directory), FAKETIME]
        lab.preload(lab.guard, *self.libraries)
        lab.daemon("restart", self.clock.variables)

    def helper(self, *words, sudo=ALICE, patience=None):
        """Runs the helper, killed after so many seconds; what it printed, None when it did not come to its end."""
        limit = ["timeout", "-s", "KILL", f"{patience:.4f}"] if patience else []
        libraries = ":".join(map(str, self.libraries))
        done = self.lab.run(*limit, "env", f"LD_PRELOAD={libraries}", *self.clock.variables, f"SUDO_UID={sudo}",
                            "virt-qmp-guard", "-c", "qemu:///system", *map(str, words), "--json")
        if done.returncode in (137, -9):
            self.cut_short[words[0]] += 1
            return None
        assert patience or done.returncode == 0, (words, done.stderr)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def give(self, patience=None):
        chance, number = self.chance, len(self.grants) + 1
        seconds = chance.choice([1, 2, 600])
        made = self.grants[number] = Grant(number, chance.randint(1, 12), chance.choice(["", "alice", "bob"]),
                                           given=now())
        told = self.helper("grant", self.machine.name, "--hmp", "--command", f"print {number}", "--uses", made.uses,
                           "--for", f"{seconds}s", "--reason", "survives",
                           *(["--user", made.user] if made.user else []), patience=patience)
        made.id = told["grant"] if told else ""
        made.ends = now() + seconds
        self.plan.with_name("plan.new").write_text(str(number))
        self.plan.with_name("plan.new").rename(self.plan)
        return made

    def rows(self, **kwargs):
        """What is listed; and nothing in it goes back."""
        rows = self.helper("grants", "--all", **kwargs)
        for row in rows or []:
            left, was_over = self.seen.get(row["grant"], (row["uses"], False))
            is_over = row["state"] in ("spent", "expired", "revoked", "ended")
            assert row["left"] <= left and is_over >= was_over, f"revived: {row}"
            self.seen[row["grant"]] = row["left"], is_over
        return rows

    def find(self, made):
        """Its ID; None when the helper was killed before it was given."""
        if not made.id:
            made.id = next((row["grant"] for row in self.rows() if row["command"] == f"print {made.number}"), "")
        return made.id

    def confirm(self, made, patience=None):
        if self.find(made):
            made.confirming = min(made.confirming, now())
            # It may be over by now, or confirmed by one who was killed thereafter.
            self.helper("confirm", made.id, sudo=BOB, patience=patience or PATIENCE)

    def revoke(self, made, patience=None):
        if self.find(made):
            self.helper("revoke", made.id, patience=patience or PATIENCE)
            if any(row["grant"] == made.id and row["state"] == "revoked" for row in self.rows()):
                made.revoked = min(made.revoked, now())

    def pause(self, most):
        time.sleep(self.chance.uniform(0, most))

    def kill_daemon(self):
        self.confirm(self.give())
        self.pause(0.04)
        self.kills.append(now())
        self.lab.kill_daemon()
        self.lab.daemon("start", self.clock.variables)
        self.pause(0.04)

    def kill_helper(self):
        made = self.give() if (action := self.chance.choice(["give", "confirm", "revoke", "list"])) != "give" else None
        if action in ("revoke", "list"):
            self.confirm(made)
        patience = self.chance.uniform(0.001, 0.03)
        if made is None:
            made = self.give(patience)
        elif action == "list":
            self.rows(patience=patience)
        else:
            getattr(self, action)(made, patience)
        self.confirm(made)
        if self.chance.random() < 0.3:
            self.revoke(made)

    def jump(self):
        made = self.give()
        self.confirm(made)
        self.pause(0.02)
        self.clock.set(self.chance.choice([-1, 1]) * self.chance.choice([7200, 30 * 3600, YEAR, 20 * YEAR]))
        self.lab.trail.mark()
        self.lab.virsh("qemu-monitor-command", self.machine.name, "--hmp", "print 0")
        told = [record["time"] for record in self.lab.trail.records("decision") if record["user"] == "root"][-1]
        off = datetime.datetime.fromisoformat(told.replace("Z", "+00:00")).timestamp() - time.time()
        assert abs(off - self.clock.offset) < 5, f"the daemon's clock was not set: {told}"
        self.pause(0.03)
        if self.chance.random() < 0.3:
            self.revoke(made)


@pytest.fixture
def trial(in_lab, tmp_path_factory):
    seed = int(os.environ.get("QMP_GUARD_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"QMP_GUARD_SEED={seed}")
    lab = SecondLab()
    try:
        lab.set_host_policy(policy("<delegate/>", confirm="@dangerous"))
        machine = WitnessedMachine(lab.connect(), tmp_path_factory.mktemp("trace"))
        yield Trial(lab, machine, random.Random(seed))
    finally:
        lab.close()


@contextlib.contextmanager
def clients(trial, directory):
    """Clients of each user, at work; afterwards: (user, number, start, end, result) of what was not denied."""
    found, running = [], []
    trial.give()
    for index, user in enumerate(USERS):
        output = open(directory / user, "w+", encoding="ascii")
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", sys.executable, str(CLIENT),
                   trial.lab.uri, trial.machine.name, str(trial.plan), str(index)]
        running.append((user, output, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output)))
    try:
        yield found
    finally:
        for *_, process in running:
            process.stdin.close()
        for user, output, process in running:
            process.wait(timeout=60)
            output.seek(0)
            found.extend((user, *json.loads(line)) for line in output)
            output.close()


def decided(trail):
    """By the grant's number: what was taken of it, and what was left each time; and the steps that are on record."""
    numbers, left, steps = {}, {}, {}
    for record in map(json.loads, trail.path.read_text().splitlines()):
        if record["event"] == "grant":
            numbers[record["grant"]] = number = int(record["command"].split()[1])
            steps.setdefault(number, []).append(record["step"])
        for use in record.get("grants", []):
            assert use["taken"] == 1 and record["verdict"] == "grant"
            left.setdefault(numbers[use["grant"]], []).append(use["left"])
    return left, steps


def assert_not_too_often(trial, passed, left, rows):
    """Clients that got an answer, QEMU, the trail and the store: each knows of as many as the one before, or more."""
    answered = Counter(number for _, number, *_ in passed)
    executed = Counter(int(match[1]) for line in trial.machine.executed()
                       if (match := re.fullmatch(r"hmp: print (\d+)", line)))
    unused = {int(row["command"].split()[1]): row["left"] for row in rows}
    for number in sorted(set(executed) | set(answered) | set(left) | set(trial.grants)):
        uses = trial.grants[number].uses
        recorded = left.get(number, [])
        assert answered[number] <= executed[number] <= len(recorded) <= uses - unused.get(number, 0), number
        assert len(set(recorded)) == len(recorded), f"one use, twice: {number}, {recorded}"


def assert_only_while_it_counted(trial, passed, steps):
    for user, number, start, end in passed:
        made = trial.grants[number]
        assert made.user in ("", user), (user, made)
        assert start <= made.ends and start <= made.revoked, f"passed at {start}: {made}"
        assert end >= made.given and end >= made.confirming, f"passed until {end}: {made}"
        assert steps[number][:2] == ["given", "confirmed"], (made, steps[number])


def test_nothing_is_won_by_a_crash(trial, tmp_path):
    points = DAEMON_KILLS * [trial.kill_daemon] + HELPER_KILLS * [trial.kill_helper] + JUMPS * [trial.jump]
    trial.chance.shuffle(points)
    qemu = trial.lab.run("cat", f"/run/libvirt/qemu/{trial.machine.name}.pid").stdout
    with clients(trial, tmp_path) as found:
        for point in points:
            point()
        trial.helper("revoke", "--all")
        for made in trial.grants.values():
            made.revoked = min(made.revoked, now())
        time.sleep(1)
    passed = [entry[:4] for entry in found if entry[4] == "passed"]
    left, steps = decided(trial.lab.trail)
    assert_not_too_often(trial, passed, left, trial.rows())
    assert_only_while_it_counted(trial, passed, steps)

    # And it was a trial: of each, many; and grants were used that had been given to a daemon before.
    survived = sum(any(trial.grants[number].given < kill < start for kill in trial.kills)
                   for _, number, start, _ in passed)
    print(f"{len(trial.grants)} grants, {len(passed)} uses, {survived} after a crash; {dict(trial.cut_short)}")
    assert len(passed) > 100 and survived > 20 and sum(trial.cut_short.values()) > HELPER_KILLS / 4
    assert trial.lab.run("cat", f"/run/libvirt/qemu/{trial.machine.name}.pid").stdout == qemu
    assert trial.lab.find(trial.machine).is_sane()
    done = trial.lab.run("virt-qmp-guard", "audit", "--verify")
    assert done.returncode == 0, done.stdout + done.stderr
