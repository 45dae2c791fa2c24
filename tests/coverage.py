#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up what gcovr --csv says: the totals, and the ten files with the most branches that no test takes."""
import csv
import sys

WORST = 10


def percent(covered, total):
    return f"{100 * covered / total:.1f} % ({covered} of {total})" if total else "none"


def main():
    rows = list(csv.DictReader(sys.stdin))
    sums = {name: sum(int(row[name]) for row in rows)
            for name in ("line_covered", "line_total", "branch_covered", "branch_total")}
    missing = sorted(((int(row["branch_total"]) - int(row["branch_covered"]), row) for row in rows),
                     key=lambda pair: -pair[0])
    print("most branches that no test takes:")
    for count, row in missing[:WORST]:
        print(f"  {row['filename']:40} {count:4} of {row['branch_total']}")
    print(f"lines    {percent(sums['line_covered'], sums['line_total'])}")
    print(f"branches {percent(sums['branch_covered'], sums['branch_total'])}")
    return 0 if sums["line_covered"] else 1


if __name__ == "__main__":
    sys.exit(main())
