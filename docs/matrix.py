#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes commands.md: what each profile does to each command.

usage: matrix.py HELPER [--check FILE]

With --check FILE, says whether FILE is what would be written (exit status 1 if not).
"""
import json
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True      # this is somebody's working tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "man"))
from catalogue import TITLES    # noqa: E402

HEAD = """# Commands and profiles

What each profile does to each command that the catalogue knows, by its name alone: arguments may
make it worse (`src/catalog/effects.table`), and an HMP line is always dangerous. Written by
`docs/matrix.py`; do not edit.

`+` allowed, `!` allowed with a warning, `-` denied. [policy.md](policy.md) says what
[classes](policy.md#classes) and [profiles](policy.md#profiles) are; a group in parentheses comes only with
some arguments. *native*: the permission that libvirt's own call for the same wants, if there is such a
call: see [native.md](native.md).
"""
SIGNS = {"allow": "+", "warn": "!", "deny": "-"}


def matrix(helper):
    answer = subprocess.run([helper, "catalog", "--json", "--profiles"], check=True,
                            capture_output=True, text=True)
    rows = json.loads(answer.stdout)
    profiles = sorted(rows[0]["profiles"])
    lines = [HEAD]
    for channel, title in TITLES.items():
        lines += [f"## {title}", "", "| command | class | groups | native | " + " | ".join(profiles) + " |",
                  "|---|---|---|---|" + "---|" * len(profiles)]
        for row in rows:
            if row["channel"] == channel:
                signs = " | ".join(SIGNS[row["profiles"][profile]] for profile in profiles)
                native = " or ".join(row["native"])
                lines.append(f"| `{row['name']}` | {row['class']} | {row['groups']} | {native} | {signs} |")
        lines.append("")
    return "\n".join(lines)


def main(helper, check=None, path=None):
    text = matrix(helper)
    if check != "--check":
        sys.stdout.write(text)
        return 0
    with open(path, encoding="ascii") as committed:
        if committed.read() == text:
            return 0
    print(f"{path} is out of date: run docs/matrix.py HELPER >docs/commands.md")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
