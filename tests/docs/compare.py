#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the documentation against what it is about: no attribute, record member or word is left out.

usage: compare.py SOURCE_DIRECTORY
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

RELAXNG = "{http://relaxng.org/ns/structure/1.0}"

# As C writes a member of a record: a call with the writer and the name in front.
MEMBER = re.compile(r'(?:json_writer_(?:open|text|number|value)|audit_add_text)\(&?\w+, "([^"]+)"')
# ... and names the values of an enum, in a table of their own.
WORD = re.compile(r'\] = \{?"([^"]+)"')

# A row of a table of checks, in C and in the page about them.
CHECK = re.compile(r'^    \{"([a-z-]+)", judge_', re.MULTILINE)
CHECK_ROW = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)


def policy_words(source):
    """The policy language's elements and attributes, and where each has to be spoken of."""
    schema = ElementTree.parse(source / "xml/policy.rng")
    for attribute in schema.iter(RELAXNG + "attribute"):
        yield attribute.get("name"), f'{attribute.get("name")}="'
    for element in schema.iter(RELAXNG + "element"):
        names = [element.get("name")] if element.get("name") else [name.text for name in element[0]]
        for name in names:
            yield name, f"<{name}"


def undocumented(source):
    """Words of the policy language that no page about policies has."""
    text = "".join((source / "docs" / page).read_text(encoding="utf-8")
                   for page in ("policy.md", "start.md", "audit.md"))
    # A profile is not written by the reader of these pages, and its name and default neither.
    own = {"name", "default"}
    return [f"docs/policy.md has no {form}" for name, form in policy_words(source)
            if name not in own and form not in text.replace("<qg:", "<")]


def members_of(schema):
    """All members that an object may have, with those of the objects in it."""
    for name, value in schema.get("properties", {}).items():
        yield name
        yield from members_of(value)
        yield from members_of(value.get("items", {}))


def unknown_members(source, schema):
    """Members that the sources write and the schema does not have."""
    known = set(members_of(schema))
    written = {member for path in sorted((source / "src/audit").glob("*.c"))
               for member in MEMBER.findall(path.read_text(encoding="utf-8"))}
    if len(written) < 40:
        return [f"only {len(written)} members were found in src/audit"]
    return [f"docs/audit-record.schema.json has no member {member}" for member in sorted(written - known)]


def words_of(source, path, table):
    """The words in a table of the source."""
    text = (source / path).read_text(encoding="utf-8")
    rows = re.search(rf"\b{table}\[\w+\] = {{(.*?)\n}};", text, re.DOTALL).group(1)
    return set(WORD.findall(rows))


def different_words(source, schema):
    """Words of the records that are not those of the sources."""
    members = schema["properties"]
    rows = [
        ("verdict", members["verdict"], words_of(source, "src/policy/policy.c", "verdict_names")),
        ("step", members["step"], words_of(source, "src/audit/grant.c", "steps")),
        # One that has nothing to do with the command is not recorded.
        ("refused-grant", members["refused-grant"]["properties"]["reason"],
         words_of(source, "src/grant/grant.c", "obstacle_names") - {"unrelated"}),
    ]
    return [f"the words of {name}: {sorted(told['enum'])} in the schema, {sorted(wanted)} in the source"
            for name, told, wanted in rows if set(told["enum"]) != wanted]


def different_checks(source):
    """Checks of `status` that its page does not have, and the other way round."""
    told = CHECK_ROW.findall((source / "docs/status.md").read_text(encoding="utf-8"))
    known = [check for scope in ("host", "domain")
             for check in CHECK.findall((source / f"src/helper/status/checks_{scope}.c").read_text(encoding="utf-8"))]
    if len(known) < 15:
        return [f"only {len(known)} checks were found in src/helper/status"]
    wrong = [f"docs/status.md has no row for the check {check}" for check in known if check not in told]
    wrong += [f"docs/status.md has a row for {check}, which is no check" for check in told if check not in known]
    return wrong or ([] if told == known else [f"docs/status.md has its rows in another order than the program: {known}"])


def main(source):
    source = pathlib.Path(source)
    schema = json.loads((source / "docs/audit-record.schema.json").read_text(encoding="utf-8"))
    failures = undocumented(source) + unknown_members(source, schema) + different_words(source, schema)
    failures += different_checks(source)
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
