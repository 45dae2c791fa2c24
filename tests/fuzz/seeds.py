#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes seeds for the fuzz targets of what the repository holds anyway.

usage: seeds.py OUTPUT ROOT

Writes OUTPUT/TARGET/NAME for each target that has such seeds, and an empty OUTPUT/TARGET for the
others. What is made by hand is beside this file.
"""
import importlib.util
import json
import pathlib
import shutil
import struct
import sys

POLICY_KINDS = {"domain": b"0", "host": b"1", "profile": b"2"}
VALUES = {"-": "", "i": "1", "l": "0x10", "M": "5", "o": "1.5k", "T": "1ms", "b": "on", "/": "/4xw"}


def table(path):
    """The rows of a table of this repository: comments and headings left out."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [column.strip() for column in line.split("|")]


def hmp_line(name, args_type):
    """A line that has all arguments of @args_type."""
    words = [name]
    for argument in filter(None, args_type.split(",")):
        kind = argument.partition(":")[2]
        words.append(f"-{kind[1]}" if kind[0] == "-" else VALUES.get(kind[0], "x"))
    return " ".join(words)


def request(execute, arguments):
    """A request as JSON; the text of @arguments is taken as it is."""
    return f'{{"execute":{json.dumps(execute)}' + (f',"arguments":{arguments}' if arguments else "") + "}"


def of_commands(root):
    for row in table(root / "src/catalog/commands.table"):
        channel, name, args_type = row[0], row[1], row[8] if len(row) > 8 else ""
        if channel == "hmp":
            yield "hmp", hmp_line(name, args_type).encode()
        else:
            yield "request", (b"1" if channel == "agent" else b"0") + request(name, "{}").encode()


def of_decisions(root):
    """The unit tests' policies and requests."""
    for row in table(root / "tests/unit/decide.table"):
        if row[0].startswith("policy "):
            for kind in POLICY_KINDS.values():
                yield "policy", kind + policy(row[1], row[2]).encode()
            continue
        if len(row) < 5:
            continue
        channel, text = row[3], row[4]
        name, _, arguments = text.partition(" {")
        if channel == "hmp":
            yield "hmp", text.encode()
        elif channel == "wrapped":
            yield "request", b"0" + request("human-monitor-command", json.dumps({"command-line": text})).encode()
        else:
            kind = b"1" if channel == "agent" else b"0"
            yield "request", kind + request(name, "{" + arguments if arguments else "").encode()


def policy(attributes, rules):
    return f'<policy xmlns="urn:qmp-guard:policy:1" {attributes}>{rules}</policy>'


def of_policies(root):
    for path in sorted((root / "xml/profiles").glob("*.xml")):
        yield "policy", POLICY_KINDS["profile"] + path.read_bytes()
    for path in sorted((root / "xml/examples").glob("*-policy.xml")):
        yield "policy", POLICY_KINDS["domain"] + path.read_bytes()
    for path in sorted((root / "xml/examples").glob("host-*.xml")):
        yield "policy", POLICY_KINDS["host"] + path.read_bytes()
    spec = importlib.util.spec_from_file_location("compare", root / "tests/schema/compare.py")
    compare = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(compare)
    for attributes, rules, _ in compare.ROWS:
        text = f'<qg:policy xmlns:qg="urn:qmp-guard:policy:1" {attributes}>{rules}</qg:policy>'
        yield "policy", POLICY_KINDS["host"] + text.encode()


def of_domains(root):
    yield "domain", (root / "xml/examples/domain.xml").read_bytes()
    for path in sorted((root / "tests/lab").glob("*.xml.in")):
        yield "domain", path.read_bytes()


# A slot as src/grant/grant.h lays it out.
GRANT = struct.Struct("@16s 40s 256s qQ ii 256s 256s 72s Q qq I 256s 64s iI q I 64s")
SLOT = 2048


def of_grants(_root):
    for state in range(1, 5):
        slots = [GRANT.pack(b"0badcafe", b"u", b"demo", 7, 9, number % 3, 1 + number, b"alice", b"stop",
                            b"ab" * 32 if number == 2 else b"", 0, 1, 2000, 2, b"why", b"root", state, 2 - number % 3,
                            0, number, b"carol").ljust(SLOT, b"\0") for number in range(4)]
        yield "grant", b"1" + b"".join(slots)


SOURCES = (of_commands, of_decisions, of_policies, of_domains, of_grants)


def main(output, root):
    output = pathlib.Path(output)
    root = pathlib.Path(root)
    shutil.rmtree(output, ignore_errors=True)
    for path in (root / "tests/fuzz").glob("*.dict"):
        (output / path.stem).mkdir(parents=True)
    for source in SOURCES:
        for number, (target, seed) in enumerate(source(root)):
            if (output / target).is_dir():
                (output / target / f"{source.__name__}-{number:03}").write_bytes(seed)


if __name__ == "__main__":
    main(*sys.argv[1:])
