#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up what gcovr --csv says: src/, plugin/ and both, and the ten files with the most branches that no test takes."""
import csv
import sys

WORST = 10


def share(rows, what):
    covered, total = (sum(int(row[f"{what}_{part}"]) for row in rows) for part in ("covered", "total"))
    return f"{100 * covered / total:.1f} % ({covered} of {total})" if total else "none"


def main():
    rows = list(csv.DictReader(sys.stdin))
    missing = sorted(((int(row["branch_total"]) - int(row["branch_covered"]), row) for row in rows),
                     key=lambda pair: -pair[0])
    print("most branches that no test takes:")
    for count, row in missing[:WORST]:
        print(f"  {row['filename']:40} {count:4} of {row['branch_total']}")
    for name, folder in (("src/", "src/"), ("plugin/", "plugin/"), ("total", "")):
        ours = [row for row in rows if row["filename"].startswith(folder)]
        print(f"{name:8} lines {share(ours, 'line')}, branches {share(ours, 'branch')}")
    return 0 if any(int(row["line_covered"]) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
