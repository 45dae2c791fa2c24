# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the catalogue and the profiles hold."""
import json
import re
import xml.etree.ElementTree as ElementTree

import markup
from program import ask

NAMESPACE = "{urn:qmp-guard:policy:1}"
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
TITLES = {"qmp": "QMP", "hmp": "HMP", "agent": "Guest agent"}


def contents(source):
    """What the groups contain that consist of others."""
    rows = {}
    for line in (source / "src/catalog/groups.table").read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            name, _, contained = (cell.strip() for cell in line.split("|"))
            rows[name] = contained
    return rows


def group_lists(helper, source):
    contained = contents(source)
    classes = []
    groups = []
    for row in json.loads(ask(helper, "catalog", "--groups", "--json")):
        name = row["group"]
        texts = [markup.sentence(row["help"].removeprefix("Class: "))]
        if contained[name]:
            texts.append(f"Contains {contained[name]}")
        (classes if row["help"].startswith("Class: ") or name == "@unknown" else groups).append(
            (f"**{name}**", *texts))
    return {"classes": markup.definitions(classes), "groups": markup.definitions(groups)}


def rules(policy):
    """A profile's rules, a line each."""
    for rule in policy:
        kind = rule.tag.removeprefix(NAMESPACE)
        if kind != "start":
            yield " ".join([kind, *(f'{name}="{value}"' for name, value in rule.items())])
    if policy.get("profile"):
        yield f"then the rules of {policy.get('profile')}"
    if policy.get("default"):
        yield f"else {policy.get('default')}"


def profile_list(source, names):
    files = {path.stem: path for path in sorted((source / "xml/profiles").glob("*.xml"))}
    if set(files) != set(names):
        raise ValueError(f"the program has the profiles {sorted(names)}, xml/profiles {sorted(files)}")
    items = []
    for name, path in files.items():
        text = path.read_text(encoding="ascii")
        items.append((f"**{name}**", markup.sentence(COMMENT.search(text).group(1)),
                      markup.verbatim("\n".join(rules(ElementTree.fromstring(text))))))
    return markup.definitions(items)


def command_list(rows):
    """The names of all commands, by channel and class."""
    blocks = []
    for channel, title in TITLES.items():
        by_class = {}
        for row in rows:
            if row["channel"] == channel:
                by_class.setdefault(row["class"], []).append(row["name"])
        blocks.append(markup.subsection(title, markup.definitions(
            (f"**@{name}**", ", ".join(markup.plain(command) for command in commands))
            for name, commands in sorted(by_class.items()))))
    if {row["channel"] for row in rows} != set(TITLES):
        raise ValueError("the catalogue has a channel that the manual has no title for")
    return "\n".join(blocks)


def lists(helper, source):
    rows = json.loads(ask(helper, "catalog", "--json", "--profiles"))
    return {
        **group_lists(helper, source),
        "profiles": profile_list(source, rows[0]["profiles"]),
        "catalog-commands": command_list(rows),
    }
