#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes what the manuals list, from where it is said: the program, the schemas, the tables, the header.

usage: lists.py HELPER SOURCE_DIRECTORY LIST.rst ...

Each LIST is named for what it holds. What has not changed is not written again, so that nothing
is built anew because of it.
"""
import pathlib
import sys

import catalogue
import program
import schemas
import sources


def main(helper, source, *paths):
    source = pathlib.Path(source)
    lists = {**program.lists(helper), **schemas.lists(source), **catalogue.lists(helper, source),
             **sources.lists(source)}
    if {pathlib.Path(path).stem for path in paths} != set(lists):
        sys.exit(f"docs/man/meson.build and lists.py do not name the same lists: {sorted(lists)}")
    for path in map(pathlib.Path, paths):
        text = ".. Written by docs/man/lists.py.\n\n" + lists[path.stem].rstrip() + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
