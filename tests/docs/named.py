#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documentation points to must be there: tests by name, files and their sections by link, what
docs/structure.md has rows for. And the other way round: there is a row for each folder of code and each script, and in
README a link to each guide.

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


def unlisted(root):
    rows = re.findall(r"^\| (`.*?) \|", (root / "docs/structure.md").read_text(), re.MULTILINE)
    named = {name.rstrip("/") for row in rows for name in re.findall(r"`(.+?)`", row)}
    for pattern in ("src/*/", "src/helper/*/", "tests/*/", "docs/*/", "scripts/*"):
        there = {str(path.relative_to(root)) for path in root.glob(pattern)
                 if path.is_dir() == pattern.endswith("/") and path.name != "__pycache__"}
        yield from (f"docs/structure.md: no row for {name}" for name in sorted(there - named))
    yield from (f"docs/structure.md: {name} is not there" for name in sorted(named) if not any(root.glob(name)))
    linked = {target for target, _ in LINK.findall((root / "README.md").read_text())}
    yield from (f"README.md: no link to docs/{page.name}" for page in sorted(root.glob("docs/*.md"))
                if f"docs/{page.name}" not in linked)


def main(root):
    root = pathlib.Path(root)
    pages = sorted([*root.glob("*.md"), *root.glob("docs/*.md")])
    wrong = [f"{page.relative_to(root)}: {what} is not there" for page in pages for what in missing(root, page)]
    wrong += unlisted(root)
    print("\n".join(wrong) or f"{len(pages)} pages: all that they name is there")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
