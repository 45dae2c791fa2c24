# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds what the programs say, in the C sources: each text that a person may be shown, and where it stands.

Each literal of more than one word is accounted for: it is the text of a function that says something, or what its
place is for is said in places.py. One that is neither is an error, so that no message is overlooked.
"""
import re
from typing import NamedTuple

import places

TOKEN = re.compile(r"""
    (?P<space>\s+|/\*.*?\*/|//[^\n]*) | ^[ \t]*\#(?P<directive>(?:\\\n|[^\n])*) | (?P<string>"(?:[^"\\\n]|\\.)*") |
    (?P<char>'(?:[^'\\\n]|\\.)+') | (?P<name>[A-Za-z_]\w*) | (?P<number>\d[\w.]*) | (?P<mark>->|.)
    """, re.VERBOSE | re.DOTALL | re.MULTILINE)
DEFINED = re.compile(r'\s*define\s+(\w+)[\s\\]+((?:"(?:[^"\\]|\\.)*"[\s\\]*)+)(?:/\*.*)?$', re.DOTALL)
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
ESCAPE = re.compile(r'\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)')
ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
# A function whose text is a format says so in its declaration; the number is the format's place.
FORMATTED = re.compile(r"(\w+)\([^()]*\)\s*__attribute__\(\(format\(printf, (\d), \d\)\)\)")
CONVERSION = re.compile(r"%(?P<flags>[-+ #0]*)(?P<width>\*|\d*)(?:\.(?P<precision>\*|\d*))?"
                        r"(?:hh|h|ll|l|z|j|t)?(?P<type>[%a-zA-Z])")
# More than one word, or the end or the beginning of more.
PROSE = re.compile(r"[A-Za-z>)'.,;:]{2}\s+[A-Za-z'\"(<%-]|^[ ,;:(]+[a-z]{2}|[a-z]{2}:? +$")
ECHO = re.compile(r'\becho "((?:[^"\\]|\\.)*)"')
VARIABLE = re.compile(r"\$\{?(\w+)\}?|@(\w+?)(?:_path)?@")
# What decided, where it was no rule of a policy.
RULE = re.compile(r"(?:guard|request|start|host|domain):[a-z-]+")

OPEN, CLOSE = "\1", "\2"


class Literal(NamedTuple):
    text: str
    line: int


class Call(NamedTuple):
    name: str       # "" is a pair of brackets, "{" a block or a list
    args: list      # of lists of items: Literal, Call, or a token as text
    line: int


class Message(NamedTuple):
    path: str
    line: int
    text: str


def unescape(text):
    return ESCAPE.sub(lambda match: ESCAPED.get(match[1], "?" if match[1][0] in "x01" else match[1]), text)


class Source:
    """One file, as calls in calls."""

    def __init__(self, text, defined):
        self.defined = {**defined, **definitions(text)}
        self.seen = set(self.defined.values())
        self.tokens = []
        line = 1
        for match in TOKEN.finditer(text):
            if match.lastgroup not in ("space", "directive"):
                self.tokens.append((match.lastgroup, match[0], line))
            line += match[0].count("\n")
        self.at = 0

    def literal(self):
        """Adjacent strings and macros that are strings, as one; None where there is none."""
        start, parts, has_string = self.at, [], False
        while self.at < len(self.tokens):
            kind, token, _ = self.tokens[self.at]
            if kind == "string":
                parts.append(unescape(token[1:-1]))
                has_string = True
            elif kind == "name" and token in self.defined and self.is_next(self.at + 1):
                parts.append(self.defined[token])
                has_string = has_string or token not in places.FORMATS
            else:
                break
            self.at += 1
        if not has_string:
            self.at = start
            return None
        self.seen.add("".join(parts))
        return Literal("".join(parts), self.tokens[start][2])

    def is_next(self, at):
        """A macro's name is followed by no call, and by what may stand behind an expression."""
        return at >= len(self.tokens) or self.tokens[at][0] == "string" or self.tokens[at][1] in ",);:}?" or \
            self.tokens[at][1] in self.defined

    def items(self, end):
        """The arguments up to the bracket that ends them."""
        args = [[]]
        while self.at < len(self.tokens):
            literal = self.literal()
            if literal:
                args[-1].append(literal)
                continue
            _, token, line = self.tokens[self.at]
            self.at += 1
            if token == end:
                return args
            if token in "([{":
                last = args[-1][-1] if args[-1] else ""
                is_call = token == "(" and isinstance(last, str) and re.fullmatch(r"\w+", last)
                name = args[-1].pop() if is_call else {"(": "", "[": "[", "{": "{"}[token]
                args[-1].append(Call(name, self.items({"(": ")", "[": "]", "{": "}"}[token]), line))
            elif token in (",", ";"):
                args.append([])
            else:
                args[-1].append(token)
        return args


