# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the schemas say: of a policy (RelaxNG) and of the trail's records (JSON)."""
import json
import xml.etree.ElementTree as ElementTree

import markup

RELAXNG = "{http://relaxng.org/ns/structure/1.0}"
DOCUMENTATION = "{http://relaxng.org/ns/compatibility/annotations/1.0}documentation"


def documentation(node, what):
    text = node.findtext(DOCUMENTATION)
    if not text:
        raise ValueError(f"policy.rng has no documentation of {what}")
    return markup.sentence(text)


class PolicySchema:
    """A schema whose defines hold elements and attributes, in choices and groups of any depth."""

    def __init__(self, path):
        self.defines = {}
        self.elements = []      # in the order of the schema, each with its label and define
        for define in ElementTree.parse(path).iter(RELAXNG + "define"):
            self.defines[define.get("name")] = define
            self.elements += [(node, define.get("name")) for node in define.iter(RELAXNG + "element")]

    def names(self, element):
        return [element.get("name")] if element.get("name") else [name.text for name in element[0]]

    def label(self, element, define):
        """A policy is what it is by where it stands; all other elements by their names."""
        names = ", ".join(markup.literal(f"<{name}>") for name in self.names(element))
        shared = [node for node, _ in self.elements if self.names(node) == self.names(element)]
        return f"{names} ({define.replace('-', ' ')})" if len(shared) > 1 else names

    def children(self, node, may_lack=False):
        """The attributes and elements right in @node, and whether each may be left out."""
        for child in node:
            kind = child.tag.removeprefix(RELAXNG)
            if kind in ("attribute", "element"):
                yield child, may_lack
            elif kind == "ref":
                yield from self.children(self.defines[child.get("name")], may_lack)
            else:
                yield from self.children(child, may_lack or kind in ("optional", "zeroOrMore", "choice"))

    def value(self, attribute):
        """What an attribute's value may be: words, or the name of a kind of value."""
        words = [value.text for value in attribute.iter(RELAXNG + "value")]
        kinds = [ref.get("name") for ref in attribute.iter(RELAXNG + "ref")]
        return " | ".join(words) if words else kinds[0].upper()

    def kinds(self):
        """The kinds of values, each with what it is."""
        used = {ref.get("name") for define in self.defines.values()
                for attribute in define.iter(RELAXNG + "attribute") for ref in attribute.iter(RELAXNG + "ref")}
        return markup.definitions((f"*{name.upper()}*", documentation(define, name))
                                  for name, define in self.defines.items() if name in used)

    def element_list(self):
        items = []
        for element, define in self.elements:
            label = self.label(element, define)
            has = {True: [], False: []}
            inside = []
            for child, may_lack in self.children(element):
                if child.tag == RELAXNG + "attribute":
                    row = has[may_lack]
                    word = f"**{child.get('name')}**"
                else:
                    row = inside
                    word = self.label(child, "")
                if word not in row:
                    row.append(word)
            texts = [documentation(element, label)]
            for text, row in (("Must have", has[False]), ("May have", has[True]), ("Inside", inside)):
                texts += [f"{text}: {', '.join(row)}"] if row else []
            items.append((label, *texts))
        return markup.definitions(items)

    def attribute_list(self):
        owners = {}
        for element, define in self.elements:
            for child, _ in self.children(element):
                if child.tag == RELAXNG + "attribute":
                    owners.setdefault(child, []).append(self.label(element, define))
        items = []
        for attribute, labels in owners.items():
            name = attribute.get("name")
            of = ", ".join(dict.fromkeys(labels))
            items.append((f"**{name}**\\ =\"\\ {markup.syntax(self.value(attribute))}\\ \"",
                          documentation(attribute, name), f"Of {of}"))
        return markup.definitions(items)


def described(schema, definitions, name):
    """The description and the definition itself of a member, behind its reference."""
    target = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    text = schema.get("description") or target.get("description")
    if not text:
        raise ValueError(f"audit-record.schema.json says nothing of {name}")
    return text, target


def member_items(properties, definitions):
    for name, schema in properties.items():
        text, target = described(schema, definitions, name)
        items = target.get("items", {})
        values = target.get("enum")
        paragraphs = [markup.sentence(text)]
        if values:
            paragraphs.append("One of: " + ", ".join(markup.literal(value) for value in values))
        inner = target.get("properties") or items.get("properties")
        if inner:
            paragraphs.append(markup.definitions(member_items(inner, definitions)).rstrip())
        kind = f"list of {items['type']}s" if items else target.get("type", "string")
        yield f"**{name}** ({kind})", *paragraphs


def event_items(schema):
    for rule in schema["allOf"]:
        event = rule["if"].get("properties", {}).get("event")
        if not event:
            continue
        members = ", ".join(f"**{name}**" for name in rule["then"]["required"])
        yield (markup.literal(event["const"]), markup.sentence(rule["then"]["description"]),
               f"Always has: {members}")


def lists(source):
    policy = PolicySchema(source / "xml/policy.rng")
    record = json.loads((source / "docs/audit-record.schema.json").read_text(encoding="utf-8"))
    events = list(event_items(record))
    if len(events) != len(record["properties"]["event"]["enum"]):
        raise ValueError("audit-record.schema.json does not say of each event what its records have")
    return {
        "policy-elements": policy.element_list(),
        "policy-attributes": policy.attribute_list(),
        "policy-values": policy.kinds(),
        "audit-events": markup.definitions(events),
        "audit-members": markup.definitions(member_items(record["properties"], record["definitions"])),
    }
