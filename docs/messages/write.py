#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes docs/troubleshooting.md: every message of the sources, and what to do, which troubleshooting.in says.

usage: write.py SOURCE_DIRECTORY [--check FILE]

With --check FILE, says whether FILE is what would be written (exit status 1 if not). A line `@ PATH` or
`@ PATH: TEXT` in troubleshooting.in stands for the messages of these sources, TEXT of them, both with `*` and `?`;
a message belongs to the first line that fits. No message may be left over, and no line be without one.
"""
import fnmatch
import pathlib
import sys

sys.dont_write_bytecode = True      # this is somebody's working tree
import scan     # noqa: E402

PAIRS = "@pairs "


def fits(message, line):
    path, _, text = line.partition(": ")
    # A bracket in a message is no set of characters.
    return fnmatch.fnmatchcase(message.path, path) and \
        fnmatch.fnmatchcase(message.text, text.replace("[", "[[]") or "*")


class Page:
    def __init__(self, template, messages):
        self.left = list(messages)
        self.errors = []
        self.lines = []
        block = []
        for number, line in enumerate(template.splitlines(), 1):
            if line.startswith(PAIRS):
                self.pairs(self.take(number, line.removeprefix(PAIRS)))
            elif line.startswith("@ "):
                block += self.take(number, line.removeprefix("@ "))
            else:
                self.flush(block)
                self.lines.append(line)
        self.errors += [f"{message.path}:{message.line}: docs/messages/troubleshooting.in does not say what to do: "
                        f"{message.text}" for message in self.left]

    def take(self, number, line):
        taken = [message for message in self.left if fits(message, line)]
        if not taken:
            self.errors.append(f"docs/messages/troubleshooting.in:{number}: no message, or all are taken before: {line}")
        self.left = [message for message in self.left if message not in taken]
        return [message.text for message in taken]

    def flush(self, block):
        """One line each, and each once."""
        if block:
            self.lines += ["```", *dict.fromkeys(block), "```"]
            block.clear()

    def pairs(self, texts):
        """What is wrong, and the remedy."""
        self.lines += [f"- `{wrong}`: {remedy}." for wrong, remedy in zip(texts[::2], texts[1::2])]

    def text(self):
        return "\n".join(self.lines) + "\n"


def main(source, check=None, path=None):
    source = pathlib.Path(source)
    scanner = scan.Scanner(source)
    page = Page((source / "docs/messages/troubleshooting.in").read_text(encoding="utf-8"), scanner.messages)
    errors = scanner.errors + page.errors
    if check != "--check":
        sys.stdout.write(page.text())
    elif pathlib.Path(path).read_text(encoding="utf-8") != page.text():
        errors.append(f"{path} is out of date: run docs/messages/write.py . >docs/troubleshooting.md")
    print("\n".join(errors), file=sys.stderr, end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
