#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of native.table and of effects.table that do not fit must end the build, with the file and the line.

usage: tables.py GENERATE GROUPS COMMANDS EFFECTS NATIVE
"""
import pathlib
import subprocess
import sys
import tempfile

GOOD_NATIVE = ["qmp | query-version | read", "agent | guest-ping, guest-info | read or write",
               "hmp | info network | read"]
# What is appended to the table, and what generate.py says of it.
BAD_NATIVE = [
    ("qmp | x-nonesuch | read", "there is no qmp command x-nonesuch"),
    ("qmp | guest-ping | read", "there is no qmp command guest-ping"),
    ("qmp | query-version, x-nonesuch | read", "there is no qmp command x-nonesuch"),
    ("hmp | q | stop", "there is no hmp command q"),     # an alias
    ("serial | query-version | read", "there is no serial command query-version"),
    ("qmp | | read", "there is no command"),
    ("qmp | stop | suspend", "stop is at"),
    ("qmp | query-version, query-version | read", "query-version is at"),
    ("qmp | query-version | frob", "'frob' is not a permission"),
    ("qmp | query-version | core-dump", "'core-dump' is not a permission"),
    ("qmp | query-version | read, write", "'read, write' is not a permission"),
    ("qmp | query-version | read or", "'read or' is not a permission"),
    ("qmp | query-version | read or  or write", "'' is not a permission"),
    ("qmp | query-version", "'' is not a permission"),
    ("qmp | query-version | read | x", "4 columns"),
    ("hmp | info status | read", "info status has the permissions of what it equals"),
]
GOOD_EFFECTS = ["qmp | migrate | **.x | present | @block", "qmp | migrate | x[] | present | @block",
                "qmp | migrate | x.** | uses nodes"]
BAD_EFFECTS = [
    ("qmp | migrate | ** | present | @block", "the path '**' does not end in a member"),
    ("qmp | migrate | x, x.** | present | @block", "the path 'x.**' does not end in a member"),
    ("qmp | migrate | | present | @block", "the path '' does not end in a member"),
    ("qmp | migrate | x.** | uses file-name", "the path 'x.**' does not end in a member"),
    ("qmp | migrate | | uses file-name", "the path '' does not end in a member"),
    ("qmp | migrate | x | uses nonesuch", "there is no set nonesuch above"),
    ("qmp | x-nonesuch | x | present | @block", "there is no qmp command x-nonesuch"),
]


def generate(program, tables, directory):
    return subprocess.run([sys.executable, program, *tables, directory / "out.h", directory / "out.c"],
                          capture_output=True, text=True, check=False)


def try_rows(directory, program, tables, which, rows):
    table = directory / "changed.table"
    before = pathlib.Path(tables[which]).read_text(encoding="ascii")
    place = f"{table}:{len(before.splitlines()) + 1}: "
    changed = list(tables)
    changed[which] = table
    wrong = 0
    for row, wanted in rows:
        table.write_text(before + row + "\n", encoding="ascii")
        done = generate(program, changed, directory)
        said = done.stderr.strip()
        fits = done.returncode == 0 if wanted is None else said.startswith(place + wanted) and done.returncode == 1
        if not fits:
            print(f"{row}: {said or 'accepted'}")
            wrong += 1
    return wrong


def main(program, *tables):
    with tempfile.TemporaryDirectory() as name:
        wrong = try_rows(pathlib.Path(name), program, tables, 3, [(row, None) for row in GOOD_NATIVE] + BAD_NATIVE)
        wrong += try_rows(pathlib.Path(name), program, tables, 2, [(row, None) for row in GOOD_EFFECTS] + BAD_EFFECTS)
        return wrong > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
