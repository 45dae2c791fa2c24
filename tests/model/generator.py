# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random texts, callers and policies that nearly fit each other: most rules are made after a text.

A policy is a dictionary {"attributes": {...}, "rules": [{"kind", "attributes", "arguments"}]}, so that it can
be shrunk; policy_text() makes XML of it.
"""
import json
import xml.etree.ElementTree as ElementTree

import exhaustive
import model

NAMES = ["screendump", "migrate", "blockdev-add", "device_add", "object-add", "query-status", "query-block", "quit",
         "stop", "cont", "transaction", "pmemsave", "netdev_add", "chardev-add", "qom-set", "drive-backup",
         "blockdev-snapshot-sync", "inject-nmi", "balloon", "block_resize", "nonesuch", "x-nonesuch", "abort"]
AGENT_NAMES = ["guest-exec", "guest-ping", "guest-file-open", "guest-get-time", "guest-set-user-password", "quit",
               "guest-nonesuch", "guest-fsfreeze-freeze"]
ACTIONS = ["abort", "drive-backup", "blockdev-snapshot-sync", "block-dirty-bitmap-add", "quit", "nonesuch",
           "blockdev-backup"]
LINES = ["info status", "info block", "info  snapshots", "quit", "nonesuch a b", "migrate exec:sh", "c",
         "migrate -d tcp:h:1", "screendump /var/a.ppm", "screendump /var/../etc/a", "pmemsave 0 16 /srv/x",
         "balloon 1024", "drive_add 0 file=/srv/a,driver=raw", "device_add vfio-pci,id=x", "info registers",
         "object_add secret,id=s,file=/etc/x", "netdev_add tap,id=n", "chardev-add file,id=c,path=/srv/l",
         "drive_add 0 file.filename=/srv/a,file.driver=file", "change ide0 /srv/../etc/x", "change vnc password",
         "drive_add 0 \"file=json:{\\\"driver\\\":\\\"nbd\\\"},if=none\"", "sum 0 16", "x /1x 0", "commit all"]
MEMBERS = ["filename", "file", "driver", "uri", "target", "node-name", "size", "value", "id", "props", "backend",
           "data", "addr", "list", "options", "device", "a", "a.b", "a", "b", "fd"]
PATHS = ["/", "/srv", "/srv/a", "/srv/a/b.img", "/srv/ab", "/srv//a", "/srv/./a", "/srv/a/", "/srv/../etc/x",
         "/etc/x", "/srv/..", "/srv/..a/x", "/dev/fdset/3", "/dev/fdset", "/dev/../dev/fdset/3", "//srv/a", "srv/a",
         "../srv", "/dev/sdb", "/dev", "/srv/a/../b", ".", "..", "", "/./srv/a/.", "/dev/fdset/../sda",
         "/srv/a,..,b", "/srv/a ../x", "/srv/a:../b", "/srv/a=../b", "/srv/a'../b", "/srv/a-../b", "/srv/a@../b"]
TEXTS = ["tcp:h:1", "exec:sh", "unix:/srv/a", "nbd:h:1", "file:/srv/a", "file:/srv/../a", "file:srv/a",
         "file:file:/srv/a", "FILE:/srv/a",
         "file:", "raw", "nbd", "file",
         "x y", "a..b", "a/../b", "a,..,b", "a=../b", "true", "null", "5", "-3", "0x5", "5.0",
         "\u00e9t\u00e9", "\u00e9", "/srv/\u00e9",
         "*", "?", "a\nb", "json", "on"]
NUMBERS = [0, 1, 5, -3, 1024, 2 ** 31, 2 ** 63 - 1, -2 ** 63, 5.5]
JSON_NAMES = [{"driver": "file", "filename": "/srv/a"}, {"driver": "nbd", "server": {"host": "h"}},
              {"file.filename": "/etc/x", "driver": "raw"}, {"file": {"driver": "host_device"}}, {}]
GROUPS = ["@safe", "@privileged", "@dangerous", "@memory-dump", "@unknown", "@known", "@query", "@host",
          "@host-file", "@host-net", "@block", "@monitor", "@agent-unrestricted", "@guest-power", "@unstable"]
USERS = [None, "alice", "bob"]
CONTEXTS = [None, "system_u:system_r:virtd_t:s0", "user_u:user_r:user_t:s0-s0:c0.c1023"]
PERMISSIONS = ["write", "read", "suspend", "snapshot", "checkpoint", "migrate", "core_dump", "stop", "screenshot"]
PROFILES = sorted(path.stem for path in model.PROFILES.glob("*.xml"))
CALLER_KEYS = {"user": ["alice", "bob"], "sasl": ["alice@r", "bob@r"], "x509": ["CN=a", "CN=b,O=x"],
               "unix-group": ["ops", "wheel"], "selinux": ["system_u:*", "user_u:*:user_t:*", "*", "?ser_u:*"]}
RECORDED = list(exhaustive.rows_of_effects())
COMMANDS = [key for key in model.catalog.commands]


class Generator:
    def __init__(self, random):
        self.random = random
        self.chance = lambda share: random.random() < share

    def value(self, depth=0):
        pick = self.random.random()
        if depth < 3 and pick < 0.2:
            return self.members(depth + 1)
        if depth < 3 and pick < 0.32:
            name, count = self.random.choice(MEMBERS), self.random.randrange(4)
            if self.chance(0.5):
                return [{name: self.value(3)} for _ in range(count)]
            return [self.value(depth + 1) for _ in range(count)]
        if pick < 0.38:
            return "json:" + json.dumps(self.random.choice(JSON_NAMES))
        if pick < 0.5:
            return self.random.choice([True, False, None])
        if pick < 0.65:
            return self.random.choice(NUMBERS)
        return self.random.choice(PATHS if pick < 0.85 else TEXTS)

    def members(self, depth=0):
        names = self.random.sample(MEMBERS, self.random.randrange(4)) if self.chance(0.95) else ["a", "b", "a.b"]
        return {name: self.value(depth) for name in names}

    def altered(self, value):
        """A known value with something changed somewhere."""
        if isinstance(value, dict) and value:
            name = self.random.choice(list(value))
            if self.chance(0.2):
                return {other: inner for other, inner in value.items() if other != name}
            return {**value, name: self.altered(value[name])}
        if isinstance(value, list) and value and self.chance(0.7):
            return [self.altered(value[0])] + value[1:] + ([self.value(2)] if self.chance(0.3) else [])
        return [value] if self.chance(0.2) else self.value(2)

    def request(self):
        pick = self.random.random()
        if pick < 0.15:
            line = self.random.choice(LINES)
            if self.chance(0.5):
                return ["hmp", line]
            return self.wrapped(line)
        if pick < 0.4:
            channel, text = self.random.choice(RECORDED)
            if channel == "hmp":
                return ["hmp", text]
            name, _, arguments = text.partition(" ")
            arguments = json.loads(arguments or "{}")
            for _ in range(self.random.randrange(3)):
                arguments = self.altered(arguments)
                arguments = arguments if isinstance(arguments, dict) else {}
            return self.document("qmp", name, arguments)
        if pick < 0.5:
            actions = [{"type": self.random.choice(ACTIONS), "data": self.members()}
                       for _ in range(self.random.randrange(4))]
            return self.document("qmp", "transaction", {"actions": actions})
        if pick < 0.65:
            return self.document("agent", self.random.choice(AGENT_NAMES), self.members())
        if pick < 0.72:
            return self.document(self.random.choice(["qmp", "agent"]), self.random.choice(COMMANDS)[1], self.members())
        return self.document("qmp", self.random.choice(NAMES), self.members())

    @staticmethod
    def document(channel, name, arguments):
        return [channel, json.dumps({"execute": name, "arguments": arguments} if arguments else {"execute": name})]

    def wrapped(self, line):
        return self.document("qmp", model.HMP_COMMAND, {"command-line": line})

    def caller(self):
        user = self.random.choice(USERS)
        return {"label": self.random.choice(["one", "other"]), "user": user,
                "sasl": self.random.choice([None, None, "alice@r", "bob@r"]),
                "x509": self.random.choice([None, None, "CN=a", "CN=b,O=x"]),
                "selinux": self.random.choice(CONTEXTS),
                "groups": self.random.sample(["ops", "wheel", "x"], self.random.randrange(3)) if user else []}

    def permissions(self):
        return self.random.sample(PERMISSIONS, self.random.choice([0, 2, 5]))

    def pattern(self, text):
        """The text, or a glob that it nearly fits."""
        text = "".join(char for char in text if char.isprintable() and char not in "[]")
        pick = self.random.random()
        if not text or pick < 0.3:
            return text or "*"
        at = self.random.randrange(len(text))
        if pick < 0.6:
            return text[:at] + "*" + (text[at + self.random.randrange(3):] if self.chance(0.5) else "")
        if pick < 0.8:
            return text[:at] + "?" + text[at + 1:]
        return "*" if pick < 0.85 else "*" + text[at:]

    def places(self, value, way=()):
        """(names, value) of every member in a value."""
        if isinstance(value, dict):
            for name, inner in value.items():
                yield way + (name,), inner
                yield from self.places(inner, way + (name,))
        elif isinstance(value, list):
            for inner in value:
                yield from self.places(inner, way)

    @staticmethod
    def has_list(arguments):
        """Whether there are members below a list, of which a rule may mean all or any."""
        return any(isinstance(inner, dict) and inner for value in arguments.values() if isinstance(value, list)
                   for inner in value)

    def argument(self, operation):
        """A condition, mostly after one of the operation's own arguments."""
        found = list(self.places(operation.expanded if self.chance(0.8) else operation.arguments))
        if not found or self.chance(0.15):
            found = [(tuple(self.random.sample(MEMBERS, self.random.choice([1, 1, 2]))), self.value(3))]
        names, value = self.random.choice(found)
        if len(names) > 1 and self.chance(0.3):
            names = names[self.random.randrange(1, len(names)):]
        values = value if isinstance(value, list) and value else [value]
        value = self.random.choice(values)
        ret = {"name": ".".join(names) or "a"}
        text = value if isinstance(value, str) else model.scalar_text(value) or "null"
        while len(ret) == 1:
            if self.chance(0.3):
                ret["match"] = self.pattern(text)[:900]
            if self.chance(0.3):
                ret["prefix"] = self.prefix(text)
            if self.chance(0.15):
                ret["value"] = (text if self.chance(0.8) else self.random.choice(TEXTS)) or "x"
            if isinstance(value, (int, float)) and self.chance(0.5) or self.chance(0.05):
                ret["max"] = str(int(value) + self.random.choice([-1, 0, 1]) if isinstance(value, int) else 5)
        if int(ret.get("max", 0)) not in range(-2 ** 63, 2 ** 63):
            ret["max"] = "7"
        return {name: "".join(char for char in text if char.isprintable()) or "x" for name, text in ret.items()}

    def prefix(self, text):
        if text.startswith("/") and self.chance(0.7):
            steps = text.split("/")
            return "/".join(steps[:self.random.randrange(1, len(steps) + 1)]) or "/"
        return self.random.choice([path for path in PATHS if path.startswith("/") and ".." not in path])

    def rule(self, operation, kinds):
        kind = self.random.choice(kinds)
        attributes, arguments = {}, []
        if self.chance(0.6):
            attributes["command"] = self.pattern(operation.command)
            if operation.channel == "hmp" and self.chance(0.4):
                attributes["command"] = self.pattern(model.HMP_COMMAND)
                if self.chance(0.5):
                    arguments.append({"name": "command-line", "match": self.pattern(operation.command)})
            elif operation.channel != "qmp" or self.chance(0.3):
                attributes["channel"] = operation.channel
        elif self.chance(0.2):
            attributes["channel"] = self.random.choice(["qmp", "hmp", "agent"])
        if self.chance(0.25):
            pool = GROUPS if self.chance(0.5) else sorted(operation.groups)
            attributes["group"] = self.random.choice(pool)
        for key, pool in CALLER_KEYS.items():
            if self.chance(0.08):
                attributes[key] = self.random.choice(pool)
        for _ in range(self.random.choice([0, 0, 1, 1, 1, 2])):
            arguments.append(self.argument(operation))
        if kind == "limit":
            attributes.update(count=str(self.random.randrange(1, 9)), per=self.random.choice(["1h", "30m", "3600s"]))
        if kind in ("allow", "warn") and self.chance(0.15):
            attributes["require"] = "native"
        return {"kind": kind, "attributes": attributes, "arguments": arguments}

    def policy(self, operations, is_host, limits=0):
        kinds = ["allow", "warn", "deny", "allow", "deny"] + [model.DELEGATE] * 2 * is_host
        attributes = {}
        if self.chance(0.5):
            attributes["profile"] = " ".join(self.random.sample(PROFILES, self.random.choice([1, 1, 2, 3])))
        if self.chance(0.15):
            attributes["mode"] = "audit"
        if is_host and self.chance(0.15):
            attributes["domain-mode"] = "enforce"
        kinds = [kind for kind in kinds for _ in range(3)] + ["limit"]
        rules = [self.rule(self.random.choice(operations), kinds) for _ in range(self.random.randrange(9))]
        rules += [self.rule(self.random.choice(operations), ["limit"]) for _ in range(limits)]
        self.random.shuffle(rules)
        return {"attributes": attributes, "rules": rules}


def policy_text(policy):
    if policy is None:
        return None
    root = ElementTree.Element("policy", xmlns="urn:qmp-guard:policy:1", **policy["attributes"])
    for rule in policy["rules"]:
        element = ElementTree.SubElement(root, rule["kind"], rule["attributes"])
        for argument in rule["arguments"]:
            ElementTree.SubElement(element, "argument", argument)
    return ElementTree.tostring(root, encoding="unicode")
