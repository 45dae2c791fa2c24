# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes texts: commands from QEMU's schema, every oddity of JSON and of HMP, and mutations of all of it.

What a text means is not known here, nor what should become of it. Everything comes from one random.Random, so a seed
makes the same texts again.
"""

import json

import catalogue
from compare import Text
from exclusions import EXCLUDED

SMUGGLED = b'{"execute":"query-uuid"}'
STRAY = [b"", b" ", b"\n", b"\0", b"null", b"[]", b"{}", b"{", b"}", b"query-kvm", b"\xff", b"\xef\xbb\xbf{}"]


class Raw(bytes):
    """Bytes that stand for themselves in a document."""


NUMBERS = [Raw(text.encode()) for text in (
    "0 1 -1 -0 7 42 255 256 4096 65535 -128 2147483647 2147483648 -2147483648 -2147483649 4294967295 4294967296 "
    "9007199254740991 9007199254740992 9007199254740993 -9007199254740993 9223372036854775807 9223372036854775808 "
    "-9223372036854775808 18446744073709551615 0.0 -0.0 0.1 1.0 1.5 -2.5e-3 1e5 1E+2 1e22 1e23 1.7976931348623157e308 "
    "5e-324 1e-400 123456789.123456789 0.30000000000000004 1e0 10e-1"
).split()]
BAD_NUMBERS = [Raw(text.encode()) for text in (
    "1e400 -1e400 1e309 18446744073709551616 -9223372036854775809 9223372036854775808000 01 -01 007 +1 1. -1. .5 -.5 "
    "1.e5 1e 1e+ 0e1 -0e1 0E0 0x10 0b1 1_000 1,000 1e5e5 1.2.3 --1 - NaN nan -NaN Infinity -Infinity inf 1f TRUE "
    "True None nil undefined \u0661 \uff11"
).split()]
STRINGS = ["", "a", "none", "nonesuch", "type", "/machine", "/machine/peripheral", "/machine/unattached", "/",
           "/objects", "/machine/../objects", "//machine", "/nonexistent/x", "id0", "id1", "memory-backend", "null-co",
           "device", "pc-i440fx-7.2-machine", "x" * 200, "é", "日本", "\U0001f600", "\u00a0\u2028\u202e",
           "%s%n", "a\"b\\c/d",
           "\b\f\n\r\t", "\x7f", "\x01\x1f", "execute", "on", "off", "0", "-d", "json:",
           'json:{"driver":"null-co"}', 'json:{"driver":"null-co","driver":"null-co"}', 'json:{"file":"json:{}"}',
           SMUGGLED.decode(), "{'execute':'query-uuid'}", "fd:x", "/dev/fdset/1"]
BAD_STRINGS = [Raw(text) for text in (
    br'"\u0000"', br'"a\u0000b"', br'"\ud800"', br'"\udc00"', br'"\udc00\ud800"', br'"\ud83d\u0041"', br'"\ufffe"',
    br'"\uffff"', br'"\ufdd0"', br'"\ud83f\udfff"', br'"\x41"', br'"\q"', br'"\0"', br'"\u12"', br'"\u12g4"',
    br'"\U0041"', br'"a', br"'x'", br"'\''", b'"\x01"', b'"\n"', b'"\t"', b'"\x7f"', b'"\x1f"', b'"\x80"', b'"\xc3"',
    b'"\xc0\x80"', b'"\xc0\xaf"', b'"\xe0\x80\xaf"', b'"\xed\xa0\x80"', b'"\xed\xb0\x80"', b'"\xf4\x90\x80\x80"',
    b'"\xf8\x88\x80\x80\x80"',
    b'"\xfe"', b'"\xff"', b'"\xef\xbf\xbe"', b'"\xef\xbf\xbf"', b'"\xef\xb7\x90"', b"\xff", b"\xfe" + SMUGGLED)]
FAULTS = [Raw(text) for text in (
    b"[1,]", b"[,1]", b"[1 2]", b'{"a":1,}', b"{a:1}", b'{"a"}', b'{"a":}', b'{"a" 1}', b'{"a":1 "b":2}', b"{1:1}",
    b"/* */ 1", b"1 // x\n", b"# x\n1", b"1 1", b"", b",", b":", b"]", b"}", b"]]", b"}}", b"[}", b"{]", b"[", b"{",
    b'{"a":1,"a":1}', b'{"a":1,"a":2}', br'{"a":1,"\u0061":2}', b'{"b":{"a":1,"a":2}}', b'[[{"a":1,"b":2,"a":3}]]',
    b"[" * 31 + b"]" * 31, b"[" * 1100 + SMUGGLED + b"]" * 1100, b'{"a":' * 40 + b"1" + b"}" * 40,
    b"}}" + SMUGGLED, b"}}\n" + SMUGGLED + b'{"a":{"b":1', b"NaN," + b'"b":' + SMUGGLED, b"\x0b1", b"\x0c1",
    b"\xc2\xa01", b"\xef\xbb\xbf1", b"\0", b"1\0")]
CARRIER = {"path": "/machine", "property": "none"}


class Values:
    """Values that a schema asks for, and others."""

    def __init__(self, random):
        self.random = random

    def any(self, depth=0):
        roll = self.random.random()
        if roll < .3:
            return self.random.choice(STRINGS)
        if roll < .55:
            return self.random.choice(NUMBERS)
        if roll < .7 or depth > 4:
            return self.random.choice([True, False, None, [], {}, ""])
        if roll < .85:
            return [self.any(depth + 1) for _ in range(self.random.randrange(4))]
        return {self.key(): self.any(depth + 1) for _ in range(self.random.randrange(4))}

    def key(self):
        return self.random.choice(["a", "b", "", "id", "execute", "arguments", "é", "\x01", "a.b", "type",
                                   "x" * 255, "\u202e", "%n"])

    def bad(self):
        return self.random.choice(self.random.choice([BAD_NUMBERS, BAD_STRINGS, FAULTS]))


# What an argument of that name says, where just anything would reach too far: a driver that connects somewhere, an
# object that opens the host's files, memory that the host has not got.
KNOWN = {
    "driver": ["null-co", "nonesuch", "none", "virtio-rng-pci", "raw", "qcow2"],
    "qom-type": ["secret", "rng-builtin", "throttle-group", "iothread", "nonesuch"],
    "filename": ["/nonexistent/x", "", "fd:x", "/nonexistent/" + "y" * 300],
    "type": ["abort", "user", "hubport", "nonesuch", "nmi", "block-dirty-bitmap-add"],
    "uri": ["tcp:nonesuch"], "size": [Raw(b"0"), Raw(b"16"), Raw(b"4096"), Raw(b"-1"), Raw(b"4097")],
    "node-name": ["node0", "node1"], "id": ["id0", "id1", "none"],
    "path": ["/machine", "/", "/machine/peripheral", "/objects", "/nonesuch", "/machine/../machine"],
    "property": ["type", "none", "nonesuch", "graphics"], "execute": ["query-uuid"],
    "typename": ["rng-builtin", "nonesuch", "virtio-rng-pci"], "cpu-index": [Raw(b"0"), Raw(b"1"), Raw(b"-1")],
}


# What takes QEMU a tenth of a second is asked less often.
SLOW = {"query-qmp-schema", "query-cpu-definitions"}


class Schema:
    """The commands that this QEMU has, as query-qmp-schema says."""

    def __init__(self, entries, values):
        self.types = {entry["name"]: entry for entry in entries}
        self.values = values
        self.random = values.random
        self.commands = [entry for entry in entries if entry["meta-type"] == "command" and
                         entry["name"] not in EXCLUDED["qmp"]]

    def command(self):
        entry = self.random.choice(self.commands)
        if entry["name"] in SLOW and self.random.random() < .9:
            entry = self.random.choice(self.commands)
        return entry["name"], self.value(entry["arg-type"], 0)

    def value(self, name, depth, member=None):
        if member in KNOWN and self.random.random() < .9:
            return self.random.choice(KNOWN[member])
        entry = self.types[name]
        kind = entry["meta-type"]
        if depth > 5:
            return self.values.any(depth)
        if kind == "object":
            return self.object(entry, depth)
        if kind == "enum":
            return self.random.choice(entry["values"]) if entry["values"] else "x"
        if kind == "array":
            return [self.value(entry["element-type"], depth + 1) for _ in range(self.random.choice([0, 1, 1, 2]))]
        if kind == "alternate":
            return self.value(self.random.choice(entry["members"])["type"], depth + 1)
        return {"string": lambda: self.random.choice(STRINGS), "int": lambda: self.random.choice(NUMBERS[:14]),
                "number": lambda: self.random.choice(NUMBERS), "boolean": lambda: self.random.random() < .5,
                "null": lambda: None, "value": lambda: self.values.any()}[entry["json-type"]]()

    def object(self, entry, depth):
        found = {}
        for member in entry["members"]:
            if "default" in member and self.random.random() < .7:
                continue
            found[member["name"]] = self.value(member["type"], depth + 1, member["name"])
        for variant in entry.get("variants", []):
            if variant["case"] == found.get(entry["tag"]):
                inner = self.value(variant["type"], depth + 1)
                found |= inner if isinstance(inner, dict) else {}
        return found


class Speller:
    """Writes a value as JSON, in one of the many ways that there are; and sometimes as what is none."""

    def __init__(self, random, values, odd=.1, bad=.0):
        self.random, self.values, self.odd, self.bad = random, values, odd, bad

    def space(self):
        if self.random.random() >= self.odd:
            return b""
        return bytes(self.random.choices(b" \t\r\n", k=self.random.choice([1, 1, 2, 5])))

    def string(self, text):
        spelt = []
        for character in text:
            if self.random.random() < self.odd / 3 or ord(character) > 0xffff and self.random.random() < .5:
                units = character.encode("utf-16-be", "surrogatepass")
                form = self.random.choice(["{:04x}", "{:04X}"])
                spelt += ["\\u" + form.format(int.from_bytes(units[at:at + 2], "big"))
                          for at in range(0, len(units), 2)]
            elif character == "/" and self.random.random() < self.odd:
                spelt.append("\\/")
            else:
                spelt.append(json.dumps(character, ensure_ascii=self.random.random() < .3)[1:-1])
        return b'"' + "".join(spelt).encode() + b'"'

    def member(self, key, value):
        return self.space() + self.string(key) + self.space() + b":" + self.space() + self.value(value) + self.space()

    def value(self, value):
        if self.bad and self.random.random() < self.bad:
            return self.values.bad()
        if isinstance(value, Raw):
            return value
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, dict):
            members = [self.member(key, member) for key, member in value.items()]
            if members and self.random.random() < self.bad:
                members.append(self.random.choice(members))
            return b"{" + self.space() + b",".join(members) + b"}"
        if isinstance(value, list):
            return b"[" + self.space() + b",".join(self.value(element) + self.space() for element in value) + b"]"
        return json.dumps(value).encode()


class HmpLines:
    """HMP lines of the catalogue's commands."""

    WORDS = ["/machine", "/machine/peripheral", "none", "type", "id0", "nonesuch", "a,b=c", "driver=none",
             "none,id=id0", "é", "a;b", 'a"b', "{'a':1}", '{"qom-type":"none"}', "x" * 1023, "x" * 1024,
             "$pc", "null-co", "''", "`id`"]
    QUOTED = ['"a b"', '""', r'"a\"b"', r'"a\\b"', r'"a\nb"', r'"a\qb"', '"open', '"a""b"', '"/nonexistent/x"']
    NUMBERS = "0 1 16 0x10 010 08 -1 1+1 (1) $pc 'a' 4294967295 4294967296 18446744073709551616 1/2 0x 1e5".split()
    FORMATS = ["/x", "/1x", "/d", "/c", "/16", "/q", "/", "/xw"]
    STATIC = ["info status", "c", "s", "cont", "stop", "p 1", "print 1", "print /x 17", "print/x 17", "?",
              "help", "info", "o /b 0x80 0", "sum 0 16", "xp /1xw 0", "xp/1xw 0", "x /1i 0", "quit/",
              "quit|q", "info/status", "info /status", "info status\ninfo version", "info status;info version",
              "INFO status", "inf status", "info status x", "migrate -dexec:true",
              "pmemsave 0 16 /nonexistent/x", 'pmemsave 0 8-4"x"', "human-monitor-command x", "qom-get/machine type",
              SMUGGLED.decode(), ""]

    def __init__(self, random):
        self.random = random
        self.commands = [command for command in catalogue.COMMANDS.values()
                         if command.channel == "hmp" and command.name not in EXCLUDED["hmp"]]
        self.aliases = {name: alias for alias, name in catalogue.ALIASES.items()}

    def space(self):
        if self.random.random() < .9:
            return " "
        return self.random.choice(["\t", "  ", "\n", " \t ", "\v", "\f", "\r", "", "\u00a0", " \n\r "])

    def argument(self, kind):
        if self.random.random() < .08:
            kind = self.random.choice(["s", "i", "/", "-x", "S"])
        if kind[0] in "sFBOS":
            quoted = self.random.random() < (.3 if kind[0] != "F" else 1)
            return self.random.choice(self.QUOTED[-1:] if kind[0] == "F" else self.QUOTED if quoted else self.WORDS)
        if kind[0] in "ilM":
            return self.random.choice(self.NUMBERS)
        return {"/": lambda: self.random.choice(self.FORMATS), "-": lambda: kind[:2],
                "o": lambda: self.random.choice(["1M", "16", "0x10", "1.5k", "x", "-1"]),
                "T": lambda: self.random.choice(["1", "0.5ms", "1us", "x"]),
                "b": lambda: self.random.choice(["on", "off", "yes"])}[kind[0]]()

    def line(self):
        if self.random.random() < .25:
            return self.random.choice(self.STATIC)
        command = self.random.choice(self.commands)
        name = self.aliases.get(command.name, command.name) if self.random.random() < .3 else command.name
        parts = [name.replace(" ", self.space() or " ")]
        for kind in (part.split(":", 1)[1] for part in command.args_type.split(",") if part):
            if ("?" in kind or kind[0] in "-/") and self.random.random() < .6:
                continue
            parts.append(self.argument(kind))
        if self.random.random() < .1:
            parts.append(self.random.choice(self.WORDS))
        text = self.random.choice(["", "", "", " ", "\t"]) if self.random.random() < .2 else ""
        for part in parts:
            text += part + self.space()
        return text.strip(" ") if self.random.random() < .9 else text


