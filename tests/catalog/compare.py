#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the catalogue against what real QEMUs have.

usage: compare.py COMMANDS.table LIST...      the lists beside this file
       compare.py COMMANDS.table --live QEMU  the QEMU of this machine, asked now

A list is qemu-VERSION.txt; its lines are
  qmp NAME [deprecated] [unstable]
  hmp NAME|ALIAS, hmp info NAME
  agent NAME
  unseen CHANNEL NAME   not in what the list was made from, and for that no proof of absence
"""
import pathlib
import re
import shutil
import sys

import list as lister

SKIPPED = 77
FEATURES = lister.FEATURES


class Row:
    """A line of the catalogue."""

    def __init__(self, fields):
        fields += [""] * (9 - len(fields))
        self.channel, self.name, self.first, self.last = fields[0], fields[1], fields[4], fields[5]
        self.marks = fields[6].split()
        aliases = [mark.removeprefix("alias=") for mark in self.marks if mark.startswith("alias=")]
        self.names = [self.name, *aliases]

    def __str__(self):
        return f"{self.channel} {self.name}"


def read_catalogue(path):
    rows = []
    for line in pathlib.Path(path).read_text(encoding="ascii").splitlines():
        if line.strip() and not line.startswith("#"):
            rows.append(Row([field.strip() for field in line.split("|")]))
    return rows


class Listed:
    """A line of a list: a command with all its names."""

    def __init__(self, line):
        self.channel, prefix, names, features = re.fullmatch(
            r"(?:unseen )?(qmp|hmp|agent) (info (?=\S))?(\S+)((?: \w+)*)", line).groups("")
        self.names = [prefix + name for name in names.split("|")]
        self.features = features.split()


def read_list(text):
    return [Listed(line) for line in text.splitlines() if line and not line.startswith("#")]


def version_of(text):
    return tuple(int(part) for part in text.split("."))


class Comparison:
    def __init__(self, rows):
        self.rows = rows
        self.by_name = {(row.channel, name): row for row in rows for name in row.names}
        self.seen = {row: [] for row in rows}
        self.seen_names = set()
        self.failures = 0

    def fail(self, text):
        self.failures += 1
        print(text)

    def check_names(self, version, commands):
        """Each command is in the catalogue, all its names in one row."""
        for command in commands:
            found = {self.by_name.get((command.channel, name)) for name in command.names}
            self.seen_names |= {(command.channel, name) for name in command.names}
            for name in command.names:
                if (command.channel, name) not in self.by_name:
                    self.fail(f"{version}: {command.channel} {name} is not in the catalogue")
            if len(found) > 1:
                self.fail(f"{version}: {command.channel} {'|'.join(command.names)} is not one row of the catalogue")
            for row in found - {None}:
                self.seen[row].append(version)

    def check_features(self, version, commands):
        for command in commands:
            row = self.by_name.get((command.channel, command.names[0]))
            for feature in FEATURES:
                if row and feature in command.features and feature not in row.marks:
                    self.fail(f"{row}: is {feature} in {version}, and not in the catalogue")

    def check_ranges(self, lists):
        for row, versions in self.seen.items():
            between = [version for version in lists if version in versions or versions and
                       version_of(versions[0]) < version_of(version) < version_of(versions[-1])]
            if "action" in row.marks:
                if versions:
                    self.fail(f"{row}: is marked action, and is a command of {versions[0]}")
            elif not versions:
                self.fail(f"{row}: is in no list")
            elif (row.first, row.last) != (versions[0], versions[-1]):
                self.fail(f"{row}: is in {versions[0]} to {versions[-1]}, and {row.first} to {row.last} "
                          "in the catalogue")
            elif between != versions:
                self.fail(f"{row}: is in {', '.join(versions)} only; the catalogue cannot say that")
            else:
                for name in row.names:
                    if (row.channel, name) not in self.seen_names:
                        self.fail(f"{row}: its alias {name} is in no list")


def compare_lists(rows, paths):
    lists = {re.fullmatch(r"qemu-([\d.]+)\.txt", path.name)[1]: read_list(path.read_text(encoding="ascii"))
             for path in map(pathlib.Path, paths)}
    versions = sorted(lists, key=version_of)
    comparison = Comparison(rows)
    for version in versions:
        comparison.check_names(version, lists[version])
    comparison.check_features(versions[-1], lists[versions[-1]])
    comparison.check_ranges(versions)
    print(f"{len(rows)} rows, {len(versions)} lists, {sum(map(len, lists.values()))} commands in them, "
          f"{comparison.failures} failures")
    return comparison.failures


def compare_live(rows, binary):
    """None when it is newer than the catalogue, which then cannot know all."""
    with lister.Monitor(binary) as monitor:
        version, package = monitor.version(), monitor.package()
        commands = read_list("\n".join([*lister.qmp_lines(monitor), *lister.hmp_lines(monitor)]))
    comparison = Comparison(rows)
    comparison.check_names(package, commands)
    newest = max((row.last for row in rows), key=version_of)
    for row, seen in comparison.seen.items():
        if seen and row.last != newest and version_of(row.last) < version:
            comparison.fail(f"{row}: is in {package}, and up to {row.last} in the catalogue")
    for channel in ("qmp", "hmp"):
        if sum(command.channel == channel for command in commands) < 100:
            comparison.fail(f"{package} has too few {channel} commands: it was not asked as it should be")
    print(f"{package}: {len(commands)} commands, {comparison.failures} failures")
    return None if version > version_of(newest) else comparison.failures


def main(table, *arguments):
    rows = read_catalogue(table)
    if arguments[0] != "--live":
        return 1 if compare_lists(rows, arguments) else 0
    binary = shutil.which(arguments[1])
    if not binary:
        print(f"there is no {arguments[1]}")
        return SKIPPED
    failures = compare_live(rows, binary)
    return SKIPPED if failures is None else min(failures, 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
