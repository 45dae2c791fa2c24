# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an operation is, from the tables in src/catalog alone: class, groups, libvirt's permissions."""
import functools
import pathlib
import re

TABLES = pathlib.Path(__file__).resolve().parents[2] / "src" / "catalog"
CLASSES = ["unknown", "safe", "privileged", "memory-dump", "dangerous"]
# No libvirt call is like what starts a program or opens a monitor.
NO_NATIVE = {"@host-exec", "@monitor"}


def read_table(name):
    """The lines of a table as lists of columns, as long as the longest needs."""
    for line in (TABLES / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield [column.strip() for column in line.split("|")] + [""] * 8


def split(text, separator=","):
    return [part.strip() for part in text.split(separator) if part.strip()]


@functools.lru_cache(maxsize=10000)
def glob(pattern):
    """The pattern as a function that says whether a whole text matches. `?` is one byte of UTF-8."""
    if "*" not in pattern and "?" not in pattern:
        return lambda text: text == pattern
    parts = [{"*": ".*", "?": "."}.get(char) or re.escape(char) for char in as_bytes(pattern)]
    matches = re.compile("".join(parts), re.DOTALL).fullmatch
    return lambda text: matches(text if text.isascii() else as_bytes(text))


def as_bytes(text):
    """A text with one character for each of its bytes."""
    return text.encode().decode("latin-1")


def scalar_text(value):
    """A string, number or boolean as JSON writes it; None for what is no single value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else None


def tests_of(text):
    """A column of effects.table, or one condition, as a function of (is there, value)."""
    if text == "present":
        return lambda there, value: there
    if text == "absent":
        return lambda there, value: not there
    if text == "plain":
        one = lambda value: isinstance(value, str) and ":" not in value.split("/")[0]
    elif text.startswith("!"):
        unwanted = glob(text[1:])
        one = lambda value: scalar_text(value) is None or not unwanted(scalar_text(value))
    else:
        wanted = glob(text)
        one = lambda value: scalar_text(value) is not None and bool(wanted(scalar_text(value)))
    return lambda there, value: there and any(map(one, elements(value)))


class When:
    """What stands behind ` when `: a condition on a member beside the value, or one object further out."""

    def __init__(self, text):
        member, _, test = text.partition("=")
        self.is_outer = member.startswith("^.")
        self.member = member.removeprefix("^.")
        self.holds = tests_of(test)

    def __call__(self, holder, outer):
        where = outer if self.is_outer else holder
        if not isinstance(where, dict) or self.member not in where:
            return self.holds(False, None)
        return self.holds(True, where[self.member])


def elements(value):
    """A value; of a list all elements, of lists in it as well."""
    if isinstance(value, list):
        for inner in value:
            yield from elements(inner)
    else:
        yield value


def steps_of(path):
    return [member.removesuffix("[]") for member in split(path, ".")]


def places(value, holder, outer, steps):
    """Where a path leads: (is there, value, the object that holds it, the object around that)."""
    if not steps:
        yield True, value, holder, outer
    elif isinstance(value, list):
        for inner in value:
            yield from places(inner, None, None, steps)
    elif steps[0] == "**":
        yield from places(value, holder, outer, steps[1:])
        for inner in value.values() if isinstance(value, dict) else ():
            yield from places(inner, value, holder, steps)
    elif isinstance(value, dict):
        if steps[0] in value:
            yield from places(value[steps[0]], value, holder, steps[1:])
        elif len(steps) == 1:
            yield False, None, value, holder


class Effect:
    def __init__(self, path, test, whens, groups, raises_to):
        self.steps, self.test, self.whens = steps_of(path), tests_of(test), [When(when) for when in whens]
        self.groups, self.raises_to = set(groups), CLASSES.index(raises_to) if raises_to else 0

    def holds(self, arguments):
        return any(self.test(there, value) and all(when(holder, outer) for when in self.whens)
                   for there, value, holder, outer in places(arguments, None, None, self.steps))


class Command:
    def __init__(self, channel, name, line):
        marks = line[6].split()
        self.channel, self.name = channel, name
        self.command_class = line[2]
        self.groups = set(split(line[3])) | {"@known"}
        self.groups |= {f"@{mark}" for mark in marks if mark in ("unstable", "deprecated")}
        self.aliases = [mark.partition("=")[2] for mark in marks if mark.startswith("alias=")]
        self.equals = []
        for mark in marks:
            if mark.startswith("equals="):
                self.equals = re.findall(r"(?:^|\+)([^(+]+)\(", mark.partition("=")[2])
        self.effects = []
        self.native = frozenset()


class Catalog:
    def __init__(self):
        self.groups = {line[0]: split(line[2]) for line in read_table("groups.table")}
        self.commands = {}
        for line in read_table("commands.table"):
            command = Command(line[0], line[1], line)
            for name in [line[1]] + command.aliases:
                self.commands[line[0], name] = command
        self._read_effects()
        self._read_native()

    def members(self, group):
        """The groups that a group contains, itself among them when it has commands of its own."""
        inner = self.groups[group]
        return frozenset().union(*map(self.members, inner)) if inner else frozenset([group])

    def _read_effects(self):
        sets, lines = {}, []
        for line in read_table("effects.table"):
            sets.setdefault(line[1], []).append(line) if line[0] == "set" else lines.append(line)
        for line in lines:
            for name in split(line[1]):
                self.commands[line[0], name].effects += self._effects(line, "", [], sets)

    def _effects(self, line, prefix, whens, sets):
        for argument in split(line[2]) or [""]:
            path = ".".join(filter(None, [prefix, argument]))
            tests, _, when = line[3].partition(" when ")
            behind = whens + split(when, "&")
            for test in split(tests):
                if test.startswith("uses "):
                    for inner in sets[test.removeprefix("uses ").strip()]:
                        yield from self._effects(inner, path, behind, sets)
                else:
                    yield Effect(path, test, behind, split(line[4]), line[5])

    def _read_native(self):
        for line in read_table("native.table"):
            for name in split(line[1]):
                self.commands[line[0], name].native = frozenset(split(line[2], " or "))
        for command in self.commands.values():
            if command.channel == "hmp" and command.equals:
                equal = [self.commands["qmp", name].native for name in command.equals]
                command.native = frozenset.intersection(*equal)

    def classify(self, channel, name, arguments):
        """(class, groups, permissions) of an operation; the arguments with nested texts read."""
        command = self.commands.get((channel, name))
        if not command:
            command_class = "dangerous" if channel == "hmp" else "unknown"
            return command_class, frozenset(["@unknown", f"@{command_class}"]), frozenset()
        groups, rank = set(command.groups), CLASSES.index(command.command_class)
        for effect in command.effects:
            if not effect.groups <= groups or effect.raises_to > rank:
                if effect.holds(arguments):
                    groups |= effect.groups
                    rank = max(rank, effect.raises_to)
        command_class = CLASSES[rank]
        if channel == "hmp":
            # It is also in the group of the class that it would be in; not in @safe, which it never is.
            groups |= {f"@{command_class}"} - {"@safe"}
            command_class = "dangerous"
        native = frozenset() if groups & NO_NATIVE else command.native
        return command_class, frozenset(groups | {f"@{command_class}"}), native
