# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the C sources say: the library's header, and the table of what the hook finds."""
import re
import xml.etree.ElementTree as ElementTree

import markup

# A comment, if any, and what it stands above.
DECLARATION = re.compile(
    r"(?:^/\*(?P<comment>(?:(?!\*/).)*)\*/\n)?"
    r"^(?:typedef (?P<kind>enum|struct) \w+ \{\n(?P<body>.*?)^\} (?P<type>\w+);"
    r"|typedef struct \w+ (?P<opaque>\w+);"
    r"|#define (?P<macro>\w+) (?P<value>\w+)$"
    r"|(?P<result>(?:const )?\w+ \*?)(?P<function>\w+)\((?P<arguments>[^;]*)\);)",
    re.DOTALL | re.MULTILINE)
# A member of an enum or a struct, and the comment beside it; or a comment alone.
MEMBER = re.compile(r"^    (?P<member>[^/\n]+?)[,;]?(?: /\*(?P<beside>.*?)\*/)?$|^    /\*(?P<alone>.*?)\*/$",
                    re.DOTALL | re.MULTILINE)
FINDING = re.compile(r"\[FINDING_\w+\]\s*=\s*\{(.*?)\},?$", re.DOTALL | re.MULTILINE)
CELL = re.compile(r'NULL|"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
PROTOTYPE_WIDTH = 66
# A kind of line in a log: its first words or its name, its level, its id if it has one.
LINE = re.compile(r'\{(?:"([^"]+)", )?(?:VERDICT_\w+, )?AUDIT_(\w+)(?:,\s*"([0-9a-f]{32})")?\}')
START_RULES = "{urn:qmp-guard:policy:1}start"


def comment_blocks(comment):
    """A comment's paragraphs; lines that begin with `Word:` or `@argument:` are terms with their text."""
    text = re.sub(r"^ ?\*? ?", "", comment.strip(), flags=re.MULTILINE)
    blocks = []
    for paragraph in re.split(r"\n\s*\n", text):
        head, *rest = re.split(r"^@?(\w+): ", paragraph, flags=re.MULTILINE)
        blocks += [markup.sentence(head)] if head.strip() else []
        if rest:
            blocks.append(markup.definitions((f"**{name}**", markup.sentence(words))
                                             for name, words in zip(rest[::2], rest[1::2])))
    return blocks


def member_blocks(body):
    blocks = []
    items = []
    for match in MEMBER.finditer(body):
        if match["member"]:
            beside = [markup.sentence(match["beside"])] if match["beside"] else ["\\ "]
            items.append((markup.literal(" ".join(match["member"].split())), *beside))
            continue
        if items:
            blocks.append(markup.definitions(items))
            items = []
        blocks.append(markup.sentence(match["alone"]))
    return [*blocks, markup.definitions(items)]


def prototype(match):
    """As C has it, its arguments each on one line."""
    lines = [f"{match['result']}{match['function']}("]
    for argument in " ".join(match["arguments"].split()).split(", "):
        if len(lines[-1]) + len(argument) > PROTOTYPE_WIDTH:
            lines.append("    ")
        lines[-1] += argument + ", "
    return "\n".join(line.rstrip() for line in lines).rstrip(",") + ");"


def library_lists(source):
    text = (source / "src/lib/qmpguard.h").read_text(encoding="ascii")
    exported = set(re.findall(r"qmpguard_\w+(?=;)", (source / "src/lib/exports.map").read_text(encoding="ascii")))
    # Its first paragraph is what the page's title says.
    introduction = re.findall(r"^/\*\n.*?^ \*\n(.*?)\*/", text, re.DOTALL | re.MULTILINE)[0]
    types, functions, prototypes = [], [], []
    for match in DECLARATION.finditer(text[text.index("typedef"):]):
        comment = comment_blocks(match["comment"]) if match["comment"] else []
        if match["function"]:
            prototypes.append(prototype(match))
            functions.append(markup.subsection(match["function"], markup.verbatim(prototype(match)), *comment))
            exported.discard(match["function"])
        else:
            members = member_blocks(match["body"]) if match["body"] else []
            types.append(markup.subsection(match["type"] or match["opaque"] or match["macro"], *comment, *members))
    if exported:
        raise ValueError(f"qmpguard.h has no prototype, as it is read here, of {sorted(exported)}")
    return {
        "prototypes": markup.verbatim("#include <qmpguard.h>\n\n" + "\n\n".join(prototypes)),
        "library": "\n\n".join(comment_blocks(introduction)),
        "types": "\n".join(types),
        "functions": "\n".join(functions),
    }


def shipped_action(baseline, finding):
    """What the shipped rules do with a finding, whatever its value."""
    for rule in baseline:
        if rule.get("finding", finding) == finding and not rule.get("match") and not rule.get("prefix"):
            return rule.tag.rpartition("}")[2]
    raise ValueError(f"baseline says nothing of {finding}")


def finding_list(source):
    text = (source / "src/policy/finding_kind.c").read_text(encoding="ascii")
    baseline = ElementTree.parse(source / "xml/profiles/baseline.xml").find(START_RULES)
    items = []
    for row in FINDING.findall(text):
        name, value, meaning, remedy = ("".join(STRING.findall(cell)) for cell in CELL.findall(row))
        texts = [markup.sentence(meaning), markup.sentence(f"Remedy: {remedy}")]
        if value:
            texts.append(markup.sentence(f"`match` and `prefix` look at {value}"))
        items.append((f"**{name}** ({shipped_action(baseline, name)})", *texts))
    kinds = (source / "src/policy/finding_kind.h").read_text(encoding="ascii").count("\n    FINDING_") - 1
    if len(items) != kinds:
        raise ValueError(f"finding_kind.c has {kinds} findings, and {len(items)} were read")
    return markup.definitions(items)


def log_lines(source):
    """All kinds of lines in the logs: (first words or name, level, id or nothing)."""
    rows = []
    for path in ("src/audit/audit.c", "src/audit/grant.c", "src/audit/start.c"):
        front = "QMP grant " if path.endswith("grant.c") else ""
        rows += [(front + words, level, number)
                 for words, level, number in LINE.findall((source / path).read_text(encoding="ascii"))]
    text = (source / "plugin/log.c").read_text(encoding="ascii")
    for name, row in re.findall(r"\[LOG_(\w+)\] = (\{.*?\})", text):
        rows.append((name.lower().replace("_", " "), *LINE.match(row).groups()[1:]))
    return rows


def line_list(source):
    rows = log_lines(source)
    return markup.verbatim("\n".join(f"{words:23} {level:7} {number}".rstrip() for words, level, number in rows))


def lists(source):
    return {**library_lists(source), "findings": finding_list(source), "audit-lines": line_list(source)}
