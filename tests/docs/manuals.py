#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the manuals against what they are about, both ways: nothing is missing, and nothing is there that is not.

usage: manuals.py HELPER SOURCE_DIRECTORY PAGE_DIRECTORY

PAGE_DIRECTORY has what meson has built of docs/man.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

SECTIONS = {"NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO"}
MORE_SECTIONS = {
    "virt-qmp-guard": {"OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT"},
    "qmp-guard-hook": {"EXIT STATUS"},
}
TERMS = re.compile(r"^(?! |\.\.)(?:``|\*\*).*(?=\n    )", re.MULTILINE)
RELAXNG = "{http://relaxng.org/ns/structure/1.0}"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFOPT": ""})


def ask(helper, *arguments):
    return run(helper, *arguments).stdout


def pages(directory):
    return sorted(path for path in directory.iterdir() if re.fullmatch(r"\.[1-8]", path.suffix))


def formatted(directory):
    """What the formatters warn of, and sections and references that are missing."""
    if len(pages(directory)) != 6:
        yield f"{len(pages(directory))} manuals"
    for page in pages(directory):
        for command in (("groff", "-ww", "-man", "-Tutf8", "-z"), ("man", "--warnings", "-l")):
            answer = run(*command, str(page))
            if answer.returncode != 0 or answer.stderr:
                yield f"{page.name}: {command[0]}: {answer.returncode}: {answer.stderr}"
        text = page.read_text(encoding="utf-8")
        found = {name.strip('"') for name in re.findall(r"^\.SH (.*)", text, re.MULTILINE)}
        for name in (SECTIONS | MORE_SECTIONS.get(page.stem, set())) - found:
            yield f"{page.name} has no section {name}"
        html = (directory / (page.stem + ".html")).read_text(encoding="utf-8")
        for name in re.findall(r"@[\w-]+@", text + html):
            yield f"{page.name} refers to {name}, which meson.build does not know"


def words(text):
    """The words of a text without its markup."""
    text = re.sub(r"^-+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\\(.)", r"\1", re.sub(r"\\ |\*\*|``|(?<!\\)\*", "", text)).split()


def different_commands(helper, directory):
    """Commands whose section does not say, word for word, what their --help does."""
    names = re.findall(r"^ {12}virt-qmp-guard (\S+)", ask(helper, "--help"), re.MULTILINE)
    sections = re.split(r"^(\S+)\n-{8,}\n", (directory / "commands.rst").read_text(encoding="utf-8"),
                        flags=re.MULTILINE)
    told = dict(zip(sections[1::2], sections[2::2]))
    if len(names) < 9 or names != list(told):
        yield f"the commands are {names}, and in the manual {list(told)}"
    for name in names:
        wanted = ask(helper, name, "--help").removeprefix("usage: ")
        if words(told.get(name, "")) != wanted.split():
            yield f"the manual says something else of '{name}' than its --help"


def section(text, title, underline):
    """What stands under a heading, down to the next of the same kind or above."""
    ends = "=" if underline == "=" else "=-"
    return re.search(rf"^{title}\n{underline}+\n(.*?)(?=^\S[^\n]*\n[{ends}]{{4,}}\n|\Z)", text,
                     re.DOTALL | re.MULTILINE).group(1)


def terms(text):
    """What a page explains: the names in the terms of its lists."""
    return {name for term in TERMS.findall(text) for _, name in re.findall(r"(``|\*\*)(.+?)\1", term)}


