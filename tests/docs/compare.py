#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the guides and the policies' schema against the sources: what a table lists there is what there is, both ways.

usage: compare.py SOURCE_DIRECTORY
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True      # this is somebody's working tree
sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "docs/man"))
import schemas  # noqa: E402
import sources  # noqa: E402
from sides import differences   # noqa: E402

RELAXNG = "{http://relaxng.org/ns/structure/1.0}"
NAMESPACE = "{urn:qmp-guard:policy:1}"

# A row of a table of attributes, in C.
ATTRIBUTE = re.compile(r'\{"([a-z0-9-]+)", set_\w+, ([\w |]+)\}')
KINDS = {"domain-policy": "IN_DOMAIN", "host-policy": "IN_HOST", "profile": "IN_PROFILE"}
# Which table has the attributes of an element, by its define in the schema and its name.
TABLES = {("rule", "allow"): "rule", ("rule", "warn"): "rule", ("rule", "deny"): "rule",
          ("host-policy", "delegate"): "rule", ("limit", "limit"): "limit", ("matches", "argument"): "argument",
          ("start", "refuse"): "start", ("start", "warn"): "start", ("start", "ignore"): "start"}

# A row of a table of checks.
CHECK = re.compile(r'^    \{"([a-z-]+)", judge_', re.MULTILINE)

# An enum whose last member counts the others, and a table with a row for each, in C.
ENUM = re.compile(r"enum \w+ \{\n((?:[^}]*\n)?) +(\w+_COUNT),\n\}", re.MULTILINE)
# Members that mean that there is nothing, so that a table may leave them out.
NOTHING = {"GRANT_NOBODY", "GRANT_ANYBODY", "HOOK_OTHER"}
ENUM_TABLE = re.compile(r"(\w+)\[(\w+_COUNT)\] = \{(.*?)\n?\};", re.DOTALL)


