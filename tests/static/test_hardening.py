# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is built is hardened as Debian hardens its packages (dpkg-buildflags, hardening=+all)."""
import os
import pathlib
import re
import subprocess

import pytest

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("QMP_GUARD_BUILD", REPO / "build"))
LIBRARIES = ["plugin/guard.so", "src/lib/libqmpguard.so.0.1.0"]
PROGRAMS = ["src/helper/virt-qmp-guard", "hooks/qmp-guard-hook", "hooks/qmp-guard-judge"]


def read(option, name):
    return subprocess.run(["readelf", "--wide", option, BUILD / name], env=os.environ | {"LC_ALL": "C"}, check=True,
                          capture_output=True, text=True).stdout


@pytest.fixture(params=LIBRARIES + PROGRAMS)
def name(request):
    return request.param


def test_all_that_is_installed_is_here():
    """Or a new program would not be looked at."""
    plan = subprocess.run(["meson", "introspect", "--installed", BUILD], check=True, capture_output=True, text=True)
    built = {path for path in re.findall(r'"([^"]+)": "', plan.stdout)
             if path.startswith(f"{BUILD}/") and pathlib.Path(path).is_file() and not pathlib.Path(path).is_symlink()
             and pathlib.Path(path).read_bytes()[:4] == b"\x7fELF"}
    assert built == {str(BUILD / name) for name in LIBRARIES + PROGRAMS}


def test_full_relro(name):
    """All is resolved at the start, and the tables are read-only from then on."""
    dynamic = read("--dynamic", name)
    assert "GNU_RELRO" in read("--segments", name)
    assert "BIND_NOW" in dynamic and re.search(r"\(FLAGS_1\).*\bNOW\b", dynamic)


def test_no_memory_is_writable_and_executable(name):
    segments = read("--segments", name)
    flags = dict(re.findall(r"^  (GNU_STACK) .* ([RWE ]{3}) +0x", segments, re.MULTILINE))
    assert "E" not in flags["GNU_STACK"]
    loads = re.findall(r"^  LOAD .* ([RWE ]{3}) +0x", segments, re.MULTILINE)
    assert loads and not any("W" in load and "E" in load for load in loads)


def test_no_search_path_and_no_text_relocations(name):
    dynamic = read("--dynamic", name)
    assert "(NEEDED)" in dynamic
    assert not re.search(r"\((RPATH|RUNPATH|TEXTREL)\)|\bTEXTREL\b", dynamic)


def test_position_independent(name):
    assert re.search(r"Type: +DYN ", read("--file-header", name))
    assert bool(re.search(r"\(FLAGS_1\).*\bPIE\b", read("--dynamic", name))) == (name in PROGRAMS)


def test_stack_protector_and_fortified_functions(name):
    symbols = read("--dyn-syms", name)
    assert "__stack_chk_fail" in symbols
    assert re.search(r"\b__\w+_chk\b(?<!__stack_chk)", symbols)


def test_compiled_with_what_leaves_no_symbol():
    """Stack clashes and jumps to where nobody meant: the compiler was told, of every file."""
    commands = re.findall(r'"command": "(.*)"', (BUILD / "compile_commands.json").read_text())
    own = [words for words in commands if re.search(r"-c \S*(src|plugin|hooks)/", words)]
    assert len(own) > 100
    for words in own:
        assert "-fstack-clash-protection" in words and "-fstack-protector-strong" in words
        if os.uname().machine == "x86_64":
            assert "-fcf-protection" in words
