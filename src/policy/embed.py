#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puts the profiles' XML into C.

usage: embed.py OUT.h OUT.c PROFILE.xml ...
"""
import sys


def c_lines(text):
    for line in text.splitlines():
        escaped = line.replace("\\", "\\\\").replace('"', '\\"')
        yield f'    "{escaped}\\n"'


def main(header_path, source_path, *profiles):
    with open(header_path, "w", encoding="ascii") as out:
        out.write(f"#define PROFILE_DATA_COUNT {len(profiles)}\n")
    with open(source_path, "w", encoding="ascii") as out:
        out.write('#include "policy/profile_data.h"\n\n')
        out.write("const char *const profile_data[PROFILE_DATA_COUNT] = {\n")
        for profile in profiles:
            with open(profile, encoding="ascii") as xml:
                out.write("\n".join(c_lines(xml.read())) + ",\n")
        out.write("};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