class Guides:
    def __init__(self, root):
        self.root = root

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def table(self, page, *head):
        """The cells of the tables that begin with these cells, without the code's backquotes."""
        begin = re.escape("| " + " | ".join(head) + " |")
        rows = []
        for table in re.findall(rf"^{begin}.*\n\|[-|]+\|\n((?:\|.*\n)+)", self.text(page), re.MULTILINE):
            rows += [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
        return [[cell.strip("| ") for cell in row] for row in rows]

    def first_codes(self, page, *head):
        """All that is code in the first cells."""
        return [code for row in self.table(page, *head) for code in re.findall(r"`(.+?)`", row[0])]


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


def attribute_rows(source):
    """The attributes that the parser takes, and those of the schema."""
    text = (source / "src/policy/policy_attributes.c").read_text(encoding="utf-8")
    taken = {name: ATTRIBUTE.findall(rows)
             for name, rows in re.findall(r"(\w+)_attributes\[\] = \{(.*?)\n\};", text, re.DOTALL)}
    schema = schemas.PolicySchema(source / "xml/policy.rng")
    known = {name: set() for name in taken}
    for element, define in schema.elements:
        names = {child.get("name") for child, _ in schema.children(element) if child.tag == RELAXNG + "attribute"}
        if define in KINDS and schema.names(element) == ["policy"]:
            yield (f"attributes of a {define}: parser and schema",
                   {name for name, where in taken["policy"] if KINDS[define] in where or where == "IN_ANY"}, names)
        for name in schema.names(element):
            if (define, name) in TABLES:
                known[TABLES[define, name]] |= names
    elements = {name for element, _ in schema.elements for name in schema.names(element)} - {"policy", "argument"}
    parsers = [(path, (source / "src/policy" / path).read_text(encoding="utf-8"))
               for path in ("policy.c", "start_rule.c", "policy_parse.c")]
    known_elements = {name for path, text in parsers
                      for name in re.findall(r'\[(?:RULE|START)_\w+\] = "(\w+)"|\{"(\w+)", policy_read_\w+\}', text)}
    yield "elements: parser and schema", {one or other for one, other in known_elements}, elements
    for name in set(taken) - {"policy"}:
        yield f"attributes in {name}_attributes: parser and schema", {row[0] for row in taken[name]}, known[name]


def guide_rows(guides):
    root = guides.root
    checks = [check for scope in ("host", "domain")
              for check in CHECK.findall(guides.text(f"src/helper/status/checks_{scope}.c"))]
    yield "checks of status: source and docs/status.md", checks, guides.first_codes("docs/status.md", "check", "FAIL")

    baseline = ElementTree.parse(root / "xml/profiles/baseline.xml")
    names = re.findall(r'\[FINDING_\w+\]\s*=\s*\{"([a-z-]+)"', guides.text("src/policy/finding_kind.c"))
    found = {(name, sources.shipped_action(baseline.find(sources.START_RULES), name)) for name in names}
    told = guides.table("docs/start.md", "finding", "`baseline`")
    yield ("findings and what baseline does: source and docs/start.md", found,
           {(row[0].strip("`"), row[1].split()[0].rstrip(",")) for row in told})
    yield ("operations of the hook: source and docs/start.md",
           {" ".join(row) for row in re.findall(r'\{"(\w+)", "(\w+)", HOOK_', guides.text("hooks/operation.c"))},
           set(guides.first_codes("docs/start.md", "libvirt's operation")))
    yield ("refusals without a rule: source and docs/start.md",
           {rule for path in (root / "src/start").glob("*.c")
            for rule in re.findall(r'"(start:[a-z]+|host:invalid)"', path.read_text(encoding="utf-8"))},
           set(guides.first_codes("docs/start.md", "rule in the record")))

    names = re.findall(r'\[CLASS_\w+\] = "([a-z-]+)"', guides.text("src/catalog/catalog.c"))
    rules = {rule.get("group"): rule.tag.removeprefix(NAMESPACE) for rule in baseline.getroot() if rule.get("group")}
    default = baseline.getroot().get("default")
    yield ("classes and what baseline does: source and docs/policy.md",
           {("@" + name, rules.get("@" + name, default).replace("warn", "allow, WARNING")) for name in names},
           {(row[0].strip("`"), row[1]) for row in guides.table("docs/policy.md", "class", "`baseline`")})
    yield ("profiles: source and docs/policy.md", {path.stem for path in (root / "xml/profiles").glob("*.xml")},
           set(guides.first_codes("docs/policy.md", "profile")))
    yield ("codes of the library: source and docs/library.md",
           re.findall(r"QMPGUARD_ERROR_(\w+) =", guides.text("src/lib/qmpguard.h")),
           guides.first_codes("docs/library.md", "code"))


def more_rows(guides):
    """What is no table in a guide."""
    classes = re.findall(r'\[CLASS_\w+\] = "([a-z-]+)"', guides.text("src/catalog/catalog.c"))
    channels = re.findall(r'\[CHANNEL_\w+\] = "([a-z-]+)"', guides.text("src/catalog/catalog.c"))
    generator = guides.text("src/catalog/generate.py")
    for name, words in (("CLASSES", [word for word in classes if word != "unknown"]), ("CHANNELS", channels)):
        told = re.search(rf"^{name} = \[(.*)\]", generator, re.MULTILINE).group(1)
        yield f"{name}: source and generate.py", words, re.findall(r'"([a-z-]+)"', told)
    suites = re.search(r'^SUITES="(.*?)"', guides.text("scripts/chroot"), re.MULTILINE).group(1).split()
    # `Debian 11, bullseye`; `sid, 2026-11-21`
    versions = re.search(r"^\|---\|---\|---\|\n((?:\|.*\n)+)", guides.text("docs/versions.md"), re.MULTILINE).group(1)
    yield ("Debians: scripts/chroot with the host's, and docs/versions.md", {*suites, "bookworm"},
           set(re.findall(r"\b[a-z]{3,}\b", " ".join(row.split("|")[1] for row in versions.splitlines()))))
    status = re.search(r"`--json` prints an array of objects with (.*?)\.\n?", guides.text("docs/status.md"), re.DOTALL)
    yield ("members of status --json: source and docs/status.md",
           set(re.findall(r'add_(?:text|nothing)\(row, "(\w+)"', guides.text("src/helper/status/report.c"))),
           set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", status.group(1)))))
    targets = guides.text("tests/fuzz/meson.build").partition("\nfuzz_targets = {\n")[2].partition("\n}\n")[0]
    yield ("fuzz targets: meson.build and docs/fuzzing.md", set(re.findall(r"^  '(\w+)':", targets, re.MULTILINE)),
           {row[0].strip("`") for row in guides.table("docs/fuzzing.md", "target")})
    header = guides.text("src/catalog/commands.table").partition("\n# marks")[0]
    yield ("QEMUs that were looked at: commands.table and tests/catalog",
           set(re.findall(r"\d+\.\d+", header.partition("among")[2])),
           {path.stem.removeprefix("qemu-") for path in (guides.root / "tests/catalog").glob("qemu-*.txt")})
    members = re.findall(r"^    [^\n]*\(\*(\w+)\)\(", guides.text("plugin/libvirt_private.h"), re.MULTILINE)
    yield ("libvirt's functions: members, and bindings", set(members),
           set(re.findall(r"offsetof\(LibvirtPrivate, (\w+)\)", guides.text("plugin/libvirt_private.c"))))
    yield ("entry points: entry.c, and exports.map",
           set(re.findall(r"^EXPORTED .*?(\w+)\(", guides.text("plugin/entry.c"), re.MULTILINE)),
           set(re.findall(r"(\w+);", guides.text("plugin/exports.map").partition("local:")[0])))
    yield ("files of the hook, and hooks/README.md", {path.name for path in (guides.root / "hooks").glob("*.c")},
           set(guides.first_codes("hooks/README.md", "file")))
    header = re.sub(r"/\*.*?\*/", "", guides.text("src/lib/qmpguard.h"), flags=re.DOTALL)
    program = guides.text("docs/examples/execute.py")
    for name in ("Error", "Question", "Answer"):
        body = re.search(rf"^typedef struct Qmpguard{name} \{{\n(.*?)^\}}", header, re.DOTALL | re.MULTILINE).group(1)
        fields = re.search(rf"^class {name}\(.*?_fields_ = \[(.*?)\]\n\n", program, re.DOTALL | re.MULTILINE).group(1)
        yield (f"members of Qmpguard{name}: header and execute.py",
               re.findall(r"(\w+)(?:\[\d+\])?; *$", body, re.MULTILINE), re.findall(r'\("(\w+)"', fields))


def named_rows(guides):
    """What the guides name and there has to be; they need not name all."""
    pages = [*guides.root.glob("*.md"), *guides.root.glob("docs/*.md")]
    text = "".join(path.read_text(encoding="utf-8") for path in pages)
    groups = set(re.findall(r"^(@[a-z-]+) ", guides.text("src/catalog/groups.table"), re.MULTILINE))
    named = set(re.findall(r"`(@[a-z-]+)`", text))
    yield "groups that the guides name, and those of them that there are", named, named & groups
    named = set(re.findall(r"profile=\"([a-z -]+)\"", text))
    named = {name for names in named for name in names.split()}
    profiles = {path.stem for path in (guides.root / "xml/profiles").glob("*.xml")}
    yield "profiles that the guides name, and those of them that there are", named, named & profiles
    schema = ElementTree.parse(guides.root / "xml/policy.rng")
    elements = {name for name, form in policy_words(guides.root) if form[0] == "<"}
    tags = re.findall(rf"<(?:qg:)?(?:{'|'.join(elements)})\b([^<>]*)>", text)
    named = {name for tag in tags for name in re.findall(r'(?:^|\s)([a-z][a-z0-9-]*)="', tag)}
    known = {attribute.get("name") for attribute in schema.iter(RELAXNG + "attribute")}
    yield "attributes that the guides show, and those of them that there are", named, named & (known | {"xmlns"})


def enum_rows(source):
    """Tables in C with a row for each member of an enum: one that has none would be zero there."""
    texts = [path.read_text(encoding="utf-8") for folder in ("src", "plugin", "hooks")
             for path in sorted((source / folder).rglob("*.[ch]"))]
    members = {count: set(re.findall(r"^ +([A-Z0-9_]+)", body, re.MULTILINE))
               for text in texts for body, count in ENUM.findall(text)}
    for text in texts:
        for name, count, rows in ENUM_TABLE.findall(text):
            designated = re.findall(r"\[([A-Z]\w+)\]\s*=", rows)
            if designated and count in members:
                yield (f"members that {count} counts, and rows of {name}[]", members[count] - NOTHING,
                       set(designated) - NOTHING)


def main(source):
    source = pathlib.Path(source)
    wrong = undocumented(source)
    tables = list(enum_rows(source))
    if len(tables) < 12:
        wrong.append(f"only {len(tables)} tables for enums were found")
    guides = Guides(source)
    rows = [*attribute_rows(source), *guide_rows(guides), *more_rows(guides), *named_rows(guides), *tables]
    wrong += differences(rows)
    print("\n".join(wrong) or f"{len(rows)} lists are the same on both sides")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
