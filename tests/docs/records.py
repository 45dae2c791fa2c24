#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What records are is said alike by those who write them, the schema, the reader and docs/audit.md, both ways.

usage: records.py SOURCE_DIRECTORY
"""
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True      # this is somebody's working tree
from sides import differences   # noqa: E402

# As C writes a member of a record: a call with the writer and the name in front, or the name in JSON.
MEMBER = re.compile(r'(?:json_writer_(?:open|text|number|value)|audit_add_text|add_(?:cut_text|number))'
                    r'\(&?\w+,\s+"([^"]+)"')
WRITTEN_OUT = re.compile(r'[{,]\\"([a-z]+)\\":')
EVENT = re.compile(r'(?:audit_begin_json\(&out|json_writer_text\(&out, "event"), "([a-z]+)"')
# ... and names the values of an enum, in a table of their own.
WORD = re.compile(r'\] = \{?"([^"]+)"')
FIELD = re.compile(r"\| (\w+)=")
# The first words of lines that are records, of those that the guard has a line for.
FIRST_WORDS = re.compile(r'"((?:QMP|VM)(?: [a-z]+)*|domain policy [a-z ]+)(?::|%s|")')
LEVEL = re.compile(r'\{(?:"([^"]+)", )?(?:VERDICT_\w+, )?AUDIT_(\w+)')

# A field that the guide names, or that stands in a line that it shows.
NAMED = re.compile(r'(?:`| \\?\| )(\w+)=(?!")')

# A row of one of the guide's tables: the first cell, and the others.
TABLE_ROW = re.compile(r"^\| (`.+?) \| (.*) \|$", re.MULTILINE)


class Sources:
    def __init__(self, root):
        self.root = root
        self.schema = json.loads(self.text("docs/audit-record.schema.json"))
        self.guide = self.text("docs/audit.md")

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def found(self, pattern, *globs):
        return [match for glob in globs for path in sorted(self.root.glob(glob))
                for match in pattern.findall(path.read_text(encoding="utf-8"))]

    def table(self, path, name):
        """What stands between the braces of a table in C."""
        return re.search(rf"\b{name}\[\w*\] = {{(.*?)\n}};", self.text(path), re.DOTALL).group(1)

    def words(self, path, name):
        return set(WORD.findall(self.table(path, name)))

    def guide_table(self, head):
        """The rows of the guide's tables that have that first cell: its code, and what follows."""
        rows = []
        for table in re.findall(rf"^\| {re.escape(head)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", self.guide, re.MULTILINE):
            rows += TABLE_ROW.findall(table.replace("\\|", "¦"))
        return [(re.findall(r"`(.+?)`", cell), following) for cell, following in rows]

    def enum(self, name):
        return set(self.schema["properties"][name]["enum"])


def members_of(schema):
    """All members that an object may have, with those of the objects in it."""
    for name, value in schema.get("properties", {}).items():
        yield name
        yield from members_of(value)
        yield from members_of(value.get("items", {}))


def record_rows(sources):
    """What a record may hold: a title, and both sides."""
    written = sources.found(MEMBER, "src/audit/*.c")
    written += sources.found(WRITTEN_OUT, "src/audit/trail.c", "plugin/repeat.c")
    yield "members: written, and in the schema", set(written), set(members_of(sources.schema))
    events = set(sources.found(EVENT, "src/audit/*.c"))
    told = {rule["if"]["properties"]["event"]["const"] for rule in sources.schema["allOf"]
            if "event" in rule["if"].get("properties", {})}
    yield "events: written, and in the schema", events, sources.enum("event")
    yield "events: written, and with what they need in the schema", events, told
    yield ("events: written, and known to the reader", events,
           set(re.findall(r'\{"([a-z]+)",', sources.table("src/helper/trail/filter.c", "events"))))
    yield "events: written, and in docs/audit.md", events, {cell[0] for cell, _ in sources.guide_table("`event`")}


