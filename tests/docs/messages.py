#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/troubleshooting.md has every message of the programs, and none that they do not have.

usage: messages.py SOURCE_DIRECTORY BINARY ...

The page is written of what docs/messages/scan.py finds in the sources. That it overlooks no text is seen by those in
what was built; that it would say so, by sources of this test's own.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True      # this is somebody's working tree
sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "docs/messages"))
import places   # noqa: E402
import scan     # noqa: E402
import write    # noqa: E402

TEXT = re.compile(rb"[\t\n\x20-\x7e]{6,}(?=\0)")
SENTENCE = re.compile(r"[a-z]{2,} [a-z]")

SOURCE = """
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define WHERE "the " "attic"
/* complain("in a comment"); */
static const char *const words[] = {"left as it was"};
int f(bool is_here, const char *path)
{
    puts(is_here ? "one word" : "and another");
    complain("cannot %s %s: %.*s", is_here ? "open" : "read", path, 3, strerror(errno));
    complain("it is in " WHERE "%s, \\"%u\\" times", is_here ? "" : " or not", count);
    return complain("%s", is_here ? NULL : "it is a sentence");
}
"""
SCRIPT = """ExecStartPre=/bin/sh -c '{ echo "$daemon lacks @plugin_path@"; exit 1; }'
"""
MESSAGES = ["cannot {open|read} PATH: ERROR", 'it is in the attic[ or not], "N" times', "it is a sentence",
            "DAEMON lacks PLUGIN"]
UNPLACED = ["left as it was", "one word", "and another"]


def texts_of(binary):
    """The sentences in what was built."""
    with tempfile.NamedTemporaryFile() as data:
        subprocess.run(["objcopy", "-O", "binary", "--only-section=.rodata*", binary, data.name], check=True)
        found = {text.decode() for text in TEXT.findall(pathlib.Path(data.name).read_bytes())}
    return {text for text in found if SENTENCE.search(text)}


def overlooked(source, binaries, seen):
    """What the programs have and the scanner did not see, but for what is made of tables."""
    # The linker lets a text begin in the midst of another one.
    known = "\0".join(seen) + "\0"
    made = "".join(path.read_text(encoding="utf-8") for path in
                   [*sorted((source / "src/catalog").glob("*.table")), *sorted((source / "xml").rglob("*.xml"))])
    count = 0
    for binary in binaries:
        texts = texts_of(binary)
        count += len(texts)
        for text in sorted(texts):
            # A number in front of a text looks like its beginning.
            if text + "\0" not in known and text not in made and not text.startswith(places.MAGIC):
                yield f"{binary}: docs/messages/scan.py does not see {text!r}"
    if count < 1000:
        yield f"only {count} texts were found in {binaries}"


def unnoticed():
    """Mistakes that would not be told of."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, text in [("src/sample.c", SOURCE), ("plugin/systemd/sample.in", SCRIPT)]:
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text(text, encoding="utf-8")
        scanner = scan.Scanner(root)
    if [message.text for message in scanner.messages] != MESSAGES:
        yield f"the messages of the sample: {[message.text for message in scanner.messages]}"
    for text in UNPLACED:
        if not any(f"src/sample.c:{line}: " in error and repr(text) in error
                   for error in scanner.errors for line in (5, 8)):
            yield f"of the sample's {text!r} nobody is told"
    for template, count in [("@ *\n\nDo it.\n", 0), ("@ src/*.c\n\nDo it.\n", 1), ("@ *: it is *\n\nDo it.\n", 2),
                            ("@ *\n\nDo it.\n\n@ src/sample.c: it is a *\n\nOr this.\n", 1)]:
        page = write.Page(template, scanner.messages)
        if len(page.errors) != count:
            yield f"errors of {template!r}: {page.errors}"


def main(source, *binaries):
    source = pathlib.Path(source)
    failures = list(unnoticed()) + list(overlooked(source, binaries, scan.Scanner(source).seen))
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    return write.main(source, "--check", source / "docs/troubleshooting.md") or (1 if failures else 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
