#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns the catalogue's tables into C.

usage: generate.py GROUPS COMMANDS EFFECTS NATIVE OUT.h OUT.c

The tables are the only source. A row that does not fit (unknown group, class,
channel, mark or permission, a name twice, an effect on a command that is not
there) ends the build with the file and line.
"""
import re
import sys

CHANNELS = ["qmp", "hmp", "agent"]
CLASSES = ["safe", "privileged", "memory-dump", "dangerous"]
GIVEN_BY_CATALOGUE = ["@" + name for name in CLASSES] + [
    "@known", "@unknown", "@unstable", "@deprecated"]
MARKS = {"unstable": "MARK_UNSTABLE", "deprecated": "MARK_DEPRECATED", "fd": "MARK_FD"}
# libvirt's permissions on a domain, as in its src/access/viraccessperm.h; the plugin asks by these
# names, so their order is nobody's business.
PERMISSIONS = [
    "getattr", "read", "write", "read_secure", "start", "stop", "reset", "save", "delete", "migrate",
    "checkpoint", "snapshot", "suspend", "hibernate", "core_dump", "pm_control", "init_control",
    "inject_nmi", "send_input", "send_signal", "fs_trim", "fs_freeze", "block_read", "block_write",
    "mem_read", "open_graphics", "open_device", "screenshot", "open_namespace", "set_time",
    "set_password"]


class TableError(Exception):
    pass


def rows(path, columns):
    """Yields (place, fields) for each row, comments left out; empty columns at the end may be."""
    with open(path, encoding="ascii") as table:
        for number, line in enumerate(table, 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("|")]
            if len(fields) > columns:
                raise TableError(f"{path}:{number}: {len(fields)} columns, not {columns}")
            yield f"{path}:{number}", fields + [""] * (columns - len(fields))


def names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text else "NULL"


def c_group(name):
    return "GROUP_" + name[1:].upper().replace("-", "_")


def c_set(groups):
    return " | ".join(c_group(name) for name in groups) or "0"


def c_permission(name):
    return "NATIVE_" + name.upper()


def c_permissions(wanted):
    return " | ".join(c_permission(name) for name in PERMISSIONS if name in wanted) or "0"


def c_class(name):
    return "CLASS_" + name.upper().replace("-", "_") if name else "CLASS_UNKNOWN"


def read_groups(path):
    groups = {}
    for place, (name, text, contains) in rows(path, 3):
        if not re.fullmatch(r"@[a-z-]+", name) or name in groups:
            raise TableError(f"{place}: bad or repeated group name {name}")
        groups[name] = (text, names(contains))
    for name, (text, contains) in groups.items():
        for member in contains:
            if member not in groups or groups[member][1] and not text:
                raise TableError(f"{path}: {name} contains {member}, which is not a group")
    return groups


def leaves(groups, name, seen=()):
    if name in seen:
        raise TableError(f"group {name} contains itself")
    contains = groups[name][1]
    if not contains:
        return [name]
    return [leaf for member in contains for leaf in leaves(groups, member, seen + (name,))]


def check_groups(place, wanted, groups):
    for name in wanted:
        if name not in groups or groups[name][1] or name in GIVEN_BY_CATALOGUE:
            raise TableError(f"{place}: {name} is not a group that a command can have")


def read_commands(path, groups):
    commands = []
    seen = {}
    for place, fields in rows(path, 9):
        channel, name, klass, in_groups, first, last, marks, instead, args_type = fields
        if channel not in CHANNELS or klass not in CLASSES:
            raise TableError(f"{place}: bad channel {channel} or class {klass}")
        check_groups(place, names(in_groups), groups)
        if not names(in_groups):
            raise TableError(f"{place}: {name} is in no group")
        aliases = []
        flags = []
        options = ("", "", "")
        equals = []
        for mark in marks.split():
            if mark.startswith("alias="):
                aliases.append(mark[len("alias="):])
            elif mark.startswith("options="):
                options = mark[len("options="):].partition(":")
            elif mark.startswith("equals="):
                equals = re.findall(r"([^+=(]+)\([^()]*\)", mark)
            elif mark == "action" or mark.startswith("nests="):
                pass  # for the reader
            elif mark in MARKS:
                flags.append(mark)
            else:
                raise TableError(f"{place}: unknown mark {mark}")
        for known_as in [name] + aliases:
            if (channel, known_as) in seen:
                raise TableError(f"{place}: {known_as} is at {seen[channel, known_as]} already")
            seen[channel, known_as] = place
        commands.append({
            "channel": channel, "name": name, "class": klass, "aliases": aliases,
            "groups": names(in_groups) + ["@" + klass, "@known"]
                      + ["@" + flag for flag in flags if flag != "fd"],
            "marks": flags, "first": first, "last": last,
            "instead": instead, "args_type": args_type, "options": options, "effects": [],
            "place": place, "equals": equals, "native": set()})
    commands.sort(key=lambda c: (CHANNELS.index(c["channel"]), c["name"].encode()))
    return commands


def c_test(place, text):
    """Turns one condition into `test, "glob"`."""
    if text in ("present", "absent", "plain"):
        return f"EFFECT_{text.upper()}, NULL"
    if not text or " " in text:
        raise TableError(f"{place}: '{text}' is not a condition")
    if text.startswith("!"):
        return f"EFFECT_NOT_GLOB, {c_string(text[1:])}"
    return f"EFFECT_GLOB, {c_string(text)}"


def c_member(place, text):
    """Turns `MEMBER=CONDITION` into an EffectCondition."""
    member, equals, condition = text.strip().partition("=")
    in_parent = member.startswith("^.")
    if not equals:
        raise TableError(f"{place}: '{text}' is not MEMBER=CONDITION")
    name = c_string(member.removeprefix("^."))
    return f"{{{name}, {'true' if in_parent else 'false'}, {c_test(place, condition)}}}"


class Effect:
    """One test of one argument, as in a line of effects.table."""

    def __init__(self, path, test, when, groups, raises_to):
        self.path, self.test, self.when = path, test, when
        self.groups, self.raises_to = groups, raises_to

    def placed_at(self, path, when):
        """The same below another argument, under further conditions."""
        joined = ".".join(part for part in (path, self.path) if part)
        return Effect(joined, self.test, self.when + when, self.groups, self.raises_to)

    def path_to_c(self):
        """An initializer of EffectSteps."""
        steps = []
        for part in self.path.split("."):
            name, is_list = part.removesuffix("[]"), "true" if part.endswith("[]") else "false"
            steps.append(f"{{{'NULL' if name == '**' else c_string(name)}, {is_list}}}")
        return f"(const EffectStep[]){{{', '.join(steps)}}}, {len(steps)}"

    def to_c(self):
        when = f"(const EffectCondition[]){{{', '.join(self.when)}}}" if self.when else "NULL"
        return (f"{{{self.path_to_c()}, {self.test}, {when}, {len(self.when)}, "
                f"{c_set(self.groups)}, {c_class(self.raises_to)}}},")


def line_effects(place, fields, sets):
    """The effects of one line, without saying whose they are."""
    arguments, conditions, added, raises_to = fields
    condition, _, further = conditions.partition(" when ")
    when = [c_member(place, member) for member in further.split(" & ")] if further else []
    effects = []
    for path in names(arguments) or [""]:
        if condition.startswith("uses "):
            used = condition.removeprefix("uses ").strip()
            if used not in sets or added:
                raise TableError(f"{place}: there is no set {used} above, or it has groups added")
            effects += [effect.placed_at(path, when) for effect in sets[used]]
        else:
            effects += [Effect(path, c_test(place, test), when, names(added), raises_to)
                        for test in names(condition)]
    return effects


def read_effects(path, commands, groups):
    by_name = {(c["channel"], c["name"]): c for c in commands}
    sets = {}
    for place, (channel, of, *fields) in rows(path, 6):
        check_groups(place, names(fields[2]), groups)
        if fields[3] and fields[3] not in CLASSES:
            raise TableError(f"{place}: {fields[3]} is not a class")
        effects = line_effects(place, fields, sets)
        for effect in effects if channel != "set" else []:
            if effect.path.split(".")[-1] in ("", "**"):
                raise TableError(f"{place}: the path '{effect.path}' does not end in a member")
        for name in names(of):
            if channel == "set":
                sets.setdefault(name, []).extend(effects)
            elif (channel, name) in by_name:
                by_name[channel, name]["effects"] += effects
            else:
                raise TableError(f"{place}: there is no {channel} command {name}")


def read_native(path, commands):
    by_name = {(c["channel"], c["name"]): c for c in commands}
    seen = {}
    for place, (channel, of, permissions) in rows(path, 3):
        wanted = [name.strip() for name in permissions.split(" or ")]
        for permission in wanted:
            if permission not in PERMISSIONS:
                raise TableError(f"{place}: '{permission}' is not a permission of libvirt's")
        if not names(of):
            raise TableError(f"{place}: there is no command")
        for name in names(of):
            if (channel, name) not in by_name:
                raise TableError(f"{place}: there is no {channel} command {name}")
            if (channel, name) in seen:
                raise TableError(f"{place}: {name} is at {seen[channel, name]} already")
            if by_name[channel, name]["equals"]:
                raise TableError(f"{place}: {name} has the permissions of what it equals")
            seen[channel, name] = place
            by_name[channel, name]["native"] = set(wanted)


def share_native(commands):
    """Gives each HMP command what is enough for every QMP command that it equals."""
    by_name = {c["name"]: c for c in commands if c["channel"] == "qmp"}
    for command in commands:
        for name in command["equals"]:
            if name not in by_name:
                raise TableError(f"{command['place']}: there is no qmp command {name}")
        if command["equals"]:
            command["native"] = set.intersection(*(by_name[name]["native"] for name in command["equals"]))


def write_header(path, groups):
    leaf_names = [name for name in groups if not groups[name][1]]
    if len(leaf_names) > 64:
        raise TableError("more than 64 groups do not fit a GroupSet")
    with open(path, "w", encoding="ascii") as out:
        out.write("/* Generated from the catalogue's tables: do not edit. */\n")
        for bit, name in enumerate(leaf_names):
            out.write(f"#define {c_group(name)} ((GroupSet)1 << {bit})\n")
        for name in groups:
            if groups[name][1]:
                out.write(f"#define {c_group(name)} ({c_set(leaves(groups, name))})\n")
        for bit, name in enumerate(PERMISSIONS):
            out.write(f"#define {c_permission(name)} ((NativeSet)1 << {bit})\n")


def write_entry(out, index, command):
    marks = " | ".join(MARKS[mark] for mark in command["marks"]) or "0"
    args_type = f'"{command["args_type"]}"' if command["channel"] == "hmp" else "NULL"
    effects = f"effects_{index}" if command["effects"] else "NULL"
    out.write(
        f"    {{{c_string(command['name'])}, CHANNEL_{command['channel'].upper()}, "
        f"{c_class(command['class'])}, {c_set(command['groups'])}, {marks}, "
        f"{c_string(command['instead'])}, {args_type}, "
        f"{c_string(command['options'][0])}, {c_string(command['options'][2])}, "
        f"{c_string(command['first'])}, {c_string(command['last'])}, "
        f"{effects}, {len(command['effects'])}, {c_permissions(command['native'])}}},\n")


def write_source(path, groups, commands):
    with open(path, "w", encoding="ascii") as out:
        out.write("/* Generated from the catalogue's tables: do not edit. */\n")
        out.write('#include "catalog/catalog_data.h"\n\n')
        for number, name in enumerate(CHANNELS + ["count"]):
            out.write(f'_Static_assert(CHANNEL_{name.upper()} == {number}, "the names are sorted by channel");\n')
        out.write("const GroupInfo catalog_groups[] = {\n")
        for name, (text, _) in groups.items():
            out.write(f"    {{{c_string(name)}, {c_string(text)}, {c_group(name)}}},\n")
        out.write(f"}};\nconst size_t catalog_n_groups = {len(groups)};\n\n")

        out.write("const char *const catalog_permissions[] = {\n")
        out.write("".join(f"    {c_string(name)},\n" for name in PERMISSIONS))
        out.write(f"}};\nconst size_t catalog_n_permissions = {len(PERMISSIONS)};\n\n")

        for index, command in enumerate(commands):
            if command["effects"]:
                lines = "\n    ".join(effect.to_c() for effect in command["effects"])
                out.write(f"static const CatalogEffect effects_{index}[] = {{\n    {lines}\n}};\n")

        out.write("\nconst CatalogEntry catalog_entries[] = {\n")
        for index, command in enumerate(commands):
            write_entry(out, index, command)
        out.write(f"}};\nconst size_t catalog_n_entries = {len(commands)};\n\n")

        known_as = [(CHANNELS.index(c["channel"]), name.encode(), index)
                    for index, c in enumerate(commands) for name in [c["name"]] + c["aliases"]]
        out.write("const CatalogName catalog_names[] = {\n")
        for channel, name, index in sorted(known_as):
            out.write(f"    {{{channel}, {c_string(name.decode())}, {index}}},\n")
        out.write(f"}};\nconst size_t catalog_n_names = {len(known_as)};\n")


def main(groups_path, commands_path, effects_path, native_path, header_path, source_path):
    groups = read_groups(groups_path)
    commands = read_commands(commands_path, groups)
    read_effects(effects_path, commands, groups)
    read_native(native_path, commands)
    share_native(commands)
    write_header(header_path, groups)
    write_source(source_path, groups, commands)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except TableError as error:
        sys.exit(str(error))