class Rows:
    """What the sources have and what the manual tells of: a title, and both sets."""

    def __init__(self, helper, source, directory):
        self.helper = helper
        self.source = source
        self.directory = directory

    def page(self, name):
        return (self.source / "docs/man" / (name + ".rst")).read_text(encoding="utf-8")

    def list(self, name):
        return (self.directory / (name + ".rst")).read_text(encoding="utf-8")

    def found(self, pattern, *globs):
        return {name for glob in globs for path in sorted(self.source.glob(glob))
                for name in re.findall(pattern, path.read_text(encoding="utf-8"))}

    def options(self):
        commands = self.list("commands") + self.list("options")
        yield ("options", self.found(r'"([a-z0-9-]+)", (?:no|required|optional)_argument', "src/helper/**/*.[ch]"),
               set(re.findall(r"(?<![\w-])--([a-z][a-z0-9-]*)", commands)))

    def environment(self):
        asked = r'(?:getenv|helper_variable)\("(\w+)"\)'
        yield ("variables of the environment", self.found(asked, "src/helper/**/*.c", "src/grant/*.c"),
               terms(section(self.page("virt-qmp-guard"), "ENVIRONMENT", "=")))

    def policy(self):
        schema = ElementTree.parse(self.source / "xml/policy.rng")
        named = [element.get("name") for element in schema.iter(RELAXNG + "element")]
        named += [name.text for name in schema.iter(RELAXNG + "name")]
        yield ("elements", {f"<{name}>" for name in named if name}, terms(self.list("policy-elements")))
        yield ("attributes", {node.get("name") for node in schema.iter(RELAXNG + "attribute")},
               set(re.findall(r'^\*\*([\w-]+)\*\*\\ ="', self.list("policy-attributes"), re.MULTILINE)))

    def catalog(self):
        groups = {row["group"] for row in json.loads(ask(self.helper, "catalog", "--groups", "--json"))}
        commands = json.loads(ask(self.helper, "catalog", "--json", "--profiles"))
        yield "groups and classes", groups, terms(self.list("groups") + self.list("classes"))
        yield ("profiles", set(commands[0]["profiles"]), terms(self.list("profiles")))
        yield ("columns of the catalogue", set(commands[0]) - {"profiles"},
               terms(section(self.page("qmp-guard-catalog"), "DESCRIPTION", "=")))
        told = re.findall(r"^    (.*)$", self.list("catalog-commands"), re.MULTILINE)
        yield ("commands of the catalogue", sorted(row["name"] for row in commands),
               sorted(name.replace("\\", "") for line in told for name in line.split(", ")))

    def audit(self):
        page = self.page("qmp-guard-audit")
        lines = section(page, "LINES", "=")
        kinds = re.findall(r"^  (.+?) +(?:INFO|WARNING|ERROR)", self.list("audit-lines"), re.MULTILINE)
        yield "lines", set(kinds), terms(lines.partition("\nFields\n")[0])
        yield ("beginnings of other lines",
               self.found(r'(?:log_line\(LOG_\w+,|reason_set\(news,)\s*"([A-Za-z ]+)', "plugin/*.c"),
               {words for line in re.findall(r"^ {4}.*", lines, re.MULTILINE)
                for words in re.findall(r"``((?:QMP|audit|domain|host) [A-Za-z ]+)[:@]", line)})
        fields = terms(section(page, "Fields", "-"))
        yield "fields of lines", self.found(r"\| (\w+)=", "src/audit/*.c", "plugin/*.c"), fields
        named = set(re.findall(r"\*\*([a-z]+)\*\*", section(page, "LINES", "=")))
        yield "fields that lines are said to have", named & fields, named
        yield ("first words of lines", self.found(r'"((?:QMP|VM)(?: [a-z]+)*)"', "src/audit/*.c"),
               {kind for kind in kinds if re.match("(QMP|VM)\\b(?! grant)", kind)})
        schema = json.loads((self.source / "docs/audit-record.schema.json").read_text(encoding="utf-8"))
        yield "members", set(schema["properties"]), terms(self.list("audit-members"))
        yield "events", set(schema["properties"]["event"]["enum"]), terms(self.list("audit-events"))
        yield ("journald fields", self.found(r'\{"([A-Z_]+)", ', "plugin/log.c"),
               set(re.findall(r"\*\*([A-Z_]+)\*\*", page)))

    def hook(self):
        page = self.page("qmp-guard-hook")
        operation = r'\{"([a-z]+)", "([a-z]+)", \w+\}'
        told = {tuple(name.split()) for name in terms(section(page, "OPERATIONS", "="))}
        yield "operations", self.found(operation, "hooks/operation.c"), told
        yield ("refusals without a rule", self.found(r'"(start:[a-z]+|host:invalid)"', "src/start/*.c"),
               terms(section(page, "FINDINGS", "=")))
        yield ("findings", self.found(r'\[FINDING_\w+\]\s*=\s*\{"([a-z-]+)"', "src/policy/finding_kind.c"),
               terms(self.list("findings")))

    def library(self):
        functions = re.findall(r"^(qmpguard\S+)\n-{8,}", self.list("functions").replace("\\", ""), re.MULTILINE)
        yield "functions", self.found(r"(qmpguard_\w+);", "src/lib/exports.map"), set(functions)
        types = self.list("types").replace("\\", "")
        yield ("constants", self.found(r"\n +(QMPGUARD_\w+) = ", "src/lib/qmpguard.h"),
               set(re.findall(r"^``(QMPGUARD_\w+) = ", types, re.MULTILINE)))
        yield ("types", self.found(r"\n(?:\}|typedef struct \w+) (\w+);", "src/lib/qmpguard.h"),
               set(re.findall(r"^(Qmpguard\w+)\n-{8,}", types, re.MULTILINE)))

    def all(self):
        for part in (self.options, self.environment, self.policy, self.catalog, self.audit, self.hook, self.library):
            yield from part()


def different(rows):
    """What only one side has."""
    for title, there, told in rows.all():
        if not there:
            yield f"{title}: none were found in the sources"
        if isinstance(there, list):
            if there != told:
                yield f"{title}: {len(there)} in the program and {len(told)} in the manual, or others"
            continue
        for name in sorted(there - told):
            yield f"{title}: the manual lacks {name}"
        for name in sorted(told - there):
            yield f"{title}: the manual has {name}, and the sources do not"


def main(helper, source, directory):
    source = pathlib.Path(source)
    directory = pathlib.Path(directory)
    failures = [*formatted(directory), *different_commands(helper, directory),
                *different(Rows(helper, source, directory))]
    print("\n".join(failures) or "the manuals are whole")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