def definitions(text):
    return {match[1]: "".join(unescape(part) for part in STRING.findall(match[2]))
            for token in TOKEN.finditer(text) if token.lastgroup == "directive"
            for match in [DEFINED.match(token["directive"])] if match}


def branches(items):
    """The values that an expression may have: of `a ? b : c` the two behind the mark, else itself."""
    if len(items) == 1 and isinstance(items[0], Call) and items[0].name == "" and len(items[0].args) == 1:
        return branches(items[0].args[0])
    found, current = [], []
    for item in [*items, ":"]:
        if item == "?":
            current = []
        elif item == ":":
            found.append(current)
            current = []
        else:
            current.append(item)
    return [value for part in found for value in ([part] if part == items else branches(part))]


def literals(items):
    return [value[0] for value in branches(items) if len(value) == 1 and isinstance(value[0], Literal)]


def word(items, conversion):
    """What stands on the page in the place of a value."""
    items = [item for item in items if not (isinstance(item, Call) and item.name in ("[", ""))]
    last = items[-1] if items else "value"
    if isinstance(last, Call):
        name = last.name if last.name in places.WORDS else re.sub(r"^audit_|_(?:name|word)$", "", last.name)
    else:
        name = "why" if last == "text" and items[-3:-2] and items[-3] in places.REASONS else last
    if conversion in "diouxX":
        return name.upper() if name in ("line", "uid", "pid", "mode") else "N"
    if name in places.WORDS:
        return places.WORDS[name]
    return name.upper().replace("_", "-")


def shown_value(items, conversion):
    """A value's word, or what it may be where that stands there; what may be missing is in brackets."""
    texts = [literal.text for literal in literals(items) if literal.text not in places.LAST_RESORTS]
    words = [word(value, conversion) for value in branches(items) if not literals(value)]
    options = list(dict.fromkeys([*texts, *words[:1]]))
    may_lack = "" in options
    options = "|".join(option for option in options if option)
    if may_lack:
        return f"{OPEN}{options}{CLOSE}" if options else ""
    return "{" + options + "}" if "|" in options else options


def shown(text, values):
    """A format with words in the place of its values."""
    values = list(values)
    made = ""
    end = 0
    after_value = False
    for match in CONVERSION.finditer(text):
        made += text[end:match.start()]
        after_value = after_value and end == match.start()
        end = match.end()
        if match["type"] == "%":
            made += "%"
            continue
        for part in (match["width"], match["precision"]):
            if part == "*" and values:
                values.pop(0)
        value = shown_value(values.pop(0), match["type"]) if values else "VALUE"
        made += (" " if after_value and re.match(r"\w", value) else "") + value
        after_value = True
    made += text[end:]
    return made.replace(CLOSE + OPEN, "").replace(OPEN, "[").replace(CLOSE, "]").strip("\n")


def value_count(formats):
    """How many arguments behind it a format takes, at most."""
    return max(sum(1 + match[0].count("*") for match in CONVERSION.finditer(literal.text) if match["type"] != "%")
               for literal in formats)


