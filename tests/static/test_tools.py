# SPDX-License-Identifier: LGPL-2.1-or-later
"""What gcc -fanalyzer, clang-tidy and cppcheck say of src, plugin and hooks.

A finding is repaired, or stands in accepted.table with the reason why it is none. A row that nothing matches any more
fails, too. The settings of clang-tidy are in .clang-tidy.
"""
import json
import multiprocessing.pool
import os
import pathlib
import re
import shlex
import subprocess

import pytest

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("QMP_GUARD_BUILD", REPO / "build"))
ACCEPTED = pathlib.Path(__file__).with_name("accepted.table")
FINDING = re.compile(r"^(?P<file>[^\s:]+):\d+:\d+: (?:warning|error): (?P<text>.+)$", re.MULTILINE)
LIKE_THE_COMPILER = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
PROCESSES = 2

# Each has a mistake that its tool must see, or a silent tool would pass for a clean tree.
MISTAKES = {
    "gcc": "#include <stdlib.h>\nvoid f(void *p)\n{\n    free(p);\n    free(p);\n}\n",
    "clang-tidy": "int f(int *p);\nint f(int *p)\n{\n    if (p)\n        *p = 1;\n    return *p;\n}\n",
    "cppcheck": "int f(void);\nint f(void)\n{\n    int a[2] = {0, 0};\n    return a[2];\n}\n",
}


def gcc(entry):
    """Without optimization: what that moves, GCC 12 then takes for uninitialized."""
    words = entry["command"].split(" -o ")[0]
    return f"{words} -fanalyzer -O0 -U_FORTIFY_SOURCE -fdiagnostics-plain-output -S -o /dev/null {entry['file']}"


def clang_tidy(entry):
    return f"clang-tidy --quiet -p {BUILD} {entry['file']}"


def cppcheck(entry):
    words = shlex.join(word for word in shlex.split(entry["command"]) if word[:2] in ("-I", "-D"))
    return ("cppcheck --quiet --enable=warning,performance,portability --inline-suppr --std=c11 "
            f"--template='{{file}}:{{line}}:{{column}}: warning: {{message}} [{{id}}]' {words} {entry['file']}")


TOOLS = {"gcc": gcc, "clang-tidy": clang_tidy, "cppcheck": cppcheck}


def run(tool, entry):
    """Returns what it finds in one file, as (file, text)."""
    # The words are meson's, and quoted for a shell.
    done = subprocess.run(TOOLS[tool](entry), shell=True, cwd=entry["directory"], env=os.environ | LIKE_THE_COMPILER,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = {(place(entry, match["file"]), match["text"]) for match in FINDING.finditer(done.stdout)}
    assert done.returncode == 0 or found, f"{tool} fails: {done.stdout}"
    return found


def place(entry, name):
    path = pathlib.Path(os.path.normpath(os.path.join(entry["directory"], name)))
    return str(path.relative_to(REPO)) if path.is_relative_to(REPO) else str(path)


def entries():
    """How the product's own sources are compiled, each once."""
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        if place(entry, entry["file"]).split("/")[0] in ("src", "plugin", "hooks"):
            found.setdefault(entry["file"], entry)
    return list(found.values())


def accepted(tool):
    """Rows `tool | file | part of the text | reason`."""
    rows = [[cell.strip() for cell in line.split("|")] for line in ACCEPTED.read_text().splitlines()
            if line and not line.startswith("#")]
    assert all(len(row) == 4 and all(row) for row in rows), "a row without a reason"
    assert {row[0] for row in rows} <= TOOLS.keys()
    return {(row[1], row[2]) for row in rows if row[0] == tool}


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_new_is_found(tool):
    sources = entries()
    assert len(sources) > 100
    with multiprocessing.pool.ThreadPool(PROCESSES) as pool:
        found = set().union(*pool.map(lambda entry: run(tool, entry), sources, chunksize=1))
    rows = accepted(tool)
    new = [f"{file}: {text}" for file, text in sorted(found)
           if not any(file == where and part in text for where, part in rows)]
    stale = [row for row in sorted(rows) if not any(file == row[0] and row[1] in text for file, text in found)]
    assert not new, "\n".join(new)
    assert not stale, f"no longer found: take these rows out of {ACCEPTED.name}: {stale}"


@pytest.mark.parametrize("tool", TOOLS)
def test_a_mistake_is_found(tool):
    """In a file beside the sources, for the settings are looked for from there upwards."""
    path = BUILD / f"mistake-{tool}.c"
    path.write_text(MISTAKES[tool])
    try:
        assert run(tool, {"directory": str(BUILD), "command": f"cc -c -o x.o {path}", "file": str(path)})
    finally:
        path.unlink()
