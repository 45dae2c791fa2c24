#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manuals' examples do what they show.

usage: examples.py HELPER PROGRAM MANUAL_DIRECTORY
       examples.py --source MANUAL OUT.c

Behind `$` stands what anybody may run and needs no daemon: it is run, and must print what stands below it. Of a
file that is shown with `cat`, what is shown becomes the file. What stands behind `#` is for root on a guarded host.
PROGRAM is what was built of the library's manual, from what --source took out of it.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

BLOCK = re.compile(r"::\n\n((?:  .*\n|\n)+)")
STEP = re.compile(r"^\$ (.*)\n((?:(?![$#] ).*\n)*)", re.MULTILINE)


def blocks(path):
    return [textwrap.dedent(block).strip("\n") + "\n" for block in BLOCK.findall(path.read_text(encoding="utf-8"))]


def steps(path):
    return [step for block in blocks(path) for step in STEP.findall(block)]


def program(path):
    """A program, and what it prints."""
    found = blocks(path)
    at = next(i for i, block in enumerate(found) if block.startswith("#include"))
    return found[at], found[at + 1]


def wrong_steps(helper, path):
    with tempfile.TemporaryDirectory() as directory:
        for command, shown in steps(path):
            name, _, rest = command.partition(" ")
            if name == "cat":
                (pathlib.Path(directory) / rest).write_text(shown, encoding="utf-8")
                continue
            if name != "virt-qmp-guard":
                yield f"{path.name}: {command}: what is this?"
                continue
            answer = subprocess.run(["bash", "-c", f'exec "$0" {rest}', helper], cwd=directory,
                                    capture_output=True, text=True, check=False)
            if answer.stdout != shown or answer.returncode not in (0, 1):
                yield f"{path.name}: {command}: {answer.returncode}\n{answer.stdout}{answer.stderr}"


def main(helper, example, directory):
    paths = sorted(pathlib.Path(directory).glob("*.rst"))
    count = sum(len(steps(path)) for path in paths)
    failures = [failure for path in paths for failure in wrong_steps(str(pathlib.Path(helper).resolve()), path)]
    answer = subprocess.run([example], capture_output=True, text=True, check=False)
    if answer.stdout != program(pathlib.Path(directory) / "libqmpguard.rst")[1]:
        failures.append(f"libqmpguard.rst: the program prints {answer.stdout}{answer.stderr}")
    if count < 10:
        failures.append(f"only {count} examples were found")
    print("\n".join(failures) or f"{count} examples as shown")
    return 1 if failures else 0


if __name__ == "__main__":
    if sys.argv[1] == "--source":
        pathlib.Path(sys.argv[3]).write_text(program(pathlib.Path(sys.argv[2]))[0], encoding="utf-8")
    else:
        sys.exit(main(*sys.argv[1:]))
