# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command of the catalogue, on every channel, under every profile."""
import json
import pathlib

import catalog
import model

ROWS = pathlib.Path(__file__).resolve().parents[1] / "unit" / "effects.table"
# A text for an HMP argument, by the letter of its type.
SAMPLES = {"l": "1", "i": "1", "M": "1", "o": "1", "T": "1", "b": "on", "/": "/1x", "O": "qcow2", "-": None}


def hmp_line(name, args_type):
    """A line with each argument that must be there; of option strings a bare word."""
    words = [name]
    for argument in catalog.split(args_type):
        kind = argument.partition(":")[2]
        if kind.startswith("-") or kind[-1] in "?.":
            continue
        word = SAMPLES.get(kind[0], "x")
        if kind[0] == "/":
            words.insert(1, word)
        else:
            words.append(word)
    return " ".join(words)


def rows_of_effects():
    """(channel, text) of the rows of tests/unit/effects.table, each of a word's values in its turn."""
    words = {}
    for line in ROWS.read_text().splitlines():
        columns = [column.strip() for column in (line + " ").split(" | ")]
        if line.startswith("$"):
            words.setdefault(columns[0], []).append(columns[1])
        elif line and not line.startswith("#"):
            word = next((word for word in sorted(words, key=len, reverse=True) if word in columns[1]), None)
            for value in words.get(word, [""]):
                yield columns[0], columns[1].replace(f"${word}", value.replace('"', '\\"')).replace(word or "\0", value)


def as_request(channel, text):
    if channel == "hmp" or text.startswith("{"):
        return [channel, text]
    name, _, arguments = text.partition(" ")
    document = {"execute": name}
    if arguments:
        document["arguments"] = json.loads(arguments)
    return [channel, json.dumps(document)]


def requests():
    ret = []
    for line in catalog.read_table("commands.table"):
        for channel in ("qmp", "hmp", "agent"):
            if channel != "hmp":
                ret.append([channel, json.dumps({"execute": line[1]})])
                continue
            text = hmp_line(line[1], line[8]) if line[0] == "hmp" else line[1]
            aliases = catalog.Command(*line[:2], line).aliases if line[0] == "hmp" else []
            for spelling in [text] + [alias + text.removeprefix(line[1]) for alias in aliases]:
                ret.append(["hmp", spelling])
                ret.append(["qmp", json.dumps({"execute": model.HMP_COMMAND, "arguments": {"command-line": spelling}})])
    ret.append(["qmp", json.dumps({"execute": "transaction", "arguments": {"actions": []}})])
    return ret + [as_request(*row) for row in rows_of_effects()]


def policies():
    """(host, domain, is confidential) for none, for each profile alone and for some pairs of them."""
    yield None, None, False
    yield None, None, True
    names = sorted(path.stem for path in model.PROFILES.glob("*.xml"))
    pairs = [f"{one} {other}" for one, other in zip(names, names[1:] + names[:1])]
    for profiles in names + pairs + [f"{pair.split()[1]} {pair.split()[0]}" for pair in pairs]:
        text = f'<policy xmlns="urn:qmp-guard:policy:1" profile="{profiles}"/>'
        yield text, None, False
        yield None, text, True


def unread(batch):
    """The commands of which no text could be read on their own channel. An HMP line is one inside QMP, too."""
    read = {(operation.channel, operation.name) for operations in batch.operations for operation in operations or ()}
    return sorted(f"{command.channel} {command.name}" for command in model.catalog.commands.values()
                  if (command.channel, command.name) not in read and command.name != model.HMP_COMMAND)