class Generator:
    """Texts for one machine. @channel: qmp (which has HMP lines, too) or agent."""

    def __init__(self, random, schema=(), channel="qmp"):
        self.random = random
        self.channel = channel
        self.values = Values(random)
        self.schema = Schema(schema, self.values)
        self.lines = HmpLines(random)
        self.corpus = [Text(channel, text) for text in STRAY]
        # Of 100 texts, about. What QEMU takes seconds to read is rare.
        kinds = [(26, self.plain), (14, self.odd), (12, self.faulty), (8, self.envelope), (6, self.several),
                 (6, self.carrier), (14, self.mutated), (.02, self.huge), (.1, self.large), (1, self.stray)]
        if channel == "qmp":
            kinds += [(9, self.hmp), (5, self.wrapped), (3, self.transaction), (2, self.with_files),
                      (2, self.unknown)]
        self.weights, self.kinds = zip(*kinds)

    def text(self):
        kind, = self.random.choices(self.kinds, self.weights)
        text = kind()
        if isinstance(text, bytes):
            text = Text(self.channel, text)
        text = text._replace(is_raw=b"\0" in text.data)
        if len(text.data) < 4096:
            if len(self.corpus) < 500:
                self.corpus.append(text)
            else:
                self.corpus[self.random.randrange(500)] = text
        return text

    def command(self):
        """(name, arguments)"""
        if self.channel == "qmp":
            return self.schema.command()
        name = self.random.choice([name for name in catalogue.names("agent") if name not in EXCLUDED["agent"]])
        return name, AGENT_ARGUMENTS.get(name, lambda values: {})(self.values)

    def spell(self, document, odd=.02, bad=.0):
        return Speller(self.random, self.values, odd, bad).value(document)

    def document(self):
        name, arguments = self.command()
        if not arguments and self.random.random() < .7:
            return {"execute": name}
        pairs = [("execute", name), ("arguments", arguments)]
        self.random.shuffle(pairs)
        return dict(pairs)

    def plain(self):
        return self.spell(self.document())

    def odd(self):
        document = self.document()
        arguments = document.setdefault("arguments", {})
        if isinstance(arguments, dict):
            if arguments and self.random.random() < .5:
                arguments[self.random.choice(list(arguments))] = self.values.any()
            else:
                arguments[self.values.key()] = self.values.any()
        return self.spell(document, .4)

    def carrier(self):
        """Any value at all in a command that takes it and changes nothing."""
        value = self.values.any()
        if self.random.random() < .2:
            depth = self.random.randrange(25, 34)
            value = Raw(b"[" * depth + b"1" + b"]" * depth)
        if self.channel == "agent":
            return self.spell({"execute": "guest-sync", "arguments": {"id": value}}, .1)
        return self.spell({"execute": "qom-set", "arguments": CARRIER | {"value": value}}, .1)

    def faulty(self):
        return self.spell(self.document(), .05, .15)

    def envelope(self):
        document = self.document()
        extra = self.random.choice([("id", 1), ("id", "libvirt-1"), ("exec-oob", "query-kvm"), ("control", {}),
                                    ("arguments", None), ("arguments", []), ("execute", 1), ("execute", ""),
                                    ("execute", document["execute"] + "\n"),
                                    ("execute", document["execute"].upper()),
                                    ("Execute", "stop"), ("execute", "x" * 255), ("execute", "x" * 256)])
        document |= dict([extra])
        if self.random.random() < .2:
            document["exec-oob"] = document.pop("execute")
        return self.spell(document)

    def several(self):
        between = self.random.choice([b"", b"\n", b" ", b",", b"\r\n", b"\xff", b"\0", b" // ", b"]", b"}", b"\x0c"])
        texts = [self.spell(self.document()), self.random.choice([SMUGGLED, self.spell(self.document()), b"x"])]
        self.random.shuffle(texts)
        return between.join(texts)

    def unknown(self):
        name = self.random.choice(["nonesuch", "query_kvm", "Query-Kvm", "__com.redhat_x", "x" * 255,
                                   "guest-ping", "info",
                                   "query-kvm ", "query-kvm\0", "query/kvm", "%s%n", "é", "\u202e"])
        return self.spell({"execute": name, "arguments": {"a": self.values.any()}})

    def hmp(self):
        return Text("hmp", self.lines.line().encode())

    def wrapped(self):
        arguments = {"command-line": self.lines.line()}
        if self.random.random() < .1:
            arguments["cpu-index"] = Raw(b"0")
        if self.random.random() < .05:
            arguments["command-line"] = self.values.any()
        return self.spell({"execute": "human-monitor-command", "arguments": arguments}, .1,
                          self.random.choice([0, 0, .05]))

    def transaction(self):
        actions = []
        for _ in range(self.random.choice([0, 1, 1, 2, 3, 255, 256, 257] if self.random.random() < .1 else [1, 2])):
            name, arguments = self.command()
            kind = self.random.choice(["abort", "block-dirty-bitmap-add", "block-dirty-bitmap-remove", name])
            actions.append({"type": kind, "data": {} if kind == "abort" else arguments})
        if self.random.random() < .1:
            actions.append(self.random.choice([None, {}, {"type": 1}, {"type": "abort", "data": []}, "abort"]))
        return self.spell({"execute": "transaction", "arguments": {"actions": actions}})

    def with_files(self):
        document = self.random.choice([
            {"execute": "getfd", "arguments": {"fdname": "fd0"}},
            {"execute": "add-fd", "arguments": {"fdset-id": 1}},
            {"execute": "add-fd"}, {"execute": "query-name"}, {"execute": "closefd", "arguments": {"fdname": "fd0"}}])
        return Text("qmp", self.spell(document), fds=1)

    def stray(self):
        return self.random.choice(STRAY)

    def large(self):
        """Many tokens, long strings, many members: what is at the limits and just beyond."""
        return self.carrier_of(self.random.choice([
            b'"' + b"x" * self.random.choice([10000, 60000]) + b'"',
            b"[" + b"1," * self.random.choice([2000, 32756, 32757, 32758, 32759]) + b"1]",
            b"{" + b",".join(b'"%d":0' % at for at in range(300)) + b"}",
            b'{"' + b"k" * self.random.choice([254, 255, 256, 257]) + b'":1}']))

    def huge(self):
        size = self.random.choice([1 << 18, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (1 << 22) - 1, 1 << 22])
        kind = self.random.random()
        if kind < .4:
            return self.carrier_of(b'""').ljust(size)
        if kind < .6:
            return b"[" * size
        if kind < .8:
            return self.carrier_of(b"[" + b"1," * min(1048570, size // 2 - 100) + SMUGGLED + b"]")
        return b" " * size

    def carrier_of(self, value):
        if self.channel == "agent":
            return b'{"execute":"guest-sync","arguments":{"id":' + value + b"}}"
        return b'{"execute":"qom-set","arguments":{"path":"/machine","property":"none","value":' + value + b"}}"

    def mutated(self):
        text = self.random.choice(self.corpus)
        data = bytearray(text.data)
        for _ in range(self.random.choice([1, 1, 1, 2, 4])):
            self.random.choice([self.flip, self.insert, self.delete, self.duplicate, self.splice])(data)
        return text._replace(data=bytes(data))

    def span(self, data):
        start = self.random.randrange(len(data) + 1)
        return start, min(len(data), start + self.random.choice([1, 1, 2, 5, 20]))

    def flip(self, data):
        if data:
            at = self.random.randrange(len(data))
            data[at] = self.random.choice([data[at] ^ 1 << self.random.randrange(8), self.random.randrange(256)])

    def insert(self, data):
        tokens = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b" ", b"\n", b"0", b"-", b"\0", b"\xff",
                  b"\xc0\x80", b"\x0b", SMUGGLED, b'"execute":', b'"a":1,', b"null", b"\\u0000", b"\\ud800",
                  b"NaN", b"/", b"'"]
        start, _ = self.span(data)
        data[start:start] = self.random.choice(tokens + BAD_NUMBERS)

    def delete(self, data):
        start, end = self.span(data)
        del data[start:end]

    def duplicate(self, data):
        start, end = self.span(data)
        data[start:start] = data[start:end]

    def splice(self, data):
        other = self.random.choice(self.corpus).data
        start, _ = self.span(data)
        data[start:] = other[self.random.randrange(len(other) + 1):]


AGENT_ARGUMENTS = {
    "guest-sync": lambda values: {"id": values.random.choice(NUMBERS[:12])},
    "guest-file-open": lambda values: {"path": values.random.choice(["/tmp/x", "/nonexistent/x", "/proc/version"]),
                                       "mode": values.random.choice(["r", "w", "a+", "x"])},
    "guest-file-close": lambda values: {"handle": values.random.choice(NUMBERS[:12])},
    "guest-file-read": lambda values: {"handle": values.random.choice(NUMBERS[:12]), "count": Raw(b"16")},
    "guest-file-write": lambda values: {"handle": values.random.choice(NUMBERS[:12]), "buf-b64": "eA=="},
    "guest-file-seek": lambda values: {"handle": 0, "offset": 0, "whence": values.random.choice(["set", "cur", 2])},
    "guest-file-flush": lambda values: {"handle": values.random.choice(NUMBERS[:12])},
    "guest-exec-status": lambda values: {"pid": values.random.choice(NUMBERS[:12])},
    "guest-set-user-password": lambda values: {"username": "nobody", "password": "eA==", "crypted": False},
    "guest-ssh-get-authorized-keys": lambda values: {"username": "nobody"},
    "guest-ssh-add-authorized-keys": lambda values: {"username": "nobody", "keys": ["x"]},
    "guest-ssh-remove-authorized-keys": lambda values: {"username": "nobody", "keys": ["x"]},
}
