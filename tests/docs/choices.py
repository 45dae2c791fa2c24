#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What there is to choose from is the same wherever it is said: in the program's refusals, its --help, the schema.

usage: choices.py HELPER SOURCE_DIRECTORY
"""
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True      # this is somebody's working tree
from sides import differences   # noqa: E402

RELAXNG = "{http://relaxng.org/ns/structure/1.0}"
# How a policy has to be for the attribute to be at its place, and the attribute.
POLICIES = {
    "mode": "<policy xmlns='urn:qmp-guard:policy:1' {}/>",
    "domain-mode": "<policy xmlns='urn:qmp-guard:policy:1' {}><delegate/></policy>",
    "unrecorded": "<policy xmlns='urn:qmp-guard:policy:1' {}><delegate/></policy>",
    "default": "<policy xmlns='urn:qmp-guard:policy:1' name='mine' {}/>",
    "channel": "<policy xmlns='urn:qmp-guard:policy:1'><allow {}/></policy>",
    "require": "<policy xmlns='urn:qmp-guard:policy:1'><allow {}/></policy>",
}
FILTERS = ["class", "verdict", "channel", "event", "count-by"]
# A call of the program with its words, as far as quotes and line ends let it be seen.
TYPED = re.compile(r"virt-qmp-guard(?: +-[cr](?: +\S+)?)* +([a-z]+)((?:[^`'|\n;(]|'[^'\n]*')*)")
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)")


class Helper:
    def __init__(self, program, source):
        self.program = str(pathlib.Path(program).resolve())
        self.source = pathlib.Path(source)

    def run(self, *words, text=""):
        return subprocess.run([self.program, *words], capture_output=True, text=True, check=False, input=text,
                              env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})

    def help(self, command):
        return self.run(command, "--help").stdout

    def commands(self):
        return re.findall(r"^ {12}virt-qmp-guard (\S+)", self.run("--help").stdout, re.MULTILINE)


def chosen(message):
    """The words of `it is a, b or c`."""
    listed = re.search(r"(?:: it is|is not) ([^(;\n]+)", message)
    return set(re.findall(r"[\w-]+", listed.group(1).replace(" or ", " "))) if listed else set()


def option_text(text, name):
    """What a help says behind an option, down to the next one."""
    return re.search(rf"^  (?:\S+, )*--{name}\b.*?(?=^  \S|^\S|\Z)", text, re.MULTILINE | re.DOTALL).group(0)


def filter_rows(helper):
    """What `audit` filters and counts by."""
    for name in FILTERS:
        words = chosen(helper.run("audit", f"--{name}", "nonesuch", "/dev/null").stderr)
        told = re.sub(r"\([^)]*\)", "", option_text(helper.help("audit"), name)).split("  ", 2)[2]
        told = re.split(r";", told.replace("counts by", "").replace("only", ""))[0]
        yield f"audit --{name}: its refusal and --help", words, set(re.findall(r"[a-z-]+", told.replace(" or", " ")))


def value_rows(helper):
    """The attributes of a policy that are one of a few words."""
    values = {}
    for attribute in ElementTree.parse(helper.source / "xml/policy.rng").iter(RELAXNG + "attribute"):
        for value in attribute.iter(RELAXNG + "value"):
            values.setdefault(attribute.get("name"), set()).add(value.text)
    yield "attributes with words of their own: in the schema, and tried here", set(values), set(POLICIES)
    for name, policy in POLICIES.items():
        refusal = helper.run("policy", "validate", "-", text=policy.format(f"{name}='nonesuch'")).stderr
        yield f"words of {name}: the parser's refusal and the schema", chosen(refusal), values.get(name, set())
        taken = {word for word in values.get(name, set())
                 if helper.run("policy", "validate", "-", text=policy.format(f"{name}='{word}'")).returncode == 0}
        yield f"words of {name}: taken by the parser, and in the schema", taken, values.get(name, set())


def own_options(helper, command):
    """The options that getopt is given for a command, by the file that has its function."""
    folder = helper.source / "src/helper"
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.c")}
    text, = [text for text in texts.values()
             if re.search(rf"^(?:static )?int {command}_run\(HelperContext .*\)$", text, re.MULTILINE)]
    if command == "grant":
        text += texts[folder / "grants/grant_options.c"]
    names = set(re.findall(r'\{"([a-z0-9-]+)", (?:no|required)_argument', text))
    return names | {name.lower() for name in re.findall(r"\b(?:HOST|GRANT)_OPTION_(\w+)", text)}


def option_rows(helper):
    common = set(re.findall(r"^  -.*?--([a-z]+)", helper.run("--help").stdout, re.MULTILINE))
    for command in helper.commands():
        if command == "help":       # it has none of its own
            continue
        yield (f"options of {command}: in the source, and in its --help", own_options(helper, command) - common,
               set(OPTION.findall(helper.help(command))) - common)


def said_rows(helper):
    """What the documentation and the messages have people type: no command and no option that is not there."""
    known = {command: set(OPTION.findall(helper.help(command))) for command in helper.commands()}
    common = set(re.findall(r"^  -.*?--([a-z]+)", helper.run("--help").stdout, re.MULTILINE))
    typed = set()
    for glob in ("*.md", "docs/**/*.md", "docs/**/*.rst", "docs/**/*.in", "debian/*", "src/**/*.c", "xml/**/*.xml"):
        for path in helper.source.glob(glob):
            for command, words in TYPED.findall(path.read_text(encoding="utf-8")) if path.is_file() else []:
                typed.add((command, ""))
                typed |= {(command, option) for option in OPTION.findall(words)}
    yield ("commands and options that are told of, and those of them that there are", typed,
           {(command, option) for command, option in typed
            if command in known and option in known[command] | common | {""}})
    texts = {glob: "\n".join(path.read_text(encoding="utf-8") for path in helper.source.glob(glob))
             for glob in ("*.md", "docs/*.md", "scripts/*", "tests/model/*.py", "tests/bench/*.py")}
    guides = texts.pop("*.md") + texts.pop("docs/*.md")
    named = set(OPTION.findall(" ".join(re.findall(r"`(--[^`\n]+)`", guides))))
    named |= set(OPTION.findall((helper.source / "src/helper/completion.bash").read_text(encoding="utf-8")))
    # Those of the scripts, of virsh's and of QEMU's.
    others = {"all", "name", "pass-fds", "x", *OPTION.findall("".join(texts.values()))}
    yield ("options that the guides name, and those of them that there are", named,
           named & common.union(others, *known.values()))


def main(program, source):
    helper = Helper(program, source)
    wrong = list(differences([*filter_rows(helper), *value_rows(helper), *option_rows(helper), *said_rows(helper)]))
    print("\n".join(wrong) or "all can be chosen that is said to be, and nothing else")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
