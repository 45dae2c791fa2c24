#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documentation points to must be there: tests by name, files and their sections by link.

usage: named.py REPOSITORY
"""
import pathlib
import re
import sys

TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
LINK = re.compile(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.*)", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def sections(page):
    """What a heading is called in a link, as GitHub makes it."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in HEADING.findall(CODE.sub("", page.read_text()))}


def missing(root, page):
    text = page.read_text()
    for file, name in TEST.findall(text):
        source = root / "tests/integration" / file
        if not source.exists() or f"\ndef {name}(" not in source.read_text():
            yield f"the test {file}::{name}"
    for target, section in LINK.findall(text):
        path = page.parent / target if target else page
        if not path.exists():
            yield f"the file {target}"
        elif section and section not in sections(path):
            yield f"the section {target}#{section}"


def main(root):
    root = pathlib.Path(root)
    pages = sorted([*root.glob("*.md"), *root.glob("docs/*.md")])
    wrong = [f"{page.relative_to(root)}: {what} is not there" for page in pages for what in missing(root, page)]
    print("\n".join(wrong) or f"{len(pages)} pages: all that they name is there")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