def word_rows(sources):
    for name, path, table in [("verdict", "src/policy/policy.c", "verdict_names"),
                              ("class", "src/catalog/catalog.c", "class_names"),
                              ("channel", "src/catalog/catalog.c", "channel_names"),
                              ("step", "src/audit/grant.c", "steps")]:
        yield f"words of {name}: in the source, and in the schema", sources.words(path, table), sources.enum(name)
    yield ("words of result: in the source, and in the schema",
           set(sources.found(re.compile(r'\.result = "(\w+)"'), "plugin/outcome.c")), sources.enum("result"))
    # One that has nothing to do with the command is not recorded.
    obstacles = sources.words("src/grant/grant.c", "obstacle_names") - {"unrelated"}
    refused = sources.schema["properties"]["refused-grant"]["properties"]["reason"]["enum"]
    reason = next(following for cell, following in sources.guide_table("field") if cell[0] == "reason=")
    yield "why a grant does not count: in the source, and in the schema", obstacles, set(refused)
    yield ("why a grant does not count: in the source, and in docs/audit.md", obstacles,
           set(re.findall(r"`(\w[\w ]+)`", reason.partition("it does not count")[2])))
    callers = sources.words("src/grant/grant.c", "caller_kind_names") - {"nobody"}
    whose = next(following for cell, following in sources.guide_table("field") if cell[0] == "for=")
    yield ("for whom a grant is: in the source, and in the schema", callers,
           set(re.findall(r"\w+", sources.schema["properties"]["for"]["pattern"])))
    yield ("for whom a grant is: in the source, and in docs/audit.md", callers,
           set(re.findall(r"`([a-z0-9]+)[:`]", whose)))
    yield ("operations: that the hook judges, and in the schema",
           set(sources.found(re.compile(r'\{"(\w+)", "\w+", HOOK_(?:START|RECONNECT)\}'), "hooks/operation.c")),
           set(re.findall(r"[a-z]+", sources.schema["properties"]["operation"]["description"].partition(":")[2])))


def line_rows(sources):
    """Lines of the logs: their first words, their levels, their fields."""
    written = set(sources.found(FIRST_WORDS, "src/audit/*.c", "plugin/*.c"))
    steps = {"QMP grant " + step for step in sources.words("src/audit/grant.c", "steps")}
    kinds = sources.table("src/helper/trail/text_line.c", "kinds").replace('GRANT_PREFIX "', '"QMP grant ')
    yield "first words: written, and known to the reader", written | steps, set(re.findall(r'\{"([^"]+)"', kinds))

    levels = {"QMP grant " + words if path == "grant" else words: level for path in ("audit", "grant", "start")
              for words, level in LEVEL.findall(sources.text(f"src/audit/{path}.c"))}
    told = {cell[0].rstrip(":"): following.split()[0] for cell, following in sources.guide_table("line")
            if re.fullmatch(r"(?:QMP|VM)[\w ]*:", cell[0])}
    yield "levels: of the source, and in docs/audit.md", set(levels.items()), set(told.items())

    fields = set(sources.found(FIELD, "src/audit/*.c", "plugin/*.c"))
    names = re.findall(r'is_text\(name, "(\w+)"\)', sources.text("src/helper/trail/text_line.c"))
    names += re.findall(r'\{"(\w+)",', sources.table("src/helper/trail/text_line.c", "fields"))
    numbers = re.search(r"numbers\[\] = \{(.*?)\};", sources.text("src/helper/trail/text_line.c")).group(1)
    names += re.findall(r'"(\w+)"', numbers)
    yield "fields: written, and known to the reader", fields, set(names)
    named = set(NAMED.findall(sources.guide.partition("\n## The trail\n")[0]))
    columns = [following.split(" | ") for _, following in sources.guide_table("line")]
    named |= {name for cells in columns if len(cells) == 3 for name in re.findall(r"`(\w+)`", cells[2])}
    yield "fields: written, and in docs/audit.md", fields, named
    yield ("journald fields: written, and in docs/audit.md",
           set(sources.found(re.compile(r'\{"([A-Z_]+)", '), "plugin/log.c")),
           set(re.findall(r"`(MESSAGE_ID|QMPGUARD_\w+)`", sources.guide)))


def main(source):
    sources = Sources(pathlib.Path(source))
    wrong = list(differences([*record_rows(sources), *word_rows(sources), *line_rows(sources)]))
    print("\n".join(wrong) or "the records are what they are said to be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