class Scanner:
    """All that is said in the sources: `messages`, and `errors` for what is neither said nor known not to be."""

    def __init__(self, root):
        paths = sorted(path for folder in places.FOLDERS for path in (root / folder).rglob("*.[ch]"))
        texts = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}
        self.places = places.Places()
        self.messages = []
        self.errors = []
        self.seen = set()
        self.functions = dict(places.SAYING)
        defined = {**places.FORMATS, **places.MACROS}
        for path, text in texts.items():
            self.functions.update((name, int(at) - 1) for name, at in FORMATTED.findall(text)
                                  if name not in places.NOT_SAYING)
            if path.endswith(".h"):
                defined.update(definitions(text))
        for path, text in texts.items():
            source = Source(text, defined)
            for items in source.items(None):
                self.visit(path, items, "")
            self.seen |= source.seen
        for path in sorted(path for glob in places.SCRIPTS for path in root.glob(glob)):
            self.visit_script(str(path.relative_to(root)), path.read_text(encoding="utf-8"))
        self.errors += [f"docs/messages/places.py has a row of no use: {row}" for row in self.places.unused]
        self.errors += [f"docs/messages/places.py has a text that nobody says: {text}"
                        for text in sorted(self.places.not_around)]

    def say(self, path, line, text):
        if not self.places.is_around(text):
            self.messages.append(Message(path, line, text))

    def visit_script(self, path, text):
        for match in ECHO.finditer(text):
            said = VARIABLE.sub(lambda variable: (variable[1] or variable[2]).upper(), match[1])
            self.say(path, text.count("\n", 0, match.start()) + 1, said)

    def say_format(self, path, literal, values):
        if re.search(r"[a-z]{2}", CONVERSION.sub("", literal.text)):
            self.say(path, literal.line, shown(literal.text, values))
            return
        # What is said is in the values.
        for spoken in (literal for value in values for literal in literals(value)):
            if PROSE.search(spoken.text):
                self.say(path, spoken.line, shown(spoken.text, []))

    def place_of_text(self, path, call):
        """Which of the arguments is what is said; None when nothing is."""
        if any(arg == ["stderr"] for arg in call.args):
            return {"fprintf": 1, "fputs": 0}.get(call.name)
        if call.name in self.functions:
            return self.functions[call.name]
        for at, arg in enumerate(call.args):
            if any(PROSE.search(literal.text) and self.places.kind(path, call.name, literal.text) == places.MESSAGE
                   for literal in literals(arg)):
                return at
        return None

    def visit_call(self, path, call):
        at = self.place_of_text(path, call)
        if at is not None and not (at < len(call.args) and literals(call.args[at])):
            at = None       # what is said was made elsewhere
        if at is not None and [places.FINE.get(call.name)] not in call.args:
            for literal in literals(call.args[at]):
                self.say_format(path, literal, call.args[at + 1:])
        used = range(0) if at is None else range(at, at + 1 + value_count(literals(call.args[at])))
        for index, arg in enumerate(call.args):
            self.visit(path, arg, None if index in used else call.name)

    def visit(self, path, items, function):
        """@function: whose arguments these are; None where it was dealt with."""
        for item in items:
            if isinstance(item, Call) and (item.name in ("", "[", "{") or item.name in places.TRANSPARENT):
                for arg in item.args:
                    self.visit(path, arg, "" if item.name == "{" else function)
            elif isinstance(item, Call):
                self.visit_call(path, item)
            elif isinstance(item, Literal) and function is not None:
                self.visit_literal(path, item, function)

    def visit_literal(self, path, literal, function):
        is_rule = RULE.fullmatch(literal.text) and function not in places.NO_SPEECH
        if not is_rule and not PROSE.search(literal.text):
            return
        kind = places.MESSAGE if is_rule else self.places.kind(path, function, literal.text)
        if kind == places.MESSAGE:
            self.say(path, literal.line, shown(literal.text, []))
        elif kind is None:
            self.errors.append(f"{path}:{literal.line}: docs/messages/places.py does not say whether this is a message"
                               f" ({function or 'no function'}): {literal.text!r}")
