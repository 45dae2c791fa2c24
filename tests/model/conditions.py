# SPDX-License-Identifier: LGPL-2.1-or-later
"""A rule's <argument>, as docs/policy.md describes it: the tests on one value, and what a name means."""
import re

from catalog import elements, glob, scalar_text

# How QEMU's block layer may be told that a file name is one.
PROTOCOL = re.compile("^(file|host_device|host_cdrom):")
# A step upwards stands between separators, at the ends too.
STEP_UP = re.compile(r"(?<![\w.\-])\.\.(?![\w.\-])", re.ASCII)


def steps_up(text):
    return ".." in text and bool(STEP_UP.search(text))


def is_pattern(text):
    return "*" in text or "?" in text


def match_test(pattern, passes):
    wanted = glob(pattern)
    if passes and is_pattern(pattern):
        return lambda value: isinstance(value, str) and bool(wanted(value)) and not steps_up(value)
    return lambda value: isinstance(value, str) and bool(wanted(value))


def path_steps(path):
    return [step for step in path.split("/") if step not in ("", ".")]


def without_ups(steps):
    """The steps with every `..` and what is before it gone."""
    ret = []
    for step in steps:
        if step != "..":
            ret.append(step)
        elif ret:
            ret.pop()
    return ret


def prefix_test(prefix, passes):
    above = without_ups(path_steps(prefix))

    def holds(value):
        if not isinstance(value, str):
            return False
        if not passes:
            value = PROTOCOL.sub("", value)
        elif not value.startswith("/") or steps_up(value):
            return False
        steps = without_ups(path_steps(value))
        if steps[:2] == ["dev", "fdset"] and above[:2] != ["dev", "fdset"]:
            return False
        return steps[:len(above)] == above

    return holds


def value_test(text):
    return lambda value: value is None and text == "null" or scalar_text(value) == text


def max_test(text, passes):
    most = int(text)
    least = 0 if passes and most >= 0 else float("-inf")
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def all_objects(value):
    """Every object in a value, at any depth, itself included."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from all_objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from all_objects(inner)


def all_within(value):
    """What a value counts as when a deny looks at it: itself, and all that is in it."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from all_within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from all_within(inner)
    else:
        yield value


class Condition:
    def __init__(self, attributes, passes):
        self.name = attributes["name"]
        self.path = self.name.split(".")
        self.tests = []
        if "match" in attributes:
            self.tests.append(match_test(attributes["match"], passes))
        if "prefix" in attributes:
            self.tests.append(prefix_test(attributes["prefix"], passes))
        if "value" in attributes:
            self.tests.append(value_test(attributes["value"]))
        if "max" in attributes:
            self.tests.append(max_test(attributes["max"], passes))
        self.holds = self.holds_to_pass if passes else self.holds_to_deny

    def test(self, value):
        return all(test(value) for test in self.tests)

    def holds_to_pass(self, arguments, expanded):
        """The argument so called; else every value that the path leads to, and no list on the way is empty."""
        if self.name in arguments:
            return self.test(arguments[self.name])
        return self._passes(expanded, self.path)

    def _passes(self, value, path):
        if not path:
            return self.test(value)
        if isinstance(value, list):
            return bool(value) and all(self._passes(inner, path) for inner in value)
        return isinstance(value, dict) and path[0] in value and self._passes(value[path[0]], path[1:])

    def holds_to_deny(self, arguments, expanded):
        if self.name in arguments and any(map(self.test, all_within(arguments[self.name]))):
            return True
        for start in all_objects([expanded, arguments]):
            values = [start]
            for name in self.path:
                values = [value[name] for outer in values for value in elements(outer)
                          if isinstance(value, dict) and name in value]
            if any(self.test(value) for outer in values for value in all_within(outer)):
                return True
        return False
